"""Symmetric operators the eigenvalue proofs accept: a matrix, or a Gram matrix given by its factor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

import numpy as np
from scipy.linalg.blas import dsyrk

from deqmath.bounds.exact_products import ExactMatrix
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, exact, gamma, short_up
from deqmath.stages import stage

FUDGE = Fraction(1001, 1000)
"""Covers the rounding of a float64 sum of squares: gamma_{n^2} < 1/1000 for n <= 10**6."""


class SymmetricOperator(ABC):
    """A symmetric S, exactly applicable, with a float64 matrix near it.

    ``||S - (core)|| <= remainder`` where `apply` is exact for the core, and
    ``||S - sign * float_matrix|| <= approximation_error``.
    """

    size: int
    sign: int
    float_matrix: Array
    approximation_error: Fraction
    remainder: Fraction

    @abstractmethod
    def apply(self, block: Scaled) -> Scaled:
        """``core @ block``, exact."""

    def whole(self) -> Scaled:
        """S entry by entry, with nothing cut off; asked of small operators only."""
        return self.apply(Scaled.from_floats(np.eye(self.size)))

    def float_apply(self, block: Array) -> Array:
        """``S @ block`` in float64; used only to find candidates."""
        product: Array = self.float_matrix @ block
        return product if self.sign > 0 else -product


class Dense(SymmetricOperator):
    """``sign * H`` for a symmetric float64 matrix H taken exactly (largest entry within 2**-300 .. 2**300)."""

    def __init__(self, h: Array, sign: int = 1, max_slices: int = 24) -> None:
        self.size, self.sign, self.float_matrix = h.shape[0], sign, h
        self.exact = ExactMatrix(h, max_slices)
        self.approximation_error = Fraction(0)
        self.remainder = self.exact.remainder

    def apply(self, block: Scaled) -> Scaled:
        """``sign * H @ block``, exact."""
        product = self.exact.times(block)
        return product if self.sign > 0 else Scaled(-product.values, product.exponent)

    def whole(self) -> Scaled:
        """``sign * H``."""
        matrix = Scaled.from_floats(self.float_matrix)
        return Scaled(self.sign * matrix.values, matrix.exponent)


class FactorGram(SymmetricOperator):
    """``sign * A^T A`` (or ``sign * A A^T``), exact but never formed exactly: two exact products an application.

    Parameters
    ----------
    outer : bool
        True for ``A A^T``.
    formed : tuple, optional
        What `rounded_gram` gave already.
    """

    def __init__(
        self,
        a: Array,
        sign: int = 1,
        max_slices: int = 24,
        outer: bool = False,
        formed: tuple[Array, Fraction] | None = None,
    ) -> None:
        self.size, self.sign, self.outer = a.shape[0 if outer else 1], sign, outer
        self.exact = ExactMatrix(a, max_slices)
        if formed is None:
            stage("Gram matrix in float64")
        self.float_matrix, self.approximation_error = formed or rounded_gram(a.T if outer else a)
        norm = frobenius_up(a)
        self.remainder = short_up(self.exact.remainder * (2 * norm + self.exact.remainder))

    def apply(self, block: Scaled) -> Scaled:
        """``sign * A^T (A @ block)``, exact."""
        first, second = self.exact.times, self.exact.transposed_times
        product = first(second(block)) if self.outer else second(first(block))
        return product if self.sign > 0 else Scaled(-product.values, product.exponent)

    def whole(self) -> Scaled:
        """``sign * A^T A``."""
        factor = Scaled.from_floats(self.exact.array.T if self.outer else self.exact.array)
        product = gram(factor, factor)
        return Scaled(self.sign * product.values, product.exponent)


def frobenius_up(a: Array) -> Fraction:
    """At least ``||a||_F``, for entries whose largest lies within 2**-300 .. 2**300 (squares cannot overflow)."""
    return short_up(exact(float(np.linalg.norm(a))) * FUDGE)


def rounded_gram(a: Array) -> tuple[Array, Fraction]:
    """``fl(A^T A)``, both triangles, and a bound of its error in the spectral norm; see `lower_gram`."""
    lower, error = lower_gram(a)
    mirror_lower(lower)
    return lower, error


def lower_gram(a: Array) -> tuple[Array, Fraction]:
    """The lower triangle of ``fl(A^T A)`` and a bound of its error in the spectral norm.

    ``|fl(A^T A) - A^T A| <= gamma_m |A|^T |A|`` for any order of summation, so the norm of the error is at most
    ``gamma_m || |A| ||_F^2 = gamma_m ||A||_F^2``.
    """
    m, n = a.shape
    lower = dsyrk(1.0, a.T, lower=1) if a.flags.c_contiguous else dsyrk(1.0, a, trans=1, lower=1)
    error = gamma(m + 2) * frobenius_up(a) ** 2 + m * n * TINY
    return lower, short_up(error)


def mirror_lower(a: Array, tile: int = 256) -> None:
    """Copy the lower triangle onto the upper one, in place."""
    n = a.shape[0]
    for i in range(0, n, tile):
        for j in range(0, i, tile):
            a[j : j + tile, i : i + tile] = a[i : i + tile, j : j + tile].T
        block = a[i : i + tile, i : i + tile]
        block[...] = np.tril(block) + np.tril(block, -1).T


def deflated(operator: SymmetricOperator, vectors: Array, tau: float, nu: float) -> tuple[Array, Fraction]:
    r"""``fl(S + tau V V^T - nu I)`` (Fortran order, lower triangle) and a bound of its distance from the exact one.

    The rounding of each entry is at most ``gamma_{p+3}(|s_ij| + tau (|V||V|^T)_ij)``, hence in the spectral norm at
    most ``gamma_{p+3}(||S||_F + tau ||V||_F^2)``, plus ``u max |m_ii|`` for the shift.

    Parameters
    ----------
    vectors : ndarray, shape (n, p)
        Any vectors; p may be 0.
    tau : float
        A power of four, so that its square root is exact.
    """
    m: Array = np.array(operator.float_matrix.T, order="F", copy=True)
    if operator.sign < 0:
        np.negative(m, out=m)
    error = operator.approximation_error
    p = vectors.shape[1]
    if p:
        scaled = np.asfortranarray(vectors * np.sqrt(tau))
        error += gamma(p + 3) * (frobenius_up(m) + frobenius_up(scaled) ** 2) + m.size * (p + 1) * TINY
        m = dsyrk(1.0, scaled, beta=1.0, c=m, lower=1, overwrite_c=1)
    diagonal = np.einsum("ii->i", m)
    diagonal -= nu
    error += UNIT_ROUNDOFF * exact(np.abs(diagonal).max()) + TINY
    return m, short_up(error)
