"""Samples that occur twice make a Gram matrix singular: find them, exactly, before any eigenvalue is sought."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.inputs import Array

KEY_COLUMNS = 3
NEARLY = 2.0**-40


def distinct_rows(matrix: Array) -> NDArray[np.intp]:
    """The first row of each group of equal rows, in ascending order.

    For symmetric H equal rows i, j give ``H (e_i - e_j) = 0``. With the groups' indicator matrix E, ``H = E H' E^T``
    for the matrix H' of the distinct rows and columns, so H has as many positive and negative eigenvalues as H'
    (Sylvester), and zero ``n - n'`` times besides.
    """
    keys = _keys(matrix)
    order = np.lexsort(keys.T)
    kept = np.ones(matrix.shape[0], dtype=bool)
    for group in _runs(keys[order]):
        rows = np.sort(order[group])
        for position, i in enumerate(rows):
            later = rows[position + 1 :]
            same = [j for j in later if kept[j] and np.array_equal(matrix[i], matrix[j])] if kept[i] else []
            kept[same] = False
    return np.flatnonzero(kept)


def parallel_rows(*factors: Array) -> tuple[int, int] | None:
    """Two samples whose rows are parallel in every factor (one of them zero counts as parallel), proved; else None.

    ``P P^T`` with ``p_i = c p_j`` is singular, and so is ``(P P^T) o (Q Q^T)`` when also ``q_i = d q_j``: the two rows
    of the product are ``c d`` times one another.
    """
    for factor in factors:
        zero = np.flatnonzero(~factor.any(axis=1))
        if zero.size:
            return int(zero[0]), int(zero[0])
    keys = np.concatenate([_keys(_directions(factor)) for factor in factors], axis=1)
    rounded = np.rint(keys / NEARLY)
    order = np.lexsort(rounded.T)
    for group in _runs(rounded[order]):
        rows = order[group]
        for position, i in enumerate(rows[:-1]):
            j = rows[position + 1]
            if all(_are_parallel(factor[i], factor[j]) for factor in factors):
                return min(int(i), int(j)), max(int(i), int(j))
    return None


def _directions(factor: Array) -> Array:
    """Rows divided by their largest entry, sign included."""
    place = np.abs(factor).argmax(axis=1)
    directions: Array = factor / factor[np.arange(factor.shape[0]), place][:, None]
    return directions


def _keys(matrix: Array) -> Array:
    """A few columns spread over the matrix, as sorting keys; ``+ 0.0`` makes one zero of two."""
    columns = np.unique(np.linspace(0, matrix.shape[1] - 1, KEY_COLUMNS).astype(int))
    keys: Array = np.ascontiguousarray(matrix[:, columns]) + 0.0
    return keys


def _runs(ordered: Array) -> list[NDArray[np.intp]]:
    """Runs of two or more equal rows of a sorted array."""
    edges = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    return [run for run in np.split(np.arange(ordered.shape[0]), edges) if run.size > 1]


def _are_parallel(first: Array, second: Array) -> bool:
    """Whether two non-zero rows are multiples of one another, in integers."""
    k = int(np.abs(first).argmax())
    if second[k] == 0:
        return False
    if np.array_equal(first, second) or np.array_equal(first, -second):
        return True
    a, b = ([v.as_integer_ratio() for v in row.tolist()] for row in (first, second))
    # first_l / first_k == second_l / second_k, cross-multiplied
    return all(
        (p[0] * a[k][1]) * (q[1] * b[k][0]) == (q[0] * b[k][1]) * (p[1] * a[k][0]) for p, q in zip(a, b, strict=True)
    )
