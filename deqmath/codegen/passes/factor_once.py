"""``P M = L U`` once: several solves with M, with M^T or with other right-hand sides share one factorisation."""

from __future__ import annotations

from collections import Counter

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    uses = Counter(n.args[0] for n in walk(roots) if n.op in ("solve", "inverse"))

    def rule(node: Node) -> Node | None:
        if node.op not in ("solve", "inverse") or uses[node.args[0]] < 2:
            return None
        M = node.args[0]
        factor = a.graph.make("lu", (M,), None, M.shape)
        B = node.args[1] if node.op == "solve" else a.identity(M.rows)
        return a.graph.make("lu_solve", (factor, B), node.data, B.shape)

    return rewrite(roots, a.rebuild, rule)
