"""``inv(M) X = solve(M, X)`` and ``X inv(M) = solve(M^T, X^T)^T``: solve, never invert."""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "times":
            return None
        X, Y = node.args
        if X.op == "inverse":
            return solve(a, X.args[0], Y, X.data)
        if Y.op == "inverse" and X.op != "diagonal":
            return a.transpose(solve(a, Y.args[0], a.transpose(X), not Y.data))
        return None

    return rewrite(roots, a.rebuild, rule)


def solve(a: Algebra, M: Node, X: Node, transposed: bool) -> Node:
    """``inv(M) X``, or ``inv(M^T) X``; the data of the node says which."""
    return a.graph.make("solve", (M, X), transposed, X.shape)
