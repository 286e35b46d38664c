"""Reading a gradient off a scalar differential that is linear in dX: ``tr(V^T dX) = <V, dX>`` gives V.

``<G, E> = tr(G^T E)``. Each rule moves one node from the side of dX to the side of G.
"""

from __future__ import annotations

from sympy import Expr, Identity, MatrixExpr, Symbol
from sympy.matrices.expressions import (
    DiagonalOf,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    Transpose,
)

from deqmath.calculus import builders
from deqmath.calculus.algebra import canonical, fresh_terms, multiply
from deqmath.calculus.linear_map import find_moving, jacobian_of, split_moving, word_polynomial
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, Word, single
from deqmath.expressions.nodes import Column, Diag, Total, Vec
from deqmath.expressions.traversal import Rules, contains

adjoints = Rules("adjoint")


def gradient_of(differential: Polynomial, dx: Expr) -> Polynomial:
    """``G`` with ``differential = <G, dx> = tr(G^T dx)``, in the shape of dx, of a 1 x 1 differential."""
    if isinstance(dx, Symbol):
        return jacobian_of(differential, dx)
    out = Polynomial(dx.shape)
    for m, c in fresh_terms(differential):
        index = next(k for k, t in enumerate(m.traces) if find_moving(t, dx) is not None)
        word = m.traces[index]
        k = find_moving(word, dx)
        assert k is not None
        rotated = word[k + 1 :] + word[:k]
        v = word_polynomial(rotated, (word[k].shape[1], word[k].shape[0]))
        part = adjoints(word[k], builders.transpose_of(v), dx)
        others = m.traces[:index] + m.traces[index + 1 :]
        for m2, c2 in part:
            out.add(canonical(m2.word, others + m2.traces, m.binders + m2.binders), c * c2)
    return out


@adjoints.register(MatrixSymbol)
def adjoint_of_symbol(_x: MatrixExpr, g: Polynomial, _dx: Expr) -> Polynomial:
    """``<G, dX>``: the gradient is G."""
    return g


@adjoints.register(Column)
def adjoint_of_column(x: Column, g: Polynomial, dx: Expr) -> Polynomial:
    """``<g, dX e_i> = <g e_i^T, dX>``."""
    if x == dx:
        return g
    unit = builders.letter(Column(Identity(x.arg.shape[1]), x.index))
    return _adjoint(x.arg, multiply(g, builders.transpose_of(unit)), dx)


@adjoints.register(Transpose)
def adjoint_of_transpose(x: Transpose, g: Polynomial, dx: Expr) -> Polynomial:
    """``<G, E^T> = <G^T, E>``."""
    found: Polynomial = adjoints(x.arg, builders.transpose_of(g), dx)
    return found


@adjoints.register(HadamardProduct)
def adjoint_of_hadamard(x: HadamardProduct, g: Polynomial, dx: Expr) -> Polynomial:
    """``<G, C o E> = <C o G, E>``."""
    rest, moving = split_moving(x, dx)
    return _adjoint(moving, builders.hadamard_of([*(normal_form(r) for r in rest), g]), dx)


@adjoints.register(Diag)
def adjoint_of_diag(x: Diag, g: Polynomial, dx: Expr) -> Polynomial:
    """``<G, diag(v)> = <diagonal(G), v>``."""
    return _adjoint(x.arg, builders.diagonal_of(g), dx)


@adjoints.register(DiagonalOf)
def adjoint_of_diagonal(x: DiagonalOf, g: Polynomial, dx: Expr) -> Polynomial:
    """``<g, diagonal(E)> = <diag(g), E>``."""
    return _adjoint(x.args[0], builders.diag_of(g), dx)


@adjoints.register(Vec)
def adjoint_of_vec(x: Vec, g: Polynomial, dx: Expr) -> Polynomial:
    """``<g, vec(E)> = <unvec(g), E>``."""
    return _adjoint(x.arg, unvec(g, x.arg.shape), dx)


