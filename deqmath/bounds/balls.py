"""Ball arithmetic of python-flint between exact rationals: precision behind a lock, ends as fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint

from deqmath.bounds.bound import Bound
from deqmath.bounds.rationals import two_to
from deqmath.bounds.recheck.precision import precision  # flint has one precision a process, so there is one lock

__all__ = ["BALLS", "ball", "enclosed", "ends", "hull", "precision"]

BALLS = "python-flint's ball arithmetic"


def ball(value: Fraction | float) -> flint.arb:
    """The number as a ball, at the precision that holds."""
    exact = Fraction(value)
    return flint.arb(flint.fmpq(exact.numerator, exact.denominator))


def hull(lower: Fraction, upper: Fraction) -> flint.arb:
    """A ball that holds both ends."""
    return ball(lower).union(ball(upper))


def ends(value: flint.arb) -> tuple[Fraction, Fraction]:
    """Exact ends of a ball; raises `ArithmeticError` when it is not finite."""
    if not value.is_finite():
        msg = f"the ball {value} is not finite"
        raise ArithmeticError(msg)
    return _exact(value.lower()), _exact(value.upper())


def enclosed(value: flint.arb, quantity: str, assumptions: tuple[str, ...] = ()) -> Bound:
    """The ball as a `Bound`."""
    lower, upper = ends(value)
    return Bound(lower, upper, quantity, "proved", (BALLS, *assumptions))


def _exact(value: Any) -> Fraction:
    mantissa, exponent = value.man_exp()
    return int(mantissa) * two_to(int(exponent))
