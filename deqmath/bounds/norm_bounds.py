"""``operator_norm``: the spectral norm of a float64 matrix, taken exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certificate, witness_record
from deqmath.bounds.certificates.operator_norm import quick_norm
from deqmath.bounds.eigenvalue import BITS_PER_DIGIT, Enclosure, smallest_eigenvalue
from deqmath.bounds.inputs import Array, balanced, float_matrix
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, EXACT_INPUT, require_digits
from deqmath.bounds.operators import FactorGram, frobenius_up, lower_gram, mirror_lower
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rationals import sqrt_down, sqrt_up, two_to

QUANTITY = "operator_norm"


def operator_norm(A: Array, digits: int = 9) -> Bound:
    r"""The spectral norm ``||A||_2``, enclosed with as many proved digits as asked.

    Parameters
    ----------
    A : ndarray of float64, shape (m, n)
        Any finite non-empty matrix; entries are taken exactly.
    digits : int
        Significant digits wanted; the bound says how many were reached.

    Returns
    -------
    Bound

    Raises
    ------
    InputError, ShapeError
        For anything but a finite, non-empty float64 matrix.

    Notes
    -----
    Up to about nine digits: ``s^2 I - fl(A^T A)`` has a Cholesky factorisation, so ``||A|| <= s`` up to bounded slack,
    and ``||A|| >= ||A x|| / ||x||``. Beyond: ``-||A||^2`` is the smallest eigenvalue of ``-A^T A``, which is enclosed
    as in :func:`lambda_min` with two exact products an application, the Gram matrix never being formed exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import operator_norm
    >>> print(operator_norm(np.array([[1.0, 2.0], [3.0, 4.0]]), digits=20))     # doctest: +ELLIPSIS
    5.4649857042190426...
    """
    call = "dm.bounds.operator_norm({})"
    matrix = float_matrix(A, "A", call)
    wanted = require_digits(digits, "dm.bounds.operator_norm(A, digits=9)")
    require_sound_arithmetic()
    if not matrix.any():
        zero = (Fraction(0), Fraction(0))
        return Bound(*zero, QUANTITY, "proved", (EXACT_INPUT,), certificate(QUANTITY, {"matrix": matrix}, zero))
    # The squares of the Gram matrix must not overflow either.
    scaled, e, lost = balanced(matrix if matrix.shape[1] <= matrix.shape[0] else matrix.T, safe_exponent=100)
    scaled = np.ascontiguousarray(scaled)
    gram, error = lower_gram(scaled)
    lower, upper, _ = quick_norm(scaled, gram, error)
    found: Enclosure | None = None
    if upper - lower > lower / 10**wanted:
        mirror_lower(gram)
        operator = FactorGram(scaled, -1, 8 + int(wanted * BITS_PER_DIGIT / 27), formed=(gram, error))
        found = smallest_eigenvalue(operator, wanted)
        lower, upper = _tighter(found, lower, upper, wanted)
    factor = two_to(e)
    lower, upper = max(lower - lost, Fraction(0)) * factor, (upper + lost) * factor
    record = certificate(
        QUANTITY,
        {"matrix": matrix},
        (lower, upper),
        method="shifted Cholesky of the Gram matrix" if found is None else found.method,
        details={} if found is None else found.details,
        witness=None if found is None else witness_record(found.witness),
    )
    return Bound(lower, upper, QUANTITY, "proved", ASSUMPTIONS, record)


def cheap_norm_bounds(A: Array) -> tuple[Fraction, Fraction]:
    """``(sqrt(||A||_1 ||A||_inf), ||A||_F)``, rounded up: two norms that bound ``||A||_2`` from above, cheaply.

    Both are usually ten to twenty times too large for a random square matrix; they are here for comparison.
    """
    matrix, e, lost = balanced(float_matrix(A, "A", "dm.bounds.operator_norm({})"))
    enlarged = Fraction(1001, 1000)
    sums = [Fraction(float(np.abs(matrix).sum(axis=axis).max())) * enlarged for axis in (0, 1)]
    factor = two_to(e)
    return (sqrt_up(sums[0] * sums[1]) + lost) * factor, (frobenius_up(matrix) + lost) * factor


def _tighter(found: Enclosure, lower: Fraction, upper: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    """``sigma^2`` lies in ``[-found.upper, -found.lower]``; square roots outward."""
    bits = int(digits * BITS_PER_DIGIT) + 24
    low = sqrt_down(max(-found.upper, Fraction(0)), bits)
    high = upper if found.lower is None else sqrt_up(-found.lower, bits)
    return max(low, lower), min(high, upper)
