"""Polynomials of each node, built from the polynomials of its arguments.

Each builder applies the laws of its node (bilinearity, unit laws, the law for a product) and
otherwise makes one new letter.
"""

from __future__ import annotations

from sympy import Expr, Inverse, Lambda, MatrixExpr, S, Trace
from sympy.matrices.expressions import (
    BlockMatrix,
    DiagonalOf,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)

from deqmath.calculus.algebra import (
    canonical,
    cyclic_normal_form,
    fresh_terms,
    multiply,
    product_of,
    reduce_word,
    transpose_word,
    transposes,
)
from deqmath.calculus.blocks import spans
from deqmath.calculus.expression import to_expr, trace_expr, word_expr
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.calculus.scalar_functions import one_way
from deqmath.errors import SingularError
from deqmath.expressions.nodes import Column, Commutation, Diag, Elementwise, Gate, Placement, SoftmaxColumns, Vec
from deqmath.expressions.ordering import structure_key


def letter(x: MatrixExpr) -> Polynomial:
    """A single letter; a 1 x 1 letter is held as a scalar."""
    return reduce_word((x,), x.shape)


def identity(k: Expr) -> Polynomial:
    """``I_k``."""
    return single((k, k), Monomial())


def ones_of(p: Expr, q: Expr) -> Polynomial:
    """``1_p 1_q^T``; the number 1 where p = q = 1."""
    return identity(S.One) if p == 1 and q == 1 else letter(OneMatrix(p, q))


def transpose_of(p: Polynomial) -> Polynomial:
    """``(a X Y)^T = a Y^T X^T``, term by term."""
    shape = (p.shape[1], p.shape[0])
    out = Polynomial(shape)
    for m, c in fresh_terms(p):
        q = identity(p.shape[1]) if not m.word else product_of([transposes(x) for x in reversed(m.word)])
        for m2, c2 in q:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def inverse_of(p: Polynomial) -> Polynomial:
    """``(a X Y)^{-1} = a^{-1} Y^{-1} X^{-1}`` for square X, Y; a sum stays one letter."""
    if p.is_zero:
        msg = f"the zero matrix of shape {p.shape[0]} x {p.shape[1]} has no inverse"
        raise SingularError(msg)
    if len(p) != 1:
        scale = _leading_number(p)
        return letter(Inverse(to_expr(p.scaled(1 / scale)))).scaled(1 / scale)
    ((m, c),) = p
    if m.binders or any(x.shape[0] != x.shape[1] for x in m.word):
        return letter(Inverse(to_expr(p.scaled(1 / c)))).scaled(1 / c)
    for t in m.traces:
        c = c * Trace(word_expr(t)) if len(t) > 1 or t[0].shape != (1, 1) else c
    scalars = [t for t in m.traces if len(t) == 1 and t[0].shape == (1, 1)]
    out = product_of([identity(p.shape[0]), *(_inverse_letter(x) for x in reversed(m.word))]).scaled(1 / c)
    for (x,) in scalars:
        out = multiply(_inverse_letter(x), out)
    return out


def _inverse_letter(x: MatrixExpr) -> Polynomial:
    if isinstance(x, Inverse):
        from deqmath.calculus.normal_form import normal_form

        return normal_form(x.arg)
    if isinstance(x, Commutation):
        return commutation_of(x.args[1], x.args[0])
    if isinstance(x, KroneckerProduct) and all(a.shape[0] == a.shape[1] for a in x.args):
        from deqmath.calculus.normal_form import normal_form

        a, b = (inverse_of(normal_form(f)) for f in x.args)
        return kron_of(a, b)
    return letter(Inverse(x))


def _leading_number(p: Polynomial) -> Expr:
    """The numeric coefficient of the identity term, else of the first term in order, else 1."""
    c = p.terms.get(Monomial())
    if c is None:
        first = min(p.terms, key=lambda m: [structure_key(x) for x in m.word])
        c = p.terms[first].as_coeff_Mul()[0]
    return c if c.is_number and c != 0 else S.One


def kron_of(a: Polynomial, b: Polynomial) -> Polynomial:
    """``(sum_i a_i X_i) kron (sum_j b_j Y_j)``, bilinear; column kron row is an outer product."""
    shape = (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])
    out = Polynomial(shape)
    for m1, c1 in fresh_terms(a):
        for m2, c2 in fresh_terms(b):
            binders, traces = m1.binders + m2.binders, m1.traces + m2.traces
            for m3, c3 in _kron_words(m1.word, a, m2.word, b):
                out.add(canonical(m3.word, traces + m3.traces, binders + m3.binders), c1 * c2 * c3)
    return out


