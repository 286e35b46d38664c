"""Array namespaces: which library an array belongs to, and the few operations that differ between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
from scipy.linalg.blas import dnrm2

from deqmath.errors import InputError

#: An array of any Array API namespace (NumPy, CuPy, array-api-strict, ...).
Array: TypeAlias = Any
#: The namespace of such arrays.
Namespace: TypeAlias = Any

#: Rows that are turned into columns at a time, and entries by which they are kept apart.
_TILE, _PAD = 128, 16
#: Entries up to which BLAS's norm, which scales for itself, is faster than a product whose range has to be looked at.
_SHORT = 16384
#: Just less than the largest block from which glibc learns, 32 MiB.
_LESSON = 2**25 - 2**16


def namespace(*arrays: Array) -> Namespace:
    """The Array API namespace that the arrays share (through array-api-compat)."""
    return array_api_compat.array_namespace(*arrays)


def is_numpy(xp: Namespace) -> bool:
    """Whether the namespace is NumPy's, so that in-place and BLAS-specific routes may be used."""
    return bool(array_api_compat.is_numpy_namespace(xp))


def is_foreign(value: Any) -> bool:
    """Whether the value is an array of a namespace other than NumPy's."""
    return bool(array_api_compat.is_array_api_obj(value)) and not bool(array_api_compat.is_numpy_array(value))


@lru_cache
def keep_freed_memory() -> None:
    """Have the C library keep up to 64 MiB of freed memory for the next arrays; once a process.

    glibc gives memory back to the system, and gets it again page by page, unless it has learnt to keep it: it keeps twice the
    size of the largest block, up to 32 MiB, that has ever been freed. Without, page faults are 5 to 10% of the time of a solve, and
    two threads wait for each other in them. Nothing is changed where the user has set ``MALLOC_TRIM_THRESHOLD_``, or by another C library.
    """
    np.empty(_LESSON, np.uint8)


def assigns(xp: Namespace) -> bool:
    """Whether entries of the arrays of a namespace can be assigned to; those of JAX cannot."""
    return not array_api_compat.is_jax_namespace(xp)


def require_assignment(xp: Namespace, what: str) -> None:
    """Refuse what keeps its numbers in arrays that it assigns to."""
    if not assigns(xp):
        msg = f"{what} assigns to entries of arrays, which JAX does not allow; needed plain sweeps, as in strategy=None, or NumPy arrays"
        raise InputError(msg)


def to_numpy(array: Array) -> np.ndarray[Any, Any]:
    """A NumPy copy or view of the array, from whatever device it lives on."""
    if isinstance(array, np.ndarray):
        return array
    if hasattr(array, "get"):  # CuPy refuses implicit transfers
        return np.asarray(array.get())
    return np.asarray(array)


def relu(xp: Namespace, v: Array, out: Array | None = None) -> Array:
    """``max(v, 0)`` entrywise, for a matrix v; written into `out` where the namespace can.

    NumPy takes its vector instructions against zeros along the axis that is contiguous, and not against the scalar 0:
    2 to 4 times faster.
    """
    if is_numpy(xp):
        zeros = np.zeros((v.shape[0], 1) if v.flags.fnc else v.shape[-1], dtype=v.dtype)
        return np.maximum(v, zeros, out=out)
    return xp.where(v > 0, v, xp.zeros_like(v))


def by_columns(
    x: np.ndarray[Any, Any], minus: np.ndarray[Any, Any] | None = None, out: np.ndarray[Any, Any] | None = None
) -> np.ndarray[Any, Any]:
    """A float32 copy of a NumPy matrix, or of ``x - minus``, kept column by column; in the memory of `out` where it is given.

    Turned a few rows at a time, or every entry would be a cache miss, by way of rows a little longer than those of x:
    where a row is a power of two long, a column's entries all fall into the same few lines of the cache.
    """
    n, m = x.shape
    found = np.empty((n, m), np.float32, order="F") if out is None else out
    rows = np.empty((min(n, _TILE), m + _PAD), np.float32)[:, :m]
    for k in range(0, n, _TILE):
        tile = rows[: min(_TILE, n - k)]
        if minus is None:
            tile[...] = x[k : k + _TILE]
        else:
            np.subtract(x[k : k + _TILE], minus[k : k + _TILE], out=tile, casting="same_kind")
        found[k : k + _TILE] = tile
    return found


def row_norms(xp: Namespace, x: Array) -> Array:
    """Euclidean norm of each row, shape (n,); squares that would underflow or overflow are taken of scaled rows."""
    plain = is_numpy(xp)
    with np.errstate(over="ignore", under="ignore"):
        quick = np.sqrt(np.vecdot(x, x)) if plain else xp.sqrt(xp.sum(x * x, axis=1))
    if 0 in x.shape:
        return quick
    # methods and not functions: half of the time of a short call
    smallest, largest = (quick.min(), quick.max()) if plain else (float(xp.min(quick)), float(xp.max(quick)))
    least = _least_norm(xp, x)
    if smallest > least and largest < 1 / least:
        return quick
    top = xp.max(xp.abs(x), axis=1)
    unit = xp.where((top > 0) & xp.isfinite(top), top, xp.ones_like(top))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scaled = x / unit[:, None]
        return xp.where(xp.isfinite(top), unit * xp.sqrt(xp.sum(scaled * scaled, axis=1)), top)


def frobenius(xp: Namespace, x: Array) -> float:
    """Frobenius norm of an array, as a Python float; scaled where its squares would underflow or overflow."""
    if not is_numpy(xp):
        return float(row_norms(xp, xp.reshape(x, (1, -1)))[0])
    flat = x.ravel(order="K")
    if flat.size <= _SHORT and flat.dtype == np.float64:
        return float(dnrm2(flat))
    least = _least_of(x.dtype)
    with np.errstate(over="ignore", under="ignore"):
        quick = math.sqrt(flat.dot(flat))
    return quick if least < quick < 1 / least else float(row_norms(xp, flat[None, :])[0])


def joint_norm(parts: Mapping[str, np.ndarray[Any, Any]]) -> float:
    """The Frobenius norm of NumPy arrays taken together, which neither underflows nor overflows before it has to."""
    return math.hypot(*(frobenius(np, part) for part in parts.values()))


def _least_norm(xp: Namespace, x: Array) -> float:
    """Below this the squares of the entries lose digits to underflow; above its inverse they overflow."""
    return _least_of(x.dtype) if is_numpy(xp) else _least(xp.finfo(x.dtype))


@lru_cache
def _least_of(dtype: np.dtype[Any]) -> float:
    """Remembered, since it is asked for in every sweep."""
    return _least(np.finfo(dtype))


def _least(limits: Any) -> float:
    return float((float(limits.smallest_normal) / float(limits.eps)) ** 0.5)
