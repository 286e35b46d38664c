"""``[x_0 .. x_(n-1)]``: a vector that depends on the sample, for all samples at once."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, S, Symbol

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, free_indices

_ZERO = Integer(0)


class Columns:
    """Turns nodes of shape (p, 1) that depend on one sample index into (p, n) matrices."""

    def __init__(self, a: Algebra, index: Symbol, count: Expr) -> None:
        self.a, self.index, self.count = a, index, count
        self._free: dict[Node, frozenset[Symbol]] = {}
        self._memo: dict[tuple[Node, bool], Node | None] = {}

    def varies(self, node: Node) -> bool:
        return self.index in free_indices(node, self._free)

    def of(self, x: Node) -> Node:
        """The (p, n) matrix whose column i is x; what cannot stand side by side is looped over."""
        found = self._columns(x, loops=True)
        return self._stack(x) if found is None else found

    def weigh(self, X: Node, row: Node) -> Node:
        """``X diag(s)`` for a row s of weights, one a sample."""
        return self.a.product(X, self.a.diagonal(self.a.transpose(row)))

    def row(self, s: Node, loops: bool = True) -> Node | None:
        """The (1, n) row of the values of a scalar, one a sample."""
        moving = [x for x in s.args if self.varies(x)]
        if self.index in s.data.free_symbols:
            return None
        if not moving:
            return self._repeat(self.a.from_scalar(s))
        rows = [self._columns(x, loops) for x in moving]
        fixed, rest = s.data.as_independent(*(x.placeholder for x in moving), as_Add=False)
        if any(r is None for r in rows) or rest.free_symbols - {x.placeholder for x in moving}:
            return None
        kept: list[Any] = [r for r in rows if r is not None]
        names = tuple(x.placeholder for x in moving)
        values = kept[0]
        if rest != names[0]:
            # The placeholders are renamed, so that equal formulas give equal nodes.
            variables = tuple(Symbol(f"_x{k}", real=True) for k in range(len(names)))
            formula = (variables, rest.xreplace(dict(zip(names, variables, strict=True))))
            values = self.a.graph.make("combine", kept, formula, (S.One, self.count))
        return self.a.scale(self.a.scalar(fixed, s.args), values)

    def hoist(self, node: Node) -> Node:
        """The body of a loop, with everything that can be computed for all samples taken out of it."""
        if not self.varies(node):
            return node
        if node.shape and node.cols == 1:
            X = self._columns(node, loops=False)
            if X is not None:
                return self.a.entry(X, _ZERO, self.index) if node.rows == 1 else self.a.column(X, self.index)
        return self.a.rebuild(node, tuple(self.hoist(x) for x in node.args))

    def _stack(self, x: Node) -> Node:
        return self.a.graph.make("stack", (self.hoist(x),), (self.index, self.count), (x.rows, self.count))

    def _repeat(self, x: Node) -> Node:
        return self.a.graph.make("repeat", (x,), self.count, (x.rows, self.count))

    def _columns(self, x: Node, loops: bool) -> Node | None:
        if not self.varies(x):
            return self._repeat(x)
        key = (x, loops)
        if key not in self._memo:
            rule = getattr(self, f"_{x.op}", None) if x.op in _VECTORISED else None
            self._memo[key] = rule(x, loops) if rule is not None and x.cols == 1 else None
        return self._memo[key]

    def _column(self, x: Node, _loops: bool) -> Node | None:
        X = x.args[0]
        return X if x.data[0] == self.index and not self.varies(X) and X.cols == self.count else None

    def _entry(self, x: Node, _loops: bool) -> Node | None:
        X, (i, j) = x.args[0], x.data
        if self.varies(X):
            return None
        if j == self.index and i != self.index and X.cols == self.count:
            return X if X.rows == 1 else self.a.transpose(self.a.column(self.a.transpose(X), i))
        if i == self.index and j != self.index and X.rows == self.count:
            return self.a.transpose(self.a.column(X, j))
        return None

    def _scale(self, x: Node, loops: bool) -> Node | None:
        s, y = x.args
        Y = self._columns(y, loops)
        if Y is None or not self.varies(s):
            return None if Y is None else self.a.scale(s, Y)
        row = self.row(s, loops)
        return None if row is None else self.weigh(Y, row)

    def _add(self, x: Node, loops: bool) -> Node | None:
        return self._each(x, loops)

    def _hadamard(self, x: Node, loops: bool) -> Node | None:
        return self._each(x, loops)

    def _map(self, x: Node, loops: bool) -> Node | None:
        return self._each(x, loops)

    def _each(self, x: Node, loops: bool) -> Node | None:
        parts = [self._columns(t, loops) for t in x.args]
        known = tuple(t for t in parts if t is not None)
        return self.a.rebuild(x, known) if len(known) == len(parts) else None

    def _from_scalar(self, x: Node, loops: bool) -> Node | None:
        return self.row(x.args[0], loops)

    def _product(self, x: Node, loops: bool) -> Node | None:
        """Right to left: ``M x_i`` is ``M X``, ``diag(v_i) x_i`` is ``V * X``, ``y_i^T x_i`` a column dot."""
        if x.rows == 1 and not self.varies(x.args[-1]):
            # y_i^T w = w^T y_i, and w^T Y is one product.
            x = self.a.product(*(self.a.transpose(f) for f in reversed(x.args)))
        *before, last = x.args
        X = self._columns(last, loops)
        while before and X is not None:
            X = self._apply(before.pop(), X, loops)
        return X

    def _apply(self, f: Node, X: Node, loops: bool) -> Node | None:
        a = self.a
        if not self.varies(f):
            return a.product(f, X)
        if f.op == "diagonal":
            V = self._columns(f.args[0], loops)
            return None if V is None else a.hadamard(V, X)
        if f.rows == 1:
            Y = self._columns(a.transpose(f), loops)
            return None if Y is None else a.graph.make("column_dot", (Y, X), None, (S.One, self.count))
        if f.cols == 1:
            Y = self._columns(f, loops)
            return None if Y is None else self.weigh(Y, X)
        return self._stack(a.product(f, a.column(X, self.index))) if loops else None


_VECTORISED = ("column", "entry", "scale", "add", "hadamard", "map", "from_scalar", "product")
