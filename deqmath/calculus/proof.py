"""Proofs of equality for all dimensions: laws that displays do not use, and inverses cleared.

Every step below replaces the difference of the two sides by something that vanishes with it, at every
point where both sides are defined. If nothing is left the equality is proved; if something is left,
nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Determinant, Dummy, Expr, Inverse, MatrixExpr, Mul, S, Trace, cancel, together
from sympy.matrices.expressions import Transpose

from deqmath.calculus.algebra import canonical, multiply
from deqmath.calculus.blocks import block_rows
from deqmath.calculus.determinants import determinants_apart
from deqmath.calculus.expression import word_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word
from deqmath.calculus.proof_form import proof_form
from deqmath.calculus.rules.resolvents import resolved
from deqmath.expressions.nodes import Placement
from deqmath.expressions.ordering import structure_key

#: How many inverses are cleared one after the other, how many differences are looked at, and how many
#: terms they may have together. Stopping early decides nothing, so it is safe.
_DEPTH = 5
_MOST_DIFFERENCES = 10
_MOST_WORK = 150


def vanishes(difference: Polynomial) -> bool:
    """Whether the rules show that a difference is zero wherever it is defined."""
    if _no_terms(difference):
        return True
    if _size(difference) > _MOST_WORK:
        return False
    seen: set[frozenset[tuple[Monomial, object]]] = set()
    return _search(resolved(proof_form(difference)), _DEPTH, seen)


def _size(terms: Iterable[tuple[Monomial, object]]) -> int:
    """The work a difference makes: its terms, those with sample sums counted more."""
    return sum(1 + 15 * len(m.binders) for m, _ in terms)


def _no_terms(p: Polynomial) -> bool:
    """Whether every coefficient is 0, scalars inside and outside the coefficients taken together."""
    if p.is_zero:
        return True
    sums: dict[Any, Expr] = {}
    for m, c in _identity_in_blocks(p):
        if m.binders and m.traces:  # scalars that depend on a bound index are no coefficients
            key: Any = m
            value = c
        else:
            key = (m.word, m.binders)
            value = c * Mul(*(Trace(word_expr(t)) for t in m.traces))
        sums[key] = sums.get(key, S.Zero) + value
    return all(_is_zero(c) for c in sums.values())


def _is_zero(c: Expr) -> bool:
    """Whether a rational function of scalars, traces and other functions is 0 as such."""
    if c == 0:
        return True
    c = determinants_apart(c)
    opaque = {t: Dummy() for t in c.atoms(Trace, Determinant)}
    return bool(cancel(together(c.xreplace(opaque))) == 0)


def _identity_in_blocks(p: Polynomial) -> Polynomial:
    """``I = sum_i P_i P_i^T`` where the other terms stand in blocks."""
    rows = block_rows(p)
    if rows is None or not any(not m.word for m, _ in p):
        return p
    out = Polynomial(p.shape)
    for m, c in p:
        if m.word:
            out.add(m, c)
            continue
        for span in rows:
            P = Placement(*span)
            out.add(canonical((P, Transpose(P)), m.traces, m.binders), c)
    return out


def _search(p: Polynomial, depth: int, seen: set[frozenset[tuple[Monomial, object]]]) -> bool:
    """``N p = 0`` or ``p N = 0`` gives ``p = 0`` for an N whose inverse stands in p: N is invertible there."""
    if _no_terms(p):
        return True
    key = frozenset(p.terms.items())
    if depth == 0 or len(seen) > _MOST_DIFFERENCES or key in seen or sum(map(_size, seen)) + _size(p) > _MOST_WORK:
        return False
    seen.add(key)
    for on_left in (True, False):
        for inverse in _outer_inverses(p, on_left):
            N = proof_form(normal_form(inverse.arg))
            product = multiply(N, p) if on_left else multiply(p, N)
            if _search(resolved(proof_form(product)), depth - 1, seen):
                return True
    return False


def _outer_inverses(p: Polynomial, on_left: bool) -> list[MatrixExpr]:
    """The inverses that stand at the outside of a term, the simplest first."""
    if p.shape == (1, 1):
        return []
    words: list[Word] = [m.word for m, _ in p if m.word]
    found = {w[0 if on_left else -1] for w in words}
    square = p.shape[0 if on_left else 1]
    inverses = [x for x in found if isinstance(x, Inverse) and x.shape[0] == square]
    return sorted(inverses, key=lambda x: (len(structure_key(x)), structure_key(x)))


def difference(lhs: Polynomial, rhs: Polynomial) -> Polynomial:
    """``lhs - rhs``."""
    out = Polynomial(lhs.shape, dict(lhs.terms))
    out.update(rhs, S.NegativeOne)
    return out
