"""Exact matrix products over BLAS: float64 entries cut into integer slices whose partial sums stay within 2**53.

A float64 matrix is written as ``A = sum_k 2**s_k A_k`` with integer slices ``|A_k| <= 2**a`` and the thin factor as
``X = sum_j 2**t_j X_j`` with ``|X_j| <= 2**b``. When ``a + b + ceil(log2 n) <= 53`` every partial sum of ``A_k X_j`` is
an integer of magnitude at most 2**53, so float64 arithmetic makes no error, whatever the order of summation, the
number of threads, or fused multiply-add (Ozaki et al. 2012, Numer. Algorithms 59, give the idea; rounding modes are
not used). The pieces are put together again as Python integers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.inputs import Array, balanced, largest_magnitude
from deqmath.bounds.integers import Scaled
from deqmath.errors import ShapeError

EXACT_BITS = 53
LEFT_BITS = 26
BLOCK_ENTRIES = 2**16
THREADED_BLOCKS = 16
Buffers = tuple[Array, Array]
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
    array : ndarray, shape (m, n)
        Taken exactly; largest magnitude between 2**-300 and 2**300, or zero (see `inputs.balanced`).
    max_slices : int
        At most so many slices are cut; what they leave is bounded by `remainder`.

    Notes
    -----
    One slice holds ``LEFT_BITS + 1`` bits. A 53-bit matrix with entries of like size needs two or three. Slices are
    cut again for every product, block by block in cache, so no copy of the matrix is kept.
    """

    array: Array
    max_slices: int = 24
    remainder: Fraction = field(init=False, default=Fraction(0))
    _top: int = field(init=False)
    _counts: dict[int, int] = field(init=False, default_factory=dict)
    _left: dict[int, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        n = self.array.shape[1]
        largest = largest_magnitude(self.array)
        self._top = int(np.frexp(largest)[1]) if largest else 0

        def measure(start: int, stop: int, buffers: Buffers) -> None:
            self._counts[start], self._left[start] = self._needed(start, stop, buffers)

        _for_each(measure, self._blocks(), n)
        left = max(self._left.values())
        self.remainder = Fraction(left) * self.array.size  # ||.||_F <= size * max, generous and exact

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
        right, width = thin.slices(right_bits(n))
        out = [np.zeros((m, right.shape[1])) for _ in range(self.slices)]

        def fill(start: int, stop: int, buffers: Buffers) -> None:
            for k, piece in enumerate(self._pieces(start, stop, buffers)):
                np.matmul(piece, right, out=out[k][start:stop])

        _for_each(fill, self._blocks(), n)
        return self._recombine(out, thin, width)

    def transposed_times(self, thin: Scaled) -> Scaled:
        """``A.T @ Y`` exactly (less the remainder), Y of shape (m, p)."""
        m, n = self.shape
        if thin.values.shape[0] != m:
            msg = f"exact product of shapes {(n, m)} and {thin.values.shape}; needed Y with {m} rows"
            raise ShapeError(msg)
        right, width = thin.slices(right_bits(m))
        out = [np.zeros((n, right.shape[1])) for _ in range(self.slices)]
        buffers = _buffers(self._blocks(), n)
        for start, stop in self._blocks():
            for k, piece in enumerate(self._pieces(start, stop, buffers)):
                out[k] += piece.T @ right[start:stop]
        return self._recombine(out, thin, width)

    def _blocks(self) -> list[tuple[int, int]]:
        m, n = self.array.shape
        rows = max(1, BLOCK_ENTRIES // n)
        return [(i, min(m, i + rows)) for i in range(0, m, rows)]

    def _needed(self, start: int, stop: int, buffers: Buffers) -> tuple[int, float]:
        """How many slices a block needs, and the largest entry that they leave over."""
        rest, piece = (b[: stop - start] for b in buffers)
        np.copyto(rest, self.array[start:stop])
        k = 0
        while k < self.max_slices and self.exponent(k) > LOWEST_EXPONENT and rest.any():
            _cut(rest, piece, self.exponent(k))
            _take(rest, piece, self.exponent(k))
            k += 1
        return max(k, 1), largest_magnitude(rest)

    def _pieces(self, start: int, stop: int, buffers: Buffers) -> Iterator[Array]:
        """The integer slices of some rows, one after the other in the same memory."""
        rest, piece = (b[: stop - start] for b in buffers)
        np.copyto(rest, self.array[start:stop])
        for k in range(self._counts[start]):
            if k:
                _take(rest, piece, self.exponent(k - 1))
            _cut(rest, piece, self.exponent(k))
            yield piece

    def _recombine(self, out: list[Array], thin: Scaled, width: int) -> Scaled:
        p = thin.values.shape[1]
        low = self.exponent(len(out) - 1)
        total: NDArray[np.object_] = np.zeros((out[0].shape[0], p), dtype=object)
        for k, sums in enumerate(out):
            whole = sums.astype(np.int64).astype(object)
            value = whole[:, -p:]
            for j in range(whole.shape[1] // p - 2, -1, -1):
                value = (value << width) + whole[:, j * p : (j + 1) * p]
            total += value << (self.exponent(k) - low)
        return Scaled(total, thin.exponent + low)


def right_bits(n: int) -> int:
    """The bits b of the thin factor's slices, ``LEFT_BITS + b + ceil(log2 n) <= 53``."""
    bits = EXACT_BITS - LEFT_BITS - log2_ceiling(n)
    if bits < 1:
        msg = f"exact products sum at most 2**{EXACT_BITS - LEFT_BITS - 1} terms; got {n}"
        raise ShapeError(msg)
    return bits


def _buffers(blocks: list[tuple[int, int]], columns: int) -> Buffers:
    rows = blocks[0][1] - blocks[0][0]
    return np.empty((rows, columns)), np.empty((rows, columns))


def _for_each(work: Callable[[int, int, Buffers], None], blocks: list[tuple[int, int]], columns: int) -> None:
    """Do the blocks (disjoint rows) on several threads when there are many; the result is exact either way."""

    def run(share: list[tuple[int, int]]) -> None:
        buffers = _buffers(blocks, columns)
        for start, stop in share:
            work(start, stop, buffers)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(8, cores)
    if len(blocks) < THREADED_BLOCKS or workers == 1:
        run(blocks)
        return
    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(run, [blocks[i :: 4 * workers] for i in range(4 * workers) if blocks[i :: 4 * workers]]))


def _cut(rest: Array, piece: Array, exponent: int) -> None:
    """Write into ``piece`` the integers nearest to ``rest * 2**-exponent``."""
    np.multiply(rest, 2.0**-exponent, out=piece)
    np.rint(piece, out=piece)


def _take(rest: Array, piece: Array, exponent: int) -> None:
    """Subtract ``piece * 2**exponent`` from ``rest``, exactly; ``piece`` is used up."""
    np.multiply(piece, 2.0**exponent, out=piece)
    np.subtract(rest, piece, out=rest)


def exact_matmul(a: Array, b: Array) -> Scaled:
    r"""The exact product of two float64 matrices.

    Parameters
    ----------
    a : ndarray, shape (m, n)
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
    scaled, e, lost = balanced(a)
    left = ExactMatrix(scaled, max_slices=2**10)
    if lost or left.remainder:
        msg = "exact_matmul: the left entries span more than about 960 powers of two; multiply its parts separately"
        raise ShapeError(msg)
    product = left.times(Scaled.from_floats(b))
    return Scaled(product.values, product.exponent + e)
