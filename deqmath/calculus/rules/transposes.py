"""The transpose of each letter of the normal form."""

from __future__ import annotations

from sympy import Inverse, MatPow, MatrixExpr
from sympy.matrices.expressions import HadamardProduct, KroneckerProduct, OneMatrix, Transpose
from sympy.matrices.immutable import ImmutableDenseMatrix

from deqmath.calculus import builders
from deqmath.calculus.algebra import transposes
from deqmath.calculus.expression import to_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Polynomial
from deqmath.expressions.nodes import Commutation, Diag, Gate


@transposes.register(MatrixExpr)
def generic(x: MatrixExpr) -> Polynomial:
    """``X^T`` of a letter without further structure; a scalar is its own transpose."""
    return builders.letter(x if x.shape == (1, 1) else Transpose(x))


@transposes.register(Transpose)
def of_transpose(x: Transpose) -> Polynomial:
    """``(X^T)^T = X``."""
    return builders.letter(x.arg)


@transposes.register(Gate, Diag)
def of_diagonal(x: MatrixExpr) -> Polynomial:
    """``diag(v)^T = diag(v)``."""
    return builders.letter(x)


@transposes.register(Commutation)
def of_commutation(x: Commutation) -> Polynomial:
    """``K_{pq}^T = K_{qp}``."""
    return builders.commutation_of(x.args[1], x.args[0])


@transposes.register(OneMatrix)
def of_ones(x: OneMatrix) -> Polynomial:
    """``(1_p 1_q^T)^T = 1_q 1_p^T``."""
    return builders.ones_of(x.shape[1], x.shape[0])


@transposes.register(ImmutableDenseMatrix)
def of_numbers(x: ImmutableDenseMatrix) -> Polynomial:
    """The transpose of a matrix of numbers is a matrix of numbers."""
    return builders.letter(x.T)


@transposes.register(Inverse)
def of_inverse(x: Inverse) -> Polynomial:
    """``(M^{-1})^T = (M^T)^{-1}``."""
    return builders.inverse_of(builders.transpose_of(normal_form(x.arg)))


@transposes.register(MatPow)
def of_power(x: MatPow) -> Polynomial:
    """``(M^n)^T = (M^T)^n``."""
    return normal_form(MatPow(to_expr(builders.transpose_of(normal_form(x.args[0]))), x.args[1]))


@transposes.register(KroneckerProduct)
def of_kronecker(x: KroneckerProduct) -> Polynomial:
    """``(A kron B)^T = A^T kron B^T``."""
    a, b = (builders.transpose_of(normal_form(f)) for f in x.args)
    return builders.kron_of(a, b)


@transposes.register(HadamardProduct)
def of_hadamard(x: HadamardProduct) -> Polynomial:
    """``(X o Y)^T = X^T o Y^T``."""
    return builders.hadamard_of([builders.transpose_of(normal_form(f)) for f in x.args])
