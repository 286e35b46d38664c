"""Determinants in one form, for proofs: products, transposes, inverses and Kronecker products taken apart.

``det(A B) = det(A) det(B)``, ``det(A^T) = det(A)``, ``det(A^{-1}) = 1/det(A)``, ``det(c A) = c^k det(A)``,
``det(A kron B) = det(A)^n det(B)^m`` for A m x m and B n x n, and ``det(I + X Y) = det(I + Y X)``.
"""

from __future__ import annotations

from sympy import Add, Determinant, Expr, Inverse, MatrixExpr, Mul, S, Trace
from sympy.matrices.expressions import KroneckerProduct, Transpose

from deqmath.calculus.algebra import cyclic_normal_form
from deqmath.calculus.builders import transpose_of
from deqmath.calculus.expression import to_expr, word_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
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
    return _of_sum(p)


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
    return Determinant(min((to_expr(p), to_expr(transpose_of(p))), key=structure_key))
