"""Heuristics: where the smallest eigenvalues probably are. Nothing here is part of a proof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from deqmath.bounds.inputs import Array
from deqmath.bounds.operators import SymmetricOperator

DENSE_SIZE = 320
UNIT = 2.0**-53
NARROW, NARROW_STEPS, WIDE_STEPS = 6, 10, 6
"""Block Lanczos steps: a narrow block is cheap, and a good value of lambda_1 halves the work of refinement."""


@dataclass(frozen=True)
class LowPairs:
    """Approximate smallest eigenvalues (ascending) and orthonormal vectors; `complete` when all are there."""

    values: Array
    vectors: Array

    @property
    def complete(self) -> bool:
        """Whether every eigenvalue of the operator is listed."""
        return bool(self.values.size == self.vectors.shape[0])


def low_eigenpairs(operator: SymmetricOperator, count: int) -> LowPairs | None:
    """About ``count`` of the smallest eigenpairs; None when no shift makes the matrix factorise."""
    n = operator.size
    if n <= DENSE_SIZE or count > n // 4:
        values, vectors = eigh(operator.sign * operator.float_matrix)
        return LowPairs(values, vectors)
    factor = _shift_factor(operator)
    return None if factor is None else _inverse_krylov(operator, factor, count)


def _inverse_krylov(operator: SymmetricOperator, factor: Array, count: int) -> LowPairs:
    """Block Lanczos with the inverse, one Rayleigh-Ritz step at the end."""
    rng = np.random.default_rng(20260101)
    steps = NARROW_STEPS if count <= NARROW else WIDE_STEPS
    width = min(count, max(1, operator.size // (steps + 1)))
    block = orthonormal(rng.standard_normal((operator.size, width)))
    basis: Array = block
    for _ in range(steps):
        block = dpotrs(factor, np.asfortranarray(block), lower=1)[0]
        for _ in range(2):
            block = block - basis @ (basis.T @ block)
            block = orthonormal(block)
        basis = np.hstack([basis, block])
    small = basis.T @ operator.float_apply(basis)
    values, rotation = eigh((small + small.T) / 2)
    return LowPairs(values[:width], orthonormal(basis @ rotation[:, :width]))


def orthonormal(block: Array) -> Array:
    """An orthonormal basis of the columns' span."""
    q: Array = np.linalg.qr(block)[0]
    return q


def _shift_factor(operator: SymmetricOperator) -> Array | None:
    """A Cholesky factor of S - cI, c a little below the smallest eigenvalue."""
    diagonal = operator.sign * operator.float_matrix.diagonal()
    scale = float(np.linalg.norm(operator.float_matrix))
    nudge = 8 * operator.size * UNIT * scale
    factor = None
    if diagonal.min() > 0:
        factor = _factor(operator, -nudge)
    if factor is not None:
        return factor
    lowest, slip = _rough_lowest(operator), max(nudge, 1e-4 * scale)
    for _ in range(6):
        factor = _factor(operator, lowest - slip)
        if factor is not None:
            return factor
        slip *= 8
    return None


def _factor(operator: SymmetricOperator, shift: float) -> Array | None:
    m = np.array(operator.float_matrix.T, order="F", copy=True)
    if operator.sign < 0:
        np.negative(m, out=m)
    diagonal = np.einsum("ii->i", m)
    diagonal -= shift
    factor, info = dpotrf(m, lower=1, clean=0, overwrite_a=1)
    return factor if info == 0 else None


def _rough_lowest(operator: SymmetricOperator) -> float:
    """The smallest eigenvalue to a few digits, by plain Lanczos."""
    n = operator.size
    start = np.random.default_rng(20260102).standard_normal(n)
    action = LinearOperator((n, n), matvec=lambda v: operator.float_apply(v.reshape(n, 1))[:, 0], dtype=np.float64)
    try:
        return float(eigsh(action, k=1, which="SA", v0=start, tol=1e-5, maxiter=300, return_eigenvectors=False)[0])
    except ArpackNoConvergence as error:
        found = np.asarray(error.eigenvalues, dtype=np.float64)
        return float(found.min()) if found.size else -float(np.linalg.norm(operator.float_matrix))


def cluster_sizes(values: Array, slack: float, complete: bool, limit: int) -> list[int]:
    """Sizes p to try for the lowest cluster, best first: those whose gap to eigenvalue p + 1 can be proved.

    A gap counts when it is many times the slack of the Cholesky proof; the smallest p with a comfortable gap comes
    first, then the widest gaps.
    """
    top = min(limit, values.size - 1)
    gaps = {p: float(values[p] - values[p - 1]) for p in range(1, top + 1)}
    provable = [p for p, gap in gaps.items() if gap > 8 * slack]
    easy = [p for p in provable if gaps[p] > max(64 * slack, 0.02 * float(values[p - 1] - values[0]))]
    order = easy[:2] + sorted(provable, key=lambda p: -gaps[p])[:2]
    if complete and values.size <= limit:
        order.append(values.size)
    return list(dict.fromkeys(order))
