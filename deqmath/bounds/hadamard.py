"""The Hadamard product of two Gram matrices, given by factors and applied exactly without being formed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.exact_products import ExactMatrix
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.operators import SymmetricOperator, frobenius_up, rounded_gram
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, short_up


class HadamardGram(SymmetricOperator):
    r"""``sign * (P P^T) o (Q Q^T)``, exact: ``(S x)_i = p_i^T (P^T diag(x) Q) q_i``.

    The float64 matrix nearby is ``fl(fl(P P^T) o fl(Q Q^T))``; with errors E, F of the two Grams its own error is at
    most ``||M o F|| + ||E o N|| + ||E o F|| + u ||.||_F``, each Hadamard product bounded by its Frobenius norm.

    Parameters
    ----------
    p, q : ndarray, shapes (n, k) and (n, l)
        Balanced (largest entry within 2**-100 .. 2**100).
    """

    def __init__(self, p: Array, q: Array, sign: int = 1, max_slices: int = 24) -> None:
        self.size, self.sign = p.shape[0], sign
        self._p = ExactMatrix(p, max_slices)
        self._q = Scaled.from_floats(q)
        first, first_error = rounded_gram(np.ascontiguousarray(p.T))
        second, second_error = rounded_gram(np.ascontiguousarray(q.T))
        error = frobenius_up(first) * second_error + first_error * frobenius_up(second) + first_error * second_error
        first *= second
        self.float_matrix = first
        self.approximation_error = short_up(error + UNIT_ROUNDOFF * frobenius_up(first) * 2 + first.size * TINY)
        norm_p, norm_q, left = frobenius_up(p), frobenius_up(q), self._p.remainder
        self.remainder = short_up(left * (2 * norm_p + left) * norm_q**2) if left else Fraction(0)

    def apply(self, block: Scaled) -> Scaled:
        """``sign * S @ block``, exact."""
        columns = [self._one(block.values[:, j]) for j in range(block.values.shape[1])]
        low = min(c.exponent for c in columns)
        values = np.concatenate([c.shifted(low).values for c in columns], axis=1)
        return Scaled(values * self.sign, low + block.exponent)

    def whole(self) -> Scaled:
        """``sign * S``."""
        first, second = (gram(Scaled(f.values.T, f.exponent), Scaled(f.values.T, f.exponent)) for f in self._factors)
        return Scaled(self.sign * first.values * second.values, first.exponent + second.exponent)

    @property
    def _factors(self) -> tuple[Scaled, Scaled]:
        return Scaled.from_floats(self._p.array), self._q

    def _one(self, x: NDArray[np.object_]) -> Scaled:
        weighted = Scaled(self._q.values * x[:, None], self._q.exponent)
        product = self._p.times(self._p.transposed_times(weighted))
        summed: NDArray[np.object_] = (product.values * self._q.values).sum(axis=1)
        return Scaled(summed.reshape(-1, 1), product.exponent + self._q.exponent)
