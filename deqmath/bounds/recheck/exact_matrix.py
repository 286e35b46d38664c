"""Exact matrices for the checker: integers times one rational number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, lcm

import flint
import numpy as np


@dataclass(frozen=True)
class Exact:
    """``integers * scale``, scale > 0."""

    integers: flint.fmpz_mat
    scale: Fraction

    @classmethod
    def of_floats(cls, array: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Exact:
        """A float64 matrix as it is."""
        mantissas, exponents = np.frexp(array)
        low = int(exponents[array != 0].min(initial=2**20)) if array.any() else 0
        whole = np.ldexp(mantissas, 53).astype(np.int64).astype(object)
        shifts = np.maximum(exponents.astype(np.int64) - low, 0).astype(object)
        rows, columns = array.shape
        return cls(flint.fmpz_mat(rows, columns, (whole << shifts).ravel().tolist()), _two_to(low - 53))

    @classmethod
    def of_fractions(cls, values: Sequence[Fraction], rows: int, columns: int) -> Exact:
        """Rational numbers, row by row."""
        common = lcm(*(v.denominator for v in values))
        integers = [v.numerator * (common // v.denominator) for v in values]
        return cls(flint.fmpz_mat(rows, columns, integers), Fraction(1, common))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.integers.nrows()), int(self.integers.ncols())

    @property
    def transpose(self) -> Exact:
        """Rows and columns exchanged."""
        return Exact(self.integers.transpose(), self.scale)

    def __getitem__(self, place: tuple[int, int]) -> Fraction:
        return int(self.integers[place]) * self.scale

    def __matmul__(self, other: Exact) -> Exact:
        return Exact(self.integers * other.integers, self.scale * other.scale)

    def times(self, factor: Fraction) -> Exact:
        """``factor * self``; a negative factor changes the integers' signs."""
        if factor == 0:
            return Exact(self.integers * 0, Fraction(1))
        return Exact(self.integers if factor > 0 else self.integers * -1, self.scale * abs(factor))

    def plus(self, other: Exact) -> Exact:
        """The sum."""
        ratio = other.scale / self.scale
        common = Fraction(self.scale, ratio.denominator)
        return Exact(self.integers * ratio.denominator + other.integers * ratio.numerator, common)

    def entrywise(self, other: Exact) -> Exact:
        """The Hadamard product."""
        rows, columns = self.shape
        pairs = zip(self.integers.entries(), other.integers.entries(), strict=True)
        return Exact(flint.fmpz_mat(rows, columns, [a * b for a, b in pairs]), self.scale * other.scale)

    def map(self, values: Iterable[int]) -> Exact:
        """The same shape and scale with other integers, row by row."""
        return Exact(flint.fmpz_mat(*self.shape, list(values)), self.scale)

    @property
    def rational(self) -> flint.fmpq_mat:
        """The matrix as FLINT's rationals."""
        return flint.fmpq_mat(self.integers) * flint.fmpq(self.scale.numerator, self.scale.denominator)

    def column_squares(self) -> list[Fraction]:
        """The squared Euclidean norm of every column."""
        rows, columns = self.shape
        totals = [0] * columns
        flat = self.integers.entries()
        for i in range(rows):
            for j in range(columns):
                totals[j] += int(flat[i * columns + j]) ** 2
        return [t * self.scale**2 for t in totals]


def identity(n: int) -> Exact:
    """The identity matrix."""
    integers = flint.fmpz_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    return Exact(integers, Fraction(1))


def root_up(value: Fraction, bits: int = 160) -> Fraction:
    """At least ``sqrt(value)``, by at most a relative ``2**-bits``; exact for zero."""
    return Fraction(0) if value == 0 else _root(value, bits) + _unit(value, bits)


def root_down(value: Fraction, bits: int = 160) -> Fraction:
    """At most ``sqrt(value)``."""
    return Fraction(0) if value == 0 else _root(value, bits)


def _root(value: Fraction, bits: int) -> Fraction:
    unit = _unit(value, bits)
    return isqrt((value / unit**2).__floor__()) * unit


def _unit(value: Fraction, bits: int) -> Fraction:
    half = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return _two_to(half - bits - 1)


def _two_to(exponent: int) -> Fraction:
    return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)
