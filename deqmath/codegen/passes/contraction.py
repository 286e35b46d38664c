"""``x = b - s X x`` by iteration where ``||s X|| <= rho < 1`` is stated: ``||x_k - x|| <= rho / (1 - rho) ||x_k - x_(k-1)||``.

Stated means ``contraction((1/rho) K)``, with a number or a symbol for rho. A gate D in front changes nothing,
``||D X|| <= ||X||``. One step costs 2 m^2 flops and log(eps) / log(rho) of them are needed, LU costs 2 m^3 / 3: the
code compares the two when it runs. ``contraction(K)`` alone, a norm below 1 at no known distance, says that the steps
``x_k - x_(k-1) = b - (I + s X) x_(k-1)`` shrink, not how fast: the code measures it, stops at a residual of rounding
size, as a factorisation leaves, and factors where the steps do not shrink fast enough to pay. A matrix with several
right-hand sides is factored, once.
"""

from __future__ import annotations

from collections import Counter

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite, walk
from deqmath.codegen.properties import resolvent


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    if not a.norms:
        return roots
    uses = Counter(_system(a, n) for n in walk(roots) if n.op in ("solve", "active_solve"))

    def rule(node: Node) -> Node | None:
        if node.op not in ("solve", "active_solve") or node.cols != 1 or uses[_system(a, node)] > 1:
            return None
        return _solved(a, node) if node.op == "solve" else _on_open_rows(a, node)

    return rewrite(roots, a.rebuild, rule)


def _system(a: Algebra, node: Node) -> Node:
    return min(node.args[0], a.transpose(node.args[0]), key=lambda n: n.serial)


def _solved(a: Algebra, node: Node) -> Node | None:
    M, b = node.args
    found = resolvent(a, M)
    rho = None if found is None else _bound(a, found.s, found.P)
    if found is None or rho is None:
        return None
    return a.graph.make("contraction_solve", (found.P, found.s, rho, b), node.data, node.shape)


def _on_open_rows(a: Algebra, node: Node) -> Node | None:
    (d, X, s), b = node.args[0].args, node.args[1]
    rho = _bound(a, s, X)
    if rho is None:
        return None
    return a.graph.make("contraction_solve", (X, s, rho, b, d), node.data, node.shape)


def _bound(a: Algebra, s: Node, X: Node) -> Node | None:
    """A number that ``||s X||`` stays below, where one is stated; gates are left out of X."""
    matrices = [f for f in (X.args if X.op in ("product", "times") else (X,)) if f.op != "diagonal"]
    if len(matrices) != 1:
        return None
    for K, limit in a.norms:
        if K not in (matrices[0], a.transpose(matrices[0])):
            continue
        rho = limit * abs(s.data)
        if rho.free_symbols and s.args:
            continue
        return a.scalar(rho)
    return None
