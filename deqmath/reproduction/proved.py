"""Ends of proved bounds as float64 numbers of a report, rounded to the safe side."""

from __future__ import annotations

import math

from deqmath.bounds import Bound


def upper_end(bound: Bound) -> float | None:
    """At least the upper end; None where nothing is proved."""
    return None if bound.upper is None else math.nextafter(float(bound.upper), math.inf)


def lower_end(bound: Bound) -> float | None:
    """At most the lower end; None where nothing is proved."""
    return None if bound.lower is None else math.nextafter(float(bound.lower), -math.inf)
