"""Picard iteration in float64: the plain, safe strategy."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from deqmath.numeric.arrays import Array, frobenius
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.anderson import Anderson
from deqmath.numeric.validate import rate_limit

#: Sweeps without a new smallest step after which round-off has been reached.
_PATIENCE = 12
#: Sweeps before the measured rate is believed, and sweeps still to go for which a history is worth building.
_EARLY, _WORTH = 4, 8


def worth_accelerating(rate: float, above: float, sweeps: int, reduction: float) -> bool:
    """Whether the rate, measured over `sweeps` sweeps, leaves enough of them for `reduction` (< 1) of the residual."""
    if sweeps < _EARLY or not rate > above or reduction >= 1:
        return False
    return rate >= 1 or reduction <= 0 or math.log(reduction) / math.log(rate) > _WORTH


@dataclass(frozen=True)
class Picard:
    """``x <- F(x)``, stopped on the float64 step.

    With contraction factor rho, ``||F(x') - x'|| <= rho ||x' - x||`` for ``x' = F(x)`` (the a-posteriori bound of
    Banach's theorem), so the last step proves the residual of the iterate that is returned.

    Parameters
    ----------
    accelerate_above
        Go on with :class:`~.anderson.Anderson` where the measured rate is above this; never, by default.
    """

    accelerate_above: float = math.inf
    name: str = "picard"

    def __post_init__(self) -> None:
        """Refuse what is no rate."""
        rate_limit(self.accelerate_above, "accelerate_above")

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Sweep until the residual bound is at most `tol`; see :class:`~.fixed_point.Strategy`."""
        x = problem.origin() if start is None else start
        previous, smallest, stale = math.nan, math.inf, 0
        rate, residual, sweeps = math.nan, math.inf, 0
        v = x
        while sweeps < max_sweeps and stale < _PATIENCE:
            v = problem.preactivation(x)
            new = problem.activate(v)
            step = new - x
            sweeps += 1
            residual = problem.contraction * problem.relative_step(step, new)
            size = frobenius(problem.xp, step)
            if previous > 0 and residual > 8e-16:
                rate = size / previous
            previous, x = size, new
            if residual <= tol:
                return Solution(x, v, residual, sweeps, rate, True, self.name)
            if worth_accelerating(rate, self.accelerate_above, sweeps, tol / residual) and sweeps < max_sweeps:
                rest = Anderson().solve(problem, x, tol, max_sweeps - sweeps)
                return replace(rest, sweeps=rest.sweeps + sweeps, strategy=f"{self.name}, then {rest.strategy}")
            stale = 0 if residual < smallest else stale + 1
            smallest = min(smallest, residual)
        return Solution(x, v, residual, sweeps, rate, False, self.name)
