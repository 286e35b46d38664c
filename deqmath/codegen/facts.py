"""Hypotheses that code generation can use, read from what ``generate(assumptions=...)`` was given.

Text and every other hypothesis is documentation only. What is stated of an argument is checked
by the generated code before it is used, and named where it does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, MatrixExpr, MatrixSymbol, Q, S
from sympy.assumptions import AppliedPredicate

from deqmath.expressions import Diag
from deqmath.expressions.assumptions import Assumption, idempotent, symmetric

_PREDICATES: dict[Any, frozenset[str]] = {
    Q.symmetric: frozenset({"symmetric"}),
    Q.positive_definite: frozenset({"symmetric", "psd", "spd"}),
    Q.lower_triangular: frozenset({"lower"}),
    Q.upper_triangular: frozenset({"upper"}),
    Q.diagonal: frozenset({"symmetric", "diagonal", "lower", "upper"}),
}


@dataclass(frozen=True)
class Facts:
    """What is stated: properties of arguments, gates, positive scalars, and ``||K|| < rho``."""

    of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gates: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()
    norms: tuple[tuple[MatrixExpr, Expr], ...] = ()


def facts(given: Iterable[Any]) -> Facts:
    """Sort the hypotheses that a rule can use from the rest."""
    of: dict[str, frozenset[str]] = {}
    gates, positive, norms = set(), set(), []
    for one in given:
        if isinstance(one, AppliedPredicate):
            about = one.arguments[0]
            if one.function in _PREDICATES and isinstance(about, MatrixSymbol):
                of[about.name] = of.get(about.name, frozenset()) | _PREDICATES[one.function]
            elif one.function == Q.positive and getattr(about, "is_Symbol", False):
                positive.add(about.name)
        elif isinstance(one, Assumption):
            if one.kind == "contraction":
                norms.append(_norm(one.expr))
            elif isinstance(one.unknown, MatrixSymbol) and _states(one, symmetric):
                of[one.unknown.name] = of.get(one.unknown.name, frozenset()) | {"symmetric"}
            elif isinstance(one.unknown, Diag) and _states(one, idempotent):
                v = one.unknown.args[0]
                gates |= {v.name} if isinstance(v, MatrixSymbol) else set()
    return Facts(of, frozenset(gates), frozenset(positive), tuple(norms))


def _states(given: Assumption, statement: Any) -> bool:
    return (
        given.unknown is not None
        and given.unknown.shape[0] == given.unknown.shape[1]
        and given == statement(given.unknown)
    )


def _norm(K: MatrixExpr) -> tuple[MatrixExpr, Expr]:
    """``||s X|| < 1`` read as ``||X|| < 1 / |s|``."""
    s, X = K.as_coeff_mmul() if hasattr(K, "as_coeff_mmul") else (S.One, K)
    return X, 1 / abs(s)
