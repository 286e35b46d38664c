"""``(A kron B) vec(X) = vec(B X A^T)``: a Kronecker product that meets a vector is never formed.

Also ``(A kron B)(C kron D) = (A C) kron (B D)``, ``K_pq vec(X) = vec(X^T)``, ``E v = vec(diag v)``,
``E^T vec(X) = diag(X)``, and the transposes of these for a row from the left. Against a matrix of
several columns, the two factors are applied one after the other.
"""

from __future__ import annotations

from sympy import S, root

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk

_STRUCTURED = ("kron", "commutation", "selection")


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        if node.op != "product":
            return None
        if node.cols == 1:
            return _apply_to_column(a, node)
        if node.rows == 1:
            changed = _apply_to_column(a, _as_product(a, a.transpose(node)))
            return None if changed is None else a.transpose(changed)
        return _mixed(a, node) or _apply_to_matrix(a, node)

    return rewrite(roots, a.rebuild, rule)


def _as_product(a: Algebra, node: Node) -> Node:
    return node if node.op == "product" else a.graph.make("product", (node,), None, node.shape)


def _is_structured(f: Node) -> bool:
    return f.op in _STRUCTURED or (f.op == "transpose" and f.args[0].op == "selection")


def _holds_structure(f: Node) -> bool:
    if f.op in ("add", "scale", "product"):
        return any(_holds_structure(t) for t in f.args)
    return _is_structured(f)


def _apply_to_column(a: Algebra, node: Node) -> Node | None:
    """The rightmost structured factor, applied to everything on its right."""
    for j in range(len(node.args) - 2, -1, -1):
        f, rest = node.args[j], node.args[j + 1 :]
        if f.op == "add" and _holds_structure(f):
            image = a.add(*(a.product(t, *rest) for t in f.args))
        elif _is_structured(f):
            image = _image(a, f, a.product(*rest))
        else:
            continue
        return a.product(*node.args[:j], image) if j else image
    return None


def _image(a: Algebra, K: Node, y: Node) -> Node:
    if K.op == "kron":
        A, B = K.args
        X = a.unvec(y, B.cols, A.cols)
        return a.vec(a.product(B, X, a.transpose(A)))
    if K.op == "commutation":
        p, q = K.data
        return a.vec(a.transpose(a.unvec(y, p, q)))
    if K.op == "selection":
        return a.vec(a.diagonal(y))
    k = root(K.cols, 2)
    return a.graph.make("diagpart", (a.unvec(y, k, k),), None, (k, S.One))


def _mixed(a: Algebra, node: Node) -> Node | None:
    """``(A kron B)(C kron D) = (A C) kron (B D)`` for neighbours whose shapes allow it."""
    f = node.args
    for j in range(len(f) - 1):
        X, Y = f[j], f[j + 1]
        if X.op == Y.op == "kron" and X.args[0].cols == Y.args[0].rows:
            both = a.kron(a.product(X.args[0], Y.args[0]), a.product(X.args[1], Y.args[1]))
            return a.product(*f[:j], both, *f[j + 2 :])
    return None


def _apply_to_matrix(a: Algebra, node: Node) -> Node | None:
    """A Kronecker factor next to a plain matrix, from the left or (transposed) from the right."""
    f = node.args
    for j in range(len(f) - 1):
        if f[j].op == "kron" and not _is_structured(f[j + 1]):
            image = _applied(a, f[j], f[j + 1])
            return a.product(*f[:j], image, *f[j + 2 :])
        if f[j + 1].op == "kron" and not _is_structured(f[j]):
            image = a.transpose(_applied(a, a.transpose(f[j + 1]), a.transpose(f[j])))
            return a.product(*f[:j], image, *f[j + 2 :])
    return None


def _applied(a: Algebra, K: Node, Y: Node) -> Node:
    return a.graph.make("kron_apply", (*K.args, Y), None, (K.rows, Y.cols))


def holds_dense_kronecker(roots: list[Node]) -> bool:
    """Whether some Kronecker product remains to be formed."""
    return any(n.op == "kron" for n in walk(roots))
