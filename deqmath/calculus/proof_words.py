"""Laws of whole words, used to prove and not to display: diagonals before columns, sums over columns.

``diag(u) v = u o v`` for a column v; ``a^T diag(u) b = 1^T (a o u o b)``; ``sum_i x_i y_i^T = X Y^T``.
"""

from __future__ import annotations

from functools import reduce

from sympy import Expr, MatAdd, MatMul, MatrixExpr, S, Symbol
from sympy.matrices.expressions import HadamardProduct, OneMatrix, Transpose

from deqmath.calculus import builders
from deqmath.calculus.algebra import canonical, freshen, multiply, reduce_word, transpose_word
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.expressions.nodes import STEP, Column, Diag, Elementwise, Gate, SoftmaxColumns


def finished(p: Polynomial) -> Polynomial:
    """Diagonals in front of columns become Hadamard products, in words and in scalars."""
    out = Polynomial(p.shape)
    for m, c in p:
        m = freshen(m)
        word = _columns(m.word, p.shape)
        whole = reduce(multiply, [_scalar(t) for t in m.traces], word)
        for m2, c2 in whole:
            out.add(canonical(m2.word, m2.traces, m.binders + m2.binders), c * c2)
    return out


def _columns(word: Word, shape: tuple[Expr, Expr]) -> Polynomial:
    """``diag(u) v = u o v``, from the right; rows are handled as columns, transposed, and ``a b^T`` as one of each."""
    if not word:
        return single(shape, Monomial())
    cut = next((k for k in range(1, len(word)) if word[k].shape[0] == 1), None)
    if cut is not None:
        return multiply(_columns(word[:cut], (shape[0], S.One)), _columns(word[cut:], (S.One, shape[1])))
    if shape[0] == 1 and shape[1] != 1:
        flipped = transpose_word(word)
        if flipped is None:
            return single(shape, Monomial(word))
        return builders.transpose_of(_columns(flipped, (shape[1], S.One)))
    if shape[1] != 1:
        return single(shape, Monomial(word))
    return _stacked(word, shape)


def _stacked(word: Word, shape: tuple[Expr, Expr]) -> Polynomial:
    spot = next((k for k in range(len(word) - 2, -1, -1) if isinstance(word[k], (Diag, Gate))), None)
    if spot is None:
        return reduce_word(word, shape)
    k = word[spot].shape[0]
    suffix = reduce_word(word[spot + 1 :], (k, S.One))
    joined = builders.hadamard_of([_diagonal(word[spot]), suffix])
    if spot == 0:
        return joined
    out = Polynomial(shape)
    for m, c in joined:
        for m2, c2 in _stacked((*word[:spot], *m.word), shape):
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def _diagonal(x: MatrixExpr) -> Polynomial:
    if isinstance(x, Gate):
        return builders.elementwise_of(STEP, normal_form(x.arg))
    return normal_form(x.arg)


def _scalar(t: Word) -> Polynomial:
    """``a^T diag(u) b = 1^T (a o u o b)``; a scalar without a diagonal or column product stays."""
    one = (S.One, S.One)
    plain = single(one, Monomial((), (t,)))
    if len(t) < 2 or t[0].shape[0] != 1:
        return plain
    spot = next((k for k in range(1, len(t)) if isinstance(t[k], (Diag, Gate))), None)
    first = t[0].arg if isinstance(t[0], Transpose) else t[0]
    if spot is None and isinstance(first, HadamardProduct):
        flipped = transpose_word(t)
        t = t if flipped is None or isinstance(t[-1], HadamardProduct) else flipped
    if spot is None:
        if not (isinstance(t[-1], HadamardProduct) and t[-1].shape[1] == 1) or isinstance(t[0], OneMatrix):
            return plain
        spot = len(t) - 1
    left = transpose_word(t[:spot])
    if left is None:
        return plain
    k = t[spot].shape[0]
    parts = [_columns(left, (k, S.One))]
    if isinstance(t[spot], HadamardProduct):
        parts.append(normal_form(t[spot]))
    else:
        parts += [_diagonal(t[spot]), _columns(t[spot + 1 :], (k, S.One))]
    return multiply(normal_form(OneMatrix(1, k)), builders.hadamard_of(parts))


def summed(m: Monomial, shape: tuple[Expr, Expr]) -> Polynomial:
    """``sum_i x_i y_i^T = X Y^T``, where the index stands nowhere else."""
    for i, n in m.binders:
        letters = [*m.word, *(x for t in m.traces for x in t)]
        if sum(i in x.free_symbols for x in letters) != 2:
            continue
        rest = tuple(b for b in m.binders if b[0] != i)
        for word, inside in ((m.word, True), *((t, False) for t in m.traces)):
            found = _outer_product(word, i, n, cyclic=not inside)
            if found is None:
                continue
            if inside:
                return _rebound(found, m.traces, rest, shape)
            others = list(m.traces)
            others.remove(word)
            product = multiply(builders.trace_of(found), single(shape, Monomial(m.word)))
            return _rebound(product, tuple(others), rest, shape)
    return single(shape, canonical(m.word, m.traces, m.binders))


def _rebound(p: Polynomial, traces: tuple[Word, ...], binders: tuple, shape: tuple[Expr, Expr]) -> Polynomial:
    out = Polynomial(shape)
    for m, c in p:
        for m2, c2 in summed(Monomial(m.word, traces + m.traces, binders + m.binders), shape):
            out.add(m2, c * c2)
    return out


def _outer_product(word: Word, i: Symbol, n: Expr, cyclic: bool) -> Polynomial | None:
    """The word with ``x_i y_i^T`` in it replaced by ``X Y^T``."""
    rotations = [word[k:] + word[:k] for k in range(len(word))] if cyclic else [word]
    for w in rotations:
        for k in range(len(w) - 1):
            if not isinstance(w[k + 1], Transpose):
                continue
            X, Y = lifted(w[k], i, n), lifted(w[k + 1].arg, i, n)
            if X is not None and Y is not None:
                middle = multiply(normal_form(X), normal_form(Transpose(Y)))
                left = reduce_word(w[:k], (w[0].shape[0], w[k].shape[0])) if k else None
                right = reduce_word(w[k + 2 :], (w[k + 2].shape[0], w[-1].shape[1])) if w[k + 2 :] else None
                return reduce(multiply, [f for f in (left, middle, right) if f is not None])
    return None


def lifted(x: Expr, i: Symbol, n: Expr) -> MatrixExpr | None:
    """The matrix whose column i is x, where x is built from columns i only: ``A sigma(x_i)`` gives ``A sigma(X)``."""
    if isinstance(x, Column) and x.index == i and i not in x.arg.free_symbols and x.arg.shape[1] == n:
        return x.arg
    if isinstance(x, (Elementwise, SoftmaxColumns)):
        inner = lifted(x.arg, i, n)
        if inner is None:
            return None
        return Elementwise(x.function, inner) if isinstance(x, Elementwise) else SoftmaxColumns(inner)
    if isinstance(x, (HadamardProduct, MatAdd)):
        parts = [lifted(a, i, n) for a in x.args]
        return None if any(p is None for p in parts) else x.func(*parts)
    if isinstance(x, MatMul) and not any(i in a.free_symbols for a in x.args[:-1]):
        last = lifted(x.args[-1], i, n)
        return None if last is None else MatMul(*x.args[:-1], last)
    return None
