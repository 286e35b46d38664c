"""Lipschitz constants by structure: how fast an expression can vary with one of its symbols.

``Lip`` is in the Euclidean norm; ``n(M)`` below is the operator norm of M. Each rule is a named
inequality.
"""

from __future__ import annotations

import sympy as sp
from sympy import Expr, MatAdd, MatMul, MatrixExpr, S, Symbol, ZeroMatrix
from sympy.matrices.expressions import MatrixSymbol, Transpose

from deqmath.calculus.normal_form import simplified
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError
from deqmath.expressions.nodes import Elementwise, Gate
from deqmath.expressions.printing import latex, norm_symbol, text
from deqmath.expressions.statements import NormAtMost
from deqmath.expressions.traversal import Rules

lipschitz_rules = Rules("lipschitz")

#: Elementwise functions that are 1-Lipschitz on the real line.
_ONE_LIPSCHITZ = ("relu_scalar", "tanh", "sin", "cos", "atan")
#: Those of them with sigma(0) = 0, so that ||sigma(x)|| <= ||x||.
VANISHING = ("relu_scalar", "tanh", "sin", "atan")


def lipschitz_constant(expr: MatrixExpr, variable: MatrixExpr) -> tuple[Expr, tuple[str, ...]]:
    """A Lipschitz constant of ``variable -> expr``, with the inequalities used.

    Returns
    -------
    (constant, rules)
        A SymPy scalar in ``|gamma|`` and norms of matrix symbols, and the names of the rules.
    """
    used: list[str] = []
    constant = _lip(simplified(expr), variable, used)
    return constant, tuple(dict.fromkeys(used))


def _lip(x: Expr, v: MatrixExpr, used: list[str]) -> Expr:
    if x == v:
        used.append("Lip(z) = 1")
        return S.One
    if not x.has(v):
        return S.Zero
    found: Expr = lipschitz_rules(x, v, used)
    return found


@lipschitz_rules.register(MatAdd)
def of_sum(x: MatAdd, v: MatrixExpr, used: list[str]) -> Expr:
    """``Lip(f + g) <= Lip(f) + Lip(g)`` (triangle inequality)."""
    used.append("Lip(f + g) ≤ Lip(f) + Lip(g)")
    return sp.Add(*(_lip(a, v, used) for a in x.args))


@lipschitz_rules.register(MatMul)
def of_product(x: MatMul, v: MatrixExpr, used: list[str]) -> Expr:
    """``Lip(c M f) <= |c| ||M|| Lip(f)`` (submultiplicativity); only the last factor may vary."""
    *front, last = x.args
    if any(a.has(v) for a in front):
        msg = f"{text(x)} is not a fixed matrix times an expression in {text(v)}; no Lipschitz constant is derived"
        raise InputError(msg)
    used.append("Lip(c M f) ≤ |c| ‖M‖ Lip(f)")
    norms = [_factor_norm(a) if isinstance(a, MatrixExpr) else sp.Abs(a) for a in front]
    return sp.Mul(*norms, _lip(last, v, used))


def _factor_norm(a: MatrixExpr) -> Expr:
    """``||D|| <= 1`` for a gate, ``||M^T|| = ||M||``, else the symbol ``||M||``."""
    if isinstance(a, Gate):
        return S.One
    return norm_symbol(a.arg if isinstance(a, Transpose) else a)


@lipschitz_rules.register(Elementwise)
def of_elementwise(x: Elementwise, v: MatrixExpr, used: list[str]) -> Expr:
    """``Lip(sigma(f)) <= Lip(f)`` for a 1-Lipschitz sigma, entry by entry."""
    name = x.function.expr.func.__name__
    if name not in _ONE_LIPSCHITZ or x.function.expr.args != x.function.variables:
        msg = (
            f"{text(x)}: deqmath does not know that this function is 1-Lipschitz; it knows {', '.join(_ONE_LIPSCHITZ)}"
        )
        raise InputError(msg)
    used.append(f"Lip({name.removesuffix('_scalar')}(f)) ≤ Lip(f)")
    return _lip(x.arg, v, used)


