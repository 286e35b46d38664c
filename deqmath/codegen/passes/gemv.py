"""``y + s M x`` is one call of BLAS: the column y is where the product is added up."""

from __future__ import annotations

from collections import Counter

from sympy import S

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    uses = Counter([*(x for n in walk(roots) for x in n.args), *roots])

    def rule(node: Node) -> Node | None:
        if node.op != "add" or node.cols != 1 or len(node.args) != 2:
            return None
        for y, term in (node.args, reversed(node.args)):
            s, product = term.args if term.op == "scale" else (a.scalar(S.One), term)
            if product.op == "times" and uses[product] == uses[term] == 1 and 1 not in product.args[0].shape:
                return a.graph.make("gemv", (*product.args, s, y), None, node.shape)
        return None

    return rewrite(roots, a.rebuild, rule)
