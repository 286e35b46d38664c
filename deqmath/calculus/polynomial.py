"""Noncommutative polynomials: the data structure behind the normal form.

A matrix expression is held as a sum of terms

    coefficient * (sums over sample indices) * tr(word) * tr(word) * ... * word

where a word is a product of letters (matrix symbols, inverses, gates, Kronecker products, ...),
a 1 x 1 product counts as the trace of itself, and traces commute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sympy import Determinant, Dummy, Expr, MatrixExpr, Mul, S, Symbol, Trace, expand

Word = tuple[MatrixExpr, ...]
Binder = tuple[Symbol, Expr]
Shape = tuple[Expr, Expr]


def expanded(c: Expr) -> Expr:
    """A coefficient multiplied out; traces and determinants in it are left as they are."""
    if c.is_Atom:
        return c
    opaque = {t: Dummy() for t in c.atoms(Trace, Determinant)}
    if not opaque:
        return expand(c)
    return expand(c.xreplace(opaque)).xreplace({d: t for t, d in opaque.items()})


@dataclass(frozen=True)
class Monomial:
    """Everything in a term but its coefficient.

    Parameters
    ----------
    word
        The noncommutative product; the empty word is the identity.
    traces
        Scalar factors, each a cyclic word in canonical rotation, sorted.
    binders
        Sample indices summed over, as pairs (index, count).
    """

    word: Word = ()
    traces: tuple[Word, ...] = ()
    binders: tuple[Binder, ...] = ()

    def idle_binders(self) -> tuple[Binder, ...]:
        """Those whose index stands in no letter."""
        used = {s for word in (self.word, *self.traces) for x in word for s in x.free_symbols}
        return tuple(b for b in self.binders if b[0] not in used)


@dataclass
class Polynomial:
    """A sum of monomials with scalar coefficients, of one shape."""

    shape: Shape
    terms: dict[Monomial, Expr] = field(default_factory=dict)

    def add(self, monomial: Monomial, coefficient: Expr) -> None:
        """Add one term, collecting it with its like; a sum over an index that stands nowhere counts its terms."""
        if monomial.binders and (idle := monomial.idle_binders()):
            from deqmath.calculus.algebra import canonical

            kept = tuple(b for b in monomial.binders if b not in idle)
            monomial = canonical(monomial.word, monomial.traces, kept)
            coefficient = coefficient * Mul(*(n for _, n in idle))
        old = self.terms.get(monomial)
        new = coefficient if old is None else expanded(old + coefficient)
        if new == 0:
            self.terms.pop(monomial, None)
        else:
            self.terms[monomial] = new

    def update(self, other: Polynomial, factor: Expr = S.One) -> None:
        """Add ``factor * other`` in place."""
        for monomial, coefficient in other.terms.items():
            self.add(monomial, coefficient * factor)

    def scaled(self, factor: Expr) -> Polynomial:
        """``factor * self``."""
        out = Polynomial(self.shape)
        out.update(self, factor)
        return out

    @property
    def is_zero(self) -> bool:
        return not self.terms

    @property
    def is_identity(self) -> bool:
        return self.terms == {Monomial(): S.One}

    def __iter__(self) -> Iterator[tuple[Monomial, Expr]]:
        return iter(self.terms.items())

    def __len__(self) -> int:
        return len(self.terms)


def single(shape: Shape, monomial: Monomial, coefficient: Expr = S.One) -> Polynomial:
    """A polynomial of one term."""
    return Polynomial(shape, {monomial: coefficient} if coefficient != 0 else {})


def sum_of(shape: Shape, parts: Iterable[Polynomial]) -> Polynomial:
    """The sum of polynomials of one shape."""
    out = Polynomial(shape)
    for part in parts:
        out.update(part)
    return out
