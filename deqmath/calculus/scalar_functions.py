"""One way of writing the scalar function of an elementwise map: rational functions of ``exp(t)`` are brought to one form.

``1/(1 + exp(-t))`` and ``exp(t)/(1 + exp(t))`` are then one function, and so are the two ways of writing
the slope of a sigmoid, ``s (1 - s)`` and ``exp(t)/(1 + exp(t))^2``.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Dummy, Expr, Lambda, PolynomialError, Symbol, apart, cancel, exp, expand, factor

_E = Dummy("E", positive=True)


@lru_cache(maxsize=4096)
def one_way(function: Lambda) -> Lambda:
    """The function factored as a rational function of ``exp(t)``; multiplied out where it is none."""
    (t,) = function.variables
    body = function.expr
    inside = _in_exponential(body, t)
    if inside is not None:
        return Lambda(t, factor(cancel(inside)).subs(_E, exp(t)))
    return function if body.is_Function or body.is_Pow else Lambda(t, expand(body))


@lru_cache(maxsize=4096)
def in_parts(function: Lambda) -> Expr:
    """The body as a sum of partial fractions in ``exp(t)``, which are linearly independent; else multiplied out."""
    (t,) = function.variables
    inside = _in_exponential(function.expr, t)
    if inside is None:
        return expand(function.expr)
    try:
        return apart(cancel(inside), _E).subs(_E, exp(t))
    except (NotImplementedError, PolynomialError):
        return cancel(inside).subs(_E, exp(t))


def _in_exponential(body: Expr, t: Symbol) -> Expr | None:
    """``body`` with E for ``exp(t)``, where it is a quotient that is rational in E and t; None else."""
    powers = body.atoms(exp)
    if not powers or any(not (p.exp / t).is_Integer for p in powers):
        return None
    inside = body.xreplace({p: _E ** (p.exp / t) for p in powers})
    if inside.is_polynomial(_E) or not inside.is_rational_function(_E, t):
        return None
    return inside
