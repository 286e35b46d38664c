"""Laws used to prove and not to display: columns of diagonals, relu by its gate, sums over columns.

``diag(u) v = u o v`` for a column v; ``relu(u) = 1[u > 0] o u``; ``(a b^T) o Y = diag(a) Y diag(b)``;
``(diag(u) X) o Y = diag(u) (X o Y)``; ``sum_i x_i y_i^T = X Y^T``; ``a^T diag(u) b = 1^T (a o u o b)``.
"""

from __future__ import annotations

from functools import lru_cache, reduce

from sympy import Add, Expr, Inverse, Lambda, MatAdd, MatMul, MatrixExpr, S, Symbol, Trace, exp, expand
from sympy.matrices.expressions import DiagonalOf, HadamardProduct, KroneckerProduct, OneMatrix, Transpose

from deqmath.calculus import builders
from deqmath.calculus.algebra import canonical, fresh_terms, freshen, multiply, reduce_word, transpose_word
from deqmath.calculus.expression import to_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.expressions.nodes import STEP, Column, Diag, Elementwise, Gate, SoftmaxColumns, Vec, entry_variable
from deqmath.expressions.traversal import Rules

proof_letters = Rules("proof")

EXP = Lambda((entry_variable,), exp(entry_variable))


def proof_form(p: Polynomial) -> Polynomial:
    """The polynomial with every law of this page applied, letters first, then words and sums."""
    out = Polynomial(p.shape)
    for m, c in p:
        m = freshen(m)
        scalars = [builders.trace_of(_product(t)) for t in m.traces]
        word = _product(m.word) if m.word else builders.identity(p.shape[0])
        if not m.word and p.shape == (1, 1):
            word = builders.scalar_of(S.One)
        whole = reduce(multiply, scalars, word)
        for m2, c2 in whole:
            bound = Monomial(m2.word, m2.traces, m.binders + m2.binders)
            for m3, c3 in _finished(_summed(bound, p.shape)):
                out.add(m3, c * c2 * c3)
    return out


def _product(word: Word) -> Polynomial:
    return reduce(multiply, [_letter(x) for x in word])


@lru_cache(maxsize=16384)
def _letter(x: MatrixExpr) -> Polynomial:
    """A letter by its law (do not modify it)."""
    found: Polynomial = proof_letters(x)
    return found


def _inner(x: MatrixExpr) -> Polynomial:
    return proof_form(normal_form(x))


@proof_letters.register(MatrixExpr)
def of_any(x: MatrixExpr) -> Polynomial:
    """A letter without a law stands for itself."""
    return normal_form(x)


@proof_letters.register(Transpose)
def of_transpose(x: Transpose) -> Polynomial:
    """The law of the letter, transposed."""
    return builders.transpose_of(_letter(x.arg))


@proof_letters.register(Inverse)
def of_inverse(x: Inverse) -> Polynomial:
    """The laws inside an inverse."""
    inner = _inner(x.arg)
    return builders.letter(x) if inner.is_zero else builders.inverse_of(inner)


@proof_letters.register(KroneckerProduct)
def of_kronecker(x: KroneckerProduct) -> Polynomial:
    """The laws inside the factors."""
    return builders.kron_of(*(_inner(a) for a in x.args))


@proof_letters.register(Elementwise)
def of_elementwise(x: Elementwise) -> Polynomial:
    """``relu(X) = 1[X > 0] o X``; ``(a f + b g + c)(X) = a f(X) + b g(X) + c 1 1^T``."""
    inner = _inner(x.arg)
    if x.is_relu:
        return hadamard(builders.elementwise_of(STEP, inner), inner)
    (t,) = x.function.variables
    out = Polynomial(x.shape)
    for term in Add.make_args(expand(x.function.expr)):
        c, f = term.as_independent(t, as_Add=False)
        if f == 1:
            part = builders.ones_of(*x.shape)
        else:
            power = f.exp if f.is_Pow and f.base == t and f.exp.is_Integer and 1 < f.exp <= 6 else S.One
            if f in (t, t**power):
                out.update(reduce(hadamard, [inner] * int(power)), c)
                continue
            part = builders.elementwise_of(Lambda((t,), f), inner)
        out.update(part, c)
    return out


