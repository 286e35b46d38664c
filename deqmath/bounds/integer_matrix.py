"""A symmetric matrix of big integers times a power of two, as an operator for the eigenvalue proofs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, combine
from deqmath.bounds.operators import SymmetricOperator, frobenius_up
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, short_up


class IntegerDense(SymmetricOperator):
    """``values * 2**exponent``, symmetric, its largest entry between 1/2 and 1.

    The float64 matrix nearby has each entry within ``2**-59`` absolutely (truncation) and one rounding.
    """

    remainder = Fraction(0)

    def __init__(self, matrix: Scaled) -> None:
        self.size, self.sign = matrix.values.shape[0], 1
        self._matrix = matrix
        floats, exponent = matrix.floats()
        self.float_matrix: Array = np.ascontiguousarray(np.ldexp(floats, exponent))
        error = UNIT_ROUNDOFF * frobenius_up(self.float_matrix) * 2 + self.size * (Fraction(1, 2**58) + TINY)
        self.approximation_error = short_up(error)

    def apply(self, block: Scaled) -> Scaled:
        """``S @ block``, exact."""
        return combine(self._matrix, block)
