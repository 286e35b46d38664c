"""How far apart the rows of a data matrix are: the theory needs that no two are parallel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deqmath.errors import InputError, ShapeError

_BLOCK = 1024


@dataclass(frozen=True)
class SmallestAngle:
    """The two most nearly parallel rows.

    Attributes
    ----------
    angle
        Angle in radians between the lines they span, in [0, pi/2].
    rows
        Indices (i, j), i < j.
    opposite
        Whether the rows point in opposite directions (obtuse angle between the vectors).
    """

    angle: float
    rows: tuple[int, int]
    opposite: bool

    def __str__(self) -> str:
        text = f"smallest angle between rows {self.angle:.6g} rad, rows {self.rows[0]} and {self.rows[1]}"
        return text + " (opposite)" if self.opposite else text


def _matrix(X: ArrayLike) -> NDArray[np.float64]:
    array: NDArray[Any] = np.asarray(X)
    if array.ndim != 2 or array.shape[0] == 0:
        msg = f"X has shape {array.shape}; it needs (n, d) with n >= 1, rows are samples"
        raise ShapeError(msg)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        msg = f"X of dtype {array.dtype} must hold finite real numbers only"
        raise InputError(msg)
    return array.astype(np.float64)


def duplicate_rows(X: ArrayLike) -> tuple[tuple[int, int], ...]:
    """Pairs (first, later) of exactly equal rows of X.

    Two equal samples make the Gram matrix H singular: lambda_min(H) = 0.

    Parameters
    ----------
    X
        Shape (n, d), rows are samples.

    Returns
    -------
    tuple of (int, int)
        For every row that repeats an earlier one, (index of the first occurrence, its own index).

    Examples
    --------
    >>> from deqmath.data.angles import duplicate_rows
    >>> duplicate_rows([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    ((0, 2),)
    """
    rows = np.ascontiguousarray(_matrix(X) + 0.0)  # -0.0 + 0.0 = 0.0: equal numbers, equal bytes
    first: dict[bytes, int] = {}
    pairs = []
    for i, row in enumerate(rows):
        j = first.setdefault(row.tobytes(), i)
        if j != i:
            pairs.append((j, i))
    return tuple(pairs)


def parallel_rows(X: ArrayLike) -> tuple[tuple[int, int], ...]:
    """Pairs (first, later) of rows of X that are multiples of one another to within round-off; zero rows are skipped.

    Parameters
    ----------
    X
        Shape (n, d), rows are samples.

    Returns
    -------
    tuple of (int, int)
        For every row that is parallel to an earlier one, (index of the first of them, its own index).

    Examples
    --------
    >>> from deqmath.data.angles import parallel_rows
    >>> parallel_rows([[1.0, 0.0], [0.0, 1.0], [-3.0, 0.0]])
    ((0, 2),)
    """
    array = _matrix(X)
    largest = np.abs(array).max(axis=1, initial=0.0)
    kept = np.flatnonzero(largest)
    rows = array[kept] / largest[kept, None]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    slack = 4.0 * (array.shape[1] + 4) * np.finfo(np.float64).eps
    first: dict[int, int] = {}
    for start in range(0, len(kept), _BLOCK):
        cosines = np.abs(rows[start : start + _BLOCK] @ rows.T)
        for i, j in np.argwhere(cosines >= 1.0 - slack):  # a screen only: cosines do not tell tiny angles from 0
            a, b = int(i) + start, int(j)
            close = min(np.linalg.norm(rows[a] - rows[b]), np.linalg.norm(rows[a] + rows[b])) <= slack
            if a < b and close and b not in first:
                first[b] = first.get(a, a)
    return tuple(sorted((int(kept[a]), int(kept[b])) for b, a in first.items()))


def smallest_angle(X: ArrayLike) -> SmallestAngle | None:
    """The smallest angle between the lines spanned by two rows of X.

    With x, x' of length 1 and the sign s of their inner product, the angle is
    ``2 atan2(||x - s x'||, ||x + s x'||)``, accurate for tiny angles where ``arccos`` is not. Candidates are
    found from the cosines (a blocked X X^T), then measured so.

    Parameters
    ----------
    X
        Shape (n, d), rows are samples, of any nonzero length.

    Returns
    -------
    SmallestAngle or None
        None for a single row.

    Raises
    ------
    InputError
        Some row is zero (its indices are named), so that it has no direction.

    Examples
    --------
    >>> from deqmath.data.angles import smallest_angle
    >>> print(smallest_angle([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))
    smallest angle between rows 0.785398 rad, rows 0 and 2
    """
    array = _matrix(X)
    largest = np.abs(array).max(axis=1, keepdims=True, initial=0.0)
    zero = np.flatnonzero(largest[:, 0] == 0)
    if zero.size:
        msg = f"rows {zero[:10].tolist()} of X are zero and have no direction; remove them first"
        raise InputError(msg)
    array = array / largest
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    if array.shape[0] == 1:
        return None
    best: SmallestAngle | None = None
    for i, j in _candidates(array):
        same, other = np.linalg.norm(array[i] - array[j]), np.linalg.norm(array[i] + array[j])
        angle = 2.0 * math.atan2(min(same, other), max(same, other))
        if best is None or angle < best.angle:
            best = SmallestAngle(angle, (i, j), bool(other < same))
    return best


def _candidates(array: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs whose |cosine| is within round-off of the largest, at most 10,000 of them."""
    n, d = array.shape
    slack = 4.0 * (d + 4) * np.finfo(np.float64).eps
    top, found = -1.0, []
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        cosines = np.abs(array[rows] @ array.T)
        cosines[np.arange(n)[None, :] <= rows[:, None]] = -1.0
        high = float(cosines.max())
        if high < top - slack:
            continue
        top = max(top, high)
        block = np.argwhere(cosines >= max(top - slack, 0.0))[:10_000]
        found += [(int(rows[i]), int(j), float(cosines[i, j])) for i, j in block]
    return [(i, j) for i, j, c in found if c >= top - slack][:10_000]
