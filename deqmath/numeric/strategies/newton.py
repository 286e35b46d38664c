"""Newton's method on the active set: one small linear system a sample and guess of its gates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.arrays import Array, is_numpy, to_numpy
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.picard import Picard
from deqmath.numeric.validate import count


@dataclass(frozen=True)
class ActiveSet:
    """Per sample: guess the open gates, solve for the open units, look which gates that opens, until it repeats.

    With open units a, ``x_a (I - gain M_aa) = offset_a``, and all others are 0. Exact in finitely many steps where
    it settles, whatever the contraction factor; where the guesses cycle, float64 sweeps go on from the last one.
    The price is a factorisation a sample and guess, so it is for small width or for rho near 1. The result is
    verified, and polished, by float64 sweeps like any other.

    Parameters
    ----------
    most
        Guesses a sample, at most.
    """

    most: int = 50
    name: str = "newton"

    def __post_init__(self) -> None:
        """Refuse what is no count of guesses."""
        count(self.most, "most")

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Solve every row, then sweep to verify; see :class:`~.fixed_point.Strategy`."""
        xp = problem.xp
        x = problem.origin() if start is None else start
        open_units = to_numpy(problem.preactivation(x) > 0) if problem.gate is None else to_numpy(problem.gate) > 0
        matrix = problem.gain * to_numpy(problem.matrix)
        offset = np.broadcast_to(to_numpy(problem.offset), problem.shape)
        found, used = np.zeros(problem.shape), 0
        most = min(self.most, max_sweeps - 1)  # the last one verifies
        for i in range(problem.shape[0] if most > 0 else 0):
            found[i], steps = self._row(matrix, offset[i], open_units[i], problem.gate is None, most)
            used = max(used, steps)
        begin = x if most < 1 else found if is_numpy(xp) else xp.asarray(found)
        rest = Picard().solve(problem, begin, tol, max_sweeps - used)
        return Solution(rest.x, rest.v, rest.residual, rest.sweeps + used, math.nan, rest.converged, self.name)

    def _row(
        self, matrix: NDArray[np.float64], offset: NDArray[np.float64], gates: NDArray[np.bool_], moves: bool, most: int
    ) -> tuple[NDArray[np.float64], int]:
        seen: set[bytes] = set()
        x = np.zeros(offset.shape)
        for step in range(1, most + 1):
            seen.add(gates.tobytes())
            active = np.flatnonzero(gates)
            system = np.eye(len(active)) - matrix[np.ix_(active, active)].T
            x = np.zeros(offset.shape)
            x[active] = np.linalg.solve(system, offset[active])
            if not moves:
                return x, step
            gates = x[active] @ matrix[active] + offset > 0
            if gates.tobytes() in seen:
                break
        return np.maximum(x, 0.0), step
