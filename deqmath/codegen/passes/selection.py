"""``E^T (A kron B) E = A o B`` and ``E^T X = X_(rows 0, k+1, 2k+2, ..)`` for E with ``vec(diag(v)) = E v``.

Also ``(A kron B) E``, whose column i is ``a_i kron b_i``; ``X E`` by transposition; and ``E X``, whose column c
is ``vec(diag(x_c))``. E, of k^2 x k entries, is formed only where it is itself the result.
"""

from __future__ import annotations

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    return rewrite(roots, a.rebuild, lambda node: _rule(a, node) if node.op == "product" else None)


def _rule(a: Algebra, node: Node) -> Node | None:
    f = node.args
    for j in range(len(f) - 1):
        if j + 2 < len(f) and _is_back(f[j]) and f[j + 1].op == "kron" and f[j + 2].op == "selection":
            A, B = f[j + 1].args
            if A.shape == B.shape == (f[j].rows, f[j + 2].cols):
                return a.product(*f[:j], a.hadamard(A, B), *f[j + 3 :])
        image = _pair(a, f[j], f[j + 1])
        if image is not None:
            return a.product(*f[:j], image, *f[j + 2 :])
    return None


def _is_back(X: Node) -> bool:
    """Whether X is ``E^T``."""
    return X.op == "transpose" and X.args[0].op == "selection"


def _pair(a: Algebra, X: Node, Y: Node) -> Node | None:
    """``X Y``, where one of the two is E or ``E^T``."""
    if _is_back(X):
        if Y.op == "selection":
            return a.identity(Y.cols)
        kron = _columns(a, a.transpose(Y)) if Y.op == "kron" else None
        return _rows(a, Y, X) if kron is None else a.transpose(kron)
    if X.op == "selection":
        return None if Y.cols == 1 else a.graph.make("spread", (Y,), None, (X.rows, Y.cols))
    if Y.op == "selection":
        kron = _columns(a, X) if X.op == "kron" else None
        return a.transpose(_rows(a, a.transpose(X), a.transpose(Y))) if kron is None else kron
    if _is_back(Y):
        return None if X.rows == 1 else a.transpose(a.graph.make("spread", (a.transpose(X),), None, (Y.cols, X.rows)))
    return None


def _columns(a: Algebra, K: Node) -> Node | None:
    """``(A kron B) E`` for factors of as many columns."""
    A, B = K.args
    return a.graph.make("khatri_rao", (A, B), None, (K.rows, A.cols)) if A.cols == B.cols else None


def _rows(a: Algebra, X: Node, back: Node) -> Node:
    return a.graph.make("selected_rows", (X,), None, (back.rows, X.cols))
