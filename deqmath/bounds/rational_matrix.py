"""Symmetric matrices of exact rationals (python-flint's ``fmpq_mat``), for small sizes."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np

from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.operators import SymmetricOperator
from deqmath.bounds.rationals import short_up, sqrt_up, two_to
from deqmath.errors import InputError, ShapeError

MOST_ROWS = 256


class RationalDense(SymmetricOperator):
    """``sign * N 2**-k`` for a symmetric integer matrix N; `scale` times it is the rational matrix it came from."""

    remainder = Fraction(0)

    def __init__(self, matrix: flint.fmpq_mat, sign: int) -> None:
        integers, denominator = matrix.numer_denom()
        entries = [[int(v) for v in row] for row in integers.tolist()]
        k = max(max(abs(v) for v in row) for row in entries).bit_length()
        self.size, self.sign = len(entries), sign
        self._integers, self._exponent = integers, -k
        self.scale = two_to(k) / int(denominator)
        unit = two_to(-k)
        self.float_matrix: Array = np.array([[float(v * unit) for v in row] for row in entries])
        gaps = (
            v * unit - Fraction(f)
            for row, floats in zip(entries, self.float_matrix.tolist(), strict=True)
            for v, f in zip(row, floats, strict=True)
        )
        self.approximation_error = short_up(sqrt_up(sum((g * g for g in gaps), Fraction(0))))

    def apply(self, block: Scaled) -> Scaled:
        """``sign * N 2**-k @ block``, exact."""
        product = self._integers * block.integer_matrix
        values = np.array([[self.sign * int(v) for v in row] for row in product.tolist()], dtype=object)
        return Scaled(values.reshape(self.size, block.values.shape[1]), block.exponent + self._exponent)


def rational_input(value: object, name: str) -> flint.fmpq_mat | None:
    """An exact matrix as FLINT's rationals; None for anything else, float64 arrays among them.

    Exact are flint's fmpq_mat and fmpz_mat, and two-dimensional arrays of an integer type or of ints and Fractions.
    """
    if isinstance(value, flint.fmpq_mat):
        return value
    if isinstance(value, flint.fmpz_mat):
        return flint.fmpq_mat(value)
    if not isinstance(value, np.ndarray) or value.ndim != 2 or not (value.dtype == object or value.dtype.kind in "iu"):
        return None
    flat = value.ravel().tolist()
    wrong = next((v for v in flat if isinstance(v, bool) or not isinstance(v, (int, Fraction))), None)
    if wrong is not None:
        msg = f"{name} holds a {type(wrong).__name__}; needed float64, or ints and Fractions only: {name}.astype(float)"
        raise InputError(msg)
    rows, columns = value.shape
    return flint.fmpq_mat(rows, columns, [flint.fmpq(Fraction(v).numerator, Fraction(v).denominator) for v in flat])


def require_symmetric_rational(matrix: flint.fmpq_mat, name: str) -> None:
    """Refuse a rational matrix that is not square, symmetric, non-empty and of at most `MOST_ROWS` rows."""
    rows, columns = matrix.nrows(), matrix.ncols()
    if rows != columns or rows == 0:
        msg = f"{name} is an fmpq_mat of shape ({rows}, {columns}); needed a non-empty square symmetric one"
        raise ShapeError(msg)
    if rows > MOST_ROWS:
        msg = f"{name} is an fmpq_mat of {rows} rows; exact rational input is for at most {MOST_ROWS}: pass float64 entries"
        raise InputError(msg)
    if matrix != matrix.transpose():
        msg = f"{name} is an fmpq_mat that differs from its transpose; needed a symmetric one: ({name} + {name}.transpose()) / 2"
        raise InputError(msg)
