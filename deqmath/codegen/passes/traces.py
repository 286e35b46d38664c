"""``tr(A B) = sum_ij A_ij (B^T)_ij``: the trace of a product needs no matrix product of full size."""

from __future__ import annotations

from sympy import S

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "trace" or node.args[0].op != "product":
            return None
        first, *rest = node.args[0].args
        if first.op in ("diagonal", "inverse", "kron", "commutation"):
            return None
        other = a.transpose(a.product(*rest))
        if other.op == "scale":
            return a.scale(other.args[0], _paired(a, first, other.args[1]))
        return _paired(a, first, other)

    return rewrite(roots, a.rebuild, rule)


def _paired(a: Algebra, X: Node, Y: Node) -> Node:
    return a.graph.make("trace_product", (X, Y), None, (S.One, S.One))
