"""``X o Y`` and ``s X`` in the memory of X, a matrix that was made for this one use.

The values are the same; one m x n array less is allocated and filled. An argument, a result, a value used twice and
whatever a loop uses again keep their memory.
"""

from __future__ import annotations

from collections import Counter

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk

_MADE = ("times", "kron_apply", "in_place")


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    uses = Counter([*(x for n in walk(roots) for x in n.args), *roots])
    looped = {n for loop in walk(roots) if loop.op in ("total", "stack") for n in walk([loop.args[0]])}
    kept = {n for n in walk(roots) if uses[n] != 1 or n in looped}

    def rule(node: Node) -> Node | None:
        if node.op not in ("hadamard", "scale") or node in looped or 1 in node.shape:
            return None
        matrices = [x for x in node.args if x.shape]
        made = next((x for x in matrices if _is_made(x) and x not in kept), None)
        if made is None:
            return None
        rest = [x for x in node.args if x is not made]
        return a.graph.make("in_place", (made, *rest), None, node.shape)

    return rewrite(roots, a.rebuild, rule)


def _is_made(x: Node) -> bool:
    """Whether a node is an array of its own, of the size of a matrix."""
    inner = x.args[0] if x.op == "shown" else x
    return inner.op in _MADE and 1 not in inner.shape
