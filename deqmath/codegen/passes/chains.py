"""``(A B) C = A (B C)``: the order of least work, so that matrix-vector products come first.

Dynamic programming over the chain, where a diagonal factor costs one multiplication an entry
and an inverse costs a solve. Sizes stay symbolic; orders are compared at dimensions all equal
to 1000. A scalar in front moves to the smallest operand: ``s (A B) = (s A) B``.
"""

from __future__ import annotations

from sympy import Expr

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.cost import size
from deqmath.codegen.graph import Node, rewrite

_TYPICAL = 1000.0


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op == "product":
            return _order(a, list(node.args))
        if node.op == "scale" and node.args[1].op in ("times", "kron"):
            return _push(a, node.args[0], node.args[1])
        return None

    return rewrite(roots, a.rebuild, rule)


def number(e: Expr) -> float:
    """A dimension at the size where orders are compared."""
    return float(e.xreplace(dict.fromkeys(e.free_symbols, _TYPICAL)))


def _kind(f: Node) -> str:
    return f.op if f.op in ("diagonal", "inverse", "active") else "dense"


def _cost(left: str, right: str, p: float, q: float, r: float) -> tuple[float, str]:
    if left == right == "diagonal":
        return p, "diagonal"
    if left == "active":
        return p * p * r / 2, "dense"
    if right == "active":
        return p * q * r / 2, "dense"
    if left == "inverse":
        return 2 * p * p * (2 * r if right == "inverse" else r), "dense"
    if right == "inverse":
        return 2 * p * q * r, "dense"
    if "diagonal" in (left, right):
        return p * r, "dense"
    return 2 * p * q * r, "dense"


def _order(a: Algebra, factors: list[Node]) -> Node:
    dims = [number(f.rows) for f in factors] + [number(factors[-1].cols)]
    best: dict[tuple[int, int], tuple[float, str, Node]] = {}
    for i, f in enumerate(factors):
        best[i, i + 1] = (0.0, _kind(f), f)
    for width in range(2, len(factors) + 1):
        for i in range(len(factors) - width + 1):
            j = i + width
            options = []
            for k in range(i + 1, j):
                (cl, kl, _), (cr, kr, _) = best[i, k], best[k, j]
                work, kind = _cost(kl, kr, dims[i], dims[k], dims[j])
                options.append((cl + cr + work, kind, k))
            cost, kind, k = min(options, key=lambda o: o[0])
            best[i, j] = (cost, kind, _join(a, best[i, k][2], best[k, j][2]))
    return best[0, len(factors)][2]


def _join(a: Algebra, X: Node, Y: Node) -> Node:
    if X.op == Y.op == "diagonal":
        return a.diagonal(a.hadamard(X.args[0], Y.args[0]))
    return a.times(X, Y)


def _push(a: Algebra, s: Node, node: Node) -> Node | None:
    """``s (X Y)`` with s on the operand of fewest numbers, where that is fewer than the result's."""
    path: tuple[int, ...] = ()
    smallest, here = number(size(node)), node
    stack: list[tuple[tuple[int, ...], Node]] = [((), node)]
    while stack:
        where, n = stack.pop()
        if n.op not in ("inverse", "active") and number(size(n)) < smallest:
            path, smallest, here = where, number(size(n)), n
        if n.op in ("times", "kron"):
            stack += [((*where, k), x) for k, x in enumerate(n.args)]
    if here is node:
        return None

    def place(n: Node, way: tuple[int, ...]) -> Node:
        if not way:
            # Made directly: the normal form would put the scalar in front of the diagonal again.
            scaled = a.scale(s, n.args[0]) if n.op == "diagonal" else a.scale(s, n)
            return a.graph.make("diagonal", (scaled,), None, n.shape) if n.op == "diagonal" else scaled
        args = list(n.args)
        args[way[0]] = place(args[way[0]], way[1:])
        # Made directly: the normal form would take the scalar out of the Kronecker product again.
        return a.graph.make(n.op, args, None, n.shape)

    return place(node, path)
