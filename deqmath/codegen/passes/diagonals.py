"""``X + s I + diag(v)``: the diagonal alone is changed, in a copy; no identity matrix is formed."""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "add":
            return None
        bare = [t.args[1] if t.op == "scale" else t for t in node.args]
        dense = [t for t, b in zip(node.args, bare, strict=True) if b.op not in ("identity", "diagonal")]
        if len(dense) == len(bare) or not dense:
            return None
        X = a.add(*dense)
        for t, b in zip(node.args, bare, strict=True):
            if b.op in ("identity", "diagonal"):
                s = t.args[0] if t.op == "scale" else a.scalar(t.rows**0)
                v = s if b.op == "identity" else a.scale(s, b.args[0])
                X = a.graph.make("add_diagonal", (X, v), None, X.shape)
        return X

    return rewrite(roots, a.rebuild, rule)
