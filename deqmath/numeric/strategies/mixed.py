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
from typing import Literal

import numpy as np

from deqmath.numeric.arrays import Array, by_columns, frobenius, is_numpy, relu
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.anderson import AndersonHistory
from deqmath.numeric.strategies.picard import Picard, worth_accelerating

#: A float32 sweep: from an iterate, into an array that may be overwritten or None, to the next iterate.
Sweep = Callable[[Array, Array | None], Array]
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
        self.columns = is_numpy(self.xp) and bool(self.matrix.flags.fnc)
        self.gate = None if problem.gate is None else self._lowered(problem.gate)
        self.steepest = min(problem.contraction, 0.999)
        self.limit = 4 + math.ceil(math.log(_FLOOR) / math.log(self.steepest))
        self.rate = math.nan
        self.history: AndersonHistory | None = None

    @property
    def suffix(self) -> str:
        """What the record's strategy says of an acceleration."""
        return "" if self.history is None else " with anderson"

    def _lowered(self, x: Array) -> Array:
        """A float64 matrix in float32, kept in NumPy as M is: OpenBLAS multiplies equal orders 5 to 25% faster."""
        if not self.columns:
            return self.xp.astype(x, self.xp.float32)
        return by_columns(x)

    def _raised(self, x: Array) -> Array:
        """A float32 matrix in float64, row by row in NumPy."""
        return x.astype(np.float64, order="C") if is_numpy(self.xp) else self.xp.astype(x, self.xp.float64)

    def _product(self, x: Array, out: Array | None) -> Array:
        """``x gain M`` in float32, into `out` where there is one."""
        if is_numpy(self.xp):
            order: Literal["F", "C"] = "F" if self.columns else "C"
            return np.matmul(x, self.matrix, out=np.empty(x.shape, np.float32, order=order) if out is None else out)
        return x @ self.matrix

    def _maximum(self, v: Array, floor: Array) -> Array:
        """``max(v, floor)``, in place where the namespace can."""
        if is_numpy(self.xp):
            return np.maximum(v, floor, out=v)
        return self.xp.where(v > floor, v, floor)

    def _measure(self, size: float, previous: float) -> None:
        measured = size / previous if previous > 0 and size > 0 else self.rate
        self.rate = min(max(measured, 0.02), self.steepest) if math.isfinite(measured) else self.steepest

    def _iterate(self, x: Array, sweep: Sweep, goal: float, most: int) -> tuple[Array, int]:
        """Sweep from x until the error, a norm over the probed rows, is estimated below `goal`; x is kept."""
        first, spare = x, None
        previous, smallest, sweeps = math.nan, math.inf, 0
        if self.history is not None:
            self.history.restart()
        while sweeps < min(most, self.limit):
            new = sweep(x, spare)
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
                new, spare = self.history.advance(new, new - x), None  # the history keeps the array
            elif x is not first and is_numpy(self.xp):
                spare = x
            previous, smallest, x = size, min(size, smallest), new
        return x, sweeps

    def approach(self, tol: float, max_sweeps: int) -> tuple[Array, int]:
        """From zero to a relative error of about sqrt(tol), or what float32 can carry, and its sweeps."""
        xp = self.xp
        offset = self._lowered(self.problem.offset)
        start = xp.broadcast_to(offset, self.problem.shape)
        x = relu(xp, start) if self.gate is None else start * self.gate

        def sweep(x: Array, out: Array | None) -> Array:
            new = self._product(x, out)
            new += offset
            if self.gate is None:
                return relu(xp, new, out=new)
            new *= self.gate
            return new

        goal = max(math.sqrt(tol), _FLOOR) * frobenius(xp, x[: self.probe, :])
        x, sweeps = self._iterate(x, sweep, goal, max_sweeps)
        return self._raised(x), sweeps

    def correct(self, x: Array, v: Array, step: Array, factor: float, max_sweeps: int) -> tuple[Array, int]:
        """A correction to x that should reduce its residual by `factor`, and its sweeps."""
        if self.gate is None:  # subtracted before it is rounded: where the unit is active the difference is small
            shift, floor = self._lowered(v - x), -self._lowered(x)
            d = self.xp.maximum(shift, floor)
        else:
            d = shift = floor = self._lowered(step)

        def sweep(d: Array, out: Array | None) -> Array:
            new = self._product(d, out)
            if self.gate is not None:
                new *= self.gate
            new += shift
            return self._maximum(new, floor) if self.gate is None else new

        goal = max(0.5 * factor, _FLOOR) * frobenius(self.xp, d[: self.probe, :])
        d, sweeps = self._iterate(d, sweep, goal, max_sweeps)
        return self._raised(d), sweeps
