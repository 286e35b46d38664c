"""One named rule applied at one place: the smallest step of a derivation."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, MatMul, MatrixExpr
from sympy.matrices.expressions import MatrixSymbol

from deqmath.calculus.algebra import JUNCTION_RULES, JunctionRule
from deqmath.calculus.expression import to_expr
from deqmath.calculus.normal_form import simplified
from deqmath.errors import InputError

#: What ``.apply`` understands beside the junction rules.
NORMAL_FORM = "normal form"


def rule_names() -> tuple[str, ...]:
    """The names that :func:`apply_rule` takes."""
    return (NORMAL_FORM, *(_spoken(r) for r in JUNCTION_RULES))


def _spoken(rule: JunctionRule) -> str:
    return rule.__name__.replace("_", " ")


def apply_rule(expr: MatrixExpr, name: str) -> tuple[MatrixExpr, str]:
    """Apply a rule once, at the first product where it fits, outermost and leftmost first.

    Parameters
    ----------
    expr
        A matrix expression.
    name
        A rule's name, with spaces, hyphens or underscores: ``"push-through"``, ``"mixed product"``;
        ``"normal form"`` applies all of them to exhaustion.

    Returns
    -------
    (MatrixExpr, str)
        The new expression, and the identity that the rule stands for.

    Raises
    ------
    InputError
        No rule has this name, or it fits nowhere; the message lists those that fit.
    """
    wanted = name.strip().lower().replace("-", " ").replace("_", " ")
    if wanted == NORMAL_FORM:
        return simplified(expr), "every rule, to exhaustion"
    rule = next((r for r in JUNCTION_RULES if _spoken(r) == wanted), None)
    if rule is None:
        msg = f"no rule is called {name!r}; there are: {', '.join(rule_names())}"
        raise InputError(msg)
    found = next(_results(expr, rule), None)
    if found is None:
        fitting = [_spoken(r) for r in JUNCTION_RULES if next(_results(expr, r), None) is not None]
        msg = f"the rule {wanted!r} fits nowhere in {expr}; those that do: {', '.join(fitting) or 'none'}"
        raise InputError(msg)
    identity = (rule.__doc__ or "").strip().rstrip(".").replace("``", "")
    return found, identity


def _results(x: Expr, rule: JunctionRule) -> Iterator[MatrixExpr]:
    if isinstance(x, MatMul):
        for k in range(len(x.args) - 1):
            left, right = x.args[k : k + 2]
            if isinstance(left, MatrixExpr) and isinstance(right, MatrixExpr):
                p = rule(left, right)
                if p is not None:
                    yield MatMul(*x.args[:k], to_expr(p), *x.args[k + 2 :])
    if isinstance(x, MatrixSymbol):
        return
    for k, a in enumerate(x.args):
        if isinstance(a, MatrixExpr):
            for inner in _results(a, rule):
                yield x.func(*x.args[:k], inner, *x.args[k + 1 :])
