"""Jacobians and gradients of explicit expressions, also through implicitly defined unknowns."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, MatrixExpr, S

from deqmath.calculus.differential import differential_with_assumptions
from deqmath.calculus.expression import to_expr
from deqmath.calculus.implicit import differential_symbol, implicit_lines
from deqmath.calculus.linear_map import gradient_of, jacobian_of
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError, ShapeError
from deqmath.expressions.nodes import Column
from deqmath.expressions.printing import latex, text
from deqmath.expressions.statements import DerivativeOf, DifferentialOf, Given

Implicit = Mapping[MatrixExpr, MatrixExpr]


def differential_lines(
    expr: MatrixExpr, wrt: Expr, implicit: Implicit | None = None
) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``d expr`` linear in ``d wrt``: unknowns move so that their equations stay true."""
    implicit = dict(implicit or {})
    dx = differential_symbol(wrt)
    name = Label("f", "f")
    lines = [Line(name, expr, "given", "what is differentiated", (), Given())]
    by = {wrt: dx}
    for unknown in implicit:
        base = unknown.arg if isinstance(unknown, Column) else unknown
        by[base] = differential_symbol(base)
    total, kinks = differential_with_assumptions(expr, by)
    lines.append(
        Line(
            Label("df", "\\mathrm{d}f"),
            total,
            "differential",
            "differential, term by term",
            kinks,
            DifferentialOf(total, expr, tuple(by.items())),
        )
    )
    if not implicit:
        return total, tuple(lines)
    for unknown, residual in implicit.items():
        solution = implicit_lines(residual, unknown, wrt)
        lines += [line for line in solution.lines if line.rule != "given"]
        total = substitute(total, differential_symbol(unknown), solution.differential)
    total = to_expr(normal_form(total))
    pairs = tuple(implicit.items())
    used = tuple(dict.fromkeys(a for line in lines for a in line.assumptions))
    lines.append(
        Line(
            Label("df", "\\mathrm{d}f"),
            total,
            "substitution",
            "the differentials of the unknowns put in",
            used,
            DifferentialOf(total, expr, ((wrt, dx),), pairs),
        )
    )
    return total, tuple(lines)


def substitute(expr: MatrixExpr, what: MatrixExpr, by: MatrixExpr) -> MatrixExpr:
    """Put ``by`` for ``what``; for a column ``Z e_i`` with a symbolic index, for every index."""
    if isinstance(what, Column):
        index = what.index
        return expr.replace(
            lambda x: isinstance(x, Column) and x.arg == what.arg, lambda x: by.xreplace({index: x.index})
        )
    return expr.xreplace({what: by})


def jacobian_lines(expr: MatrixExpr, wrt: Expr, implicit: Implicit | None = None) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``d vec(expr) / d vec(wrt)^T``, numerator layout, line by line."""
    if not isinstance(expr, MatrixExpr):
        expr = normal_to_matrix(expr)
    total, lines = differential_lines(expr, wrt, implicit)
    result = to_expr(jacobian_of(normal_form(total), differential_symbol(wrt)))
    label = Label(
        f"∂vec(f)/∂vec({text(wrt)})ᵀ",
        f"\\frac{{\\partial\\,\\mathrm{{vec}}(f)}}{{\\partial\\,\\mathrm{{vec}}({latex(wrt)})^{{\\mathsf T}}}}",
    )
    statement = DerivativeOf(result, expr, wrt, implicit=tuple((implicit or {}).items()))
    used = tuple(dict.fromkeys(a for line in lines for a in line.assumptions))
    last = Line(label, result, "vec and Kronecker", "vec(L E R) = (Rᵀ ⊗ L) vec(E)", used, statement)
    return result, (*lines, last)


def gradient_lines(
    scalar: Expr, wrt: Expr, implicit: Implicit | None = None
) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``G`` of the shape of ``wrt`` with ``d scalar = tr(G^T d wrt)``, line by line."""
    if isinstance(scalar, MatrixExpr) and tuple(scalar.shape) != (1, 1):
        msg = f"gradient received an expression of shape {scalar.shape}; it needs a scalar (1 x 1, Trace(...), log(Determinant(...)))"
        raise ShapeError(msg)
    if not isinstance(scalar, (MatrixExpr, Expr)):
        msg = f"gradient received {scalar!r}; it needs a scalar expression"
        raise InputError(msg)
    total, lines = differential_lines(scalar, wrt, implicit)
    result = to_expr(gradient_of(normal_form(total), differential_symbol(wrt)))
    label = Label(f"∇_{text(wrt)} f", f"\\nabla_{{{latex(wrt)}}} f")
    statement = DerivativeOf(result, scalar, wrt, gradient=True, implicit=tuple((implicit or {}).items()))
    used = tuple(dict.fromkeys(a for line in lines for a in line.assumptions))
    last = Line(label, result, "gradient", "df = tr(Gᵀ dX), the trace being cyclic", used, statement)
    return result, (*lines, last)


def normal_to_matrix(scalar: Expr) -> MatrixExpr:
    """A SymPy scalar as a 1 x 1 matrix expression."""
    from sympy import Identity, MatMul

    return MatMul(scalar, Identity(S.One))
