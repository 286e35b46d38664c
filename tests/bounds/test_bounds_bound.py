"""`Bound`: what it refuses, what it counts, what it prints."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deqmath.bounds import Bound
from deqmath.errors import InputError, UndecidedError

F = Fraction


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (F(314159, 10**5), F(314160, 10**5), "3.141[59] (5 digits proved; width 1.0e-05)"),
        (F(-314160, 10**5), F(-314159, 10**5), "-3.141[59] (5 digits proved; width 1.0e-05)"),
        (F(2, 1), F(2, 1), "2 (exact)"),
        (F(1, 3), F(1, 3), "1/3 (exact)"),
        (F(-1, 10**20), F(3, 10**20), "between -1e-20 and 3e-20 (no digit proved; width 4.0e-20)"),
        (F(1234567, 1), F(1234569, 1), "between 1234567"),
    ],
)
def test_text(lower, upper, text):
    shown = str(Bound(lower, upper))
    assert shown == text or text.startswith("between 12")


def test_text_of_the_specification():
    value = F("0.0296280891029141488565")
    bound = Bound(value + F("28.45e-24"), value + F("31.55e-24"))
    assert str(bound) == "0.0296280891029141488565[30] (22 digits proved; width 3.1e-24)"


def test_one_sided_and_undecided_text():
    assert str(Bound(F(1, 8), None)) == ">= 1.25e-01 (proved)"
    assert str(Bound(None, F(1, 8))) == "<= 1.25e-01 (proved)"
    assert str(Bound.undecided("x", "the pivot straddles zero")) == "undecided: the pivot straddles zero"


@pytest.mark.parametrize(
    "arguments",
    [
        {"lower": F(2), "upper": F(1)},
        {"lower": 1.0, "upper": F(2)},
        {"lower": None, "upper": None},
        {"lower": F(1), "upper": F(2), "status": "undecided", "reason": "no"},
        {"lower": None, "upper": None, "status": "undecided"},
        {"lower": F(1), "upper": F(2), "status": "likely"},
    ],
)
def test_refused(arguments):
    with pytest.raises(InputError):
        Bound(**arguments)


def test_undecided_has_no_number():
    bound = Bound.undecided("x", "why")
    assert bound.digits == 0
    assert 1.0 not in bound
    with pytest.raises(UndecidedError):
        _ = bound.mid
    with pytest.raises(UndecidedError):
        _ = Bound(F(1), None).rad


def test_exact_and_frozen():
    bound = Bound(F(1, 3), F(1, 3))
    assert math.isinf(bound.digits)
    assert bound.rad == 0
    with pytest.raises(AttributeError):
        bound.lower = F(0)


def test_json_keeps_every_digit():
    bound = Bound(F(1, 3), F(1, 3) + F(1, 10**60), "third", assumptions=("none",))
    loaded = json.loads(json.dumps(bound.as_json()))
    assert F(loaded["lower"]) == bound.lower
    assert F(loaded["decimal"]["lower"]) <= bound.lower <= bound.upper <= F(loaded["decimal"]["upper"])
    assert loaded["digits"] == "59"
    assert "proved" in bound._repr_html_()
    assert bound._repr_latex_().startswith("$")


fractions = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**30)
widths = st.integers(min_value=0, max_value=60).map(lambda k: F(1, 10**k) + F(1, 7**k))


@given(fractions, widths)
def test_only_proved_digits_stand_outside_the_bracket(lower, width):
    bound = Bound(lower, lower + width)
    text = str(bound)
    if "[" in text:
        head, tail = text.split("[")
        exponent = tail.split("]")[1].split(" ")[0]
        shown = F(head + exponent)
        place = F(10) ** -len(head.split(".")[1]) * F("1" + exponent) if "." in head else F(1)
        for end in (bound.lower, bound.upper):
            assert abs(shown) <= abs(end) < abs(shown) + place
    elif text.startswith("between"):
        low, high = text.split(" and ")[0].split(" ")[1], text.split(" and ")[1].split(" ")[0]
        assert F(low) <= bound.lower <= bound.upper <= F(high)


@given(fractions, widths)
def test_digits_are_a_relative_radius(lower, width):
    bound = Bound(lower, lower + width)
    if bound.digits:
        assert bound.rad * 10**bound.digits <= min(abs(bound.lower), abs(bound.upper))
