"""The adjoint form in matrix notation: one multiplier an equation, no vec.

For f(z, X) with F(z, X) = 0, let Lambda solve the adjoint equation ``(dF/dz)^*[Lambda] = df/dz``. Then
``grad_X f = df/dX - (dF/dX)^*[Lambda]``: one linear solve, whatever the size of X.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, MatMul, MatrixExpr, S, Trace, Transpose
from sympy.matrices.expressions import MatrixSymbol

from deqmath.calculus.adjoints import gradient_of
from deqmath.calculus.explicit import Implicit, check_scalar, gradient_label, gradients_by_unknown, system_of
from deqmath.calculus.expression import to_expr
from deqmath.calculus.implicit import differential_symbol, linearised, split, vec_form
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Polynomial
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError
from deqmath.expressions.assumptions import equation
from deqmath.expressions.nodes import Column
from deqmath.expressions.printing import latex, text
from deqmath.expressions.statements import DerivativeOf, Given


def multiplier_lines(
    scalar: Expr, wrt: Expr, implicit: Implicit, names: Sequence[str] = ()
) -> tuple[MatrixExpr, tuple[tuple[MatrixSymbol, MatrixExpr], ...], tuple[Line, ...]]:
    """The gradient in terms of multipliers, the multipliers with their equations, and the lines.

    Returns
    -------
    (gradient, multipliers, lines)
        ``multipliers`` holds (Lambda, residual of its equation), one an unknown.
    """
    check_scalar(scalar)
    sys = system_of(implicit)
    if sys is None or any(isinstance(u, Column) for u in sys.unknowns):
        msg = "the adjoint form needs equations of whole unknowns, as in implicit={Z: F}"
        raise InputError(msg)
    names = tuple(names) or tuple(
        "Lambda" if len(sys.unknowns) == 1 else f"Lambda_{k + 1}" for k in range(len(sys.unknowns))
    )
    if len(names) != len(sys.unknowns):
        msg = f"received {len(names)} names for {len(sys.unknowns)} multipliers; it needs one an equation"
        raise InputError(msg)
    direct, outer, lines = gradients_by_unknown(scalar, wrt, sys)
    lin = linearised(sys, wrt)
    multipliers = [MatrixSymbol(name, *F.shape) for name, F in zip(names, sys.residuals, strict=True)]

    def pulled(part: Polynomial, by: MatrixSymbol, dx: Expr) -> Polynomial:
        """``(part)^*[Lambda]``: the gradient of ``tr(Lambda^T part)`` by dx."""
        return gradient_of(normal_form(Trace(MatMul(Transpose(by), to_expr(part)))), dx)

    pairs = []
    for j, z in enumerate(sys.unknowns):
        dz = differential_symbol(z)
        residual = Polynomial(z.shape)
        for i, by in enumerate(multipliers):
            if (i, j) in lin.by_unknown:
                residual.update(pulled(lin.by_unknown[i, j], by, dz))
        if j in outer:
            residual.update(outer[j], S.NegativeOne)
        pairs.append((multipliers[j], to_expr(residual)))
        label = Label(
            f"adjoint of {text(z)}",
            f"(\\partial F/\\partial {latex(z)})^*[\\Lambda] - \\partial f/\\partial {latex(z)}",
        )
        why = f"= 0, the adjoint equation, which determines {text(multipliers[j])} with the others"
        lines.append(Line(label, pairs[-1][1], "given", why, (), Given()))
    dx = differential_symbol(wrt)
    result = Polynomial(direct.shape)
    result.update(direct)
    for i, by in enumerate(multipliers):
        rest, _ = split(lin.by_parameter[i], dx)
        result.update(pulled(rest, by, dx), S.NegativeOne)
    kinks = tuple(dict.fromkeys(a for used in lin.kinks for a in used))
    needed = vec_form(sys, wrt).needed  # the adjoint equation has the transposed coefficient
    holding = (*kinks, *needed, *sys.equations, *(equation(r, u) for u, r in pairs))
    implicit_pairs = (*implicit.items(), *pairs)
    statement = DerivativeOf(to_expr(result), scalar, wrt, gradient=True, implicit=tuple(implicit_pairs))
    why = "∂f/∂X − (∂F/∂X)*[Λ], since df = <∂f/∂X, dX> + <(∂F/∂z)*[Λ], dz> and dF = 0"
    lines.append(Line(gradient_label(wrt), to_expr(result), "adjoint", why, holding, statement))
    return to_expr(result), tuple(pairs), tuple(lines)