def norm_bound(expr: MatrixExpr) -> Expr:
    """An upper bound on ``||expr||`` from the norms of its symbols.

    ``||X + Y|| <= ||X|| + ||Y||``, ``||c M X|| <= |c| ||M|| ||X||``, ``||sigma(X)|| <= ||X||`` for a
    1-Lipschitz sigma with sigma(0) = 0.
    """
    if isinstance(expr, MatrixSymbol):
        return norm_symbol(expr)
    if isinstance(expr, MatAdd):
        return sp.Add(*(norm_bound(a) for a in expr.args))
    if isinstance(expr, MatMul):
        return sp.Mul(*(norm_bound(a) if isinstance(a, MatrixExpr) else sp.Abs(a) for a in expr.args))
    if isinstance(expr, Elementwise) and expr.function.expr.func.__name__ in VANISHING:
        return norm_bound(expr.arg)
    msg = f"no norm rule for {text(expr)}"
    raise InputError(msg)


def contraction_lines(residual: MatrixExpr, unknown: MatrixSymbol) -> tuple[Expr, tuple[Line, ...]]:
    """Well-posedness of ``z = F(z)`` where ``residual = z - F(z)``: the constant and the lines.

    ``||F(z) - F(z')|| <= rho ||z - z'||``; if rho < 1, Banach's theorem gives one and only one
    solution, ``||z|| <= ||F(0)||/(1 - rho)``, and Picard's iterates approach it as
    ``rho^k/(1 - rho) ||z^1 - z^0||``.
    """
    F = simplified(MatAdd(unknown, MatMul(S.NegativeOne, residual)))
    rho, used = lipschitz_constant(F, unknown)
    other = MatrixSymbol(f"{unknown.name}_0", *unknown.shape)
    F_other = F.xreplace({unknown: other})
    at_zero = simplified(F.xreplace({unknown: ZeroMatrix(*unknown.shape)}))
    gap = Symbol("norm_gap", nonnegative=True)
    symbols = {norm_symbol(M): M for M in F.atoms(MatrixSymbol)}
    norms = tuple(symbols.items())
    z, pair = text(unknown), (unknown, residual)
    size = norm_bound(at_zero) / (1 - rho)
    step = MatAdd(F, MatMul(S.NegativeOne, F_other))
    # after k = 2 steps from 0: z^1 = F(0), z^2 = F(F(0))
    second = F.xreplace({unknown: F.xreplace({unknown: ZeroMatrix(*unknown.shape)})})
    error = MatAdd(unknown, MatMul(S.NegativeOne, second))
    picard = rho**2 / (1 - rho) * norm_bound(at_zero)
    lines = (
        Line(Label("F", "F"), F, "given", f"the map whose fixed point is {z}"),
        Line(
            Label(f"‖F({z}) - F({z}₀)‖", f"\\Vert F({latex(unknown)}) - F({latex(other)})\\Vert"),
            rho * gap,
            "Lipschitz calculus",
            "; ".join(used) + f"; ‖gap‖ = ‖{z} - {z}₀‖",
            statement=NormAtMost(step, rho * gap, (*norms, (gap, MatAdd(unknown, MatMul(S.NegativeOne, other))))),
            relation="≤",
        ),
        Line(
            Label(f"‖{z}‖", f"\\Vert {latex(unknown)}\\Vert"),
            size,
            "Banach fixed point theorem",
            f"if ρ = {text(rho)} < 1 there is one and only one {z}, and ‖{z}‖ ≤ ‖F(0)‖/(1 - ρ)",
            statement=NormAtMost(unknown, size, norms, (pair,), rho),
            relation="≤",
        ),
        Line(
            Label(f"‖{z} - F(F(0))‖", f"\\Vert {latex(unknown)} - F(F(0))\\Vert"),
            picard,
            "Banach fixed point theorem",
            "Picard from 0: after k steps the error is at most ρᵏ/(1 - ρ) ‖F(0)‖; here k = 2",
            statement=NormAtMost(error, picard, norms, (pair,), rho),
            relation="≤",
        ),
    )
    return rho, lines
