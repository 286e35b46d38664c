"""``resolvent_norm``: the norm of the inverse that implicit differentiation applies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.linalg.blas import dgemm

from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certified
from deqmath.bounds.eigenvalue import BITS_PER_DIGIT, smallest_eigenvalue
from deqmath.bounds.gram_bounds import sigma_min
from deqmath.bounds.inputs import Array, float_matrix, float_vector, largest_magnitude
from deqmath.bounds.integer_matrix import IntegerDense
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, require_digits
from deqmath.bounds.operators import frobenius_up
from deqmath.bounds.rationals import TINY, UNIT_ROUNDOFF, exact, sqrt_down, sqrt_up, two_to
from deqmath.errors import InputError, ShapeError
from deqmath.stages import stage

QUANTITY = "resolvent norm"
FLOAT_DIGITS = 12
MOST_EXACT_ROWS = 512
"""Up to this size the matrix itself is formed in integers where float64 does not do."""
MODERATE = 2.0**200
CALL = "dm.bounds.resolvent_norm(A, gamma, active, digits=12)"


def resolvent_norm(A: Array, gamma: float, active: Array, digits: int = FLOAT_DIGITS) -> Bound:
    r"""``||(I - gamma D A)^{-1}||_2`` with ``D = diag(active)``.

    Parameters
    ----------
    A : ndarray of float64, shape (m, m)
    gamma : float
    active : ndarray of float64, shape (m,)
        The diagonal of D: 1 where the pre-activation is positive, 0 elsewhere.
    digits : int
        Significant digits wanted; the bound says how many were reached. Above 512 rows at most about 12 are.

    Returns
    -------
    Bound
        Undecided when the matrix could not be proved invertible.

    Raises
    ------
    InputError, ShapeError

    Notes
    -----
    The norm is ``1 / sigma_min``. ``M = fl(I - gamma D A)`` differs from the exact matrix by at most
    ``3 u || |I| + |gamma D A| ||_F``; by Weyl, ``sigma_min`` moves by no more. Where that is too coarse, ``M M^T`` is formed
    in integers. The norm is often several times smaller than the bound ``1 / (1 - gamma ||A||)`` of gg22 (34).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import resolvent_norm
    >>> bound = resolvent_norm(np.array([[0.0, 1.0], [0.0, 0.0]]), 0.5, np.ones(2), digits=30)
    >>> print(bound)                                                            # doctest: +ELLIPSIS
    1.280776406404415137455352463...
    """
    matrix = float_matrix(A, "A", CALL)
    m = matrix.shape[0]
    if matrix.shape != (m, m):
        msg = f"A has shape {matrix.shape}; needed a square matrix: {CALL}"
        raise ShapeError(msg)
    if not isinstance(gamma, (int, float, np.integer, np.floating)) or not np.isfinite(gamma):
        msg = f"gamma = {gamma!r}; needed a finite number: {CALL}"
        raise InputError(msg)
    wanted, diagonal = require_digits(digits, CALL), float_vector(active, m, "active", CALL)
    found = _from_floats(matrix, float(gamma), diagonal)
    if found.digits < wanted and m <= MOST_EXACT_ROWS:
        sharper = _from_integers(matrix, float(gamma), diagonal, wanted)
        found = sharper if sharper.digits > found.digits else found
    if found.status == "undecided":
        return found
    return certified(found, "resolvent_norm", {"matrix": matrix, "active": diagonal}, {"gamma": exact(gamma)})


def _from_floats(matrix: Array, gamma: float, diagonal: Array) -> Bound:
    m = matrix.shape[0]
    with np.errstate(over="ignore", invalid="ignore"):
        product = matrix * (gamma * diagonal)[:, None]
    unproved = Bound.undecided(QUANTITY, "I - gamma D A could not be proved invertible", ASSUMPTIONS)
    if not largest_magnitude(product) < MODERATE:
        return unproved
    formed = np.eye(m) - product
    moved = 3 * UNIT_ROUNDOFF * (frobenius_up(np.abs(product) + np.eye(m))) + m * m * TINY
    smallest = sigma_min(formed, FLOAT_DIGITS)
    low = (smallest.lower or Fraction(0)) - moved
    if low <= 0:
        low = _inverse_bound(formed) - moved
    if low <= 0 or smallest.upper is None:
        return unproved
    return Bound(1 / (smallest.upper + moved), 1 / low, QUANTITY, "proved", smallest.assumptions)


def _from_integers(matrix: Array, gamma: float, diagonal: Array, digits: int) -> Bound:
    """With ``M = I - gamma D A`` as integers over a power of two, and its Gram matrix exact."""
    stage("the matrix in integers")
    a, d, g = (Scaled.from_floats(part) for part in (matrix, diagonal[:, None], np.array([[gamma]])))
    product = Scaled(a.values * d.values * g.values, a.exponent + d.exponent + g.exponent)
    formed = Scaled.from_floats(np.eye(matrix.shape[0])).minus(product)
    rows = Scaled(formed.values.T, formed.exponent)
    squared = gram(rows, rows)
    unit = squared.largest_bits()
    found = smallest_eigenvalue(IntegerDense(Scaled(squared.values, -unit)), digits + 1)
    if found.lower is None or found.lower <= 0:
        return Bound.undecided(QUANTITY, "I - gamma D A could not be proved invertible", ASSUMPTIONS)
    factor, bits = two_to(squared.exponent + unit), int(digits * BITS_PER_DIGIT) + 24
    low, high = 1 / sqrt_up(found.upper * factor, bits), 1 / sqrt_down(found.lower * factor, bits)
    return Bound(low, high, QUANTITY, "proved", ASSUMPTIONS)


def _inverse_bound(m: Array) -> Fraction:
    """A lower bound of ``sigma_min`` from an approximate inverse X: ``(1 - ||I - X M||_F) / ||X||_F`` when positive."""
    try:
        x = np.asarray(np.linalg.inv(m), dtype=np.float64)
    except np.linalg.LinAlgError:
        return Fraction(0)
    if not largest_magnitude(x) < MODERATE:  # its squares would overflow
        return Fraction(0)
    residual: Array = np.asarray(dgemm(-1.0, x, m), dtype=np.float64)
    residual[np.diag_indices_from(residual)] += 1.0
    n = m.shape[0]
    size = frobenius_up(residual) + UNIT_ROUNDOFF * (n + 4) * 2 * frobenius_up(x) * frobenius_up(m) + n * n * TINY
    return (1 - size) / frobenius_up(x) if size < 1 and exact(float(np.abs(x).max())) > 0 else Fraction(0)
