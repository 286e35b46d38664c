"""Matrices with known answers, and exact referees that share nothing with deqmath.bounds."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
from mpmath import MPContext


def sylvester(k):
    """The Hadamard matrix of order 2**k: entries +-1, ``Q Q^T = 2**k I``."""
    q = np.ones((1, 1))
    for _ in range(k):
        q = np.block([[q, q], [q, -q]])
    return q


def planted_hadamard(eigenvalues, check=True):
    """Symmetric, fully mixed, with exactly these eigenvalues (dyadic, short enough to be exact in float64)."""
    d = np.asarray(eigenvalues, dtype=float)
    n = d.size
    q = sylvester(n.bit_length() - 1)
    h = (q * d) @ q.T / n
    assert not check or is_exact_product(q, d, h)
    return h


def is_exact_product(q, d, h):
    """Whether h is exactly ``q diag(d) q^T / n``."""
    left = flint.fmpq_mat([[rational(v) for v in row] for row in (q * d).tolist()])
    right = flint.fmpq_mat([[rational(v) for v in row] for row in q.T.tolist()])
    wanted = flint.fmpq_mat([[rational(v) * d.size for v in row] for row in h.tolist()])
    return left * right == wanted


def planted_reflection(eigenvalues, rng):
    """``Q D Q`` with the reflection Q = I - (2/n) v v^T, v of signs, n a power of two: exactly these eigenvalues."""
    d = np.asarray(eigenvalues, dtype=float)
    n = d.size
    v = rng.choice([-1.0, 1.0], n)
    q = np.eye(n) - (2.0 / n) * np.outer(v, v)
    h = (q * d) @ q
    assert is_exact_product(q, d, h / n)
    return h


def rational(value):
    numerator, denominator = float(value).as_integer_ratio()
    return flint.fmpq(numerator, denominator)


def exact_matrix(h):
    return flint.fmpq_mat([[rational(v) for v in row] for row in np.asarray(h).tolist()])


def exact_inertia_is_definite(h):
    """Sylvester's criterion in exact rationals: whether h is positive definite."""
    rows = [[Fraction(v) for v in row] for row in h.tolist()]
    for k, row in enumerate(rows):
        if row[k] <= 0:
            return False
        for other in rows[k + 1 :]:
            factor = other[k] / row[k]
            for j in range(k, len(row)):
                other[j] -= factor * row[j]
    return True


def mp_eigenvalues(h, digits):
    """All eigenvalues from a private mpmath context, as Fractions good to about ``digits`` digits."""
    context = MPContext()
    context.dps = digits + 20
    values = context.eigsy(context.matrix(h.tolist()), eigvals_only=True)
    return [to_fraction(v) for v in values]


def to_fraction(value):
    sign, mantissa, exponent, _ = value._mpf_
    number = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -number if sign else number


def contains(bound, value, digits=None):
    """Whether the bound holds the value, known to within ``10**-digits`` relatively (exactly when None)."""
    slip = 0 if digits is None else abs(value) / 10**digits
    above = bound.lower is None or bound.lower <= value + slip
    below = bound.upper is None or value - slip <= bound.upper
    return above and below


def wishart(n, rng, extra=5):
    a = rng.standard_normal((n, n + extra))
    h = a @ a.T
    return (h + h.T) / 2


def nearly_indefinite(rng, n, depth, ulps):
    """An integer Gram matrix bordered so that its exact Schur complement is ``-ulps`` units in the last place.

    The border is scaled by ``2**-depth``, so ``lambda_min`` is about ``-2**(-2 depth - 53)`` times the norm: far below
    what float64 elimination can see. With ``ulps = 0`` the matrix is singular, with ulps < 0 positive definite.
    """
    m = n - 1
    factor = rng.integers(-3, 4, (m, m)).astype(float) + 5 * np.eye(m)
    block = factor @ factor.T
    x = rng.integers(-3, 4, m).astype(float)
    x[0] = x[0] or 1.0
    corner = float(x @ block @ x)
    for _ in range(abs(ulps)):
        corner = float(np.nextafter(corner, -np.inf if ulps > 0 else np.inf))
    h = np.empty((n, n))
    h[:m, :m], h[m, m] = block, corner * 4.0**-depth
    h[:m, m] = h[m, :m] = block @ x * 2.0**-depth
    order = rng.permutation(n)
    return h[np.ix_(order, order)]
