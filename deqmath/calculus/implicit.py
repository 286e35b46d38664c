"""The implicit function theorem at symbolic size: ``F(z, X) = 0`` gives ``dz = -F_z^{-1} F_X dX``."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, MatrixExpr, S, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.calculus import builders
from deqmath.calculus.algebra import multiply
from deqmath.calculus.differential import differential_with_assumptions
from deqmath.calculus.expression import to_expr
from deqmath.calculus.linear_map import coefficient_of, jacobian_of
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Polynomial
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError, ShapeError, SingularError
from deqmath.expressions.assumptions import Assumption, equation, invertible
from deqmath.expressions.nodes import Column
from deqmath.expressions.printing import latex, text
from deqmath.expressions.statements import DerivativeOf, DifferentialOf, Equal, Given


@dataclass(frozen=True)
class Moved:
    """A symbol with the name of its differential."""

    symbol: Expr
    d: Expr


def differential_symbol(x: Expr) -> Expr:
    """``dX``: a symbol of the shape of X, for its differential (of the whole matrix, for one column of it)."""
    if isinstance(x, Column):
        return Column(differential_symbol(x.arg), x.index)
    if isinstance(x, MatrixSymbol):
        return MatrixSymbol(f"d{x.name}", *x.shape)
    if isinstance(x, Symbol):
        return Symbol(f"d{x.name}", real=True)
    msg = f"received {x} to differentiate by; it needs a MatrixSymbol, a Symbol or one column of a MatrixSymbol"
    raise InputError(msg)


def _movement(*symbols: Expr) -> dict[Expr, Expr]:
    """Symbol -> differential; for one column of a matrix the whole matrix moves."""
    bases = [x.arg if isinstance(x, Column) else x for x in symbols]
    return {x: differential_symbol(x) for x in bases}


@dataclass(frozen=True)
class ImplicitSolution:
    """``dz`` as an expression linear in dX, with the lines that lead to it."""

    unknown: MatrixExpr
    differential: MatrixExpr
    lines: tuple[Line, ...]
    assumptions: tuple[Assumption, ...]


def _check_residual(residual: MatrixExpr, unknown: MatrixExpr) -> None:
    if tuple(residual.shape) != tuple(unknown.shape):
        msg = (
            f"the residual has shape {residual.shape} and the unknown {unknown} has shape {unknown.shape}; "
            "one equation per unknown is needed, so the shapes must be equal"
        )
        raise ShapeError(msg)
    if not residual.has(unknown):
        msg = f"the residual {text(residual)} does not contain the unknown {unknown}"
        raise InputError(msg)


def implicit_lines(residual: MatrixExpr, unknown: MatrixExpr, wrt: Expr) -> ImplicitSolution:
    """The differential of the unknown, ``dz = -F_z^{-1} F_X dX``, line by line.

    Raises
    ------
    SingularError
        ``F_z`` is the zero matrix: the equation does not determine the unknown.
    InputError
        The unknown does not enter by left multiplication only; use :func:`implicit_jacobian_lines`.
    """
    _check_residual(residual, unknown)
    by = _movement(unknown, wrt)
    dz, dx = differential_symbol(unknown), differential_symbol(wrt)
    total, kinks = differential_with_assumptions(residual, by)
    operator, rest = coefficient_of(normal_form(total), dz)
    holds = equation(residual, unknown)
    lines = [
        Line(Label("F", "F"), residual, "given", f"the equation F = 0 determines {text(unknown)}", (), Given()),
        Line(
            Label("dF", "\\mathrm{d}F"),
            total,
            "differential",
            "differential of both sides, term by term",
            kinks,
            DifferentialOf(total, residual, tuple(by.items())),
        ),
    ]
    if operator is None:
        msg = f"{unknown} does not enter {text(residual)} by left multiplication only; ask for the Jacobian in vec form"
        raise InputError(msg)
    if operator.is_zero:
        msg = f"F_z is zero: {text(residual)} = 0 does not determine {unknown}"
        raise SingularError(msg)
    M = to_expr(operator)
    solved = multiply(builders.inverse_of(operator), rest).scaled(S.NegativeOne)
    result = to_expr(solved)
    needed = (*kinks, invertible(M), holds)
    label = Label(text(dz), latex(dz))
    lines.append(
        Line(
            label,
            result,
            "implicit function theorem",
            f"dF = 0 solved for {text(dz)}, whose factor is invertible",
            (invertible(M), holds),
            DifferentialOf(result, unknown, ((wrt, dx),), ((unknown, residual),)),
        )
    )
    return ImplicitSolution(unknown, result, tuple(lines), needed)


def implicit_jacobian_lines(
    residual: MatrixExpr, unknown: MatrixExpr, wrt: Expr
) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``d vec(z) / d vec(X)^T = -F_z^{-1} F_X`` (numerator layout), line by line."""
    _check_residual(residual, unknown)
    by = _movement(unknown, wrt)
    dz, dx = differential_symbol(unknown), differential_symbol(wrt)
    total, kinks = differential_with_assumptions(residual, by)
    operator, rest = coefficient_of(normal_form(total), dz)
    f_x = jacobian_of(rest, dx)
    column = unknown.shape[1] == 1 and operator is not None
    if column:
        assert operator is not None
        f_z: Polynomial = operator
    else:
        moving = normal_form(total)
        in_z = Polynomial(moving.shape)
        in_z.update(moving)
        in_z.update(rest, S.NegativeOne)
        f_z = jacobian_of(in_z, dz)
    if f_z.is_zero:
        msg = f"F_z is zero: {text(residual)} = 0 does not determine {unknown}"
        raise SingularError(msg)
    M, N = to_expr(f_z), to_expr(f_x)
    result = to_expr(multiply(builders.inverse_of(f_z), f_x).scaled(S.NegativeOne))
    holds = equation(residual, unknown)
    zt, xt = text(unknown), text(wrt)
    d_by_dx = Label(f"∂vec({zt})/∂vec({xt})ᵀ", _frac(latex(unknown), latex(wrt)))
    lines = (
        Line(Label("F", "F"), residual, "given", f"the equation F = 0 determines {zt}", (), Given()),
        Line(
            Label("dF", "\\mathrm{d}F"),
            total,
            "differential",
            "differential of both sides, term by term",
            kinks,
            DifferentialOf(total, residual, tuple(by.items())),
        ),
        Line(
            Label(f"∂vec(F)/∂vec({zt})ᵀ", _frac("F", latex(unknown))),
            M,
            "vec and Kronecker",
            f"what multiplies {text(dz)} in dF" if column else "vec(L E R) = (Rᵀ ⊗ L) vec(E)",
            kinks,
            DerivativeOf(M, residual, unknown),
        ),
        Line(
            Label(f"∂vec(F)/∂vec({xt})ᵀ", _frac("F", latex(wrt))),
            N,
            "vec and Kronecker",
            "vec(L E R) = (Rᵀ ⊗ L) vec(E)",
            kinks,
            DerivativeOf(N, residual, wrt),
        ),
        Line(
            d_by_dx,
            result,
            "implicit function theorem",
            "−(∂F/∂z)⁻¹ ∂F/∂X, written with mixed products (A ⊗ B)(C ⊗ D) = AC ⊗ BD and push-through",
            (*kinks, invertible(M), holds),
            DerivativeOf(result, unknown, wrt, implicit=((unknown, residual),)),
        ),
    )
    return result, lines


def _frac(top: str, bottom: str) -> str:
    return (
        f"\\frac{{\\partial\\,\\mathrm{{vec}}({top})}}{{\\partial\\,\\mathrm{{vec}}({bottom})^{{\\mathsf T}}}}"
    )


__all__ = ["DerivativeOf", "Equal", "ImplicitSolution", "differential_symbol", "implicit_jacobian_lines", "implicit_lines"]
