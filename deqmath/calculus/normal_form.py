"""The normal form: any matrix expression as a noncommutative polynomial.

Two expressions with the same normal form are equal for all dimensions (where both sides are
defined). The converse does not hold: different normal forms decide nothing.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixExpr, Mul, Pow, S, Trace, ZeroMatrix
from sympy.matrices.expressions import (
    BlockMatrix,
    Determinant,
    DiagMatrix,
    DiagonalOf,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.immutable import ImmutableDenseMatrix

from deqmath.calculus import builders
from deqmath.calculus.algebra import canonical, multiply, product_of
from deqmath.calculus.expression import to_expr
from deqmath.calculus.polynomial import Polynomial, sum_of
from deqmath.errors import InputError
from deqmath.expressions.depth import any_depth
from deqmath.expressions.nodes import (
    Column,
    Commutation,
    Diag,
    DiagSelection,
    Elementwise,
    Gate,
    Placement,
    SoftmaxColumns,
    Total,
    Vec,
)
from deqmath.expressions.plain import plain
from deqmath.expressions.traversal import Rules

polynomials = Rules("normal_form")


@lru_cache(maxsize=65536)
def normal_form(expr: MatrixExpr) -> Polynomial:
    """The normal form of a matrix expression, or of a scalar as a 1 x 1 one (do not modify it)."""
    if isinstance(expr, Expr) and not isinstance(expr, MatrixExpr):
        return scalar_form(expr)
    return polynomials(expr)


@any_depth
def simplified(expr: MatrixExpr) -> MatrixExpr:
    """The normal form, written as an expression again."""
    expr = plain(expr)
    if isinstance(expr, MatrixExpr):
        return to_expr(normal_form(expr))
    from deqmath.calculus.expression import trace_expr

    out: Expr = S.Zero
    for m, c in scalar_form(expr):
        if m.binders:
            return expr
        out += c * Mul(*(Trace(t) if isinstance(t := trace_expr(w), MatrixExpr) else t for w in m.traces))
    return out


@any_depth
def proves_equal(lhs: MatrixExpr, rhs: MatrixExpr) -> bool:
    """Whether the rules prove that the two sides are equal, for all dimensions, wherever both are defined.

    One normal form decides at once; otherwise resolvent identities, laws of diagonals and gates, and the
    clearing of inverses are tried on the difference. False decides nothing.
    """
    from deqmath.calculus.proof import difference, vanishes

    a, b = normal_form(plain(lhs)), normal_form(plain(rhs))
    return a.shape == b.shape and vanishes(difference(a, b))


def scalar_form(value: Expr) -> Polynomial:
    """A SymPy scalar: traces in a product become cyclic words, all else stays a coefficient."""
    if value.is_Add:
        return sum_of((S.One, S.One), [scalar_form(a) for a in value.args])
    out = builders.scalar_of(S.One)
    for factor in Mul.make_args(value):
        out = multiply(out, _scalar_factor(factor))
    return out


def _scalar_factor(factor: Expr) -> Polynomial:
    if isinstance(factor, Trace):
        return builders.trace_of(normal_form(factor.arg))
    if (
        isinstance(factor, Pow)
        and factor.exp.is_Integer
        and 1 < factor.exp <= 8
        and factor.base.has(Trace, MatrixElement)
    ):
        base = scalar_form(factor.base)
        out = base
        for _ in range(int(factor.exp) - 1):
            out = multiply(out, base)
        return out
    if isinstance(factor, MatrixElement):
        X, i, j = factor.args
        row = builders.transpose_of(builders.column_of(builders.identity(X.shape[0]), i))
        return multiply(row, builders.column_of(normal_form(X), j))
    if factor.has(Trace, Determinant, MatrixElement):
        return builders.scalar_of(factor.func(*(simplified(a) if isinstance(a, Expr) else a for a in factor.args)))
    return builders.scalar_of(factor)


@polynomials.register(MatrixSymbol, DiagSelection, ImmutableDenseMatrix)
def _letter(x: MatrixExpr) -> Polynomial:
    return builders.letter(x)


@polynomials.register(OneMatrix)
def _ones(x: OneMatrix) -> Polynomial:
    return builders.ones_of(*x.shape)


@polynomials.register(Commutation)
def _commutation(x: Commutation) -> Polynomial:
    return builders.commutation_of(*x.args)


@polynomials.register(Placement)
def _placement(x: Placement) -> Polynomial:
    before, size, after = x.args
    return builders.identity(size) if before == 0 and after == 0 else builders.letter(x)


@polynomials.register(BlockMatrix)
def _blocks(x: BlockMatrix) -> Polynomial:
    """``[A B; C D] = sum_ij P_i B_ij P_j^T`` with the placements P of the blocks."""
    return builders.blocks_of(x)


@polynomials.register(Identity)
def _identity(x: Identity) -> Polynomial:
    return builders.identity(x.shape[0])


@polynomials.register(ZeroMatrix)
def _zero(x: ZeroMatrix) -> Polynomial:
    return Polynomial(x.shape)


@polynomials.register(MatAdd)
def _sum(x: MatAdd) -> Polynomial:
    return sum_of(x.shape, [normal_form(a) for a in x.args])


@polynomials.register(MatMul)
def _product(x: MatMul) -> Polynomial:
    scalar = Mul(*(a for a in x.args if not isinstance(a, MatrixExpr)))
    out = product_of([normal_form(a) for a in x.args if isinstance(a, MatrixExpr)])
    if scalar.has(Trace, MatrixElement):
        return multiply(scalar_form(scalar), out)
    return out if scalar == 1 else out.scaled(scalar)


@polynomials.register(MatPow)
def _power(x: MatPow) -> Polynomial:
    base, n = x.args
    if not n.is_Integer or abs(n) > 16:
        return builders.letter(MatPow(to_expr(normal_form(base)), n))
    p = normal_form(base) if n > 0 else builders.inverse_of(normal_form(base))
    out = builders.identity(x.shape[0])
    for _ in range(abs(int(n))):
        out = multiply(out, p)
    return out


@polynomials.register(Inverse)
def _inverse(x: Inverse) -> Polynomial:
    return builders.inverse_of(normal_form(x.arg))


@polynomials.register(Transpose)
def _transpose(x: Transpose) -> Polynomial:
    return builders.transpose_of(normal_form(x.arg))


@polynomials.register(HadamardProduct)
def _hadamard(x: HadamardProduct) -> Polynomial:
    return builders.hadamard_of([normal_form(a) for a in x.args])


@polynomials.register(HadamardPower)
def _hadamard_power(x: HadamardPower) -> Polynomial:
    base, n = x.args
    if n.is_Integer and 0 < n <= 8:
        return builders.hadamard_of([normal_form(base)] * int(n))
    return builders.letter(HadamardPower(to_expr(normal_form(base)), n))


@polynomials.register(KroneckerProduct)
def _kron(x: KroneckerProduct) -> Polynomial:
    *front, last = x.args
    out = normal_form(last)
    for a in reversed(front):
        out = builders.kron_of(normal_form(a), out)
    return out


@polynomials.register(Elementwise)
def _elementwise(x: Elementwise) -> Polynomial:
    return builders.elementwise_of(x.function, normal_form(x.arg))


@polynomials.register(Gate)
def _gate(x: Gate) -> Polynomial:
    return builders.gate_of(normal_form(x.arg))


@polynomials.register(Diag, DiagMatrix)
def _diag(x: Diag) -> Polynomial:
    return builders.diag_of(normal_form(x.args[0]))


@polynomials.register(DiagonalOf)
def _diagonal(x: DiagonalOf) -> Polynomial:
    return builders.diagonal_of(normal_form(x.args[0]))


@polynomials.register(SoftmaxColumns)
def _softmax(x: SoftmaxColumns) -> Polynomial:
    return builders.softmax_of(normal_form(x.arg))


@polynomials.register(Vec)
def _vec(x: Vec) -> Polynomial:
    return builders.vec_of(normal_form(x.arg))


@polynomials.register(Column)
def _column(x: Column) -> Polynomial:
    return builders.column_of(normal_form(x.arg), x.index)


@polynomials.register(Total)
def _total(x: Total) -> Polynomial:
    """``sum_i (a E_i + b F_i) = a sum_i E_i + b sum_i F_i``; a term free of i is counted n times."""
    inner = normal_form(x.term)
    out = Polynomial(x.shape)
    for m, c in inner:
        letters = (*m.word, *(y for t in m.traces for y in t))
        if c.has(x.index):
            msg = f"the coefficient {c} depends on the sample index {x.index}; write y_i as column(y.T, {x.index})"
            raise InputError(msg)
        if not any(x.index in y.free_symbols for y in letters):
            out.add(m, c * x.count)
        else:
            out.add(canonical(m.word, m.traces, (*m.binders, (x.index, x.count))), c)
    return out
