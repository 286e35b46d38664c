"""Float32 sweeps on corrections, float64 sweeps to verify: half the price of Picard.

Around a float64 iterate x with pre-activation v and residual step ``new - x`` the correction d solves

    d = activate(v + gain d M) - x,

which for ReLU is ``max((v - x) + gain d M, -x)`` and for gates ``(new - x) + gate (gain d M)``. Every term is
small, so float32 keeps its relative accuracy, as in iterative refinement. A cycle of k float32 sweeps reduces the
error by rate^(k+1); the next float64 sweep measures the true residual. Nothing is accepted unmeasured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deqmath.numeric.arrays import Array, frobenius, is_numpy
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.picard import Picard

#: The most that float32 corrections can reduce the error in one cycle.
_FLOOR = 2.0e-7
#: Rows on which the rate is measured: enough to see it, cheap beside a product.
_PROBE = 32
#: A cycle that leaves more than this fraction of the residual has failed.
_FAILED = 0.25


@dataclass(frozen=True)
class MixedPrecision:
    """Cycles of float32 sweeps, each ended by a float64 sweep that verifies; Picard if a cycle fails."""

    name: str = "mixed"

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Sweep until the residual bound is at most `tol`; see :class:`~.fixed_point.Strategy`."""
        low = _Low(problem)
        x, rate, sweeps = low.approach(tol, max_sweeps) if start is None else (start, math.nan, 0)
        before = math.inf
        while sweeps < max_sweeps:
            v = problem.preactivation(x)
            new = problem.activate(v)
            step = new - x
            sweeps += 1
            residual = problem.contraction * problem.relative_step(step, new)
            if residual <= tol:
                return Solution(new, v, residual, sweeps, rate, True, self.name)
            if not residual <= _FAILED * before:
                break
            before = residual
            correction, rate, used = low.correct(x, v, step, tol / residual, rate)
            sweeps += used
            x = x + correction
        rest = Picard().solve(problem, x, tol, max(max_sweeps - sweeps, 1))
        return Solution(
            rest.x, rest.v, rest.residual, rest.sweeps + sweeps, rest.rate, rest.converged, f"{self.name}, then picard"
        )


class _Low:
    """The float32 copy of a problem."""

    def __init__(self, problem: FixedPoint) -> None:
        xp = problem.xp
        self.problem, self.xp = problem, xp
        self.probe = min(_PROBE, problem.shape[0])
        self.matrix = xp.astype(problem.matrix * problem.gain, xp.float32)
        self.offset = xp.astype(problem.offset, xp.float32)
        self.gate = None if problem.gate is None else xp.astype(problem.gate, xp.float32)
        self.steepest = min(problem.contraction, 0.999)
        self.limit = 4 + math.ceil(math.log(_FLOOR) / math.log(self.steepest))

    def _maximum(self, v: Array, floor: Array) -> Array:
        """``max(v, floor)``, in place where the namespace can."""
        if is_numpy(self.xp):
            return np.maximum(v, floor, out=v)
        return self.xp.where(v > floor, v, floor)

    def _rate(self, size: float, previous: float, rate: float) -> float:
        measured = size / previous if previous > 0 and size > 0 else rate
        return min(max(measured, 0.02), self.steepest) if math.isfinite(measured) else self.steepest

    def approach(self, tol: float, max_sweeps: int) -> tuple[Array, float, int]:
        """From zero to a relative error of about sqrt(tol), or what float32 can carry."""
        xp = self.xp
        floor = xp.zeros((1, 1), dtype=xp.float32)
        zero = xp.broadcast_to(self.offset, self.problem.shape)
        x = self._maximum(zero + floor, floor) if self.gate is None else zero * self.gate
        goal = max(math.sqrt(tol), _FLOOR) * frobenius(xp, x[: self.probe, :])
        rate, previous, sweeps = math.nan, math.nan, 0
        while sweeps < min(max_sweeps, self.limit):
            new = x @ self.matrix
            new += self.offset
            if self.gate is None:
                new = self._maximum(new, floor)
            else:
                new *= self.gate
            size = frobenius(xp, new[: self.probe, :] - x[: self.probe, :])
            rate, previous, x = self._rate(size, previous, rate), size, new
            sweeps += 1
            if not size * rate > goal:
                break
        return xp.astype(x, xp.float64), rate, sweeps

    def correct(self, x: Array, v: Array, step: Array, factor: float, rate: float) -> tuple[Array, float, int]:
        """A correction to x that should reduce its residual by `factor`, its rate and its sweeps."""
        xp = self.xp
        goal = max(0.5 * factor, _FLOOR)
        d = xp.astype(step, xp.float32)
        if self.gate is None:
            shift, floor = xp.astype(v - x, xp.float32), xp.astype(-x, xp.float32)
        else:
            shift, floor = d, d
        first = previous = frobenius(xp, d[: self.probe, :])
        sweeps = 0
        while sweeps < self.limit:
            new = d @ self.matrix
            if self.gate is not None:
                new *= self.gate
            new += shift
            if self.gate is None:
                new = self._maximum(new, floor)
            size = frobenius(xp, new[: self.probe, :] - d[: self.probe, :])
            rate, previous, d = self._rate(size, previous, rate), size, new
            sweeps += 1
            if not size * rate > goal * first:
                break
        return xp.astype(d, xp.float64), rate, sweeps
