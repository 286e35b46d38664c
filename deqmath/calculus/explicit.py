"""Jacobians and gradients of explicit expressions, also through implicitly defined unknowns.

Unknowns that enter their equations by left multiplication are eliminated in the differential
(forward form). Others need vec: the Jacobian by the chain rule, the gradient by the adjoint
equation ``F_z^T lambda = vec(df/dz)``, whose solution is written in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Identity, MatMul, MatrixExpr, S, Symbol

from deqmath.calculus import builders
from deqmath.calculus.adjoints import gradient_of
from deqmath.calculus.algebra import multiply
from deqmath.calculus.differential import differential_with_assumptions
from deqmath.calculus.expression import to_expr
from deqmath.calculus.implicit import (
    System,
    base_symbol,
    derivative_label,
    differential_symbol,
    implicit_jacobian_lines,
    implicit_lines,
    movement,
    split,
    system,
    vec_form,
)
from deqmath.calculus.linear_map import jacobian_of
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Polynomial, sum_of
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError, ShapeError
from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.nodes import Column
from deqmath.expressions.printing import latex, text
from deqmath.expressions.statements import DerivativeOf, DifferentialOf, Given

Implicit = Mapping[MatrixExpr, MatrixExpr]


def system_of(implicit: Implicit) -> System | None:
    """The equations as one system; that of z_i stands for every column of Z."""
    kept: dict[Expr, tuple[MatrixExpr, MatrixExpr]] = {}
    for unknown, residual in implicit.items():
        kept.setdefault(base_symbol(unknown), (unknown, residual))
    if not kept:
        return None
    return system([r for _, r in kept.values()], [u for u, _ in kept.values()])


def _used(lines: list[Line]) -> tuple[Assumption, ...]:
    return tuple(dict.fromkeys(a for line in lines for a in line.assumptions))


def _opening(expr: Expr, wrt: Expr, sys: System | None) -> tuple[MatrixExpr, list[Line]]:
    """The expression and its differential, in which the unknowns move on their own."""
    by = {**movement(wrt), **movement(*(sys.unknowns if sys else ()))}
    total, kinks = differential_with_assumptions(expr, by)
    statement = DifferentialOf(total, expr, tuple(by.items()))
    return total, [
        Line(Label("f", "f"), expr, "given", "what is differentiated", (), Given()),
        Line(Label("df", "\\mathrm{d}f"), total, "differential", "differential, term by term", kinks, statement),
    ]


def differential_lines(
    expr: MatrixExpr, wrt: Expr, implicit: Implicit | None = None
) -> tuple[MatrixExpr, tuple[Line, ...]] | None:
    """``d expr`` linear in ``d wrt``: unknowns move so that their equations stay true.

    None where an unknown does not enter its equation by left multiplication only.
    """
    sys = system_of(implicit or {})
    total, lines = _opening(expr, wrt, sys)
    if sys is None:
        return total, tuple(lines)
    solution = implicit_lines(sys, wrt)
    if solution is None:
        return None
    lines += [line for line in solution.lines if line.rule != "given"]
    for unknown, dz in zip(sys.unknowns, solution.differentials, strict=True):
        total = substitute(total, differential_symbol(unknown), dz)
    total = to_expr(normal_form(total))
    statement = DifferentialOf(total, expr, tuple(movement(wrt).items()), tuple((implicit or {}).items()))
    why = "the differentials of the unknowns put in"
    lines.append(Line(Label("df", "\\mathrm{d}f"), total, "substitution", why, _used(lines), statement))
    return total, tuple(lines)


def substitute(expr: MatrixExpr, what: MatrixExpr, by: MatrixExpr) -> MatrixExpr:
    """Put ``by`` for ``what``; for a column ``Z e_i`` with a symbolic index, for every index."""
    if isinstance(what, Column):
        index = what.index
        return expr.replace(
            lambda x: isinstance(x, Column) and x.arg == what.arg, lambda x: by.xreplace({index: x.index})
        )
    return expr.xreplace({what: by})


def jacobian_lines(
    expr: MatrixExpr, wrt: Expr, implicit: Implicit | None = None
) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``d vec(expr) / d vec(wrt)^T``, numerator layout, line by line."""
    if not isinstance(expr, MatrixExpr):
        expr = normal_to_matrix(expr)
    forward = differential_lines(expr, wrt, implicit)
    if forward is None:
        return _jacobian_by_chain_rule(expr, wrt, implicit or {})
    total, lines = forward
    result = to_expr(jacobian_of(normal_form(total), differential_symbol(wrt)))
    statement = DerivativeOf(result, expr, wrt, implicit=tuple((implicit or {}).items()))
    why = "vec(L E R) = (Rᵀ ⊗ L) vec(E)"
    last = Line(derivative_label("f", wrt), result, "vec and Kronecker", why, _used(list(lines)), statement)
    return result, (*lines, last)


