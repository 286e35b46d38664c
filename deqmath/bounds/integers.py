"""``Scaled``: a thin matrix of Python integers times one power of two, with exact block algebra."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import flint
import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.inputs import Array
from deqmath.bounds.rationals import two_to

INT64_SAFE_BITS = 60


@dataclass(frozen=True)
class Scaled:
    """``values * 2**exponent`` with values an object array of Python integers, shape (n, p)."""

    values: NDArray[np.object_]
    exponent: int

    @classmethod
    def from_floats(cls, array: Array) -> Scaled:
        """A float64 matrix as it is, without error."""
        mantissa, exponents = np.frexp(array)
        whole = np.ldexp(mantissa, 53).astype(np.int64).astype(object)
        low = int(exponents[array != 0].min()) if array.any() else 0
        shifts = np.maximum(exponents.astype(np.int64) - low, 0).astype(object)
        return cls(whole << shifts, low - 53)

    @classmethod
    def rounded(cls, array: Array, bits: int) -> Scaled:
        """A float64 matrix rounded to a grid of ``bits`` bits below its largest entry; at most 60 bits."""
        largest = float(np.abs(array).max(initial=0.0))
        if largest == 0:
            return cls(np.zeros(array.shape, dtype=object), 0)
        exponent = int(np.frexp(largest)[1]) - bits
        return cls(np.rint(np.ldexp(array, -exponent)).astype(np.int64).astype(object), exponent)

    def shifted(self, exponent: int) -> Scaled:
        """The same numbers with a lower (or equal) exponent."""
        return Scaled(self.values << (self.exponent - exponent), exponent)

    def plus(self, other: Scaled) -> Scaled:
        """The exact sum."""
        low = min(self.exponent, other.exponent)
        return Scaled(self.shifted(low).values + other.shifted(low).values, low)

    def minus(self, other: Scaled) -> Scaled:
        """The exact difference."""
        return self.plus(Scaled(-other.values, other.exponent))

    def slices(self, bits: int) -> tuple[Array, int]:
        """Balanced digits ``|d| <= 2**bits`` side by side, lowest first: float64 of shape (n, p * count).

        Returns the slices and the bits between two neighbours, ``bits + 1``.
        """
        width, half, mask = bits + 1, 2**bits, 2 ** (bits + 1) - 1
        rest = self.values
        if self.largest_bits() <= INT64_SAFE_BITS:
            rest = rest.astype(np.int64)
        pieces: list[Array] = []
        while rest.any() or not pieces:
            digit = ((rest + half) & mask) - half
            pieces.append(digit.astype(np.float64))
            rest = (rest - digit) >> width
        return np.ascontiguousarray(np.concatenate(pieces, axis=1)), width

    def largest_bits(self) -> int:
        """The bit length of the largest integer."""
        return max((int(v).bit_length() for v in self.values.ravel().tolist()), default=0)

    def floats(self) -> tuple[Array, int]:
        """``(F, e)``: the numbers near ``F * 2**e``, ``max |F| <= 1``, each within 2**-60 of the largest (`near`: of itself)."""
        bits = self.largest_bits()
        drop = max(0, bits - INT64_SAFE_BITS)
        top = (self.values >> drop).astype(np.int64).astype(np.float64)
        return np.ldexp(top, drop - bits), self.exponent + bits

    def near(self) -> Array:
        """The numbers in float64, each within a relative 2**-52 of its own (or 2**-1074 where it underflows).

        Infinite where one overflows.
        """
        whole = self.values.ravel().tolist()
        drops = [max(0, int(v).bit_length() - INT64_SAFE_BITS) for v in whole]
        tops = np.array([float(int(v) >> d) for v, d in zip(whole, drops, strict=True)], dtype=np.float64)
        with np.errstate(over="ignore", under="ignore"):
            found: Array = np.ldexp(tops, np.array(drops, dtype=np.int64) + self.exponent)
        return found.reshape(self.values.shape)

    def fraction(self, i: int, j: int) -> Fraction:
        """One entry, exact."""
        return Fraction(int(self.values[i, j])) * two_to(self.exponent)

    @cached_property
    def integer_matrix(self) -> flint.fmpz_mat:
        """The integers as a FLINT matrix."""
        rows, columns = self.values.shape
        return flint.fmpz_mat(rows, columns, self.values.ravel().tolist())


def gram(left: Scaled, right: Scaled) -> Scaled:
    """``left.T @ right`` exactly, both (n, p)."""
    product = left.integer_matrix.transpose() * right.integer_matrix
    values = np.array([[int(v) for v in row] for row in product.tolist()], dtype=object)
    return Scaled(values.reshape(left.values.shape[1], right.values.shape[1]), left.exponent + right.exponent)


def combine(block: Scaled, small: Scaled) -> Scaled:
    """``block @ small`` exactly: (n, p) times (p, q)."""
    product = block.integer_matrix * small.integer_matrix
    values = np.array([[int(v) for v in row] for row in product.tolist()], dtype=object)
    return Scaled(values.reshape(block.values.shape[0], small.values.shape[1]), block.exponent + small.exponent)
