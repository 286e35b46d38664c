"""What the public functions accept: float64 arrays taken exactly, checked before anything is computed."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.rationals import TINY, two_to
from deqmath.errors import InputError, ShapeError

Array: TypeAlias = NDArray[np.float64]

TILE = 256
SAFE_EXPONENT = 300
"""Matrices whose largest entry lies within 2**-300 .. 2**300 are used as they are; others are scaled."""


def float_matrix(value: object, name: str, call: str) -> Array:
    """``value`` as a finite float64 matrix with at least one row and column, or an error that says what to do."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):  # a mask would be lost
        msg = f"{name} is a {type(value).__name__}; needed a float64 NumPy array: {call.format('np.array(..., dtype=float)')}"
        raise InputError(msg)
    value = np.asarray(value)
    if value.dtype != np.float64:
        msg = (
            f"{name} has dtype {value.dtype}; needed float64, whose entries are taken exactly: "
            f"{call.format(name + '.astype(np.float64)')}"
        )
        raise InputError(msg)
    if value.ndim != 2:
        msg = f"{name} has shape {value.shape}; needed two axes (rows, columns): {call.format(name + '.reshape(rows, columns)')}"
        raise ShapeError(msg)
    if 0 in value.shape:
        msg = f"{name} has shape {value.shape}, so it is empty; needed at least one row and one column"
        raise ShapeError(msg)
    _require_finite(value, name)
    return value


def float_vector(value: object, length: int, name: str, call: str) -> Array:
    """``value`` as a finite float64 vector of the given length; shape ``(n,)`` or ``(n, 1)``."""
    array = value if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray) else None
    if array is None or array.dtype != np.float64:
        got = type(value).__name__ if array is None else f"dtype {array.dtype}"
        msg = f"{name} is {got}; needed a float64 NumPy array of length {length}: {call}"
        raise InputError(msg)
    if array.shape not in ((length,), (length, 1)):
        msg = f"{name} has shape {array.shape}; needed ({length},) to fit the matrix of shape ({length}, {length}): {call}"
        raise ShapeError(msg)
    plain = np.asarray(array)
    _require_finite(plain, name)
    return plain.reshape(length)


def symmetric_matrix(value: object, name: str, call: str) -> Array:
    """``value`` as a finite, exactly symmetric float64 matrix."""
    matrix = float_matrix(value, name, call)
    rows, columns = matrix.shape
    if rows != columns:
        msg = f"{name} has shape {matrix.shape}; needed a square symmetric matrix, for example {call.format(f'{name} @ {name}.T')}"
        raise ShapeError(msg)
    place = first_asymmetry(matrix)
    if place is not None:
        i, j = place
        msg = (
            f"{name} is not symmetric: {name}[{i}, {j}] = {float(matrix[i, j])!r} but {name}[{j}, {i}] = "
            f"{float(matrix[j, i])!r}; needed equal entries, for example {call.format(f'({name} + {name}.T) / 2')}"
        )
        raise InputError(msg)
    return matrix.T if matrix.flags.f_contiguous else matrix  # the same matrix, rows in memory


def first_asymmetry(matrix: Array) -> tuple[int, int] | None:
    """The first place, tile by tile, where ``matrix`` and its transpose differ; None when it is symmetric."""
    n = matrix.shape[0]
    for i in range(0, n, TILE):
        for j in range(0, i + 1, TILE):
            below, above = matrix[i : i + TILE, j : j + TILE], matrix[j : j + TILE, i : i + TILE].T
            if not np.array_equal(below, above):
                row, column = np.argwhere(below != above)[0]
                return i + int(row), j + int(column)
    return None


def largest_magnitude(array: Array) -> float:
    """``max |a_ij|``, without a temporary; NaN when there is one."""
    return max(float(array.max()), -float(array.min()))


def _require_finite(array: Array, name: str) -> None:
    if np.isfinite(largest_magnitude(array)):
        return
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    msg = (
        f"{name}[{', '.join(map(str, place))}] is {array[place]}; needed finite numbers: drop or repair such rows first"
    )
    raise InputError(msg)


def balanced(array: Array, safe_exponent: int = SAFE_EXPONENT) -> tuple[Array, int, Fraction]:
    """Write ``array = 2**e (scaled + E)`` with ``max |scaled|`` near 1 unless it is moderate already.

    Returns
    -------
    scaled : ndarray
        The very same array when no scaling is needed.
    e : int
    remainder : Fraction
        At least ``||E||_F``: zero unless entries underflow when a large matrix is scaled down.
    """
    largest = largest_magnitude(array)
    if largest == 0 or 2.0**-safe_exponent <= largest <= 2.0**safe_exponent:
        return array, 0, Fraction(0)
    e = int(np.frexp(largest)[1])
    scaled = np.ldexp(array, -e)
    exact = bool(np.array_equal(np.ldexp(scaled, e), array))
    return scaled, e, Fraction(0) if exact else array.size * two_to(-1021) + TINY


def unit_diagonal(array: Array) -> tuple[Array, Fraction]:
    """``D A D`` with D of powers of two and a diagonal within 1/2 .. 2, for a positive diagonal.

    Returns
    -------
    scaled : ndarray
        The very same array when its diagonal is there already.
    lost : Fraction
        A bound of the spectral norm of what underflowed: zero when the scaling is exact. Overflow shows as infinity,
        and only where an entry exceeds the geometric mean of its diagonal entries.
    """
    halves = np.frexp(array.diagonal())[1] // 2
    if not halves.any():
        return array, Fraction(0)
    d = np.ldexp(1.0, -halves)
    with np.errstate(over="ignore", under="ignore"):
        scaled = array * d[:, None]
        scaled *= d
        back = scaled / d
        back /= d[:, None]
    exact = bool(np.array_equal(back, array))
    return scaled, Fraction(0) if exact else array.shape[0] * two_to(-530)
