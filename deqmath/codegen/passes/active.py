"""``(I + s D X)^-1 D = D (I + s X D)^-1 = P_S (I + s X_SS)^-1 P_S^T``: a gate solves on its open rows S.

D = diag(d) with d in {0, 1}, S = {r : d_r = 1}, and P_S the columns r of I with r in S. The
solution of ``x = D (b - s X x)`` is zero off S. With R for that matrix: ``D R = R = R D``,
``R^T`` is the same with X^T, and an inverse that meets no gate is ``(I + s D X)^-1 b = b - R (s X b)``
and ``(I + s X D)^-1 b = b - s X (R b)``, used for a single column b (or row, or outer product), where the extra product pays.
With half of the gates open the factorisation takes an eighth of the work.
"""

from __future__ import annotations

from typing import NamedTuple

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.properties import known


class Gated(NamedTuple):
    """``I + s D X`` (``left``) or ``I + s X D``."""

    d: Node
    X: Node
    s: Node
    left: bool


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "product":
            return None
        factors = list(node.args)
        for j in range(len(factors) - 1):
            R = _resolvent(a, factors[j], factors[j + 1])
            if R is not None:
                return a.product(*factors[:j], R, *factors[j + 2 :])
        return _alone(a, node)

    return rewrite(roots, a.rebuild, rule)


def gated(a: Algebra, inverse: Node) -> Gated | None:
    """What a node ``M^-1`` (or ``M^-T``) inverts, where that is the identity plus a gated matrix."""
    M = inverse.args[0]
    if inverse.op != "inverse" or M.op != "add" or len(M.args) != 2:
        return None
    M = a.transpose(M) if inverse.data else M
    for one, other in (M.args, reversed(M.args)):
        s, P = other.args if other.op == "scale" else (a.scalar(M.rows**0), other)
        if one.op != "identity" or P.op != "product":
            continue
        if _is_gate(a, P.args[0]):
            return Gated(P.args[0].args[0], a.product(*P.args[1:]), s, True)
        if _is_gate(a, P.args[-1]):
            return Gated(P.args[-1].args[0], a.product(*P.args[:-1]), s, False)
    return None


def _is_gate(a: Algebra, X: Node) -> bool:
    return X.op == "diagonal" and "gate" in known(a, X)


def _resolvent(a: Algebra, F: Node, G: Node) -> Node | None:
    """R, where F G is ``(I + s D X)^-1 D``, ``D (I + s X D)^-1``, ``D R`` or ``R D``."""
    if F.op == "active" and G.op == "diagonal" and G.args[0] is F.args[0]:
        return F
    if G.op == "active" and F.op == "diagonal" and F.args[0] is G.args[0]:
        return G
    inverse, D, left = (F, G, True) if F.op == "inverse" else (G, F, False)
    found = gated(a, inverse) if inverse.op == "inverse" and D.op == "diagonal" else None
    if found is None or found.left != left or found.d is not D.args[0]:
        return None
    return _make(a, found)


def _make(a: Algebra, g: Gated) -> Node:
    """The node R; X^T is X, transposed."""
    shape = (g.d.rows, g.d.rows)
    if g.X.op == "transpose":
        return a.graph.make("active", (g.d, g.X.args[0], g.s), True, shape)
    return a.graph.make("active", (g.d, g.X, g.s), False, shape)


def _alone(a: Algebra, node: Node) -> Node | None:
    """An inverse that meets no gate, applied to a column (or to a row, from the right), also in an outer product."""
    if node.cols != 1 != node.rows:
        return _outer(a, node)
    if node.rows == 1 != node.cols:
        other = a.transpose(node)
        changed = _alone(a, other) if other.op == "product" else None
        return None if changed is None else a.transpose(changed)
    for j in range(len(node.args) - 2, -1, -1):
        found = gated(a, node.args[j]) if node.cols == 1 and node.args[j].op == "inverse" else None
        if found is None:
            continue
        b, R = a.product(*node.args[j + 1 :]), _make(a, found)
        correction = a.product(R, found.X, b) if found.left else a.product(found.X, R, b)
        x = a.add(b, a.scale(a.times_scalars(a.scalar(-(node.cols**0)), found.s), correction))
        return a.product(*node.args[:j], x) if j else x
    return None


def _outer(a: Algebra, node: Node) -> Node | None:
    """A column times a row, each with its own inverses."""
    for j in range(len(node.args) - 1):
        if node.args[j].cols == 1:
            parts = [a.product(*node.args[: j + 1]), a.product(*node.args[j + 1 :])]
            changed = [_alone(a, part) if part.op == "product" else None for part in parts]
            if any(changed):
                return a.product(*(new or old for new, old in zip(changed, parts, strict=True)))
    return None
