"""``inv(M^T) = inv(M)^T``: a matrix and its transpose are one matrix to factorise.

Where both occur, the one written with fewer transposes is kept, and the other's inverse becomes
a transposed solve with it.
"""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    present = {n.args[0] for n in walk(roots) if n.op == "inverse"}

    def rule(node: Node) -> Node | None:
        if node.op != "inverse":
            return None
        M, other = node.args[0], a.transpose(node.args[0])
        if other is M or other not in present or _weight(M) <= _weight(other):
            return None
        return a.inverse(other, not node.data)

    return rewrite(roots, a.rebuild, rule)


def _weight(M: Node) -> tuple[int, int]:
    return (sum(n.op == "transpose" for n in walk([M])), M.serial)
