"""From a polynomial back to a SymPy matrix expression, in one fixed order."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Identity, MatAdd, MatMul, MatrixExpr, Mul, S, Symbol, Trace, ZeroMatrix

from deqmath.calculus.blocks import grouped
from deqmath.calculus.polynomial import Monomial, Polynomial, Word
from deqmath.expressions.nodes import Total
from deqmath.expressions.ordering import structure_key


def word_expr(word: Word, size: Any = None) -> MatrixExpr:
    """A product of letters; the empty word is the identity of the given size."""
    if not word:
        return Identity(size)
    return word[0] if len(word) == 1 else MatMul(*word)


def trace_expr(word: Word) -> MatrixExpr | Trace:
    """A scalar: as the 1 x 1 product where the word has a junction of size 1, else as a trace."""
    return word_expr(word) if word[0].shape[0] == 1 else Trace(word_expr(word))


def to_expr(p: Polynomial) -> MatrixExpr:
    """The polynomial as a sum of products, terms in a fixed order, identity first."""
    if p.is_zero:
        return ZeroMatrix(*p.shape)
    blocks = grouped(p, to_expr)
    if blocks is not None:
        return blocks
    terms = [_term(m, c, p) for m, c in sorted(p.terms.items(), key=_order)]
    return terms[0] if len(terms) == 1 else MatAdd(*terms)


def _order(item: tuple[Monomial, Expr]) -> tuple[Any, ...]:
    m, _ = item
    return (
        len(m.binders),
        len(m.word),
        len(m.traces),
        [structure_key(x) for x in m.word],
        [[structure_key(x) for x in t] for t in m.traces],
    )


def _term(m: Monomial, c: Expr, p: Polynomial) -> MatrixExpr:
    """One term: the coefficient in front, 1 x 1 products where they fit, other scalars as traces."""
    m, c = _name_indices(m, c)
    bound = {i for i, _ in m.binders}
    blocks = [word_expr(t) for t in m.traces if t[0].shape[0] == 1]
    c = Mul(c, *(Trace(word_expr(t)) for t in m.traces if t[0].shape[0] != 1))
    word = list(m.word)
    if blocks and not word:
        if p.shape == (1, 1):
            word, blocks = [x for b in blocks for x in _letters(b)], []
        else:  # a scalar times the identity
            c, blocks = Mul(c, *(Trace(b) for b in blocks)), []
    elif blocks:
        place = next((k for k in range(len(word) + 1) if _fits(word, k)), None)
        if place is None:
            c = Mul(c, *(Trace(b) for b in blocks))
        else:
            word[place:place] = [x for b in blocks for x in _letters(b)]
    inner = word_expr(tuple(word), p.shape[0])
    if not bound:
        return inner if c == 1 else MatMul(c, inner) if not isinstance(inner, MatMul) else MatMul(c, *inner.args)
    outside, inside = c.as_independent(*bound, as_Add=False) if c.has(*bound) else (c, S.One)
    term: MatrixExpr = inner if inside == 1 else MatMul(inside, *_letters(inner))
    for i, n in reversed(m.binders):
        term = Total(term, i, n)
    return term if outside == 1 else MatMul(outside, term)


def _name_indices(m: Monomial, c: Expr) -> tuple[Monomial, Expr]:
    """Give bound indices the names i, j, k, ..., avoiding the free ones."""
    if not m.binders:
        return m, c
    letters = (*m.word, *(x for t in m.traces for x in t))
    taken = {s.name for x in (*letters, c) for s in x.free_symbols if isinstance(s, Symbol)}
    names = (n for n in ("i", "j", "k", "l", *(f"i{k}" for k in range(1, 99))) if n not in taken)
    renaming = {old: Symbol(new, integer=True) for (old, _), new in zip(m.binders, names, strict=False)}

    def rename(word: Word) -> Word:
        return tuple(x.xreplace(renaming) for x in word)

    binders = tuple((renaming[i], n) for i, n in m.binders)
    return Monomial(rename(m.word), tuple(rename(t) for t in m.traces), binders), c.xreplace(renaming)


def _letters(x: MatrixExpr) -> tuple[MatrixExpr, ...]:
    return x.args if isinstance(x, MatMul) else (x,)


def _fits(word: list[MatrixExpr], k: int) -> bool:
    """Whether a 1 x 1 block may stand before letter k."""
    if k == 0:
        return bool(word[0].shape[0] == 1)
    return bool(word[k - 1].shape[1] == 1)
