"""Decimal text of an enclosure: only digits that are proved stand outside the brackets."""

from __future__ import annotations

from fractions import Fraction

from deqmath.bounds.rationals import floor_log10


def outward(value: Fraction, digits: int, up: bool) -> str:
    """``value`` in scientific notation with ``digits`` significant digits, rounded up or down on purpose."""
    if value == 0:
        return "0"
    exponent = floor_log10(abs(value))
    scaled = value * Fraction(10) ** (digits - 1 - exponent)
    mantissa = -((-scaled).__floor__()) if up else scaled.__floor__()
    if abs(mantissa) == 10**digits:
        mantissa, exponent = mantissa // 10, exponent + 1
    sign, body = ("-" if mantissa < 0 else ""), str(abs(mantissa))
    tail = body[1:].rstrip("0")
    text = sign + body[0] + ("." + tail if tail else "")
    return text if exponent == 0 else f"{text}e{exponent:+03d}"


def enclosure_digits(lower: Fraction, upper: Fraction) -> str:
    """The digits both ends share, then the next two in brackets; both ends when they share none.

    ``0.12345[67]`` says that every number of the enclosure begins with ``0.12345``.
    """
    if lower == upper:
        return _exact_text(lower)
    if lower <= 0 <= upper:
        return _both(lower, upper)
    sign, low, high = ("", lower, upper) if lower > 0 else ("-", -upper, -lower)
    exponent = floor_log10(high)
    places = _shared_places(low, high, exponent)
    if places is None:
        return _both(lower, upper)
    shared = (low * Fraction(10) ** places).__floor__()
    middle = ((low + high) / 2 * Fraction(10) ** (places + 2)).__floor__() - 100 * shared
    return sign + _place(shared, places, f"[{middle:02d}]")


def _shared_places(low: Fraction, high: Fraction, exponent: int) -> int | None:
    """The largest number of decimal places at which both ends have the same truncation (not zero)."""
    places = floor_log10(1 / (high - low)) + 1
    while places >= -exponent:
        scale = Fraction(10) ** places
        if (low * scale).__floor__() == (high * scale).__floor__() > 0:
            return places
        places -= 1
        if places < floor_log10(1 / (high - low)) - 3:
            return None
    return None


def _place(shared: int, places: int, bracket: str) -> str:
    """Write ``shared * 10**-places`` followed by the bracket, in plain or scientific notation."""
    text = str(shared)
    if places > 0 and len(text) - places > -5:
        padded = text.rjust(places + 1, "0")
        return f"{padded[:-places]}.{padded[-places:]}{bracket}"
    exponent = len(text) - 1 - places
    mantissa = text[0] + "." + text[1:] + bracket
    return mantissa if exponent == 0 else f"{mantissa}e{exponent:+03d}"


def _exact_text(value: Fraction) -> str:
    if value.denominator == 1 and abs(value.numerator) < 10**20:
        return str(value.numerator)
    text = str(value)
    return text if len(text) <= 40 else f"about {outward(value, 17, up=False)}"


def _both(lower: Fraction, upper: Fraction) -> str:
    width_digits = 3
    if lower * upper > 0:
        width_digits += max(0, floor_log10(max(abs(lower), abs(upper)) / (upper - lower)))
    return f"between {outward(lower, width_digits, up=False)} and {outward(upper, width_digits, up=True)}"
