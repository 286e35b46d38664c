"""``sum_i s_i x_i y_i^T = X diag(s) Y^T``: a sum over samples becomes one product of matrices.

The columns x_i of every vector that depends on the sample stand side by side in one matrix.
Where each sample needs its own m x m system, that system alone stays in a loop: one solve at a
time, because a stack of n of them would take n m^2 numbers.
"""

from __future__ import annotations

from sympy import S, Symbol

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, rewrite
from deqmath.codegen.passes.columns import Columns


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    def rule(node: Node) -> Node | None:
        return _Sum(a, *node.data).value(node.args[0]) if node.op == "total" else None

    return rewrite(roots, a.rebuild, rule)


class _Sum:
    """``sum_i`` of a term, i = 0 .. n-1."""

    def __init__(self, a: Algebra, index: Symbol, count: Node) -> None:
        self.a, self.index, self.count = a, index, count
        self.columns = Columns(a, index, count)

    def value(self, term: Node) -> Node:
        a = self.a
        if not self.columns.varies(term):
            return a.scale(a.scalar(self.count), term)
        weight = a.scalar(S.One)
        if term.op == "scale":
            weight, term = term.args
        fixed, moving = self._split(weight)
        return a.scale(fixed, self._weighted(moving, term))

    def _split(self, s: Node) -> tuple[Node, Node | None]:
        """``s = fixed * moving``: what does not depend on the sample, and what does."""
        moving_symbols = [x.placeholder for x in s.args if self.columns.varies(x)]
        moving_symbols += [self.index] if self.index in s.data.free_symbols else []
        if not moving_symbols:
            return s, None
        fixed, moving = s.data.as_independent(*moving_symbols, as_Add=False)
        return self.a.scalar(fixed, s.args), self.a.scalar(moving, s.args)

    def _weighted(self, weight: Node | None, term: Node) -> Node:
        """``sum_i s_i L F_i R = L (sum_i s_i F_i) R`` for factors L, R free of i."""
        a, factors = self.a, list(term.args) if term.op == "product" else [term]
        if term.op == "add":
            return a.add(*(self.value(t if weight is None else a.scale(weight, t)) for t in term.args))
        if term.op in ("vec", "transpose"):
            inner = self._weighted(weight, term.args[0])
            return a.vec(inner) if term.op == "vec" else a.transpose(inner)
        left: list[Node] = []
        right: list[Node] = []
        while factors and not self.columns.varies(factors[0]):
            left.append(factors.pop(0))
        while factors and not self.columns.varies(factors[-1]):
            right.insert(0, factors.pop())
        if not factors:  # only the weight depends on the sample
            return a.product(self._sum_of_scalars(weight), *left) if left[0].rows == 1 else self._scaled(weight, left)
        core = self._core(weight, factors)
        return a.product(*left, core, *right)

    def _scaled(self, weight: Node | None, factors: list[Node]) -> Node:
        return self.a.scale(self.a.scalar_of(self._sum_of_scalars(weight)), self.a.product(*factors))

    def _sum_of_scalars(self, weight: Node | None) -> Node:
        row = None if weight is None else self.columns.row(weight)
        if weight is None or row is None:
            one = self.a.from_scalar(self.a.scalar(S.One) if weight is None else weight)
            return self._loop(one)
        return self._row_sum(row)

    def _row_sum(self, X: Node) -> Node:
        return self.a.graph.make("row_sum", (X,), None, (X.rows, S.One))

    def _core(self, weight: Node | None, factors: list[Node]) -> Node:
        a = self.a
        whole = a.product(*factors)
        cuts = [k for k in range(1, len(factors)) if factors[k].rows == 1]
        row = None if weight is None else self.columns.row(weight)
        if weight is not None and row is None:
            return self._loop(a.scale(weight, whole))
        if cuts:
            X = self.columns.of(a.product(*factors[: cuts[0]]))
            Y = self.columns.of(a.transpose(a.product(*factors[cuts[0] :])))
            X = X if row is None else self.columns.weigh(X, row)
            return a.product(X, a.transpose(Y))
        if whole.cols == 1:
            X = self.columns.of(whole)
            return self._row_sum(X) if row is None else a.product(X, a.transpose(row))
        if whole.rows == 1:
            return a.transpose(self._core(weight, [a.transpose(f) for f in reversed(factors)]))
        return self._loop(whole if weight is None else a.scale(weight, whole))

    def _loop(self, term: Node) -> Node:
        return self.a.graph.make("total", (self.columns.hoist(term),), (self.index, self.count), term.shape)
