"""Determinants in one form, for proofs: products, transposes, inverses and Kronecker products taken apart.

``det(A B) = det(A) det(B)``, ``det(A^T) = det(A)``, ``det(A^{-1}) = 1/det(A)``, ``det(c A) = c^k det(A)``,
``det(A kron B) = det(A)^n det(B)^m`` for A m x m and B n x n, and ``det(I + X Y) = det(I + Y X)``;
``det(A + R) = det(A) det(I + A^{-1} R)`` and ``det [A B; C D] = det(A) det(D - C A^{-1} B)`` for an A that is
invertible at almost every point: what is equal there is equal wherever both sides are defined.
"""

from __future__ import annotations

from sympy import Add, Determinant, Expr, Inverse, MatrixExpr, Mul, S, Trace
from sympy.matrices.expressions import KroneckerProduct, MatrixSymbol, Transpose

from deqmath.calculus.algebra import cyclic_normal_form, multiply
from deqmath.calculus.blocks import block_rows
from deqmath.calculus.builders import inverse_of, transpose_of
from deqmath.calculus.expression import to_expr, word_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.expressions.nodes import Placement
from deqmath.expressions.ordering import structure_key


def determinants_apart(c: Expr) -> Expr:
    """A scalar with every determinant in it in the form of this page."""
    found = c.atoms(Determinant)
    return c.xreplace({d: determinant_of(normal_form(d.arg)) for d in found}) if found else c


def determinant_of(p: Polynomial) -> Expr:
    """``det`` of a square polynomial as a product of determinants that cannot be taken apart."""
    k = p.shape[0]
    if k == 1 and not any(m.binders for m, _ in p):
        return Add(*(c * Mul(*(_scalar(t) for t in m.traces)) for m, c in p))
    if len(p) == 1:
        ((m, c),) = p
        if not m.binders and all(x.shape[0] == x.shape[1] for x in m.word):
            scalar = c * Mul(*(_scalar(t) for t in m.traces))
            return scalar**k * Mul(*(_of_letter(x) for x in m.word))
    schur = _by_blocks(p)
    return _of_sum(p) if schur is None else schur


def _by_blocks(p: Polynomial) -> Expr | None:
    """``det [A B; C D] = det(A) det(D - C A^{-1} B)``, or with the blocks in the other order."""
    rows = block_rows(p)
    if rows is None or len(rows) != 2 or any(m.binders or not m.word for m, _ in p):
        return None
    places = [Placement(*span) for span in rows]
    block = {(i, j): Polynomial((rows[i][1], rows[j][1])) for i in (0, 1) for j in (0, 1)}
    for m, c in p:
        at = tuple(k for end in (m.word[0], m.word[-1].T) for k in (0, 1) if places[k] == end)
        if len(at) != 2 or len(m.word) < 2:
            return None
        block[at[0], at[1]].add(Monomial(m.word[1:-1], m.traces), c)
    for first, other in ((0, 1), (1, 0)):
        if _invertible_somewhere(A := block[first, first]):
            taken = multiply(multiply(block[other, first], inverse_of(A)), block[first, other])
            rest = Polynomial(block[other, other].shape, dict(block[other, other].terms))
            rest.update(taken, S.NegativeOne)
            return S.Zero if rest.is_zero else determinant_of(A) * determinant_of(rest)
    return None


def _invertible_somewhere(p: Polynomial) -> bool:
    """Whether a term I or X (a symbol) is left when symbols that stand in every other term are put to 0."""
    if p.shape[0] != p.shape[1] or any(m.traces or m.binders for m, _ in p):
        return False
    for base, c in p:
        kept = _symbols(base)
        alone = not base.word or (len(base.word) == 1 and len(kept) == 1)
        others = [m for m, _ in p if m != base]
        polynomial = not any(isinstance(x, Inverse) for m in others for x in m.word)
        if alone and c.is_nonzero is not False and polynomial and all(_symbols(m) - kept for m in others):
            return True
    return False


def _symbols(m: Monomial) -> set[MatrixExpr]:
    """The symbols that are factors of a term, transposed or not."""
    plain = (x.arg if isinstance(x, Transpose) else x for x in m.word)
    return {x for x in plain if isinstance(x, MatrixSymbol)}


def _scalar(word: Word) -> Expr:
    return Trace(word_expr(word))


def _of_letter(x: MatrixExpr) -> Expr:
    if isinstance(x, Transpose):
        return _of_letter(x.arg)
    if isinstance(x, Inverse):
        return S.One / determinant_of(normal_form(x.arg))
    if isinstance(x, KroneckerProduct) and all(a.shape[0] == a.shape[1] for a in x.args):
        a, b = x.args
        first, second = determinant_of(normal_form(a)), determinant_of(normal_form(b))
        return first ** b.shape[0] * second ** a.shape[0]
    return Determinant(x)


def _of_sum(p: Polynomial) -> Expr:
    """The least of the matrix and its transpose; ``I + c w`` with w turned round as in a trace."""
    rest = Polynomial(p.shape, {m: c for m, c in p if m != Monomial()})
    if p.terms.get(Monomial()) == 1 and len(rest) == 1:
        ((m, c),) = rest
        factor, words = cyclic_normal_form(m.word) if m.word and not m.binders else (S.One, ())
        if factor == 1 and len(words) == 1:
            (word,) = words
            size = word[0].shape[0]
            if size == 1:
                return 1 + c * Mul(*(_scalar(t) for t in (word, *m.traces)))
            turned = single((size, size), Monomial((), ()))
            turned.add(Monomial(word, m.traces), c)
            return Determinant(to_expr(turned))
    found = _pivot(p)
    if found is not None:
        word, c = found
        inverse = inverse_of(single(p.shape, Monomial(word)))
        return c ** p.shape[0] * (_of_letter(word[0]) if word else 1) * _of_sum(multiply(inverse, p).scaled(1 / c))
    return Determinant(min((to_expr(p), to_expr(transpose_of(p))), key=structure_key))


def _pivot(p: Polynomial) -> tuple[Word, Expr] | None:
    """The term c I, or the first term c X with a symbol X, of a sum that has no term I."""
    identity = p.terms.get(Monomial())
    if identity is not None:
        return ((), identity) if identity != 1 and identity.is_number else None
    found = [(m, c) for m, c in p if len(m.word) == 1 and not m.traces and not m.binders and c.is_number]
    found = [(m, c) for m, c in found if isinstance(_base(m.word[0]), MatrixSymbol)]
    if not found or len(p) == 1:
        return None
    m, c = min(found, key=lambda item: structure_key(item[0].word[0]))
    return m.word, c


def _base(x: MatrixExpr) -> MatrixExpr:
    """X of ``X``, ``X^T``, ``X^{-1}``."""
    return _base(x.arg) if isinstance(x, (Transpose, Inverse)) else x
