"""``M x`` is finite only where M is, for finite x, because ``0 nan = nan`` and ``0 inf = nan``.

A matrix argument that is multiplied by a column is therefore not scanned for infinities and NaNs:
the product, m numbers in place of m^2, is looked at instead. A column that is itself an argument
is shown by the same product. The same holds for ``M^T M`` and its
diagonal, the sums of squares of the columns. A product inside a loop may never run and shows nothing.
"""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, Rule, rewrite, walk


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    while (witness := _witness(a, roots)) is not None:
        roots = rewrite(roots, a.rebuild, _only(a, witness, certified(roots)))
    return roots


def _only(a: Algebra, witness: Node, done: frozenset[str]) -> Rule:
    """The rule that changes one node."""
    return lambda node: _checked(a, node, done) if node is witness else None


def _checked(a: Algebra, node: Node, done: frozenset[str]) -> Node:
    M, X = _argument(node), node.args[1]
    names = (M.data, X.data) if X.op == "input" and X is not M and X.data not in done else (M.data,)
    return a.graph.make("checked", node.args, names, node.shape)


def _argument(node: Node) -> Node:
    """The left factor of a product, without its transpose."""
    M = node.args[0]
    return M.args[0] if M.op == "transpose" else M


def certified(roots: list[Node]) -> frozenset[str]:
    """The arguments that need no scan."""
    return frozenset(name for n in walk(roots) if n.op == "checked" for name in n.data)


def _witness(a: Algebra, roots: list[Node]) -> Node | None:
    """A product with an argument not yet certified, whose other factor is computed without it."""
    done, looped = certified(roots), _inside_loops(roots)
    for node in walk(roots):
        if node.op != "times" or node in looped:
            continue
        (M, X), bare = node.args, _argument(node)
        if bare.op != "input" or bare.data in done or 1 in bare.shape:
            continue
        if X is a.transpose(M) or (X.cols == 1 and bare not in walk([X])):
            return node
    return None


def _inside_loops(roots: list[Node]) -> set[Node]:
    return {n for loop in walk(roots) if loop.op in ("total", "stack") for n in walk([loop.args[0]])}
