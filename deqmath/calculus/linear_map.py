"""Reading a Jacobian off a differential that is linear in dX.

``vec(L dX R) = (R^T kron L) vec(dX)``, and the like for every node through which dX may pass linearly.
"""

from __future__ import annotations

from sympy import Expr, Identity, MatrixExpr, S, Symbol
from sympy.matrices.expressions import (
    DiagonalOf,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    Transpose,
)

from deqmath.calculus import builders
from deqmath.calculus.algebra import canonical, fresh_terms, multiply, reduce_word
from deqmath.calculus.expression import word_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.errors import InputError
from deqmath.expressions.nodes import Column, Diag, DiagSelection, Total, Vec
from deqmath.expressions.traversal import Rules, contains

jacobians = Rules("linear_map")


def jacobian_of(differential: Polynomial, dx: Expr) -> Polynomial:
    """``J`` with ``vec(differential) = J vec(dx)``, numerator layout, as a polynomial.

    Parameters
    ----------
    differential
        A polynomial (p x q) whose every term is linear in ``dx``.
    dx
        The differential: a matrix symbol (r x s), one column of it, or a scalar symbol.
    """
    (p, q) = differential.shape
    rows = p * q
    cols = S.One if isinstance(dx, Symbol) else dx.shape[0] * dx.shape[1]
    out = Polynomial((rows, cols))
    for m, c in fresh_terms(differential):
        if isinstance(dx, Symbol):
            part = builders.vec_of(single((p, q), Monomial(m.word)))
            slope, traces = c.diff(dx), m.traces
        else:
            part, traces = _jacobian_of_term(m, (p, q), dx)
            slope = c
        for m2, c2 in part:
            out.add(canonical(m2.word, traces + m2.traces, m.binders + m2.binders), slope * c2)
    return out


def _jacobian_of_term(m: Monomial, shape: tuple[Expr, Expr], dx: Expr) -> tuple[Polynomial, tuple[Word, ...]]:
    spot = find_moving(m.word, dx)
    if spot is not None:
        return _jacobian_of_word(m.word, spot, shape, dx), m.traces
    index = next(k for k, t in enumerate(m.traces) if find_moving(t, dx) is not None)
    others = m.traces[:index] + m.traces[index + 1 :]
    word = m.traces[index]
    k = find_moving(word, dx)
    assert k is not None
    # tr(V N(dx)) = vec(V^T)^T vec(N(dx)), times the rest of the term as a column
    rotated = word[k + 1 :] + word[:k]
    v = word_polynomial(rotated, (word[k].shape[1], word[k].shape[0]))
    row = builders.transpose_of(builders.vec_of(builders.transpose_of(v)))
    inner = multiply(row, jacobians(word[k], dx))
    if shape == (1, 1):
        return inner, others
    column = builders.vec_of(single(shape, Monomial(m.word)))
    return multiply(column, inner), others


def _jacobian_of_word(word: Word, k: int, shape: tuple[Expr, Expr], dx: Expr) -> Polynomial:
    node = word[k]
    left = word_polynomial(word[:k], (shape[0], node.shape[0]))
    right = word_polynomial(word[k + 1 :], (node.shape[1], shape[1]))
    if isinstance(node, Transpose) and node.arg == dx and (shape[0] == 1 or shape[1] == 1):
        # a row or column equals its transpose as a vector: vec(L dX^T R) = vec(R^T dX L^T) = (L kron R^T) vec(dX)
        return builders.kron_of(left, builders.transpose_of(right))
    outer = builders.kron_of(builders.transpose_of(right), left)
    return multiply(outer, jacobians(node, dx))


def word_polynomial(word: Word, shape: tuple[Expr, Expr]) -> Polynomial:
    return reduce_word(word, shape) if word else builders.identity(shape[0])


def find_moving(word: Word, dx: Expr) -> int | None:
    hits = [k for k, x in enumerate(word) if contains(x, dx)]
    if len(hits) > 1:
        msg = f"the expression is not linear in {dx}: {word_expr(word)}"
        raise InputError(msg)
    return hits[0] if hits else None


@jacobians.register(MatrixSymbol)
def of_symbol(x: MatrixExpr, _dx: Expr) -> Polynomial:
    """``vec(dX) = I vec(dX)``."""
    return builders.identity(x.shape[0] * x.shape[1])


