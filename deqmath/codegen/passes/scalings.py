"""``diag(v) X = v * X`` and ``X diag(v) = X * v^T``: a gate scales rows or columns, and is never m x m."""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "times":
            return None
        X, Y = node.args
        left, right = _vector(a, X), _vector(a, Y)
        if left is not None:
            return scale_rows(a, left, Y)
        return None if right is None else scale_columns(a, X, a.transpose(right))

    return rewrite(roots, a.rebuild, rule)


def scale_rows(a: Algebra, v: Node, X: Node) -> Node:
    """``diag(v) X`` for a column v."""
    return a.graph.make("scale_rows", (v, X), None, X.shape)


def scale_columns(a: Algebra, X: Node, row: Node) -> Node:
    """``X diag(v)`` for a row v^T."""
    return a.graph.make("scale_columns", (X, row), None, X.shape)


def _vector(a: Algebra, X: Node) -> Node | None:
    """v, where X is ``diag(v)``; s v, where it is ``s diag(v)``."""
    if X.op == "scale" and X.args[1].op == "diagonal":
        return a.scale(X.args[0], X.args[1].args[0])
    return X.args[0] if X.op == "diagonal" else None
