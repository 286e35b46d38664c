"""The default: chosen by size and signs before the first sweep, and by the measured rate after it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from deqmath.numeric.arrays import Array, assigns
from deqmath.numeric.fixed_point import FixedPoint, Solution, Strategy
from deqmath.numeric.strategies.mixed import MixedPrecision, float32_holds
from deqmath.numeric.strategies.neumann import Neumann, all_open
from deqmath.numeric.strategies.newton import ActiveSet
from deqmath.numeric.strategies.picard import Picard

#: Below this width, or this many multiplications a sweep, float32 sweeps save nothing.
_LEAST_WIDTH = 192
_LEAST_PRODUCT = 4_000_000
#: Above this contraction rate a sweep with history is worth its price, and above that one a pair of half sweeps.
ACCELERATE_ABOVE, _ACCELERATE_HALVES = 0.35, 0.45
#: Sweeps after which a problem counts as hard, and the width up to which Newton then takes over.
_HARD, _NEWTON_WIDTH = 150, 1024
#: Sweeps that a solve takes at least, in products, against which a factorisation is weighed.
_SWEEPS = 8
#: Below this residual plain sweeps go on, since a factorisation a sample is dear for the last digit, and the least tolerance worth one.
_ROUND_OFF, _LEAST_TOL = 1.0e-13, 1.0e-14


@dataclass(frozen=True)
class Automatic:
    """Choose, and choose again when the first sweeps have shown the contraction rate.

    All gates open: :class:`~.neumann.Neumann`, where its factorisation costs less than the sweeps. Else
    :class:`~.mixed.MixedPrecision` where products dominate and float32 holds the numbers, and
    :class:`~.picard.Picard` elsewhere; both measure the rate and go on with Anderson's history where it is above
    0.35 a sweep, or 0.45 a half sweep. Arrays whose entries cannot be assigned to (JAX): sweeps in float64 alone. What has not converged
    then goes on with plain sweeps where its residual is below 1e-13, and at a width up to 1024 is left to :class:`~.newton.ActiveSet`.
    """

    name: str = "automatic"

    def choose(self, problem: FixedPoint) -> Strategy:
        """The strategy to begin with."""
        n, m = problem.shape
        if not assigns(problem.xp):
            return Picard()
        if m < _LEAST_WIDTH or n * m * m < _LEAST_PRODUCT or problem.contraction > 0.99:
            return Picard(ACCELERATE_ABOVE)
        return MixedPrecision(_ACCELERATE_HALVES) if float32_holds(problem) else Picard(ACCELERATE_ABOVE)

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Solve with the chosen strategies; see :class:`~.fixed_point.Strategy`."""
        first = Neumann() if _factorisation_pays(problem) else self.choose(problem)
        found = first.solve(problem, start, tol, min(max_sweeps, _HARD))
        left = max_sweeps - found.sweeps
        if not found.converged and found.residual < _ROUND_OFF and left > 0:
            found = _then(Picard(), problem, found, tol, left)
            left = max_sweeps - found.sweeps
            if tol < _LEAST_TOL:
                return found
        if found.converged or left <= 0:
            return found
        plain = Picard(ACCELERATE_ABOVE if assigns(problem.xp) else math.inf)
        return _then(ActiveSet() if problem.shape[1] <= _NEWTON_WIDTH else plain, problem, found, tol, left)


def _then(strategy: Strategy, problem: FixedPoint, found: Solution, tol: float, left: int) -> Solution:
    """Go on from what was found with another strategy."""
    rest = strategy.solve(problem, found.x, tol, left)
    return replace(rest, sweeps=rest.sweeps + found.sweeps, strategy=f"{found.strategy}, then {rest.strategy}")


def _factorisation_pays(problem: FixedPoint) -> bool:
    """All gates open, and one factorisation, of price m/(3 n) products, cheaper than the sweeps."""
    n, m = problem.shape
    return 1 < m <= _SWEEPS * 3 * n and all_open(problem)
