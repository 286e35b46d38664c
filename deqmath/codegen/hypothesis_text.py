"""Hypotheses in the words and names of the generated code: ``||gamma A||_2 < 1``."""

from __future__ import annotations

from typing import Any

from sympy import MatrixExpr
from sympy.assumptions import AppliedPredicate

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.build import Builder
from deqmath.codegen.describe import formula
from deqmath.errors import UnknownNodeError
from deqmath.expressions.assumptions import Assumption, idempotent, orthogonal, symmetric

_PATTERNS = {
    "invertible": "{} is invertible",
    "no-kink": "no entry of {} is 0",
    "equation": "{} = 0",
    "contraction": "||{}||_2 < 1",
    "nonnegative": "every entry of {} is >= 0",
}
_NAMED = {symmetric: "{} is symmetric", orthogonal: "{} is orthogonal", idempotent: "{} {} = {}"}


def words(given: Any) -> str:
    """One line; text is taken as it is."""
    if isinstance(given, AppliedPredicate):
        return f"{given.function.name.replace('_', ' ')}: {', '.join(map(str, given.arguments))}"
    if not isinstance(given, Assumption):
        return str(given)
    for statement, pattern in _NAMED.items():
        X = given.unknown
        if isinstance(X, MatrixExpr) and X.shape[0] == X.shape[1] and given == statement(X):
            return pattern.replace("{}", _written(X))
    body, comma, clauses = _written(given.expr).partition(", with ")
    return _PATTERNS[given.kind].format(body) + (f", with {clauses}" if comma else "")


def _written(expr: MatrixExpr) -> str:
    try:
        node = Builder(Algebra()).build(expr)
    except UnknownNodeError:
        return str(expr)
    return " ".join(formula(node).split())
