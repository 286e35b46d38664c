"""Float32 sweeps on corrections, float64 sweeps to verify: half the price of Picard.

Around a float64 iterate x with pre-activation v and residual step ``new - x`` the correction d solves

    d = activate(v + gain d M) - x,

which for ReLU is ``max((v - x) + gain d M, -x)`` and for gates ``(new - x) + gate (gain d M)``. Every term is
small, so float32 keeps its relative accuracy, as in iterative refinement. A cycle of k float32 sweeps reduces the
error by rate^(k+1); the next float64 sweep measures the true residual. Nothing is accepted unmeasured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from deqmath.numeric.arrays import Array, frobenius, is_numpy
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.anderson import AndersonHistory
from deqmath.numeric.strategies.picard import Picard, worth_accelerating

#: The most that float32 corrections can reduce the error in one cycle.
_FLOOR = 2.0e-7
#: Rows on which the rate is measured: enough to see it, cheap beside a product.
_PROBE = 32
#: A cycle that leaves more than this fraction of the residual has failed.
_FAILED = 0.25
#: A history is cleared where a step is this many times the smallest so far.
_WORSE = 10.0


@dataclass(frozen=True)
class MixedPrecision:
    """Cycles of float32 sweeps, each ended by a float64 sweep that verifies; Picard if a cycle fails.

    Parameters
    ----------
    accelerate_above
        Where the measured rate is above this, the float32 sweeps are accelerated by Anderson's history; never, by
        default.
    history
        Differences that the acceleration keeps.
    """

    accelerate_above: float = math.inf
    history: int = 5
    name: str = "mixed"

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Sweep until the residual bound is at most `tol`; see :class:`~.fixed_point.Strategy`."""
        low = _Low(problem, self)
        x, sweeps = low.approach(tol, max_sweeps) if start is None else (start, 0)
        before = math.inf
        while sweeps < max_sweeps:
            v = problem.preactivation(x)
            new = problem.activate(v)
            step = new - x
            sweeps += 1
            residual = problem.contraction * problem.relative_step(step, new)
            if residual <= tol:
                return Solution(new, v, residual, sweeps, low.rate, True, self.name + low.suffix)
            if not residual <= _FAILED * before:
                break
            before = residual
            correction, used = low.correct(x, v, step, tol / residual, max_sweeps - sweeps)
            sweeps += used
            x = x + correction
        rest = Picard(self.accelerate_above).solve(problem, x, tol, max(max_sweeps - sweeps, 1))
        return replace(rest, sweeps=rest.sweeps + sweeps, strategy=f"{self.name}{low.suffix}, then {rest.strategy}")


class _Low:
    """The float32 copy of a problem, and what has been measured on it."""

    def __init__(self, problem: FixedPoint, options: MixedPrecision) -> None:
        self.problem, self.xp, self.options = problem, problem.xp, options
        self.probe = min(_PROBE, problem.shape[0])
        self.matrix = problem.low_matrix()
        self.gate = None if problem.gate is None else self.xp.astype(problem.gate, self.xp.float32)
        self.steepest = min(problem.contraction, 0.999)
        self.limit = 4 + math.ceil(math.log(_FLOOR) / math.log(self.steepest))
        self.rate = math.nan
        self.history: AndersonHistory | None = None

    @property
    def suffix(self) -> str:
        """What the record's strategy says of an acceleration."""
        return "" if self.history is None else " with anderson"

    def _maximum(self, v: Array, floor: Array) -> Array:
        """``max(v, floor)``, in place where the namespace can."""
        if is_numpy(self.xp):
            return np.maximum(v, floor, out=v)
        return self.xp.where(v > floor, v, floor)

    def _difference(self, a: Array, b: Array) -> Array:
        """``a - b`` of float64 arrays, rounded to float32."""
        if is_numpy(self.xp):
            return np.subtract(a, b, out=np.empty(a.shape, np.float32), casting="same_kind")
        return self.xp.astype(a - b, self.xp.float32)

    def _measure(self, size: float, previous: float) -> None:
        measured = size / previous if previous > 0 and size > 0 else self.rate
        self.rate = min(max(measured, 0.02), self.steepest) if math.isfinite(measured) else self.steepest

    def _iterate(self, x: Array, sweep: Callable[[Array], Array], goal: float, most: int) -> tuple[Array, int]:
        """Sweep from x until the error, a norm over the probed rows, is estimated below `goal`."""
        previous, smallest, sweeps = math.nan, math.inf, 0
        if self.history is not None:
            self.history.restart()
        while sweeps < min(most, self.limit):
            new = sweep(x)
            sweeps += 1
            size = frobenius(self.xp, new[: self.probe, :] - x[: self.probe, :])
            if self.history is None:
                self._measure(size, previous)
            if not size * self.rate > goal:
                return new, sweeps
            if self.history is None and worth_accelerating(
                self.rate, self.options.accelerate_above, sweeps, goal / size
            ):
                shape, options = self.problem.shape, self.options
                self.history = AndersonHistory(self.xp, shape, options.history, self.xp.float32)
            if self.history is not None:
                if size > _WORSE * smallest:
                    self.history.restart()
                new = self.history.advance(new, new - x)
            previous, smallest, x = size, min(size, smallest), new
        return x, sweeps

    def approach(self, tol: float, max_sweeps: int) -> tuple[Array, int]:
        """From zero to a relative error of about sqrt(tol), or what float32 can carry, and its sweeps."""
        xp = self.xp
        offset = xp.astype(self.problem.offset, xp.float32)
        floor = xp.zeros((1, 1), dtype=xp.float32)
        zero = xp.broadcast_to(offset, self.problem.shape)
        x = self._maximum(zero + floor, floor) if self.gate is None else zero * self.gate

        def sweep(x: Array) -> Array:
            new = x @ self.matrix
            new += offset
            if self.gate is None:
                return self._maximum(new, floor)
            new *= self.gate
            return new

        goal = max(math.sqrt(tol), _FLOOR) * frobenius(xp, x[: self.probe, :])
        x, sweeps = self._iterate(x, sweep, goal, max_sweeps)
        return xp.astype(x, xp.float64), sweeps

    def correct(self, x: Array, v: Array, step: Array, factor: float, max_sweeps: int) -> tuple[Array, int]:
        """A correction to x that should reduce its residual by `factor`, and its sweeps."""
        xp = self.xp
        d = xp.astype(step, xp.float32)
        if self.gate is None:
            shift, floor = self._difference(v, x), xp.astype(-x, xp.float32)
        else:
            shift, floor = d, d

        def sweep(d: Array) -> Array:
            new = d @ self.matrix
            if self.gate is not None:
                new *= self.gate
            new += shift
            return self._maximum(new, floor) if self.gate is None else new

        goal = max(0.5 * factor, _FLOOR) * frobenius(xp, d[: self.probe, :])
        return self._iterate(d, sweep, goal, max_sweeps)
