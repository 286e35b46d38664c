"""``solve(M, B) = M^-1 B`` as a product where ``M^-1`` is formed anyway and no factorisation is kept.

Where ``factor_once`` ran, a matrix that is used twice has its factors and no inverse is left to multiply with.
"""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    formed = {n.args[0]: n for n in walk(roots) if n.op == "inverse"}

    def rule(node: Node) -> Node | None:
        if node.op not in ("solve", "inverse") or node.args[0] not in formed:
            return None
        inverse = formed[node.args[0]]
        if node is inverse:
            return None
        X = inverse
        if bool(node.data) != bool(inverse.data):
            X = a.graph.make("transpose", (inverse,), None, inverse.shape)
        return X if node.op == "inverse" else a.graph.make("times", (X, node.args[1]), None, node.shape)

    # Once more, for the transposes of an inverse that come of the first round.
    return rewrite(rewrite(roots, a.rebuild, rule), a.rebuild, rule)
