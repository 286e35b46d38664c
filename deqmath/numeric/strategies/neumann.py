"""The Neumann series in closed form, where every gate is open."""

from __future__ import annotations

from dataclasses import dataclass

from deqmath.errors import InputError
from deqmath.numeric.arrays import Array
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.picard import Picard


def all_open(problem: FixedPoint) -> bool:
    """Whether every gate is known to be open: a mask of ones, or no negative entry in M and in the offset."""
    xp = problem.xp
    if problem.gate is not None:
        return bool(xp.all(problem.gate == 1))
    first = problem.matrix[0, :]  # looked at first: it settles nearly every case
    return all(bool(xp.all(part >= 0)) for part in (first, problem.offset, problem.matrix))


@dataclass(frozen=True)
class Neumann:
    """``x = offset (I - gain M)^{-1} = sum_k offset (gain M)^k``: one factorisation for all samples (gg22 section 5.1).

    For a half-normal A and phi = ReLU no gate ever closes, and the network is linear in phi. Refused where a gate
    might be closed. The result is verified, and polished, by float64 sweeps like any other.
    """

    name: str = "neumann"

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Solve, then sweep to verify; `start` is not needed. See :class:`~.fixed_point.Strategy`."""
        del start
        if not all_open(problem):
            msg = "the Neumann strategy needs every gate open (no negative entry in A and phi); use strategy=None"
            raise InputError(msg)
        xp = problem.xp
        system = xp.eye(problem.shape[1], dtype=xp.float64) - problem.gain * problem.matrix.T
        x = xp.linalg.solve(system, problem.offset.T).T
        x = xp.broadcast_to(x, problem.shape)
        rest = Picard().solve(problem, x, tol, max_sweeps)
        return Solution(rest.x, rest.v, rest.residual, rest.sweeps, rest.rate, rest.converged, self.name)
