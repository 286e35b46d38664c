"""Resolvent identities: what an inverse times a part of its own argument becomes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from sympy import Expr, Identity, Inverse, MatrixExpr, S

from deqmath.calculus.algebra import canonical, freshen, multiply, reduce_word, word_key
from deqmath.calculus.builders import identity, letter, trace_of
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single

#: Rewriting stops here even if more could be done: stopping early decides nothing, so it is safe.
_MOST_STEPS = 120


def resolved(p: Polynomial) -> Polynomial:
    """``K^{-1} w = (I - K^{-1} r)/c`` for ``K = c w + r``, w the longest term of K; likewise on the right.

    With ``K = I - M`` this is ``(I - M)^{-1} M = (I - M)^{-1} - I``; with ``K = C^{-1} + V A^{-1} U`` it is
    the step on which Woodbury's identity rests; with ``K = X^T X`` it is ``(X^T X)^{-1} X^T X = I``. Used in
    proofs, not in displays.
    """
    out, todo, steps = Polynomial(p.shape), list(p), 0
    while todo:
        m, c = todo.pop()
        replaced = _step(freshen(m), p.shape) if steps < _MOST_STEPS else None
        if replaced is None:
            out.add(m, c)
            continue
        steps += 1
        todo += [(m2, c * c2) for m2, c2 in replaced]
    return out


def _step(m: Monomial, shape: tuple[Expr, Expr]) -> Polynomial | None:
    """One use of the identity in a term, or None where it has no place."""
    for start, stop, new in _places(m.word):
        product = multiply(multiply(_word(m.word[:start], new.shape[0]), new), _word(m.word[stop:], new.shape[1]))
        return _attached(product, m.traces, m.binders, shape)
    for k, t in enumerate(m.traces):
        for r in range(len(t)):
            rotated = t[r:] + t[:r]
            for start, stop, new in _places(rotated):
                if start == 0 or stop == len(rotated):
                    rest = _word((*rotated[stop:], *rotated[:start]), new.shape[1])
                    scalar = trace_of(multiply(new, rest))
                    product = multiply(scalar, single(shape, Monomial(m.word)))
                    return _attached(product, m.traces[:k] + m.traces[k + 1 :], m.binders, shape)
    return None


def _attached(p: Polynomial, traces: tuple[Word, ...], binders: tuple, shape: tuple[Expr, Expr]) -> Polynomial:
    out = Polynomial(shape)
    for m, c in p:
        out.add(canonical(m.word, traces + m.traces, binders + m.binders), c)
    return out


def _word(word: Word, size: Expr) -> Polynomial:
    return reduce_word(word, (word[0].shape[0], word[-1].shape[1])) if word else identity(size)


def _places(word: Word) -> Iterator[tuple[int, int, Polynomial]]:
    """Where an inverse stands beside the leading term of its argument: (start, stop, what replaces it)."""
    for k, x in enumerate(word):
        if not isinstance(x, Inverse):
            continue
        relation = _relation(x)
        if relation is None:
            continue
        w, after, before = relation
        n = len(w)
        if word[k + 1 : k + 1 + n] == w:
            yield k, k + 1 + n, after
        elif k >= n and word[k - n : k] == w:
            yield k - n, k + 1, before


@lru_cache(maxsize=4096)
def _relation(x: MatrixExpr) -> tuple[Word, Polynomial, Polynomial] | None:
    """The leading word w of ``K = c w + r``, ``K^{-1} w = (I - K^{-1} r)/c`` and ``w K^{-1} = (I - r K^{-1})/c``."""
    K = normal_form(x.arg)
    leading = [(m, c) for m, c in K if m.word and not m.traces and not m.binders]
    if not leading:
        return None
    lead, c = max(leading, key=lambda item: (len(item[0].word), word_key(item[0].word)))
    rest = Polynomial(K.shape, {m: v for m, v in K if m != lead})
    one, inverse = normal_form(Identity(K.shape[0])), letter(x)
    sides = []
    for product in (multiply(inverse, rest), multiply(rest, inverse)):
        side = Polynomial(K.shape, dict(one.terms))
        side.update(product, S.NegativeOne)
        sides.append(side.scaled(1 / c))
    return lead.word, sides[0], sides[1]