@jacobians.register(Column)
def of_column(x: Column, dx: Expr) -> Polynomial:
    """``dX e_i = (e_i^T kron I) vec(dX)``; a column that is itself the unknown gives I."""
    if x == dx:
        return builders.identity(x.shape[0])
    (rows, cols) = x.arg.shape
    unit = builders.letter(Column(Identity(cols), x.index))
    return multiply(builders.kron_of(builders.transpose_of(unit), builders.identity(rows)), general(x.arg, dx))


@jacobians.register(Transpose)
def of_transpose(x: Transpose, dx: Expr) -> Polynomial:
    """``vec(E^T) = K vec(E)``."""
    return multiply(builders.commutation_of(*x.arg.shape), jacobians(x.arg, dx))


@jacobians.register(HadamardProduct)
def of_hadamard(x: HadamardProduct, dx: Expr) -> Polynomial:
    """``vec(C o E) = diag(vec C) vec(E)``."""
    rest, moving = split_moving(x, dx)
    c = normal_form(HadamardProduct(*rest) if len(rest) > 1 else rest[0])
    return multiply(builders.diag_of(builders.vec_of(c)), general(moving, dx))


@jacobians.register(Diag)
def of_diag(x: Diag, dx: Expr) -> Polynomial:
    """``vec(diag(v)) = E v``."""
    return multiply(builders.letter(DiagSelection(x.shape[0])), general(x.arg, dx))


@jacobians.register(DiagonalOf)
def of_diagonal(x: DiagonalOf, dx: Expr) -> Polynomial:
    """``diagonal(E) = E_k^T vec(E)`` with ``vec(diag(v)) = E_k v``."""
    selection = builders.letter(DiagSelection(x.shape[0]))
    return multiply(builders.transpose_of(selection), general(x.args[0], dx))


@jacobians.register(Vec)
def of_vec(x: Vec, dx: Expr) -> Polynomial:
    """``vec(vec(E)) = vec(E)``."""
    return general(x.arg, dx)


@jacobians.register(KroneckerProduct)
def of_kronecker(x: KroneckerProduct, dx: Expr) -> Polynomial:
    """``vec(A kron B) = (I_q kron K_{s p} kron I_r)(vec A kron vec B)`` for A p x q, B r x s."""
    a, b = x.args
    (p, q), (r, s) = a.shape, b.shape
    shuffle = builders.kron_of(
        builders.identity(q), builders.kron_of(builders.commutation_of(s, p), builders.identity(r))
    )
    if contains(a, dx):
        inner = builders.kron_of(general(a, dx), builders.vec_of(normal_form(b)))
    else:
        inner = builders.kron_of(builders.vec_of(normal_form(a)), general(b, dx))
    return multiply(shuffle, inner)


@jacobians.register(Total)
def of_total(x: Total, dx: Expr) -> Polynomial:
    """``vec(sum_i E_i) = sum_i vec(E_i)``."""
    return general(x, dx)


def general(x: MatrixExpr, dx: Expr) -> Polynomial:
    """``J`` with ``vec(E) = J vec(dX)`` for any E linear in dX."""
    return jacobian_of(normal_form(x), dx)


def split_moving(x: MatrixExpr, dx: Expr) -> tuple[list[MatrixExpr], MatrixExpr]:
    moving = [a for a in x.args if contains(a, dx)]
    if len(moving) != 1:
        msg = f"the expression is not linear in {dx}: {x}"
        raise InputError(msg)
    return [a for a in x.args if not contains(a, dx)], moving[0]


def coefficient_of(differential: Polynomial, dz: MatrixExpr) -> tuple[Polynomial | None, Polynomial]:
    """Split ``M dz + rest``: M where every term in dz is a left multiple of it, else None.

    Returns
    -------
    (M, rest)
        ``M`` square (or None where dz also stands elsewhere), ``rest`` free of dz.
    """
    k = dz.shape[0]
    operator, rest, fits = Polynomial((k, k)), Polynomial(differential.shape), True
    for m, c in differential:
        if not any(contains(x, dz) for x in (*m.word, *(y for t in m.traces for y in t))):
            rest.add(m, c)
        elif m.word and m.word[-1] == dz and not any(contains(x, dz) for x in m.word[:-1]):
            operator.add(canonical(m.word[:-1], m.traces, m.binders), c)
        else:
            fits = False
    return (operator if fits else None), rest


__all__ = ["coefficient_of", "find_moving", "general", "jacobian_of", "jacobians", "split_moving", "word_polynomial"]
