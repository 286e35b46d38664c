"""``inverse_quadratic_form``: ``y^T H^{-1} y`` for a positive definite float64 matrix, taken exactly."""

from __future__ import annotations

from fractions import Fraction

from deqmath.bounds.balls import BALLS
from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certificate
from deqmath.bounds.certificates.cholesky import factorise, shifted
from deqmath.bounds.certificates.inverse_form import sandwich
from deqmath.bounds.certificates.inverse_in_balls import MOST_ROWS, inverse_form_in_balls
from deqmath.bounds.inputs import Array, balanced, float_vector, symmetric_matrix
from deqmath.bounds.integers import Scaled
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, EXACT_INPUT, lambda_min, require_digits
from deqmath.bounds.operators import Dense
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rationals import exact, two_to
from deqmath.stages import stage

QUANTITY = "y^T H^{-1} y"


def inverse_quadratic_form(H: Array, y: Array, digits: int = 15) -> Bound:
    r"""``y^T H^{-1} y`` for a symmetric positive definite H, with as many proved digits as asked.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n)
        Symmetric; entries are taken exactly.
    y : ndarray of float64, shape (n,) or (n, 1)
    digits : int
        Significant digits wanted; the bound says how many were reached.

    Returns
    -------
    Bound
        Undecided, with the reason, when H could not be proved positive definite.

    Raises
    ------
    InputError, ShapeError
        For anything but a finite symmetric float64 matrix and a vector that fits it.

    Notes
    -----
    ``2 y'x - x'Hx <= y'H^{-1}y <= 2 y'x - x'Hx + ||y - Hx||^2 / mu`` with ``0 < mu <= lambda_min(H)`` proved by one
    Cholesky factorisation (by :func:`lambda_min` when that is too coarse), x refined with the same factor, and every
    product exact. Up to 100 rows, where float64 cannot factorise H (a condition above 1e16), elimination in balls can.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import inverse_quadratic_form
    >>> H, y = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 1.0])
    >>> bound = inverse_quadratic_form(H, y, digits=30)
    >>> from fractions import Fraction
    >>> Fraction(3, 5) in bound, bound.digits >= 30
    (True, True)
    """
    call = "dm.bounds.inverse_quadratic_form(H, y, digits=15)"
    matrix = symmetric_matrix(H, "H", "dm.bounds.inverse_quadratic_form({}, y)")
    vector = float_vector(y, matrix.shape[0], "y", call)
    wanted = require_digits(digits, call)
    require_sound_arithmetic()
    found = _by_refinement(matrix, vector, wanted)
    if found.digits >= wanted:
        return found
    stage("balls")
    ends = None
    if matrix.shape[0] <= MOST_ROWS:
        ends = inverse_form_in_balls(Scaled.from_floats(matrix), Scaled.from_floats(vector[:, None]), wanted)
    if ends is None:
        return found
    record = certificate(
        "inverse_quadratic_form", {"matrix": matrix, "y": vector}, ends, method="elimination and a solve in balls"
    )
    return Bound(*ends, QUANTITY, "proved", (EXACT_INPUT, BALLS), record)


def _by_refinement(matrix: Array, vector: Array, wanted: int) -> Bound:
    """Undecided, or with fewer digits, when float64 cannot factorise H."""
    scaled, e, lost = balanced(matrix)
    right, f, lost_y = balanced(vector)
    operator = Dense(scaled, max_slices=2**6)
    if lost or lost_y or operator.remainder:
        return Bound.undecided(
            QUANTITY, "the entries span more than 960 powers of two; scale H or y first", ASSUMPTIONS
        )
    stage("positive definiteness")
    prepared = prepared_factor(scaled)
    if prepared is None:
        return Bound.undecided(QUANTITY, "H could not be proved positive definite", ASSUMPTIONS)
    factor, mu = prepared
    low, high, passes = sandwich(operator, factor, mu, right, wanted) if vector.any() else (Fraction(0), Fraction(0), 0)
    scale = two_to(2 * f - e)
    record = _certificate(matrix, vector, low * scale, high * scale, mu * two_to(e), passes)
    return Bound(low * scale, high * scale, QUANTITY, "proved", ASSUMPTIONS, record)


def prepared_factor(scaled: Array) -> tuple[Array, Fraction] | None:
    """A Cholesky factor good for solving, and a proved positive lower bound of ``lambda_min``; None without one."""
    n = scaled.shape[0]
    level = 2.0**-53 * (n + 10) * float(scaled.diagonal().sum())
    a, rounding = shifted(scaled, 2 * level)
    done = factorise(a)
    if done is not None:
        mu = exact(2 * level) - done.slack - rounding
        if mu > 0:
            return done.factor, mu
    bound = lambda_min(scaled, 3)
    if bound.lower is None or bound.lower <= 0:
        return None
    shift = 0.0
    for step in (0.0, 0.125, 1.0, 4.0):
        shift = -step * level
        done = factorise(shifted(scaled, shift)[0])
        if done is not None:
            return done.factor, bound.lower
    return None


def _certificate(
    matrix: Array, vector: Array, lower: Fraction, upper: Fraction, mu: Fraction, passes: int
) -> dict[str, object]:
    return certificate(
        "inverse_quadratic_form",
        {"matrix": matrix, "y": vector},
        (lower, upper),
        method="variational sandwich",
        details={"lambda_min_lower": str(mu), "passes": passes},
    )
