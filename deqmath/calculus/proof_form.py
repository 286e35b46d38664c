"""Laws of letters, used to prove and not to display: relu by its gate, rank-one factors, columns selected.

``relu(u) = 1[u > 0] o u``; ``(a b^T) o Y = diag(a) Y diag(b)``; ``(diag(u) X) o Y = diag(u) (X o Y)``;
``I o X = diag(diagonal(X))``; ``E^T (A kron B) E = A o B`` where ``vec(diag(v)) = E v``. The laws of whole
words are in ``proof_words``.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from itertools import product

from sympy import Add, Expr, Inverse, Lambda, MatMul, MatrixExpr, S, Trace, exp
from sympy.matrices.expressions import DiagonalOf, HadamardProduct, KroneckerProduct, OneMatrix, Transpose

from deqmath.calculus import builders
from deqmath.calculus.algebra import canonical, depends_on_bound_index, fresh_terms, freshen, multiply, reduce_word
from deqmath.calculus.determinants import determinant_of
from deqmath.calculus.expression import to_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.calculus.proof_words import finished, summed
from deqmath.calculus.scalar_functions import in_parts
from deqmath.expressions.nodes import (
    STEP,
    Commutation,
    Diag,
    DiagSelection,
    Elementwise,
    Gate,
    SoftmaxColumns,
    Vec,
    entry_variable,
)
from deqmath.expressions.traversal import Rules

proof_letters = Rules("proof")

RECIPROCAL = Lambda((entry_variable,), 1 / entry_variable)
EXP = Lambda((entry_variable,), exp(entry_variable))


def proof_form(p: Polynomial) -> Polynomial:
    """The polynomial with every law of this page applied, letters first, then words and sums."""
    out = Polynomial(p.shape)
    for m, c in p:
        m = freshen(m)
        scalars = [_trace(_product(t)) for t in m.traces]
        word = _product(m.word) if m.word else builders.identity(p.shape[0])
        if not m.word and p.shape == (1, 1):
            word = builders.scalar_of(S.One)
        whole = reduce(multiply, scalars, word)
        indices = {i for i, _ in m.binders}
        if any(c2.free_symbols & indices for _, c2 in whole):  # a coefficient would leave the sum: the term stays
            out.add(canonical(m.word, m.traces, m.binders), c)
            continue
        for m2, c2 in whole:
            bound = freshen(Monomial(m2.word, m2.traces, m.binders + m2.binders))
            done = list(finished(summed(bound, p.shape)))
            if any(c3.free_symbols & {i for i, _ in bound.binders} for _, c3 in done):
                done = [(canonical(bound.word, bound.traces, bound.binders), S.One)]
            for m3, c3 in done:
                out.add(m3, c * c2 * c3)
    return out


def _trace(p: Polynomial) -> Polynomial:
    """``tr``, with ``tr(A kron B) = tr(A) tr(B)`` and ``tr(K_kk) = k``."""
    out = Polynomial((S.One, S.One))
    for m, c in fresh_terms(p):
        x = m.word[0] if len(m.word) == 1 else None
        part = builders.trace_of(single(p.shape, Monomial(m.word)))
        if isinstance(x, KroneckerProduct) and len(x.args) == 2 and all(a.shape[0] == a.shape[1] for a in x.args):
            part = multiply(*(_trace(_inner(a)) for a in x.args))
        elif isinstance(x, Commutation) and x.args[0] == x.args[1]:
            part = builders.scalar_of(x.args[0])
        for m2, c2 in part:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def _product(word: Word) -> Polynomial:
    factors: list[Polynomial] = []
    k = 0
    while k < len(word):
        found = _by_selection(word[k : k + 3])
        factors.append(_letter(word[k]) if found is None else found[0])
        k += 1 if found is None else found[1]
    return reduce(multiply, factors)


def _by_selection(word: Word) -> tuple[Polynomial, int] | None:
    """What stands beside ``E`` (``vec(diag(v)) = E v``) at the start of a word, and how many letters it replaces.

    ``E^T (A kron B) E = A o B``; ``(a b^T kron M) E = a kron M diag(b)`` and likewise on the other side;
    ``(A diag(u) kron M) E = (A kron M) E diag(u)``.
    """
    if len(word) == 3 and isinstance(word[1], KroneckerProduct) and isinstance(word[2], DiagSelection):
        A, B = word[1].args
        if isinstance(word[0], Transpose) and word[0].arg == word[2] and A.shape == B.shape:
            return hadamard(_inner(A), _inner(B)), 3
    if len(word) < 2 or not isinstance(word[0], KroneckerProduct) or not isinstance(word[1], DiagSelection):
        return None
    A, M = word[0].args
    if A.shape[1] != M.shape[1]:
        return None
    out = Polynomial((word[0].shape[0], word[1].shape[1]))
    for (m1, c1), (m2, c2) in product(fresh_terms(_inner(A)), fresh_terms(_inner(M))):
        left, right = single(A.shape, Monomial(m1.word)), single(M.shape, Monomial(m2.word))
        for m3, c3 in _columns_paired(left, right):
            out.add(
                canonical(m3.word, m1.traces + m2.traces + m3.traces, m1.binders + m2.binders + m3.binders),
                c1 * c2 * c3,
            )
    return out, 2


def _columns_paired(a: Polynomial, b: Polynomial) -> Polynomial:
    """``(A kron B) E`` for single words A and B: column j is ``A e_j kron B e_j``."""
    k = a.shape[1]
    for mine, other, first in ((a, b, True), (b, a, False)):
        (m,) = mine.terms
        cut = next((j for j in range(1, len(m.word)) if m.word[j].shape[0] == 1), None)
        if cut is not None:
            x = reduce_word(m.word[:cut], (mine.shape[0], S.One))
            scaled = multiply(other, builders.diag_of(builders.transpose_of(reduce_word(m.word[cut:], (S.One, k)))))
            return builders.kron_of(x, scaled) if first else builders.kron_of(scaled, x)
        if m.word and isinstance(m.word[-1], (Diag, Gate)):
            rest = single(mine.shape, Monomial(m.word[:-1]))
            found = _columns_paired(rest, other) if first else _columns_paired(other, rest)
            return multiply(found, builders.letter(m.word[-1]))
    return multiply(builders.kron_of(a, b), builders.letter(DiagSelection(k)))


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
    """The laws inside an inverse; a number is a coefficient unless a sum around it binds an index in it."""
    inner = _inner(x.arg)
    if inner.is_zero:
        return builders.letter(x)
    found = _inverse(inner)
    if not any(depends_on_bound_index(c) for _, c in found):
        return found
    scale = next((c for _, c in inner if len(inner) == 1 and not depends_on_bound_index(c)), S.One)
    return builders.letter(Inverse(to_expr(inner.scaled(1 / scale)))).scaled(1 / scale)


def _inverse(inner: Polynomial) -> Polynomial:
    if any(m.binders for m, _ in inner):
        return builders.inverse_of(inner)
    if inner.shape == (1, 1):
        return builders.scalar_of(1 / determinant_of(inner))
    if len(inner) == 1:
        ((m, c),) = inner
        if len(m.word) == 1 and isinstance(m.word[0], Diag) and not m.traces:  # diag(v)^{-1} = diag(1/v)
            return builders.diag_of(builders.elementwise_of(RECIPROCAL, normal_form(m.word[0].arg))).scaled(1 / c)
    return builders.inverse_of(inner)


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
    for term in Add.make_args(in_parts(x.function)):
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
    return builders.softmax_of(inner) if depends_on_bound_index(total) else e.scaled(1 / total)


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
    """The laws inside, and that of a product."""
    return _diagonal_part(_inner(x.args[0]))


def _diagonal_part(p: Polynomial) -> Polynomial:
    """``diagonal(X Y) = (X o Y^T) 1``."""
    out = Polynomial((p.shape[0], S.One))
    for m, c in fresh_terms(builders.diagonal_of(p)):
        last = m.word[-1]
        if isinstance(last, DiagonalOf) and isinstance(last.args[0], MatMul):
            first, *others = last.args[0].args
            rest = builders.transpose_of(_product(tuple(others)))
            summed = multiply(hadamard(normal_form(first), rest), normal_form(OneMatrix(rest.shape[1], 1)))
            product = multiply(_product(m.word[:-1]), summed) if len(m.word) > 1 else summed
        else:
            product = single(out.shape, Monomial(m.word))
        for m2, c2 in product:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


@proof_letters.register(Vec)
def of_vec(x: Vec) -> Polynomial:
    """The laws inside a vec, and ``vec(X o Y) = vec(X) o vec(Y)``."""
    inner = _inner(x.arg)
    if len(inner) == 1:
        ((m, c),) = inner
        if len(m.word) == 1 and isinstance(m.word[0], HadamardProduct) and not m.traces and not m.binders:
            return builders.hadamard_of([builders.vec_of(_inner(a)) for a in m.word[0].args]).scaled(c)
    return builders.vec_of(inner)


@proof_letters.register(HadamardProduct)
def of_hadamard(x: HadamardProduct) -> Polynomial:
    """Diagonal and rank-one factors come out."""
    return reduce(hadamard, (_inner(a) for a in x.args))


def hadamard(a: Polynomial, b: Polynomial) -> Polynomial:
    """``X o Y`` with ``(diag(u) X diag(v)) o Y = diag(u) (X o Y) diag(v)``, ``(a b^T) o Y = diag(a) Y diag(b)`` and
    ``I o Y = diag(diagonal(Y))``.
    """
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
        if not mine:
            return builders.diag_of(_diagonal_part(single(shape, Monomial(other))))
    return builders.hadamard_of([single(shape, Monomial(w1)), single(shape, Monomial(w2))])
