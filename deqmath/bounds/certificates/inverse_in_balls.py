"""``y^T H^{-1} y`` for a small H of any condition or range: elimination and a verified solve in balls.

Where float64 cannot factorise H (a condition above 1e16, entries that span 1000 powers of two), python-flint's balls can;
the precision is doubled until H is proved positive definite and the digits are there.
"""

from __future__ import annotations

from fractions import Fraction

import flint

from deqmath.bounds.balls import ends, precision
from deqmath.bounds.inputs import Array

MOST_ROWS = 100
MOST_BITS = 2**14
Balls = list[list[flint.arb]]


def inverse_form_in_balls(h: Array, y: Array, digits: int) -> tuple[Fraction, Fraction] | None:
    """``lower <= y^T H^{-1} y <= upper``, H proved positive definite; None when H is not, is too large, or undecided.

    Parameters
    ----------
    h : ndarray, shape (n, n)
        Symmetric, taken exactly.
    y : ndarray, shape (n,)
    digits : int

    Examples
    --------
    >>> from fractions import Fraction
    >>> import numpy as np
    >>> from deqmath.bounds.certificates.inverse_in_balls import inverse_form_in_balls
    >>> h = np.ones((5, 5)) + 2.0**-52 * np.eye(5)  # condition 2e16; h (1, ..., 1) = (5 + 2**-52) (1, ..., 1)
    >>> low, high = inverse_form_in_balls(h, np.ones(5), 20)
    >>> low <= 5 / (5 + Fraction(2) ** -52) <= high
    True
    """
    if h.shape[0] > MOST_ROWS:
        return None
    bits = 128 + int(3.33 * digits)
    while bits <= MOST_BITS:
        with precision(bits):
            sign = _definite([[flint.arb(v) for v in row] for row in h.tolist()])
            if sign < 0:
                return None
            found = _form(h, y) if sign else None
        if found is not None and (found[1] - found[0]) * 10**digits <= found[0]:
            return found
        bits *= 2
    return None


def _form(h: Array, y: Array) -> tuple[Fraction, Fraction] | None:
    right = flint.arb_mat([[flint.arb(v)] for v in y.tolist()])
    try:
        value = (right.transpose() * flint.arb_mat(h.tolist()).solve(right))[0, 0]
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