def _kron_words(w1: Word, a: Polynomial, w2: Word, b: Polynomial) -> Polynomial:
    (p, q), (r, s) = a.shape, b.shape
    shape = (p * r, q * s)
    if (p, q) == (1, 1):
        return reduce_word(w2, shape)
    if (r, s) == (1, 1):
        return reduce_word(w1, shape)
    if not w1 and not w2:
        return identity(p * r)
    if q == 1 and r == 1:  # column kron row
        return reduce_word(w1 + w2, shape)
    if p == 1 and s == 1:  # row kron column
        return reduce_word(w2 + w1, shape)
    return letter(KroneckerProduct(word_expr(w1, p), word_expr(w2, r)))


def commutation_of(p: Expr, q: Expr) -> Polynomial:
    """``K_{pq}``; the identity when p or q is 1."""
    return identity(p * q) if p == 1 or q == 1 else letter(Commutation(p, q))


def hadamard_of(factors: list[Polynomial]) -> Polynomial:
    """``X o Y``: commutative, multilinear; ``X o 1 1^T = X``."""
    shape = factors[0].shape
    if shape == (1, 1):
        return product_of(factors)
    partial: list[tuple[Expr, tuple[Word, ...], tuple, list[MatrixExpr]]] = [(S.One, (), (), [])]
    for p in factors:
        partial = [
            (c * c2, t + m.traces, b + m.binders, [*words, word_expr(m.word, shape[0])])
            for c, t, b, words in partial
            for m, c2 in fresh_terms(p)
        ]
    out = Polynomial(shape)
    for c, traces, binders, words in partial:
        flat = [x for w in words for x in (w.args if isinstance(w, HadamardProduct) else (w,))]
        steps = dict.fromkeys(x for x in flat if isinstance(x, Elementwise) and x.is_step)  # 1[u > 0] is idempotent
        flat = [x for x in flat if x not in steps and not isinstance(x, OneMatrix)]
        flat = sorted((*flat, *steps), key=structure_key) or [words[0]]
        if len(flat) == 1:
            from deqmath.calculus.normal_form import normal_form

            q = normal_form(flat[0])
        else:
            q = letter(HadamardProduct(*flat))
        for m, c2 in q:
            out.add(canonical(m.word, traces + m.traces, binders + m.binders), c * c2)
    return out


def elementwise_of(function: Lambda, p: Polynomial) -> Polynomial:
    """``sigma(X)`` with X in normal form; ``sigma(X^T) = sigma(X)^T``."""
    x, function = to_expr(p), one_way(function)
    if isinstance(x, Transpose) and isinstance(x.arg, MatrixSymbol):
        return transpose_of(letter(Elementwise(function, x.arg)))
    return letter(Elementwise(function, x))


def gate_of(p: Polynomial) -> Polynomial:
    """``diag(1[u > 0])`` with u in normal form."""
    return letter(Gate(to_expr(p)))


def diag_of(p: Polynomial) -> Polynomial:
    """``diag`` is linear; ``diag(1) = I``, ``diag(diag(u) v) = diag(u) diag(v)``, ``diag(u o v) = diag(u) diag(v)``."""
    k = p.shape[0]
    out = Polynomial((k, k))
    for m, c in fresh_terms(p):
        v = word_expr(m.word, k)
        q = identity(k) if isinstance(v, OneMatrix) else letter(Diag(v))
        if isinstance(v, Elementwise) and v.is_step:
            q = letter(Gate(v.arg))
        if len(m.word) > 1 and isinstance(m.word[0], (Diag, Gate)):
            rest = diag_of(reduce_word(m.word[1:], (k, S.One)))
            q = multiply(letter(m.word[0]), rest)
        elif isinstance(v, HadamardProduct):
            q = product_of([diag_of(reduce_word((a,), (k, S.One))) for a in v.args])
        for m2, c2 in q:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def vec_of(p: Polynomial) -> Polynomial:
    """``vec`` is linear; ``vec(a b^T) = b kron a``; vec of a column is the column itself."""
    (rows, cols), out = p.shape, Polynomial((p.shape[0] * p.shape[1], S.One))
    for m, c in fresh_terms(p):
        q = _vec_word(m.word, rows, cols)
        for m2, c2 in q:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def _vec_word(word: Word, rows: Expr, cols: Expr) -> Polynomial:
    if cols == 1:
        return reduce_word(word, (rows, S.One))
    if rows == 1:
        return transpose_of(reduce_word(word, (rows, cols)))
    cut = next((k for k in range(1, len(word)) if word[k].shape[0] == 1), None)
    if cut is not None:
        a = reduce_word(word[:cut], (rows, S.One))
        b = reduce_word(word[cut:], (S.One, cols))
        return kron_of(transpose_of(b), a)
    return letter(Vec(word_expr(word, rows)))


