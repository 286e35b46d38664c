"""A symmetric matrix known entry by entry to within a radius, and its smallest eigenvalue by Weyl's inequality."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from deqmath.bounds.bound import Bound, Status
from deqmath.bounds.eigenvalue import smallest_eigenvalue
from deqmath.bounds.integer_matrix import IntegerDense
from deqmath.bounds.integers import Scaled
from deqmath.bounds.lambda_bounds import ASSUMPTIONS
from deqmath.bounds.rationals import floor_log2, round_down, round_up, two_to


@dataclass(frozen=True, eq=False)
class GramEnclosure:
    """``|H_ij - centre_ij| <= radius_ij``, entry by entry.

    Attributes
    ----------
    centre : Scaled
        An exact symmetric matrix, shape (n, n), times ``factor``.
    factor : Fraction
        ``gamma^2/m``.
    radius : Fraction
        At least ``max_ij |H_ij - centre_ij|``, `factor` included.
    status : {"proved", "undecided"}
    reason : str
    """

    centre: Scaled
    factor: Fraction
    radius: Fraction
    status: Status = "proved"
    reason: str = ""

    def entry(self, i: int, j: int) -> Bound:
        """``H_ij``, enclosed."""
        if self.status == "undecided":
            return Bound.undecided(f"H[{i}, {j}]", self.reason)
        middle = self.centre.fraction(i, j) * self.factor
        return Bound(middle - self.radius, middle + self.radius, f"H[{i}, {j}]")


def enclosure_lambda_min(found: GramEnclosure, digits: int, name: str, assuming: tuple[str, ...] = ()) -> Bound:
    """The smallest eigenvalue of every symmetric matrix within the enclosure (Weyl: off by at most ``n radius``)."""
    n = found.centre.values.shape[0]
    weyl = n * found.radius
    bits = found.centre.largest_bits()
    if bits == 0:
        return Bound(-weyl, weyl, name, "proved", (*ASSUMPTIONS, *assuming))
    scaled = IntegerDense(Scaled(found.centre.values, -bits))
    inside = smallest_eigenvalue(scaled, digits)
    factor = found.factor * two_to(found.centre.exponent + bits)
    low = None if inside.lower is None else inside.lower * factor - weyl
    return _short(low, inside.upper * factor + weyl, name, (*ASSUMPTIONS, *assuming))


def _short(lower: Fraction | None, upper: Fraction, name: str, assumptions: tuple[str, ...]) -> Bound:
    """Dyadic ends that give away at most 1/32 of the width."""
    if lower is None:
        return Bound(None, upper, name, "proved", assumptions)
    if lower < upper:
        grid = floor_log2(upper - lower) - 6
        lower, upper = round_down(lower, grid), round_up(upper, grid)
    return Bound(lower, upper, name, "proved", assumptions)
