"""``(C + P Q)^-1 B = C^-1 B - C^-1 P (I + Q C^-1 P)^-1 Q C^-1 B`` for a diagonal C and factors P, Q of low rank.

The inner system has as many rows as Q. Sizes are known when the code runs: it takes this way where
Q has at most half as many rows as columns, C has no zero and the residual of what comes out is
small, and factors ``C + P Q`` otherwise.
"""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.properties import known, low_rank


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    return rewrite(roots, a.rebuild, lambda node: _rule(a, node) if node.op == "solve" else None)


def _rule(a: Algebra, node: Node) -> Node | None:
    M, B = node.args
    M = a.transpose(M) if node.data else M
    if M.op != "add" or len(M.args) != 2:
        return None
    for C, product in (M.args, reversed(M.args)):
        s, bare = C.args if C.op == "scale" else (a.scalar(M.rows**0), C)
        factors = low_rank(a, product)
        if bare.op in ("identity", "diagonal") and factors is not None:
            v = s if bare.op == "identity" else a.scale(s, bare.args[0])
            return a.graph.make("low_rank_solve", (v, *factors, B), "spd" in known(a, M), B.shape)
    return None
