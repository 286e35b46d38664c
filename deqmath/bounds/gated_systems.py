"""Gated linear systems ``v = D (b + gamma A v)``, one gate D a column, refined to any number of digits.

The solution lives on the active rows S of each column, where ``(I - gamma A_SS) v_S = b_S``. Each column has one LU
factorisation in float64; the residual is exact, so every pass adds about 45 bits. Nothing is proved here: the
residual that comes back is exact, and what it proves is said in `certificates.monotone`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgetrf, dgetrs

from deqmath.bounds.exact_products import ExactMatrix
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled

STEP_BITS = 48
MOST_STALLS = 2
Gates = NDArray[np.bool_]


@dataclass(frozen=True)
class Factor:
    """LU of ``I - gamma A_SS`` for the active rows S of one column, counted within the block's rows."""

    rows: NDArray[np.intp]
    lu: Array
    pivots: NDArray[np.int32]

    @classmethod
    def of(cls, a: Array, gamma: float, gate: NDArray[np.bool_]) -> Factor | None:
        """Factorise; None when float64 finds the matrix singular."""
        rows = np.flatnonzero(gate)
        if rows.size == 0:
            return cls(rows, np.zeros((0, 0)), np.zeros(0, dtype=np.int32))
        part = np.asfortranarray(a if rows.size == a.shape[0] else a[np.ix_(rows, rows)]) * -gamma
        part[np.diag_indices_from(part)] += 1.0
        lu, pivots, info = dgetrf(part, overwrite_a=1)
        return cls(rows, lu, pivots) if info == 0 else None

    def within(self, rows: NDArray[np.intp]) -> Factor:
        """The same factor, its rows counted within ``rows`` (ascending, and holding them all)."""
        return Factor(np.searchsorted(rows, self.rows), self.lu, self.pivots)

    def solve(self, right: Array, transposed: bool = False) -> Array:
        """``(I - gamma A_SS)^{-1} right_S`` (or with the transpose) as a full column, zero off S."""
        out: Array = np.zeros_like(right)
        if self.rows.size:
            out[self.rows] = dgetrs(self.lu, self.pivots, right[self.rows], trans=int(transposed))[0]
        return out


@dataclass(frozen=True)
class GatedSystem:
    """``V = G o (B + gamma A V)`` (or with A^T) on some rows of A, one column a sample.

    Parameters
    ----------
    matrix : ExactMatrix
        A on the rows (and columns) where some gate is open.
    gamma : Fraction
        A dyadic number.
    factors : list of Factor
        One a column.
    transposed : bool
        True for A^T.
    """

    matrix: ExactMatrix
    gamma: Fraction
    factors: list[Factor]
    transposed: bool = False

    def solve(self, offset: Scaled, bits: int) -> tuple[Scaled, Scaled]:
        """``(V, R)``: V with the exact residual ``R = G o (B + gamma A V) - V``, at most ``2**-bits`` where reached.

        Parameters
        ----------
        offset : Scaled
            ``G o B``, its largest entries near 1.
        """
        gates = self._gates(offset.values.shape)
        solution = Scaled(np.zeros(offset.values.shape, dtype=object), 0)
        residual, size, stalls = offset, None, 0
        while True:
            now = residual.largest_bits() + residual.exponent
            if not residual.values.any() or now <= -bits or stalls >= MOST_STALLS:
                return solution, residual
            stalls = stalls + 1 if size is not None and now > size - 2 else 0
            size = now
            step = self._step(residual)
            solution = solution.plus(step)
            residual = residual.minus(step).plus(self._propagated(step, gates))

    def _step(self, residual: Scaled) -> Scaled:
        floats, scale = residual.floats()
        columns = [f.solve(floats[:, j], self.transposed) for j, f in enumerate(self.factors)]
        step = Scaled.rounded(np.stack(columns, axis=1), STEP_BITS)
        return Scaled(step.values, step.exponent + scale)

    def _propagated(self, step: Scaled, gates: NDArray[np.object_]) -> Scaled:
        """``G o (gamma A step)``, exact up to the slices' remainder."""
        product = self.matrix.transposed_times(step) if self.transposed else self.matrix.times(step)
        return times_dyadic(Scaled(product.values * gates, product.exponent), self.gamma)

    def _gates(self, shape: tuple[int, ...]) -> NDArray[np.object_]:
        gates = np.zeros(shape, dtype=object)
        for j, factor in enumerate(self.factors):
            gates[factor.rows, j] = 1
        return gates


def times_dyadic(block: Scaled, factor: Fraction) -> Scaled:
    """``factor * block`` for a dyadic factor, exact."""
    return Scaled(block.values * factor.numerator, block.exponent - (factor.denominator.bit_length() - 1))
