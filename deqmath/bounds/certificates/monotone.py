r"""Well-posedness by one Cholesky factorisation: ``I - gamma A`` is strongly monotone.

Let ``M = I - gamma A`` and ``lambda_min((M + M^T)/2) >= c > 0``. Then, for every phi (Cottle, Pang and Stone 1992,
Theorem 3.1.6; Winston and Kolter 2020, "Monotone operator equilibrium networks"; Mathias and Pang 1990 for the error):

1. ``z = relu(gamma A z + phi)`` has one and only one solution z*. It is the linear complementarity problem
   ``z >= 0, w = M z - phi >= 0, z^T w = 0``, and a matrix with a positive definite symmetric part is a P-matrix.
2. For every z, with ``r = z - relu(gamma A z + phi)``,

   .. math:: \|z - z^*\| \le \frac{2 + \gamma\|A\|}{c} \|r\|.

   Proof: ``z - r >= 0`` and ``w - r >= 0`` are complementary, so ``(z - r - z^*)^T (w - r - w^*) <= 0``; with
   ``e = z - z*`` this says ``e^T M e <= r^T (I + M) e - ||r||^2``, and ``c ||e||^2 <= e^T M e``.
3. For every gate D, ``I - gamma D A`` is invertible, and on the active rows S, ``||(I - gamma A_SS)^{-1}|| <= 1/c``,
   because a principal submatrix of M has a symmetric part of at least c as well.

``gamma ||A|| < 1`` implies ``c >= 1 - gamma ||A|| > 0`` and not conversely: for a Gaussian A the condition holds up to
``gamma0 = 1/sqrt 2``, the contraction up to 1/2 only; and it costs one factorisation in place of a norm.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deqmath.bounds.certificates.cholesky import lower_bound
from deqmath.bounds.inputs import Array, largest_magnitude
from deqmath.bounds.lambda_bounds import lambda_min
from deqmath.bounds.operators import frobenius_up
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, exact, round_down, short_up

NOTHING = Fraction(0)
MODERATE = 2.0**480
SHIFTS = (0.5, 0.125)
"""Candidates for c: a first factorisation usually succeeds with one of them, and a factor in c is worth no digit."""


def monotone_constant(a: Array, gamma: float, lost: Fraction = NOTHING) -> Fraction | None:
    """A proved ``0 < c <= lambda_min(I - gamma (A + A^T)/2)``; None when none was found.

    Parameters
    ----------
    a : ndarray, shape (m, m)
        Largest entry within 2**-300 .. 2**300 (or zero).
    gamma : float
    lost : Fraction
        At least ``||A - a||``: what underflowed when A was balanced.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds.certificates.monotone import monotone_constant
    >>> monotone_constant(np.array([[0.0, 1.0], [-1.0, 0.0]]), 5.0)  # skew: monotone for every gamma
    Fraction(1, 2)
    >>> monotone_constant(np.array([[1.0]]), 1.0) is None
    True
    """
    if not gamma * largest_magnitude(a) < MODERATE:
        return None  # squares of the entries would overflow
    symmetric, error = symmetric_part(a, gamma)
    error += exact(gamma) * lost
    for shift in SHIFTS:
        low = lower_bound(symmetric, shift * 1.0001)
        if low is not None and low - error >= exact(shift):
            return exact(shift)
    low = lambda_min(symmetric, 3).lower
    if low is None or low <= error:
        return None
    return round_down(low - error, -60) or None


def symmetric_part(a: Array, gamma: float) -> tuple[Array, Fraction]:
    """``fl(I - gamma (A + A^T)/2)`` and a bound of its rounding error in the spectral norm (three roundings an entry)."""
    product = np.asarray(a + a.T) * (gamma / 2)
    size = frobenius_up(product)
    np.negative(product, out=product)
    product[np.diag_indices_from(product)] += 1.0
    root = exact(float(np.sqrt(a.shape[0])) * 1.001)
    return product, short_up(4 * UNIT_ROUNDOFF * (size + root) + a.size * TINY)
