"""Where the gates of the equilibria probably are, in float64. Nothing here is part of a proof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.gated_systems import Factor, Gates
from deqmath.bounds.inputs import Array

PICARD_SWEEPS = 10
MOST_NEWTON = 30


@dataclass(frozen=True)
class Start:
    """Gates, one column a sample, and the LU factor of each column's active block."""

    gates: Gates
    factors: list[Factor]

    def replaced(self, j: int, gate: NDArray[np.bool_], a: Array, gamma: float) -> Start:
        """The same start with another gate for column j (kept when float64 finds its matrix singular)."""
        factor = Factor.of(a, gamma, gate)
        if factor is None:
            return self
        gates, factors = self.gates.copy(), list(self.factors)
        gates[:, j], factors[j] = gate, factor
        return Start(gates, factors)


def first_gates(a: Array, gamma: float, injection: Array) -> Start:
    """A few sweeps of Picard while they approach, then Newton on the active set until it settles."""
    z = np.maximum(injection, 0.0)
    last = np.inf
    for _ in range(PICARD_SWEEPS):
        new = np.maximum(gamma * (a @ z) + injection, 0.0)
        moved = float(np.linalg.norm(new - z))
        if not moved < 0.9 * last:
            break
        z, last = new, moved
    u = gamma * (a @ z) + injection
    columns = [_settled(a, gamma, injection[:, j], u[:, j] > 0) for j in range(injection.shape[1])]
    return Start(np.stack([gate for gate, _ in columns], axis=1), [factor for _, factor in columns])


def _settled(a: Array, gamma: float, phi: Array, gate: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Factor]:
    factor = Factor.of(a, gamma, gate)
    for _ in range(MOST_NEWTON):
        if factor is None:
            break
        u = gamma * (a @ factor.solve(np.where(gate, phi, 0.0))) + phi
        doubt = 1e-14 * float(np.abs(u).max(initial=0.0))
        fresh = np.where(np.abs(u) > doubt, u > 0, gate)
        if np.array_equal(fresh, gate):
            return gate, factor
        gate, factor = fresh, Factor.of(a, gamma, fresh)
    nothing = np.zeros_like(gate)
    return (
        (gate, factor)
        if factor is not None
        else (nothing, Factor(np.flatnonzero(nothing), np.zeros((0, 0)), np.zeros(0, dtype=np.int32)))
    )