@proof_letters.register(SoftmaxColumns)
def of_softmax(x: SoftmaxColumns) -> Polynomial:
    """``softmax(x) = exp(x) / (1^T exp(x))`` for a column; the laws inside for a matrix."""
    inner = _inner(x.arg)
    if x.shape[1] != 1 or x.shape[0] == 1:
        return builders.softmax_of(inner)
    e = builders.elementwise_of(EXP, inner)
    total = Trace(to_expr(multiply(builders.ones_of(S.One, x.shape[0]), e)))
    return e.scaled(1 / total)


@proof_letters.register(Gate)
def of_gate(x: Gate) -> Polynomial:
    """The laws inside a gate."""
    return builders.gate_of(_inner(x.arg))


@proof_letters.register(Diag)
def of_diag(x: Diag) -> Polynomial:
    """``diag(u o v) = diag(u) diag(v)``."""
    return builders.diag_of(_inner(x.arg))


@proof_letters.register(DiagonalOf)
def of_diagonal(x: DiagonalOf) -> Polynomial:
    """``diagonal(X Y) = (X o Y^T) 1``."""
    out = Polynomial(x.shape)
    for m, c in builders.diagonal_of(_inner(x.args[0])):
        last = m.word[-1]
        if isinstance(last, DiagonalOf) and isinstance(last.args[0], MatMul):
            first, *others = last.args[0].args
            rest = builders.transpose_of(_product(tuple(others)))
            summed = multiply(hadamard(normal_form(first), rest), normal_form(OneMatrix(rest.shape[1], 1)))
            product = multiply(_product(m.word[:-1]), summed) if len(m.word) > 1 else summed
        else:
            product = single(x.shape, Monomial(m.word))
        for m2, c2 in product:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


@proof_letters.register(Vec)
def of_vec(x: Vec) -> Polynomial:
    """The laws inside a vec."""
    return builders.vec_of(_inner(x.arg))


@proof_letters.register(HadamardProduct)
def of_hadamard(x: HadamardProduct) -> Polynomial:
    """Diagonal and rank-one factors come out."""
    return reduce(hadamard, (_inner(a) for a in x.args))


def hadamard(a: Polynomial, b: Polynomial) -> Polynomial:
    """``X o Y`` with ``(diag(u) X diag(v)) o Y = diag(u) (X o Y) diag(v)`` and ``(a b^T) o Y = diag(a) Y diag(b)``."""
    if a.shape[1] == 1:
        return builders.hadamard_of([a, b])
    out = Polynomial(a.shape)
    for m1, c1 in fresh_terms(a):
        for m2, c2 in fresh_terms(b):
            for m3, c3 in _hadamard_words(m1.word, m2.word, a.shape):
                out.add(
                    canonical(m3.word, m1.traces + m2.traces + m3.traces, m1.binders + m2.binders + m3.binders),
                    c1 * c2 * c3,
                )
    return out


def _hadamard_words(w1: Word, w2: Word, shape: tuple[Expr, Expr]) -> Polynomial:
    for mine, other in ((w1, w2), (w2, w1)):
        if mine and isinstance(mine[0], (Diag, Gate)):
            return multiply(builders.letter(mine[0]), _hadamard_words(mine[1:], other, shape))
        if mine and isinstance(mine[-1], (Diag, Gate)):
            return multiply(_hadamard_words(mine[:-1], other, shape), builders.letter(mine[-1]))
        cut = next((k for k in range(1, len(mine)) if mine[k].shape[0] == 1), None)
        if cut is not None:
            u = builders.diag_of(reduce_word(mine[:cut], (shape[0], S.One)))
            v = builders.diag_of(builders.transpose_of(reduce_word(mine[cut:], (S.One, shape[1]))))
            return multiply(multiply(u, single(shape, Monomial(other))), v)
    return builders.hadamard_of([single(shape, Monomial(w1)), single(shape, Monomial(w2))])


def _finished(p: Polynomial) -> Polynomial:
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
    """``diag(u) v = u o v``, from the right; rows are handled as columns, transposed."""
    if not word:
        return single(shape, Monomial())
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


def _summed(m: Monomial, shape: tuple[Expr, Expr]) -> Polynomial:
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
        for m2, c2 in _summed(Monomial(m.word, traces + m.traces, binders + m.binders), shape):
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
