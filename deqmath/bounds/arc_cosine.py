r"""The arc-cosine kernels of order 0 and 1, in balls (gg22 eq. 28; Cho and Saul 2009).

For (u, v) Gaussian with variances a, b and covariance c, ``theta = arccos(c / sqrt(ab))``,

.. math:: \kappa_0 = E[1_{u>0} 1_{v>0}] = \frac{\pi - \theta}{2\pi}, \qquad
   \kappa_1 = E[u_+ v_+] = \frac{\sqrt{ab - c^2} + c (\pi - \theta)}{2\pi}, \qquad
   \frac{\partial\kappa_1}{\partial c} = \kappa_0 \in [0, 1/2].

The angle is taken as ``atan2(sqrt(ab - c^2), c)``, which stays accurate for parallel inputs.
"""

from __future__ import annotations

from fractions import Fraction

import flint

from deqmath.bounds.balls import ball, enclosed, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.lambda_bounds import require_digits
from deqmath.errors import InputError


def kernels(a: flint.arb, b: flint.arb, c: flint.arb) -> tuple[flint.arb, flint.arb]:
    """``(kappa_0, kappa_1)`` at the precision that holds; the true ``ab - c^2`` is taken to be at least 0."""
    root = (a * b - c * c).nonnegative_part().sqrt()
    open_angle = flint.arb.pi() - flint.arb.atan2(root, c)
    return open_angle / (2 * flint.arb.pi()), (root + c * open_angle) / (2 * flint.arb.pi())


def arc_cosine(order: int, a: Fraction, b: Fraction, c: Fraction, digits: int = 15) -> Bound:
    """``kappa_0`` or ``kappa_1`` for exact variances and covariance.

    Parameters
    ----------
    order : {0, 1}
    a, b : Fraction or int
        Variances, positive.
    c : Fraction or int
        Covariance, ``c^2 <= a b``.
    digits : int

    Raises
    ------
    InputError

    Examples
    --------
    >>> from deqmath.bounds import arc_cosine
    >>> print(arc_cosine(1, 1, 1, 0, digits=20))                                # 1/(2 pi)   doctest: +ELLIPSIS
    0.159154943091895335...
    """
    wanted = require_digits(digits, "dm.bounds.arc_cosine(1, 1, 1, 0, digits=15)")
    a, b, c = Fraction(a), Fraction(b), Fraction(c)
    if order not in (0, 1) or a <= 0 or b <= 0 or c * c > a * b:
        msg = f"order = {order!r}, a = {a}, b = {b}, c = {c}; needed order 0 or 1, a, b > 0 and c^2 <= a b"
        raise InputError(msg)
    name, bits = f"kappa_{order}", int(wanted * 3.33) + 40
    if c * c == a * b and c < 0:  # opposite: both kernels vanish
        return Bound(Fraction(0), Fraction(0), name)
    while True:
        with precision(bits):
            root = ball(a * b - c * c).sqrt()
            angle = flint.arb.pi() - flint.arb.atan2(root, ball(c))
            value = angle if order == 0 else root + ball(c) * angle
            found = enclosed(value / (2 * flint.arb.pi()), name)
        if found.digits >= wanted or bits > 40 * wanted + 4000:
            return found
        bits *= 2
