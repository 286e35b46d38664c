"""``inv(M) X = solve(M, X)`` and ``X inv(M) = solve(M^T, X^T)^T``: solve, never invert."""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "times":
            return None
        X, Y = node.args
        if X.op == "active":
            return active_solve(a, X, Y, X.data)
        if Y.op == "active" and X.op != "diagonal":
            return a.transpose(active_solve(a, Y, a.transpose(X), not Y.data))
        if X.op == "inverse":
            return solve(a, X.args[0], Y, X.data)
        if Y.op == "inverse" and X.op != "diagonal":
            return a.transpose(solve(a, Y.args[0], a.transpose(X), not Y.data))
        return None

    return rewrite(rewrite(roots, a.rebuild, rule), a.rebuild, lambda node: _whole(a, node))


def _whole(a: Algebra, node: Node) -> Node | None:
    """R itself, as a result: ``R I``, from the factorisation that other columns use."""
    return active_solve(a, node, a.identity(node.rows), node.data) if node.op == "active" else None


def active_solve(a: Algebra, R: Node, X: Node, transposed: bool) -> Node:
    """``R X`` (or ``R^T X``) on the open rows of the gate in R."""
    factor = a.graph.make("active_lu", R.args, None, R.shape)
    return a.graph.make("active_solve", (factor, X), transposed, X.shape)


def solve(a: Algebra, M: Node, X: Node, transposed: bool) -> Node:
    """``inv(M) X``, or ``inv(M^T) X``; the data of the node says which."""
    return a.graph.make("solve", (M, X), transposed, X.shape)