def column_of(p: Polynomial, i: Expr) -> Polynomial:
    """``(X Y) e_i = X (Y e_i)``: only the last letter keeps the index."""
    if p.shape[1] == 1:
        return p
    out = Polynomial((p.shape[0], S.One))
    for m, c in fresh_terms(p):
        q = column_of_letter(m.word[-1], i) if m.word else letter(Column(word_expr((), p.shape[1]), i))
        if len(m.word) > 1:
            front = m.word[:-1]
            q = multiply(single((p.shape[0], front[-1].shape[1]), Monomial(front)), q)
        for m2, c2 in q:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def column_of_letter(x: MatrixExpr, i: Expr) -> Polynomial:
    """``f(X) e_i = f(X e_i)`` for what acts column by column: elementwise maps, softmax, Hadamard products."""
    from deqmath.calculus.normal_form import normal_form

    if isinstance(x, Elementwise):
        return elementwise_of(x.function, column_of(normal_form(x.arg), i))
    if isinstance(x, SoftmaxColumns):
        return softmax_of(column_of(normal_form(x.arg), i))
    if isinstance(x, HadamardProduct):
        return hadamard_of([column_of(normal_form(a), i) for a in x.args])
    if isinstance(x, OneMatrix):
        return ones_of(x.shape[0], 1)
    return letter(Column(x, i))


def softmax_of(p: Polynomial) -> Polynomial:
    """``softmax(X)`` with X in normal form; of a row (one entry a column) it is ``1^T``."""
    if p.shape[0] == 1:
        return ones_of(1, p.shape[1])
    return letter(SoftmaxColumns(to_expr(p)))


def diagonal_of(p: Polynomial) -> Polynomial:
    """``diagonal`` is linear; ``diagonal(I) = 1``, ``diagonal(diag(v)) = v``, ``diagonal(a b^T) = a o b``,
    ``diagonal(diag(u) M diag(v)) = diag(u) diag(v) diagonal(M)``, ``diagonal(M^T) = diagonal(M)``.
    """
    k = p.shape[0]
    out = Polynomial((k, S.One))
    for m, c in fresh_terms(p):
        for m2, c2 in _diagonal_word(m.word, k):
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


def _diagonal_word(word: Word, k: Expr) -> Polynomial:
    from deqmath.calculus.normal_form import normal_form

    if not word:
        return ones_of(k, 1)
    for end, rest in ((word[0], word[1:]), (word[-1], word[:-1])):
        if isinstance(end, (Diag, Gate)):
            return multiply(letter(end), _diagonal_word(rest, k))
    cut = next((j for j in range(1, len(word)) if word[j].shape[0] == 1), None)
    if cut is not None:
        a, b = reduce_word(word[:cut], (k, S.One)), reduce_word(word[cut:], (S.One, k))
        return hadamard_of([a, transpose_of(b)])
    if len(word) == 1 and isinstance(word[0], HadamardProduct):
        return hadamard_of([diagonal_of(normal_form(a)) for a in word[0].args])
    flipped = transpose_word(word)
    if flipped and (len(flipped), [structure_key(x) for x in flipped]) < (len(word), [structure_key(x) for x in word]):
        word = flipped
    return letter(DiagonalOf(word_expr(word)))


def blocks_of(x: BlockMatrix) -> Polynomial:
    """``[A B; C D] = sum_ij P_i B_ij P_j^T``."""
    from deqmath.calculus.normal_form import normal_form

    out = Polynomial(x.shape)
    rows, cols = spans(x.rowblocksizes), spans(x.colblocksizes)
    for r, row in enumerate(rows):
        for c, col in enumerate(cols):
            left, right = normal_form(Placement(*row)), normal_form(Placement(*col))
            out.update(multiply(multiply(left, normal_form(x.blocks[r, c])), transpose_of(right)))
    return out


def trace_of(p: Polynomial) -> Polynomial:
    """``tr`` as a 1 x 1 polynomial: linear, cyclic, blind to transposes; ``tr(I_k) = k``."""
    out = Polynomial((S.One, S.One))
    for m, c in fresh_terms(p):
        if not m.word:
            out.add(canonical((), m.traces, m.binders), c * p.shape[0])
            continue
        k, words = cyclic_normal_form(m.word)
        out.add(canonical((), m.traces + words, m.binders), c * k)
    return out


def scalar_of(value: Expr) -> Polynomial:
    """A commutative scalar as a 1 x 1 polynomial."""
    return single((S.One, S.One), Monomial(), value)


__all__ = [
    "blocks_of",
    "column_of",
    "commutation_of",
    "diag_of",
    "diagonal_of",
    "elementwise_of",
    "gate_of",
    "hadamard_of",
    "identity",
    "inverse_of",
    "kron_of",
    "letter",
    "ones_of",
    "scalar_of",
    "softmax_of",
    "trace_expr",
    "trace_of",
    "transpose_of",
    "vec_of",
]
