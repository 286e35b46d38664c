"""Whether ``S - level I`` is positive definite, for exact symmetric S and for S known in balls.

Block elimination in balls; every pivot is positive (definite), or one is provably negative (not semidefinite, by
Sylvester). What the balls cannot tell, a diagonal or a small singular matrix, is decided in exact rationals.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint

from deqmath.bounds.recheck.exact_matrix import Exact
from deqmath.bounds.recheck.precision import MOST_BITS, precision, precisions
from deqmath.bounds.recheck.reading import FalseCertificateError
from deqmath.errors import DataError
from deqmath.stages import stage

LEAF = 12
UNDECIDED = "the pivots stayed undecided: an eigenvalue is at the claimed end, or too close to it"
MOST_DET_ROWS = 200
EXACT_ROWS = 64
MOST_BITS_LARGE = 2**12


def require_between(matrix: Exact, lower: Fraction | None, upper: Fraction | None, what: str) -> str:
    """Prove ``lower <= lambda_min(matrix) <= upper``: empty when proved, else why it is undecided.

    Raises
    ------
    FalseCertificateError
        When an end is proved false.
    """
    require_symmetric(matrix)
    bits, kept = starting_bits(lower, upper), _distinct_rows(matrix)
    if len(kept) < matrix.shape[0] and lower == 0:
        # Equal rows i, j: e_i - e_j is in the kernel, and the form is that of the distinct rows, repeated.
        reason = _above(_minor(matrix, kept), lower, bits, f"{what}: an eigenvalue lies below zero")
        if not reason and upper is not None and upper < 0:
            msg = f"{what}: the matrix is singular"
            raise FalseCertificateError(msg)
        return reason
    reason = "" if lower is None else _above(matrix, lower, bits, f"{what}: an eigenvalue lies beyond the claimed end")
    if reason or upper is None:
        return reason
    return _not_above(matrix, upper, bits, f"{what}: no eigenvalue reaches the claimed end")


def _distinct_rows(matrix: Exact) -> list[int]:
    """The first of every set of equal rows."""
    n, flat = matrix.shape[0], matrix.integers.entries()
    seen: dict[tuple[int, ...], int] = {}
    for i in range(n):
        seen.setdefault(tuple(int(v) for v in flat[i * n : (i + 1) * n]), i)
    return list(seen.values())


def _minor(matrix: Exact, rows: list[int]) -> Exact:
    inner = flint.fmpz_mat([[matrix.integers[i, j] for j in rows] for i in rows])
    return Exact(inner, matrix.scale)


def starting_bits(lower: Fraction | None, upper: Fraction | None) -> int:
    """A precision that can tell the two ends apart."""
    if lower is None or upper is None or lower == upper:
        return 128
    ratio = max(abs(lower), abs(upper)) / (upper - lower)
    return 128 * (1 + (ratio.__floor__().bit_length() + 32) // 128)


def require_symmetric(matrix: Exact) -> None:
    """Refuse a matrix that is not square and symmetric."""
    rows, columns = matrix.shape
    if rows != columns or matrix.integers != matrix.integers.transpose():
        msg = "the certificate's matrix is not symmetric"
        raise DataError(msg)


def definite(a: flint.arb_mat) -> int:
    """1: positive definite; -1: not positive semidefinite; 0: the balls cannot tell. Symmetric balls."""
    n = a.nrows()
    if n <= LEAF:
        return _definite_leaf([[a[i, j] for j in range(n)] for i in range(n)])
    half = n // 2
    first = _part(a, 0, half, 0, half)
    sign = definite(first)
    if sign <= 0:
        return sign
    side, last = _part(a, 0, half, half, n), _part(a, half, n, half, n)
    try:
        solved = first.solve(side)
    except ZeroDivisionError:
        return 0
    return definite(last - side.transpose() * solved)


def _definite_leaf(rows: list[list[Any]]) -> int:
    for k, row in enumerate(rows):
        pivot = row[k]
        if pivot < 0:
            return -1
        if not pivot > 0:
            return 0
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            for j in range(k + 1, len(rows)):
                rows[i][j] -= factor * row[j]
    return 1


def _above(matrix: Exact, level: Fraction, bits: int, complaint: str) -> str:
    if _is_diagonal(matrix):
        if all(matrix[i, i] >= level for i in range(matrix.shape[0])):
            return ""
        raise FalseCertificateError(complaint)
    sign = _inertia(matrix, level, bits)
    if sign == 0 and matrix.shape[0] <= EXACT_ROWS:
        sign = 1 if _semidefinite(_shifted(matrix, level)) else -1
    if sign < 0:
        raise FalseCertificateError(complaint)
    return "" if sign > 0 else UNDECIDED


def _not_above(matrix: Exact, level: Fraction, bits: int, complaint: str) -> str:
    if _is_diagonal(matrix):
        if any(matrix[i, i] <= level for i in range(matrix.shape[0])):
            return ""
        raise FalseCertificateError(complaint)
    sign = _inertia(matrix, level, bits)
    if sign > 0:
        raise FalseCertificateError(complaint)
    if sign == 0 and matrix.shape[0] <= MOST_DET_ROWS and _shifted(matrix, level).det() == 0:
        return ""
    return "" if sign < 0 else UNDECIDED


def _inertia(matrix: Exact, level: Fraction, first: int) -> int:
    n, inner = matrix.shape[0], level / matrix.scale
    amount = flint.fmpq(inner.numerator, inner.denominator)
    most = MOST_BITS if n <= EXACT_ROWS else max(MOST_BITS_LARGE, 4 * first)
    for bits in precisions(first):
        if bits > most:
            return 0
        stage(f"pivots of {n} rows at {bits} bits")
        with precision(bits):
            balls = flint.arb_mat(matrix.integers)
            for i in range(n):
                balls[i, i] = flint.arb(flint.fmpq(matrix.integers[i, i]) - amount)
            sign = definite(balls)
        if sign:
            return sign
        if bits > 2**11 and n <= EXACT_ROWS and _shifted(matrix, level).det() == 0:
            return 0
    return 0


def _semidefinite(exact: flint.fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite: a zero pivot must have a zero row."""
    n = exact.nrows()
    rows = [[exact[i, j] for j in range(n)] for i in range(n)]
    for k, row in enumerate(rows):
        if row[k] < 0 or (row[k] == 0 and any(v != 0 for v in row[k:])):
            return False
        for other in rows[k + 1 :]:
            if other[k] != 0:
                factor = other[k] / row[k]
                for j in range(k, n):
                    other[j] -= factor * row[j]
    return True


def _part(a: flint.arb_mat, top: int, bottom: int, left: int, right: int) -> flint.arb_mat:
    return flint.arb_mat([[a[i, j] for j in range(left, right)] for i in range(top, bottom)])


def _shifted(matrix: Exact, level: Fraction) -> flint.fmpq_mat:
    shifted = matrix.rational
    for i in range(matrix.shape[0]):
        shifted[i, i] = shifted[i, i] - flint.fmpq(level.numerator, level.denominator)
    return shifted


def _is_diagonal(matrix: Exact) -> bool:
    return bool(matrix.integers.is_diagonal())
