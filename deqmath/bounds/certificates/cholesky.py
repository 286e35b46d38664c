r"""Route A: one float64 Cholesky factorisation that runs to its end proves a lower bound.

Theorem (Rump 2006, BIT 46, "Verification of positive definiteness"; Higham 2002, Theorem 10.3). Let A be the symmetric
float64 matrix handed to ``dpotrf`` and let it run to completion. Then ``R^T R = A + dA`` with
``|dA_ij| <= gamma_k / (1 - gamma_k) sqrt(a_ii a_jj)`` plus underflow, hence

.. math:: \lambda_{min}(A) \ge -\Big(\frac{\gamma_k}{1-\gamma_k} \operatorname{tr} A + \text{underflow}\Big).

The textbook has k = n + 1. OpenBLAS multiplies by stored reciprocals of the diagonal, one rounding more; k here is
n + 8. The order of summation, blocking, threads and fused multiply-add do not matter. A BLAS that inverts diagonal
blocks or emulates float64 (some GPUs) is outside the theorem: use :func:`factor_residual_norm` there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.linalg.lapack import dpotrf

from deqmath.bounds.exact_products import ExactMatrix
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, exact, gamma, short_up

EXTRA_ROUNDINGS = 8


@dataclass(frozen=True)
class Factored:
    """A completed factorisation: ``lambda_min(A) >= -slack`` for the float64 matrix A that was handed in."""

    factor: Array
    slack: Fraction


def cholesky_slack(n: int, trace: Fraction, largest_diagonal: Fraction) -> Fraction:
    r"""The slack of route A, ``gamma_k / (1 - gamma_k) tr(A)`` plus underflow, in exact rationals.

    Underflow: each of at most n + 4 operations behind an entry loses at most 2**-1021 times ``1 + max |r|``, and
    the spectral norm is at most n times the largest entry.
    """
    g = gamma(n + EXTRA_ROUNDINGS)
    underflow = 2 * n * (n + 4) * (1 + largest_diagonal) * TINY
    return short_up(g / (1 - g) * max(trace, Fraction(0)) + underflow)


def factorise(a: Array) -> Factored | None:
    """Try the factorisation of the symmetric float64 matrix ``a``, in place (Fortran order, lower triangle is read).

    None when it does not complete: then nothing was proved. A NaN or infinity anywhere in the triangle stops it.
    """
    n = a.shape[0]
    diagonal = a.diagonal().copy()
    if not np.isfinite(diagonal).all() or diagonal.min() <= 0:
        return None
    factor, info = dpotrf(a, lower=1, clean=0, overwrite_a=1)
    if info != 0 or not np.isfinite(factor.diagonal()).all():
        return None
    return Factored(factor, cholesky_slack(n, diagonal_sum(diagonal), exact(diagonal.max())))


def diagonal_sum(diagonal: Array) -> Fraction:
    """At least the exact sum of a positive diagonal: the float64 sum, enlarged by its own error bound."""
    total = exact(diagonal.sum())
    return short_up(total * (1 + gamma(2 * diagonal.size + 2)))


def shifted(h: Array, shift: float, out: Array | None = None) -> tuple[Array, Fraction]:
    """``fl(H - shift I)`` in Fortran order, and a bound on its rounding error in the spectral norm."""
    a: Array = np.array(h.T, order="F", copy=True) if out is None else out
    if out is not None:
        np.copyto(out, h.T)
    n = a.shape[0]
    diagonal = np.einsum("ii->i", a)
    diagonal -= shift
    largest = exact(np.abs(diagonal).max(initial=0.0))
    return a, short_up(UNIT_ROUNDOFF * largest + TINY) if shift or n == 0 else Fraction(0)


def lower_bound(h: Array, shift: float, known_blas: bool = True) -> Fraction | None:
    r"""A proved lower bound of ``lambda_min(H)`` by one Cholesky factorisation of ``fl(H - shift I)``.

    Parameters
    ----------
    h : ndarray, shape (n, n)
        Symmetric, largest entry within 2**-300 .. 2**300 (or zero); one triangle is read.
    shift : float
        The candidate c.
    known_blas : bool
        False asks for the a-posteriori proof, which trusts no theorem about ``dpotrf``; see
        :func:`factor_residual_norm`.

    Returns
    -------
    Fraction or None
        ``c - slack``, slack as in :func:`cholesky_slack` plus ``u max |a_ii|`` for the shift itself; None when the
        factorisation stops, which proves nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds.certificates.cholesky import lower_bound
    >>> bound = lower_bound(np.array([[2.0, 1.0], [1.0, 2.0]]), 0.999)
    >>> 0.998 < bound < 1
    True
    """
    if not np.isfinite(h.diagonal()).all():
        return None
    a, rounding = shifted(h, shift)
    done = factorise(a)
    if done is None:
        return None
    if known_blas:
        return exact(shift) - done.slack - rounding
    return exact(shift) - factor_residual_norm(shifted(h, shift)[0], done.factor) - rounding


def factor_residual_norm(a: Array, factor: Array) -> Fraction:
    r"""A-posteriori bound of ``||L L^T - A||_2``, for a factor from an unknown BLAS, by exact products.

    Needs nothing from the factorisation: ``lambda_min(A) >= -||L L^T - A||``. ``L L^T`` is formed exactly, column
    block by column block, so this costs several matrix products; it is for machines outside route A's theorem.

    Parameters
    ----------
    a : ndarray, shape (n, n)
        Symmetric; the lower triangle counts.
    factor : ndarray, shape (n, n)
        Lower triangular L (its upper triangle is ignored).
    """
    n = a.shape[0]
    lower = np.tril(factor)
    left = ExactMatrix(np.ascontiguousarray(lower))
    largest = Fraction(0)
    for start in range(0, n, 64):
        stop = min(n, start + 64)
        product = left.times(Scaled.from_floats(np.ascontiguousarray(lower[start:stop].T)))
        wanted = Scaled.from_floats(np.ascontiguousarray(np.tril(a)[:, start:stop] + np.triu(a.T, 1)[:, start:stop]))
        gap = product.minus(wanted)
        rows = np.abs(gap.values).sum(axis=0)
        largest = max(largest, max(int(v) for v in rows.tolist()) * (Fraction(2) ** gap.exponent))
    norm = Fraction(n) * exact(np.abs(lower).max(initial=0.0))
    return short_up(largest + left.remainder * (2 * norm + left.remainder))
