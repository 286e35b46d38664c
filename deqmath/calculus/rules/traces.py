"""Rules for scalars, held as traces: each is one identity."""

from __future__ import annotations

from sympy import Identity
from sympy.matrices.expressions import HadamardProduct, OneMatrix, Transpose

from deqmath.calculus.algebra import TRACE_RULES, TraceRule, transpose_word
from deqmath.calculus.expression import word_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word
from deqmath.expressions.nodes import Column, Diag


def trace_rule(rule: TraceRule) -> TraceRule:
    """Decorator: try this rule on every scalar."""
    TRACE_RULES.append(rule)
    return rule


def _single_word(p: Polynomial) -> Word | None:
    if len(p) != 1:
        return None
    ((m, c),) = p
    return m.word if c == 1 and m == Monomial(m.word) else None


@trace_rule
def hadamard_quadratic_form(word: Word) -> Word | None:
    """``a^T (M o N) c = tr(diag(a) M diag(c) N^T)``."""
    spot = next((k for k, x in enumerate(word) if isinstance(x, HadamardProduct)), None)
    if spot is None or word[0].shape[0] != 1 or spot in (0, len(word) - 1):
        return None
    left = transpose_word(word[:spot])
    M, *others = word[spot].args
    N = HadamardProduct(*others) if len(others) > 1 else others[0]
    first, flipped = _single_word(normal_form(M)), _single_word(normal_form(N.T))
    if left is None or first is None or flipped is None:
        return None
    a, c = (word_expr(w) for w in (left, word[spot + 1 :]))
    front, middle = ((() if isinstance(v, OneMatrix) else (Diag(v),)) for v in (a, c))
    return (*front, *first, *middle, *flipped)


@trace_rule
def entry_of_a_transpose(word: Word) -> Word | None:
    """``e_i^T X^T e_j = e_j^T X e_i``."""
    if len(word) != 2 or not isinstance(word[0], Transpose) or not isinstance(word[1], Column):
        return None
    unit, column = word[0].arg, word[1]
    if not (isinstance(unit, Column) and isinstance(unit.arg, Identity) and isinstance(column.arg, Transpose)):
        return None
    X = column.arg.arg
    return (Transpose(Column(Identity(X.shape[0]), column.index)), Column(X, unit.index))
