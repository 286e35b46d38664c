"""``lambda_min``, ``lambda_max`` and positive definiteness of a symmetric float64 matrix, taken exactly."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np

from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certificate, certified, witness_record
from deqmath.bounds.certificates.cholesky import lower_bound
from deqmath.bounds.eigenvalue import BITS_PER_DIGIT, Enclosure, outward, smallest_eigenvalue
from deqmath.bounds.inputs import Array, balanced, largest_magnitude, symmetric_matrix, unit_diagonal
from deqmath.bounds.operators import Dense
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rational_matrix import RationalDense, rational_input, require_symmetric_rational
from deqmath.bounds.rationals import exact, two_to
from deqmath.bounds.repeated_rows import distinct_rows
from deqmath.errors import InputError, UndecidedError

MOST_DIGITS = 3_000
EXACT_INPUT = "the float64 entries are taken exactly: the bound is about the rational matrix they denote"
SOUND_MACHINE = "IEEE 754 float64 and an exact integer matrix product (probed at start-up)"
STANDARD_BLAS = "dpotrf sums and divides in float64 in some order (no block inverses, no emulation)"
ASSUMPTIONS = (EXACT_INPUT, SOUND_MACHINE, STANDARD_BLAS)


def lambda_min(H: Array | flint.fmpq_mat, digits: int = 15) -> Bound:
    r"""The smallest eigenvalue of a symmetric matrix, enclosed with as many proved digits as asked.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n), or a matrix of exact numbers
        Symmetric; every entry is taken exactly as the rational number it is. An array of integers or of Fractions, and
        flint's fmpz_mat and fmpq_mat (at most 256 rows), are taken as they stand.
    digits : int
        Significant digits wanted; the bound says how many were reached.

    Returns
    -------
    Bound
        ``lower <= lambda_min(H) <= upper``; equal ends when the eigenvalue is a simple fraction whose eigenspace can
        be written down (zero for repeated samples, c for ``c I`` plus low rank). Fewer digits than asked are
        returned, still proved, when the lowest eigenvalues of more than 200 rows form an inexact cluster of more than 24.

    Raises
    ------
    InputError, ShapeError
        For anything but a finite, symmetric, non-empty float64 matrix.

    Notes
    -----
    One Cholesky factorisation of ``H + tau V V^T - nu I`` proves ``lambda_{p+1}(H) >= nu``; Temple's (p = 1) or
    Lehmann's inequality, evaluated in exact rationals, then gives ``lambda_min >= theta - ||r||^2 / (nu - theta)``,
    and refining V adds digits quadratically. Exact products are done by BLAS on integer slices.

    References
    ----------
    G. Temple, Proc. R. Soc. A 119 (1928); N. J. Lehmann, Z. angew. Math. Mech. 29 (1949);
    S. M. Rump, BIT 46 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import lambda_min
    >>> bound = lambda_min(np.array([[2.0, 1.0], [1.0, 3.0]]), digits=20)
    >>> print(bound)                                                            # doctest: +ELLIPSIS
    1.38196601125010515179...
    >>> bound.status, bound.digits >= 20
    ('proved', True)
    """
    wanted = require_digits(digits, "dm.bounds.lambda_min(H, digits=15)")
    rational = rational_input(H, "H")
    if rational is not None:
        return _rational_extreme(rational, wanted, 1, "lambda_min")
    return _extreme(symmetric_matrix(H, "H", "dm.bounds.lambda_min({})"), wanted, 1, "lambda_min")


def lambda_max(H: Array | flint.fmpq_mat, digits: int = 15) -> Bound:
    """The largest eigenvalue of a symmetric matrix, ``-lambda_min(-H)``; see :func:`lambda_min`.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n)
    digits : int

    Returns
    -------
    Bound

    Raises
    ------
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import lambda_max
    >>> print(lambda_max(np.array([[2.0, 1.0], [1.0, 3.0]]), digits=20))        # doctest: +ELLIPSIS
    3.61803398874989484820...
    """
    wanted = require_digits(digits, "dm.bounds.lambda_max(H, digits=15)")
    rational = rational_input(H, "H")
    if rational is not None:
        return _rational_extreme(rational, wanted, -1, "lambda_max")
    return _extreme(symmetric_matrix(H, "H", "dm.bounds.lambda_max({})"), wanted, -1, "lambda_max")


def is_positive_definite(H: Array) -> bool:
    """Whether a symmetric matrix is positive definite, proved either way.

    H is scaled to ``D H D`` with a diagonal near one, D of powers of two, which changes no sign (Sylvester). One
    Cholesky factorisation of ``fl(D H D - cI)`` with c just above its slack decides most cases; the rest are decided
    by the sign of :func:`lambda_min`. A matrix proved to have ``lambda_min <= 0`` gives False.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n)

    Raises
    ------
    UndecidedError
        When no proof of either was found (for instance an exactly singular positive semidefinite matrix).
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import is_positive_definite
    >>> is_positive_definite(np.array([[2.0, 1.0], [1.0, 2.0]]))
    True
    >>> is_positive_definite(np.array([[1.0, 2.0], [2.0, 1.0]]))
    False
    """
    matrix = symmetric_matrix(H, "H", "dm.bounds.is_positive_definite({})")
    require_sound_arithmetic()
    if matrix.diagonal().min() <= 0:
        return False
    congruent, lost = unit_diagonal(matrix)
    if largest_magnitude(congruent) > 2:  # a 2 x 2 minor is negative
        return False
    shift = 2.0**-52 * (matrix.shape[0] + 10) * float(congruent.diagonal().sum())
    low = lower_bound(congruent, shift)
    if low is not None and low > lost:
        return True
    bound = _extreme(matrix if lost else congruent, 6, 1, "lambda_min")
    if bound.lower is not None and bound.lower > 0:
        return True
    if bound.upper is not None and bound.upper <= 0:
        return False
    msg = f"positive definiteness is undecided: lambda_min is {bound}; look at dm.bounds.lambda_min(H)"
    raise UndecidedError(msg)


def require_digits(digits: object, call: str) -> int:
    """``digits`` as an integer from 1 to `MOST_DIGITS`."""
    if isinstance(digits, bool) or not isinstance(digits, (int, np.integer)) or not 1 <= digits <= MOST_DIGITS:
        msg = f"digits = {digits!r}; needed an integer from 1 to {MOST_DIGITS}: {call}"
        raise InputError(msg)
    return int(digits)


def _extreme(matrix: Array, digits: int, sign: int, quantity: str) -> Bound:
    require_sound_arithmetic()
    simple = _diagonal_extreme(matrix, sign)
    if simple is not None:
        return Bound(simple, simple, quantity, "proved", (EXACT_INPUT,), _certificate(matrix, quantity, simple, simple))
    scaled, e, lost = balanced(matrix)
    if sign > 0 and not lost and _repeats_a_definite(scaled):
        zero = Fraction(0)
        return Bound(zero, zero, quantity, "proved", ASSUMPTIONS, _certificate(matrix, quantity, zero, zero))
    found = smallest_eigenvalue(Dense(scaled, sign, max_slices=8 + int(digits * BITS_PER_DIGIT / 27)), digits)
    factor = sign * two_to(e)
    low = None if found.lower is None else (found.lower - lost) * factor
    high = (found.upper + lost) * factor
    lower, upper = (low, high) if sign > 0 else (high, low)
    record = _certificate(matrix, quantity, lower, upper, found)
    return Bound(lower, upper, quantity, "proved", ASSUMPTIONS, record)


def _repeats_a_definite(matrix: Array) -> bool:
    """Whether some rows are equal and the matrix of the distinct ones is proved positive definite: lambda_min is zero."""
    rows = distinct_rows(matrix)
    if rows.size == matrix.shape[0]:
        return False
    smaller = np.ascontiguousarray(matrix[np.ix_(rows, rows)])
    low = lower_bound(smaller, 2.0**-52 * (rows.size + 10) * float(smaller.diagonal().sum()))
    return low is not None and low > 0


def _rational_extreme(matrix: flint.fmpq_mat, digits: int, sign: int, quantity: str) -> Bound:
    require_sound_arithmetic()
    require_symmetric_rational(matrix, "H")
    trusted = ("the rational entries are taken as they stand", *ASSUMPTIONS[1:])
    if matrix == matrix * 0:
        return certified(Bound(Fraction(0), Fraction(0), quantity, "proved", trusted), quantity, {"matrix": matrix})
    operator = RationalDense(matrix, sign)
    found = smallest_eigenvalue(operator, digits)
    low, high = outward(None if found.lower is None else found.lower * operator.scale, found.upper * operator.scale)
    bound = Bound(low, high, quantity, "proved", trusted).scaled(Fraction(sign))
    return certified(bound, quantity, {"matrix": matrix})


def _diagonal_extreme(matrix: Array, sign: int) -> Fraction | None:
    """The exact answer for a diagonal matrix (zero and 1 x 1 matrices among them)."""
    diagonal = matrix.diagonal()
    if np.count_nonzero(matrix) != np.count_nonzero(diagonal):
        return None
    return sign * exact(float((sign * diagonal).min()))


def _certificate(
    matrix: Array, quantity: str, lower: Fraction | None, upper: Fraction | None, found: Enclosure | None = None
) -> dict[str, object]:
    return certificate(
        quantity,
        {"matrix": matrix},
        (lower, upper),
        method="exact by inspection" if found is None else found.method,
        details={} if found is None else found.details,
        witness=None if found is None else witness_record(found.witness),
    )
