"""Exact matrix products over BLAS: float64 entries cut into integer slices whose partial sums stay within 2**53.

A float64 matrix is written as ``A = sum_k 2**s_k A_k`` with integer slices ``|A_k| <= 2**a`` and the thin factor as
``X = sum_j 2**t_j X_j`` with ``|X_j| <= 2**b``. When ``a + b + ceil(log2 n) <= 53`` every partial sum of ``A_k X_j`` is
an integer of magnitude at most 2**53, so float64 arithmetic makes no error, whatever the order of summation, the
number of threads, or fused multiply-add (Ozaki et al. 2012, Numer. Algorithms 59, give the idea; rounding modes are
not used). The pieces are put together again as Python integers.

The matrix may live in any Array API namespace (NumPy, CuPy): only ``+``, ``-`` and ``@`` touch it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.inputs import SAFE_EXPONENT, Array, balanced
from deqmath.bounds.integers import Scaled
from deqmath.bounds.probes import require_exact_product
from deqmath.errors import ShapeError
from deqmath.numeric.arrays import Namespace, is_numpy, namespace, to_numpy

EXACT_BITS = 53
LEFT_BITS = 26
BLOCK_ENTRIES = 2**15
"""Rows are cut so many entries at a time, which keeps the pieces in the second-level cache."""
DEVICE_BLOCK_ENTRIES = 2**25
THREADED_BLOCKS = 128
T = TypeVar("T")
LOWEST_EXPONENT = -960
"""No slice reaches below 2**-960: entries there go to the remainder."""


def log2_ceiling(n: int) -> int:
    """The least integer e with ``n <= 2**e``, for n >= 1."""
    return (n - 1).bit_length()


@dataclass
class ExactMatrix:
    """A float64 matrix that multiplies thin integer matrices without error.

    Parameters
    ----------
    array : float64 array of any Array API namespace, shape (m, n)
        Taken exactly; largest magnitude between 2**-300 and 2**300, or zero (see `inputs.balanced`).
    max_slices : int
        At most so many slices are cut; what they leave is bounded by `remainder`.

    Notes
    -----
    One slice holds ``LEFT_BITS + 1`` bits. A 53-bit matrix with entries of like size needs two or three. Slices are
    cut again for every product, block by block in cache, so no copy of the matrix is kept.
    """

    array: Any
    max_slices: int = 24
    remainder: Fraction = field(init=False, default=Fraction(0))
    _xp: Namespace = field(init=False)
    _top: int = field(init=False)
    _counts: dict[int, int] = field(init=False, default_factory=dict)
    _left: dict[int, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._xp = namespace(self.array)
        if not is_numpy(self._xp):
            require_exact_product(self._xp)
        largest = _largest(self._xp, self.array)
        self._top = int(np.frexp(largest)[1]) if largest else 0

        def measure(share: list[tuple[int, int]]) -> None:
            for start, stop in share:
                self._counts[start], self._left[start] = self._needed(self.array[start:stop, :])

        self._in_shares(measure)
        left = max(self._left.values())
        rows, columns = self.shape
        self.remainder = Fraction(left) * rows * columns  # ||.||_F <= size * max, generous and exact

    @property
    def shape(self) -> tuple[int, int]:
        """``(m, n)``."""
        rows, columns = self.array.shape
        return rows, columns

    @property
    def slices(self) -> int:
        """How many slices the widest block needs."""
        return max(self._counts.values())

    def exponent(self, k: int) -> int:
        """Slice k is an integer matrix times ``2**exponent(k)``."""
        return self._top - LEFT_BITS - k * (LEFT_BITS + 1)

    def times(self, thin: Scaled) -> Scaled:
        """``A @ X`` exactly (less the remainder), X of shape (n, p)."""
        m, n = self.shape
        if thin.values.shape[0] != n:
            msg = f"exact product of shapes {self.shape} and {thin.values.shape}; needed X with {n} rows"
            raise ShapeError(msg)
        digits, width = thin.slices(right_bits(n))
        right = self._xp.asarray(digits)
        out = np.zeros((self.slices, m, digits.shape[1]))

        def fill(share: list[tuple[int, int]]) -> None:
            for start, stop in share:
                for k, piece in enumerate(self._pieces(start, stop)):
                    out[k, start:stop] = to_numpy(piece @ right)

        self._in_shares(fill)
        return self._recombine(out, thin, width)

    def transposed_times(self, thin: Scaled) -> Scaled:
        """``A.T @ Y`` exactly (less the remainder), Y of shape (m, p)."""
        m, n = self.shape
        if thin.values.shape[0] != m:
            msg = f"exact product of shapes {(n, m)} and {thin.values.shape}; needed Y with {m} rows"
            raise ShapeError(msg)
        digits, width = thin.slices(right_bits(m))
        right = self._xp.asarray(digits)

        def summed(share: list[tuple[int, int]]) -> Array:
            out = np.zeros((self.slices, n, digits.shape[1]))
            for start, stop in share:
                for k, piece in enumerate(self._pieces(start, stop)):
                    out[k] += to_numpy(piece.T @ right[start:stop, :])
            return out

        return self._recombine(np.sum(self._in_shares(summed), axis=0), thin, width)

    def _blocks(self) -> list[tuple[int, int]]:
        m, n = self.shape
        rows = max(1, (BLOCK_ENTRIES if is_numpy(self._xp) else DEVICE_BLOCK_ENTRIES) // n)
        return [(i, min(m, i + rows)) for i in range(0, m, rows)]

    def _needed(self, block: Any) -> tuple[int, float]:
        """How many slices a block needs, and the largest entry that they leave over."""
        rest, k = block, 0
        while k < self.max_slices and self.exponent(k) > LOWEST_EXPONENT and self._xp.any(rest != 0):
            rest = rest - cut(rest, self.exponent(k))
            k += 1
        return max(k, 1), _largest(self._xp, rest)

    def _pieces(self, start: int, stop: int) -> Iterator[Any]:
        """The slices of some rows, one after the other: integers times ``2**exponent(k)``."""
        rest, last = self.array[start:stop, :], self._counts[start] - 1
        for k in range(last):
            piece = cut(rest, self.exponent(k))
            yield piece
            rest = rest - piece
        yield cut(rest, self.exponent(last)) if self._left[start] else rest

    def _in_shares(self, work: Callable[[list[tuple[int, int]]], T]) -> list[T]:
        """Do the blocks (disjoint rows) on several threads when there are many; the result is exact either way."""
        blocks = self._blocks()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = min(8, cores)
        if len(blocks) < THREADED_BLOCKS or workers == 1 or not is_numpy(self._xp):
            return [work(blocks)]
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return list(pool.map(work, [blocks[i::workers] for i in range(workers)]))

    def _recombine(self, out: Array, thin: Scaled, width: int) -> Scaled:
        p = thin.values.shape[1]
        low = self.exponent(len(out) - 1)
        total: NDArray[np.object_] = np.zeros((out.shape[1], p), dtype=object)
        for k, sums in enumerate(out):
            whole = np.ldexp(sums, -self.exponent(k)).astype(np.int64).astype(object)
            value = whole[:, -p:]
            for j in range(whole.shape[1] // p - 2, -1, -1):
                value = (value << width) + whole[:, j * p : (j + 1) * p]
            total += value << (self.exponent(k) - low)
        return Scaled(total, thin.exponent + low)


def cut(rest: Any, exponent: int) -> Any:
    """The multiples of ``2**exponent`` nearest to ``rest``, for ``|rest| < 2**(exponent + 51)``.

    Adding ``1.5 * 2**(exponent + 52)`` rounds to that grid, to nearest, and subtracting it again is exact.
    """
    anchor = 1.5 * 2.0 ** (exponent + EXACT_BITS - 1)
    piece = rest + anchor
    piece -= anchor
    return piece


def _largest(xp: Namespace, array: Any) -> float:
    """``max |a_ij|``, without a temporary."""
    return max(float(xp.max(array)), -float(xp.min(array)))


def right_bits(n: int) -> int:
    """The bits b of the thin factor's slices, ``LEFT_BITS + b + ceil(log2 n) <= 53``."""
    bits = EXACT_BITS - LEFT_BITS - log2_ceiling(n)
    if bits < 1:
        msg = f"exact products sum at most 2**{EXACT_BITS - LEFT_BITS - 1} terms; got {n}"
        raise ShapeError(msg)
    return bits


