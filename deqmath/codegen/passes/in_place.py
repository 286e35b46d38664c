"""``X o Y``, ``s X`` and the factors of ``X + diag(v)`` in the memory of X, a matrix that was made for this one use.

The values are the same; one array less is allocated and filled. An argument, a result, a value used twice and
whatever a loop uses again keep their memory.
"""

from __future__ import annotations

from collections import Counter

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, walk

_MADE = ("times", "kron_apply")


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    uses = Counter([*(x for n in walk(roots) for x in n.args), *roots])
    looped = {n for loop in walk(roots) if loop.op in ("total", "stack") for n in walk([loop.args[0]])}
    kept = {n for n in walk(roots) if uses[n] != 1 or n in looped}
    memo: dict[Node, Node] = {}

    def visit(node: Node) -> Node:
        """How often a matrix is used is known of the nodes as they came, not of what they become."""
        if node not in memo:
            args = tuple(visit(x) for x in node.args)
            memo[node] = changed(node, args) or (node if args == node.args else a.rebuild(node, args))
        return memo[node]

    def changed(node: Node, args: tuple[Node, ...]) -> Node | None:
        if node.op == "lu" and node.args[0].op == "add_diagonal" and node.args[0] not in kept:
            return a.graph.make("lu", args, "in_place", node.shape)
        if node.op not in ("hadamard", "scale") or node in looped or 1 in node.shape:
            return None
        for k, x in enumerate(node.args):
            if x.shape and spare(x):
                first = args[k].args if args[k].op == "in_place" else (args[k],)
                return a.graph.make("in_place", (*first, *args[:k], *args[k + 1 :]), None, node.shape)
        return None

    def spare(x: Node) -> bool:
        """Whether a node is an array of its own, of the size of a matrix, that nothing else needs."""
        inner = x.args[0] if x.op == "shown" else x
        made = inner.op in _MADE or memo[inner].op == "in_place"
        return made and 1 not in inner.shape and not {x, inner} & kept

    return [visit(root) for root in roots]
