"""``y^T H^{-1} y`` for a small H of any condition or range: elimination and a verified solve in balls.

Where float64 cannot factorise H (a condition above 1e16, entries that span 1000 powers of two), python-flint's balls can;
the precision is doubled until H is proved positive definite and the digits are there.
"""

from __future__ import annotations

from fractions import Fraction

import flint

from deqmath.bounds.balls import ends, precision
from deqmath.bounds.integers import Scaled
from deqmath.bounds.rationals import two_to

MOST_ROWS = 100
MOST_BITS = 2**14
Balls = list[list[flint.arb]]


def inverse_form_in_balls(h: Scaled, y: Scaled, digits: int) -> tuple[Fraction, Fraction] | None:
    """``lower <= y^T H^{-1} y <= upper``, H proved positive definite; None when H is not, is too large, or undecided.

    Parameters
    ----------
    h : Scaled, shape (n, n)
        Symmetric.
    y : Scaled, shape (n, 1)
    digits : int

    Examples
    --------
    >>> from fractions import Fraction
    >>> import numpy as np
    >>> from deqmath.bounds.certificates.inverse_in_balls import inverse_form_in_balls
    >>> from deqmath.bounds.integers import Scaled
    >>> h = np.ones((5, 5)) + 2.0**-52 * np.eye(5)  # condition 2e16; h (1, ..., 1) = (5 + 2**-52) (1, ..., 1)
    >>> low, high = inverse_form_in_balls(Scaled.from_floats(h), Scaled.from_floats(np.ones((5, 1))), 20)
    >>> low <= 5 / (5 + Fraction(2) ** -52) <= high
    True
    """
    if h.values.shape[0] > MOST_ROWS:
        return None
    unit = two_to(2 * y.exponent - h.exponent)
    bits = 128 + int(3.33 * digits)
    while bits <= MOST_BITS:
        with precision(bits):
            sign = _definite([[flint.arb(v) for v in row] for row in h.values.tolist()])
            if sign < 0:
                return None
            found = _form(h, y) if sign else None
        if found is not None and (found[1] - found[0]) * 10**digits <= found[0]:
            return found[0] * unit, found[1] * unit
        bits *= 2
    return None


def _form(h: Scaled, y: Scaled) -> tuple[Fraction, Fraction] | None:
    right = flint.arb_mat(y.integer_matrix)
    try:
        value = (right.transpose() * flint.arb_mat(h.integer_matrix).solve(right))[0, 0]
    except ZeroDivisionError:
        return None
    return ends(value) if value.is_finite() else None


def _definite(rows: Balls) -> int:
    """1 when every pivot is proved positive, -1 when one is proved negative, 0 when the balls cannot tell."""
    for k, row in enumerate(rows):
        if not row[k] > 0:
            return -1 if row[k] < 0 else 0
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / row[k]
            for j in range(k + 1, len(rows)):
                rows[i][j] -= factor * row[j]
    return 1
