r"""The spectral norm to about ten digits by one product and one Cholesky factorisation.

Upper end: ``s^2 I - fl(A^T A)`` factorises, so ``||A||^2 <= s^2 + slack + ||fl(A^T A) - A^T A||``, the last bounded by
``gamma_m ||A||_F^2``. Lower end: ``||A|| >= ||A x|| / ||x||`` for any x, with ``|fl(Ax) - Ax| <= gamma_n |A||x|``.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.linalg.blas import dsymv
from scipy.linalg.lapack import spotrf, spotrs

from deqmath.bounds.certificates.cholesky import Factored, factorise
from deqmath.bounds.inputs import Array
from deqmath.bounds.operators import frobenius_up
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, exact, gamma, short_up, sqrt_down, sqrt_up

LANCZOS_STEPS = 60
SETTLED = 1e-7
SINGLE_MARGIN = 1e-5
INVERSE_STEPS = 3


def quick_norm(a: Array, gram: Array, gram_error: Fraction) -> tuple[Fraction, Fraction, float]:
    """``(lower, upper, theta)``: a proved enclosure of ``||a||_2`` and a float64 guess of its square.

    Parameters
    ----------
    a : ndarray, shape (m, n)
        Not zero; largest entry within 2**-300 .. 2**300.
    gram : ndarray, shape (n, n)
        ``fl(a^T a)``; its lower triangle is read.
    gram_error : Fraction
        At least ``||gram - a^T a||_2``.
    """
    norm = frobenius_up(a)
    theta, x = _top_pair(gram)
    trace = float(np.trace(gram))
    margin = 2.0**-53 * (gram.shape[0] + 10) * max(gram.shape[0] * theta - trace, theta)
    theta, x = _sharpened(gram, theta, x)
    done, level = _above(gram, theta, max(4e-12 * theta, 1.05 * margin))
    best = _upper(done, level, gram_error)
    lower = max(rayleigh_lower(a, x, norm), Fraction(0))
    return lower, min(best, norm), theta


def _sharpened(gram: Array, theta: float, x: Array) -> tuple[float, Array]:
    """A better pair by inverse iteration a little above theta; the factor is in float32, since nothing is proved by it."""
    single = np.empty_like(gram, dtype=np.float32)
    np.multiply(gram, -1.0 / theta, out=single, casting="same_kind")
    single[np.diag_indices_from(single)] += np.float32(1.0 + SINGLE_MARGIN)
    lower = int(single.flags.f_contiguous)
    factor, info = spotrf(single if lower else single.T, lower=lower, clean=0, overwrite_a=1)
    if info != 0:
        return theta, x
    for _ in range(INVERSE_STEPS):
        y = spotrs(factor, x.astype(np.float32), lower=lower)[0].astype(np.float64)
        x = y / float(np.linalg.norm(y))
    return float(x @ dsymv(1.0, gram, x, lower=1)), x


def rayleigh_lower(a: Array, x: Array, norm: Fraction) -> Fraction:
    """At most ``||a x|| / ||x||``, from a float64 product and its error bound; `norm` is at least ``||a||_F``."""
    y = a @ x
    squares_x = exact(float(x @ x)) * (1 + gamma(x.size + 2)) + x.size * TINY
    squares_y = exact(float(y @ y)) * (1 - gamma(y.size + 2)) - y.size * TINY
    if squares_x <= 0 or squares_y <= 0:
        return Fraction(0)
    norm_x = sqrt_up(squares_x)
    error = gamma(x.size + 2) * norm + a.size * TINY
    return sqrt_down(squares_y) / norm_x - error


def _above(gram: Array, theta: float, margin: float) -> tuple[Factored | None, tuple[float, Fraction]]:
    """Factorise ``(theta + margin) I - gram``, moving up when it stops."""
    for _ in range(12):
        level = theta + margin
        m = np.negative(gram, order="F") if not gram.flags.f_contiguous else -gram
        diagonal = np.einsum("ii->i", m)
        diagonal += level
        rounding = UNIT_ROUNDOFF * exact(float(np.abs(diagonal).max())) + TINY
        done = factorise(m)
        if done is not None:
            return done, (level, rounding)
        margin *= 4
    return None, (theta, Fraction(0))


def _upper(done: Factored | None, level: tuple[float, Fraction], gram_error: Fraction) -> Fraction:
    """At least ``||a||``; a huge number when nothing was proved."""
    if done is None:
        return Fraction(2) ** 2000
    return sqrt_up(short_up(exact(level[0]) + level[1] + done.slack + gram_error))


def _top_pair(gram: Array) -> tuple[float, Array]:
    """About the largest eigenvalue and vector: Lanczos with full orthogonalisation."""
    n = gram.shape[0]
    steps = min(n, LANCZOS_STEPS)
    basis, alphas, betas = np.zeros((steps, n)), np.zeros(steps), np.zeros(steps)
    q = np.random.default_rng(20260103).standard_normal(n)
    q = q / float(np.linalg.norm(q))
    used, top = steps, -1.0
    for k in range(steps):
        basis[k] = q
        w = dsymv(1.0, gram, q, lower=1)
        alphas[k] = float(q @ w)
        w -= basis[: k + 1].T @ (basis[: k + 1] @ w)
        w -= basis[: k + 1].T @ (basis[: k + 1] @ w)
        betas[k] = float(np.linalg.norm(w))
        used = k + 1
        if betas[k] <= 1e-14 * max(abs(alphas[0]), 1e-300):
            break
        q = w / betas[k]
        if k % 8 == 7:
            value = float(np.linalg.eigvalsh(_tridiagonal(alphas, betas, used))[-1])
            if abs(value - top) <= SETTLED * value:
                break
            top = value
    values, vectors = np.linalg.eigh(_tridiagonal(alphas, betas, used))
    x: Array = basis[:used].T @ vectors[:, -1]
    return float(values[-1]), x / np.linalg.norm(x)


def _tridiagonal(alphas: Array, betas: Array, used: int) -> Array:
    t: Array = np.diag(alphas[:used]) + np.diag(betas[: used - 1], 1) + np.diag(betas[: used - 1], -1)
    return t
