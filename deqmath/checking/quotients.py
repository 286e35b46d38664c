"""Bounds on the degrees of ``P / (f_1^n_1 f_2^n_2 ...)``: what the Schwartz-Zippel bound needs.

Every entry of a value is such a quotient with one denominator for all entries. The factors are
kept apart by name (the matrix whose determinant it is, the function that brings it), so that a
sum takes the least common denominator and a derivative raises each exponent by 1 only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

#: More factors than this are multiplied out to one.
_MOST_FACTORS = 48

#: Factor -> (bound on its degree, exponent).
Factors = Mapping[Hashable, tuple[int, int]]


@dataclass(frozen=True)
class Quotient:
    """``P / prod f^n``: a bound on deg P, and the factors of the denominator."""

    top: int
    factors: Factors = field(default_factory=dict)

    @property
    def bottom(self) -> int:
        """A bound on the degree of the denominator."""
        return sum(d * n for d, n in self.factors.values())

    @property
    def largest(self) -> int:
        """The larger of the two degrees."""
        return max(self.top, self.bottom)

    def times(self, *others: Quotient) -> Quotient:
        """The product."""
        factors = dict(self.factors)
        for other in others:
            for f, (d, n) in other.factors.items():
                e, k = factors.get(f, (0, 0))
                factors[f] = max(d, e), n + k
        return Quotient(self.top + sum(o.top for o in others), factors)

    def power(self, k: int) -> Quotient:
        """The power k >= 0."""
        return Quotient(k * self.top, {f: (d, k * n) for f, (d, n) in self.factors.items() if k})

    def inverse(self, key: Hashable, k: int = 1) -> Quotient:
        """``(P/Q)^{-1} = Q adj(P) / det(P)`` of a k x k matrix; ``key`` names det(P)."""
        return Quotient(self.bottom + (k - 1) * self.top, {key: (k * self.top, 1)})

    def derivative(self) -> Quotient:
        """The derivative by one variable, whose own degree is still to be taken off and its change to be put on."""
        factors = {f: (d, n + 1) for f, (d, n) in self.factors.items()}
        return Quotient(self.top + sum(d for d, _ in self.factors.values()), factors)

    def raised(self, by: int) -> Quotient:
        """With ``by`` more in the numerator (less where negative)."""
        return Quotient(self.top + by, self.factors)

    def of_entries(self, count: int, key: Hashable, shared: Factors) -> Quotient:
        """One such quotient for each of ``count`` entries, only the ``shared`` factors the same in all."""
        common = {f: v for f, v in self.factors.items() if f in shared}
        own = sum(d * n for f, (d, n) in self.factors.items() if f not in shared)
        return Quotient(self.top + (count - 1) * own, common | ({key: (count * own, 1)} if own else {}))

    def shortened(self, key: Hashable) -> Quotient:
        """Many factors as one, named ``key``."""
        return self if len(self.factors) <= _MOST_FACTORS else Quotient(self.top, {("all of", key): (self.bottom, 1)})


ONE = Quotient(0)
VARIABLE = Quotient(1)


def total(terms: Iterable[Quotient]) -> Quotient:
    """The sum over the least common denominator."""
    factors: dict[Hashable, tuple[int, int]] = {}
    excess = None
    for t in terms:
        above = t.top - t.bottom
        excess = above if excess is None else max(above, excess)
        for f, (d, n) in t.factors.items():
            e, k = factors.get(f, (0, 0))
            factors[f] = max(d, e), max(n, k)
    out = Quotient(0, factors)
    return Quotient((excess or 0) + out.bottom, factors)


def solution(matrix: Quotient, right: Quotient, n: int, key: Hashable, systems: int = 1) -> Quotient:
    """``M^{-1} r`` for n x n matrices M, one for each of ``systems`` columns, by Cramer's rule."""
    inverse = matrix.inverse(key, n)
    lumped = Quotient(inverse.top, {key: (inverse.bottom, 1)}).of_entries(systems, key, {})
    return lumped.times(right)
