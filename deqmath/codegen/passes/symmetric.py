"""``S^T = S`` and ``S^-T = S^-1`` for a matrix that is symmetric, as stated or as its factors show."""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.properties import known


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op == "transpose" and "symmetric" in known(a, node.args[0]):
            return node.args[0]
        if node.op == "inverse" and node.data and "symmetric" in known(a, node.args[0]):
            return a.inverse(node.args[0])
        return None

    return rewrite(roots, a.rebuild, rule)