def _jacobian_by_chain_rule(expr: MatrixExpr, wrt: Expr, implicit: Implicit) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``df/dX + sum_j df/dz_j dz_j/dX`` with every factor in vec form."""
    sys = system_of(implicit)
    assert sys is not None
    total, lines = _opening(expr, wrt, sys)
    rest = normal_form(total)
    parts: list[Polynomial] = []
    for unknown in sys.unknowns:
        dz = differential_symbol(unknown)
        inside, rest = split(rest, dz)
        if inside.is_zero:
            continue
        outer = jacobian_of(inside, dz)
        statement = DerivativeOf(to_expr(outer), expr, unknown)
        why = "vec(L E R) = (Rᵀ ⊗ L) vec(E)"
        label = derivative_label("f", unknown)
        lines.append(Line(label, to_expr(outer), "vec and Kronecker", why, _used(lines), statement))
        inner, more = implicit_jacobian_lines(sys, wrt, unknown)
        lines += [line for line in more if line not in lines]
        parts.append(multiply(outer, normal_form(inner)))
    direct = jacobian_of(rest, differential_symbol(wrt))
    result = to_expr(sum_of(direct.shape, [direct, *parts]))
    statement = DerivativeOf(result, expr, wrt, implicit=tuple(implicit.items()))
    why = "∂f/∂X + Σ ∂f/∂z ∂z/∂X"
    lines.append(Line(derivative_label("f", wrt), result, "chain rule", why, _used(lines), statement))
    return result, tuple(lines)


def gradient_lines(scalar: Expr, wrt: Expr, implicit: Implicit | None = None) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``G`` of the shape of ``wrt`` with ``d scalar = tr(G^T d wrt)``, line by line."""
    check_scalar(scalar)
    forward = differential_lines(scalar, wrt, implicit)
    if forward is None:
        return _gradient_by_adjoint(scalar, wrt, implicit or {})
    total, lines = forward
    result = to_expr(gradient_of(normal_form(total), differential_symbol(wrt)))
    statement = DerivativeOf(result, scalar, wrt, gradient=True, implicit=tuple((implicit or {}).items()))
    why = "df = tr(Gᵀ dX), the trace being cyclic"
    last = Line(gradient_label(wrt), result, "gradient", why, _used(list(lines)), statement)
    return result, (*lines, last)


def check_scalar(scalar: Expr) -> None:
    """Raise unless the expression is a scalar."""
    if isinstance(scalar, MatrixExpr) and tuple(scalar.shape) != (1, 1):
        msg = (
            f"gradient received an expression of shape {scalar.shape}; "
            "it needs a scalar (1 x 1, Trace(...), log(Determinant(...)))"
        )
        raise ShapeError(msg)
    if not isinstance(scalar, (MatrixExpr, Expr)):
        msg = f"gradient received {scalar!r}; it needs a scalar expression"
        raise InputError(msg)


def gradient_label(wrt: Expr) -> Label:
    """``∇_X f``."""
    return Label(f"∇_{text(wrt)} f", f"\\nabla_{{{latex(wrt)}}} f")


def gradients_by_unknown(scalar: Expr, wrt: Expr, sys: System) -> tuple[Polynomial, dict[int, Polynomial], list[Line]]:
    """``df/dX`` with the unknowns held, ``df/dz_j`` of each unknown, and the lines."""
    total, lines = _opening(scalar, wrt, sys)
    rest = normal_form(total)
    outer: dict[int, Polynomial] = {}
    for j, unknown in enumerate(sys.unknowns):
        dz = differential_symbol(unknown)
        inside, rest = split(rest, dz)
        if inside.is_zero:
            continue
        outer[j] = gradient_of(inside, dz)
        statement = DerivativeOf(to_expr(outer[j]), scalar, unknown, gradient=True)
        label = Label(f"∂f/∂{text(unknown)}", f"\\frac{{\\partial f}}{{\\partial {latex(unknown)}}}")
        why = "df = tr(Gᵀ dX), the trace being cyclic"
        lines.append(Line(label, to_expr(outer[j]), "gradient", why, _used(lines), statement))
    return gradient_of(rest, differential_symbol(wrt)), outer, lines


def _gradient_by_adjoint(scalar: Expr, wrt: Expr, implicit: Implicit) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``vec(G) = vec(df/dX) - F_X^T F_z^{-T} vec(df/dz)``, put back into the shape of X."""
    sys = system_of(implicit)
    assert sys is not None
    direct, outer, lines = gradients_by_unknown(scalar, wrt, sys)
    form = vec_form(sys, wrt)
    size = form.jacobians[0].shape[1]
    pulled = Polynomial((size, S.One))
    for j, g in outer.items():
        pulled.update(multiply(builders.transpose_of(form.jacobians[j]), builders.vec_of(g)))
    _, more = implicit_jacobian_lines(sys, wrt)
    lines += [line for line in more if line not in lines]
    result = to_expr(sum_of(direct.shape, [direct, unvec(pulled, wrt)]))
    statement = DerivativeOf(result, scalar, wrt, gradient=True, implicit=tuple(implicit.items()))
    why = "adjoint: F_zᵀ λ = vec(∂f/∂z), vec(G) = vec(∂f/∂X) − F_Xᵀ λ, put back into the shape of X"
    lines.append(Line(gradient_label(wrt), result, "adjoint", why, _used(lines), statement))
    return result, tuple(lines)


def unvec(p: Polynomial, wrt: Expr) -> Polynomial:
    """The matrix X of the shape of ``wrt`` with ``vec(X) = v``: ``X = (vec(I_s)^T kron I_r)(I_s kron v)``."""
    if isinstance(wrt, Symbol) or wrt.shape[1] == 1:
        return p
    r, s = wrt.shape
    if r == 1:
        return builders.transpose_of(p)
    row = builders.transpose_of(builders.vec_of(builders.identity(s)))
    return multiply(builders.kron_of(row, builders.identity(r)), builders.kron_of(builders.identity(s), p))


def normal_to_matrix(scalar: Expr) -> MatrixExpr:
    """A SymPy scalar as a 1 x 1 matrix expression."""
    return MatMul(scalar, Identity(S.One))
