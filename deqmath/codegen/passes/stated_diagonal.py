"""``S X = diag(s) X`` and ``S^-1 X = diag(1 / s) X`` for an argument S stated to be diagonal, s its diagonal."""

from __future__ import annotations

from sympy import S as NUMBERS

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.properties import known


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op not in ("product", "inverse"):
            return None
        args = [_as_diagonal(a, X) for X in node.args]
        if all(new is old for new, old in zip(args, node.args, strict=True)):
            return None
        return a.product(*args) if node.op == "product" else a.inverse(args[0])

    return rewrite(roots, a.rebuild, rule)


def _as_diagonal(a: Algebra, X: Node) -> Node:
    if X.op != "input" or X.cols == 1 or "diagonal" not in known(a, X):
        return X
    return a.diagonal(a.graph.make("diagpart", (X,), None, (X.rows, NUMBERS.One)))
