r"""Lehmann's inequality for a wide cluster: the p x p forms are exact, their definiteness is proved in float64.

In a cluster of p equal or nearly equal eigenvalues around c, the matrix of `lehmann`,

.. math:: M(\sigma) = X^T (\nu I - S)(S - \sigma I) X,

is small: its entries cancel down to the spread of the cluster. They are formed exactly, in integers, and only then
rounded to float64, so one Cholesky factorisation of the p x p matrix proves M positive definite with a slack that is
relative to the spread of the cluster and not to S. As in `lehmann`, that proves ``lambda_1(S) > sigma``.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deqmath.bounds.certificates.cholesky import lower_bound
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.operators import frobenius_up
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, exact, floor_log2, round_down, two_to

MOST_STEPS = 40


def wide_enclosure(x: Scaled, sx: Scaled, nu: Fraction, centre: Fraction) -> tuple[Fraction | None, Fraction]:
    """``(lower, upper)`` of the smallest eigenvalue from p columns X and S X; lower is None when none was proved.

    Parameters
    ----------
    x, sx : Scaled, shape (n, p)
        X, nearly orthonormal, and S X, exact.
    nu : Fraction
        Proved ``lambda_{p+1}(S) >= nu``.
    centre : Fraction
        A number near the cluster, taken out before anything is rounded.
    """
    shift = _dyadic(centre)
    y = sx.minus(Scaled(x.values * shift.numerator, x.exponent - (shift.denominator.bit_length() - 1)))
    forms = gram(x, x), gram(x, y), gram(y, y)  # those of S - centre I
    floats, scale = forms[1].floats()
    values, vectors = np.linalg.eigh((floats + floats.T) / 2)
    best = Scaled.rounded(vectors[:, :1], 53)
    upper = Fraction(_form(forms[1], best) / _form(forms[0], best)) + shift
    above = nu - shift
    step = exact(float(np.abs(values).max())) * two_to(scale) * UNIT_ROUNDOFF * 16 * len(values)
    step = max(step, two_to(forms[1].exponent))
    for _ in range(MOST_STEPS):
        sigma = round_down(upper - shift - step, floor_log2(step) - 8)
        if sigma < above and _is_definite(forms, above, sigma):
            return sigma + shift, upper
        step *= 4
    return None, upper


def _is_definite(forms: tuple[Scaled, Scaled, Scaled], nu: Fraction, sigma: Fraction) -> bool:
    """Whether ``(nu + sigma) A1 - A2 - nu sigma A0`` is positive definite: formed exactly, rounded, factorised."""
    a0, a1, a2 = forms
    d = nu.denominator * sigma.denominator
    linear, constant = int((nu + sigma) * d), int(nu * sigma * d)
    m = Scaled(a1.values * linear, a1.exponent).minus(Scaled(a2.values * d, a2.exponent))
    rounded, _ = m.minus(Scaled(a0.values * constant, a0.exponent)).floats()
    lower = np.tril(rounded) + np.tril(rounded, -1).T
    n = lower.shape[0]
    # floats() truncates at 2**-59 of the largest entry, which is at most 1, and rounds once
    error = 2 * UNIT_ROUNDOFF * frobenius_up(lower) + n * (two_to(-58) + TINY)
    trial = float(error) * 1.5 + 2.0**-52 * (n + 10) * float(np.abs(lower.diagonal()).sum())
    low = lower_bound(lower, trial)
    return low is not None and low > error


def _dyadic(value: Fraction) -> Fraction:
    """The float64 nearest to a number: dyadic, so that subtracting it stays within integers."""
    return exact(float(value))


def _form(form: Scaled, y: Scaled) -> Fraction:
    column = y.values[:, 0]
    return Fraction(int(column @ form.values @ column)) * two_to(form.exponent)
