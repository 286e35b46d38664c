"""``L X = B`` from the first row down (``U X = B`` from the last up): a triangular matrix needs no factorisation."""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.properties import known


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op not in ("solve", "inverse"):
            return None
        M, of = node.args[0], known(a, node.args[0])
        if "diagonal" in of or not of & {"lower", "upper"}:
            return None
        if M.op == "transpose":  # the matrix as it is stored
            M, lower, transposed = M.args[0], "upper" in of, not node.data
        else:
            lower, transposed = "lower" in of, node.data
        B = node.args[1] if node.op == "solve" else a.identity(M.rows)
        return a.graph.make("triangular_solve", (M, B), (lower, transposed), B.shape)

    return rewrite(roots, a.rebuild, rule)
