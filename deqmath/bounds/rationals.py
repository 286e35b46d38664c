"""Exact rationals: outward rounding to short dyadic numbers, square roots from above, decimal logarithms.

Every slack of a proof passes through here, so nothing on this page rounds to nearest.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

UNIT_ROUNDOFF = Fraction(1, 2**53)
"""``u`` of float64 rounding to nearest: ``|fl(a op b) - (a op b)| <= u |a op b|``."""

TINY = Fraction(1, 2**1021)
"""More than the error of one underflow, whether subnormal numbers are kept or flushed to zero."""


def two_to(exponent: int) -> Fraction:
    """``2**exponent`` as an exact rational."""
    return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)


def exact(value: float) -> Fraction:
    """The rational number that a finite float64 is."""
    return Fraction(float(value))


def gamma(k: int) -> Fraction:
    """Higham's ``gamma_k = k u / (1 - k u)``, the error of k roundings in a row (Higham 2002, Lemma 3.1)."""
    ku = k * UNIT_ROUNDOFF
    if ku >= 1:
        msg = f"gamma_k needs k u < 1, got k = {k}; no float64 proof exists at this size"
        raise ValueError(msg)
    return ku / (1 - ku)


def floor_log2(value: Fraction) -> int:
    """The integer e with ``2**e <= value < 2**(e+1)``, for value > 0."""
    e = value.numerator.bit_length() - value.denominator.bit_length()
    return e if two_to(e) <= value else e - 1


def floor_log10(value: Fraction) -> int:
    """The integer e with ``10**e <= value < 10**(e+1)``, for value > 0."""
    e = (floor_log2(value) * 30103) // 100000
    while _ten_to(e) > value:
        e -= 1
    while _ten_to(e + 1) <= value:
        e += 1
    return e


def _ten_to(exponent: int) -> Fraction:
    return Fraction(10**exponent) if exponent >= 0 else Fraction(1, 10**-exponent)


def round_down(value: Fraction, grid: int) -> Fraction:
    """The largest multiple of ``2**grid`` that is at most ``value``."""
    return two_to(grid) * (value / two_to(grid)).__floor__()


def round_up(value: Fraction, grid: int) -> Fraction:
    """The smallest multiple of ``2**grid`` that is at least ``value``."""
    return -round_down(-value, grid)


def short_up(value: Fraction, bits: int = 64) -> Fraction:
    """At least ``value`` (>= 0), with about ``bits`` significant bits."""
    return value if value <= 0 else round_up(value, floor_log2(value) - bits)


def sqrt_up(value: Fraction, bits: int = 64) -> Fraction:
    """At least ``sqrt(value)``, about ``bits`` bits tight, for value >= 0."""
    return Fraction(0) if value == 0 else _sqrt(value, bits, 1)


def sqrt_down(value: Fraction, bits: int = 64) -> Fraction:
    """At most ``sqrt(value)``, about ``bits`` bits tight, for value >= 0."""
    return Fraction(0) if value == 0 else _sqrt(value, bits, 0)


def _sqrt(value: Fraction, bits: int, up: int) -> Fraction:
    shift = 2 * (bits - floor_log2(value) // 2)
    scaled = value * two_to(shift)
    return Fraction(isqrt(scaled.__floor__()) + up) * two_to(-shift // 2)
