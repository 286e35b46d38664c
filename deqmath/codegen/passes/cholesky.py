"""``M = L L^T`` for a positive definite M, such as ``X^T X + c I`` with c > 0: half the work of ``P M = L U``.

Positive definite is what is stated of an argument (``Q.positive_definite(S)``), or what follows by
the rules of :mod:`deqmath.codegen.properties`. Where rounding makes M indefinite, LU is used.
"""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.properties import known


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op not in ("solve", "inverse") or "spd" not in known(a, node.args[0]):
            return None
        M = node.args[0]
        B = node.args[1] if node.op == "solve" else a.identity(M.rows)
        factor = a.graph.make("cholesky", (M,), None, M.shape)
        return a.graph.make("cholesky_solve", (factor, B), None, B.shape)

    return rewrite(roots, a.rebuild, rule)