def unvec(g: Polynomial, shape: tuple[Expr, Expr]) -> Polynomial:
    """The p x q matrix with ``vec(unvec(g)) = g``: G where ``g = vec(G)``, else
    ``(vec(I_q)^T kron I_p)(I_q kron g)``.
    """
    p, q = shape
    out = Polynomial(shape)
    for m, c in g:
        if len(m.word) == 1 and isinstance(m.word[0], Vec) and m.word[0].arg.shape == shape:
            part = normal_form(m.word[0].arg)
        else:
            row = builders.transpose_of(builders.vec_of(builders.identity(q)))
            column = single(g.shape, Monomial(m.word))
            part = multiply(builders.kron_of(row, builders.identity(p)), builders.kron_of(builders.identity(q), column))
        for m2, c2 in part:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return out


@adjoints.register(KroneckerProduct)
def adjoint_of_kronecker(x: KroneckerProduct, g: Polynomial, dx: Expr) -> Polynomial:
    """``<C kron D, A kron E> = <C, A> <D, E>``; in general, with A p x q and E r x s,
    ``<G, A kron E> = <sum_i (e_i^T kron I_r) G (A^T e_i kron I_s), E>``, and likewise on the left.
    """
    a, b = x.args
    on_left = contains(a, dx)
    fixed, moving = (b, a) if on_left else (a, b)
    out = Polynomial(moving.shape)
    for m, c in g:
        pair = _kron_pair(m.word, a, b)
        if pair is None:
            part = _contracted(single(g.shape, Monomial(m.word)), fixed, moving, on_left)
        else:
            against, kept = pair[::-1] if on_left else pair
            scalar = builders.trace_of(multiply(builders.transpose_of(against), normal_form(fixed)))
            part = multiply(scalar, kept)
        for m2, c2 in part:
            out.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
    return _adjoint(moving, out, dx)


def _kron_pair(word: Word, a: MatrixExpr, b: MatrixExpr) -> tuple[Polynomial, Polynomial] | None:
    """The factors of a word that is ``C kron D`` with the shapes of a and b."""
    if not word and a.shape[0] == a.shape[1]:
        return builders.identity(a.shape[0]), builders.identity(b.shape[0])
    if len(word) != 1 or not isinstance(word[0], KroneckerProduct):
        return None
    left, right = word[0].args
    if left.shape != a.shape or right.shape != b.shape:
        return None
    return normal_form(left), normal_form(right)


#: The bound index of a contraction over blocks: a name that cannot be typed.
_BLOCK_INDEX = Symbol("#block", integer=True)


def _contracted(g: Polynomial, fixed: MatrixExpr, moving: MatrixExpr, on_left: bool) -> Polynomial:
    """``sum_i (e_i^T kron I) G (A^T e_i kron I)``: the inner products of A with the blocks of G."""
    i, n = _BLOCK_INDEX, fixed.shape[0]
    row = builders.transpose_of(builders.column_of(builders.identity(n), i))
    column = builders.column_of(builders.transpose_of(normal_form(fixed)), i)
    sides = [builders.identity(k) for k in moving.shape]
    left, right = (
        builders.kron_of(side, unit) if on_left else builders.kron_of(unit, side)
        for unit, side in zip((row, column), sides, strict=True)
    )
    out = Polynomial(moving.shape)
    for m, c in multiply(multiply(left, g), right):
        out.add(canonical(m.word, m.traces, (*m.binders, (i, n))), c)
    return out


@adjoints.register(Total)
def adjoint_of_total(x: Total, g: Polynomial, dx: Expr) -> Polynomial:
    """``<G, sum_i E_i> = <sum_i G_i, X>``, each ``<G_i, X> = <G, E_i>``."""
    return _adjoint(x, g, dx)


def _adjoint(x: MatrixExpr, g: Polynomial, dx: Expr) -> Polynomial:
    """``<G, E(dx)>`` for any E linear in dx: term by term, ``<G, L E R> = <L^T G R^T, E>``."""
    if x == dx:
        return g
    p = normal_form(x)
    if len(p) == 1:
        ((m, c),) = p
        if c == 1 and len(m.word) == 1 and not m.traces and not m.binders:
            found: Polynomial = adjoints(m.word[0], g, dx)
            return found
    trace = builders.trace_of(multiply(builders.transpose_of(g), p))
    return gradient_of(trace, dx)


__all__ = ["adjoints", "gradient_of", "unvec"]