def exact_matmul(a: Any, b: Array) -> Scaled:
    r"""The exact product of two float64 matrices.

    Parameters
    ----------
    a : float64 array of any Array API namespace, shape (m, n)
        The product is done where it lives; outside NumPy its largest magnitude must be within 2**-300 .. 2**300.
    b : ndarray, shape (n, p)

    Returns
    -------
    Scaled
        Python integers of shape (m, p) and one power of two: the product is ``values * 2**exponent``.

    Raises
    ------
    ShapeError
        When the inner sizes differ, or entries span more than the exponents handled exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds.exact_products import exact_matmul
    >>> exact_matmul(np.array([[1e16, 1.0, -1e16]]), np.array([[1.0], [1.0], [1.0]])).fraction(0, 0)
    Fraction(1, 1)
    """
    scaled, e, lost = balanced(a) if is_numpy(namespace(a)) else (a, 0, not _moderate(a))
    left = None if lost else ExactMatrix(scaled, max_slices=2**10)
    if left is None or left.remainder:
        msg = "exact_matmul: the left entries span more than about 960 powers of two; multiply its parts separately"
        raise ShapeError(msg)
    product = left.times(Scaled.from_floats(b))
    return Scaled(product.values, product.exponent + e)


def _moderate(array: Any) -> bool:
    largest = _largest(namespace(array), array)
    return largest == 0 or 2.0**-SAFE_EXPONENT <= largest <= 2.0**SAFE_EXPONENT
