"""Numbers of a formula as text for libraries of floating point: exact where a float is, never beyond its range."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from deqmath.errors import InputError

#: Integers below this are written as they stand; every one of them is a float64.
_EXACT = 2**53


class FloatNumbers:
    """Printer methods for numbers; mixed into a printer before its own."""

    def _print_Integer(self, expr: Any) -> str:
        return str(int(expr)) if abs(int(expr)) < _EXACT else float_text(Fraction(int(expr)))

    _print_One = _print_Zero = _print_NegativeOne = _print_Integer

    def _print_Rational(self, expr: Any) -> str:
        p, q = int(expr.p), int(expr.q)
        return f"{p} / {q}" if max(abs(p), q) < _EXACT else float_text(Fraction(p, q))

    _print_Half = _print_Rational

    def _print_Float(self, expr: Any) -> str:
        return float_text(exact(expr))


def exact(x: Any) -> Fraction:
    """The rational number that a SymPy ``Float`` is."""
    sign, mantissa, power, _ = x._mpf_
    size = Fraction(int(mantissa)) * Fraction(2) ** int(power)
    return -size if sign else size


def float_text(x: Fraction) -> str:
    """A rational number as the nearest float; one that float64 cannot hold is refused."""
    try:
        nearest = float(x)
    except OverflowError:
        nearest = float("inf")
    if nearest in (float("inf"), float("-inf")) or (nearest == 0.0 and x != 0):
        size = len(str(abs(x.numerator))) - len(str(x.denominator))
        msg = f"generate received a number of about 10^{size}, which float64 cannot hold; the targets mpmath and flint can"
        raise InputError(msg)
    return repr(nearest)
