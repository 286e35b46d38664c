"""The default: mixed precision where products dominate and float32 can hold the numbers, else Picard."""

from __future__ import annotations

from dataclasses import dataclass

from deqmath.numeric.arrays import Array
from deqmath.numeric.fixed_point import FixedPoint, Solution, Strategy
from deqmath.numeric.strategies.mixed import MixedPrecision
from deqmath.numeric.strategies.picard import Picard

#: Below this width, or this many multiplications a sweep, float32 sweeps save nothing.
_LEAST_WIDTH = 192
_LEAST_PRODUCT = 4_000_000
#: Magnitudes that float32 holds with room for sums of squares.
_LEAST, _MOST = 1.0e-12, 1.0e12


@dataclass(frozen=True)
class Automatic:
    """Choose between :class:`~.mixed.MixedPrecision` and :class:`~.picard.Picard` by size and magnitude."""

    name: str = "automatic"

    def choose(self, problem: FixedPoint) -> Strategy:
        """The strategy for this problem."""
        n, m = problem.shape
        if m < _LEAST_WIDTH or n * m * m < _LEAST_PRODUCT or problem.contraction > 0.99:
            return Picard()
        xp = problem.xp
        largest = float(xp.max(xp.abs(problem.offset)))
        return MixedPrecision() if _LEAST < largest < _MOST else Picard()

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Solve with the chosen strategy; see :class:`~.fixed_point.Strategy`."""
        return self.choose(problem).solve(problem, start, tol, max_sweeps)
