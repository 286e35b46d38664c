"""Constructors that keep every expression in one normal form, by identities that never cost.

``(A B)^T = B^T A^T``, ``(A^-1)^T = (A^T)^-1``, ``(A kron B)^T = A^T kron B^T``, scalars stand
in front, products and sums are flat, the identity disappears from products, a 1 x 1 factor is a
scalar, ``a kron b = vec(b a^T)`` for columns, and ``unvec(vec(X)) = X``.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Lambda, S, Symbol

from deqmath.codegen.facts import Facts
from deqmath.codegen.graph import Graph, Node

ONE = S.One


class Algebra:
    """Smart constructors over one graph."""

    def __init__(self, facts: Facts | None = None) -> None:
        self.graph = Graph()
        self.facts = facts or Facts()
        self.known: dict[Node, frozenset[str]] = {}
        #: Matrices with a stated bound of their norm.
        self.norms: list[tuple[Node, Expr]] = []

    # scalars ---------------------------------------------------------------------------------
    def scalar(self, expr: Expr, args: tuple[Node, ...] = ()) -> Node:
        used = sorted({a for a in args if a.placeholder in expr.free_symbols}, key=lambda a: a.serial)
        return self.graph.make("scalar", used, expr, ())

    def scalar_of(self, X: Node) -> Node:
        """The one entry of a 1 x 1 node, as a scalar."""
        if X.op == "scale":
            return self.times_scalars(X.args[0], self.scalar_of(X.args[1]))
        if X.op == "from_scalar":
            return X.args[0]
        if X.op == "ones":
            return self.scalar(ONE)
        if X.op == "transpose":
            return self.scalar_of(X.args[0])
        return self.scalar(X.placeholder, (X,))

    def times_scalars(self, s: Node, t: Node) -> Node:
        return self.scalar(s.data * t.data, s.args + t.args)

    def from_scalar(self, s: Node) -> Node:
        if s.args and s.data == s.args[0].placeholder:
            return s.args[0]
        return self.graph.make("from_scalar", (s,), None, (ONE, ONE))

    def scale(self, s: Node, X: Node) -> Node:
        if X.op == "scale":
            s, X = self.times_scalars(s, X.args[0]), X.args[1]
        if X.op == "from_scalar":
            return self.from_scalar(self.times_scalars(s, X.args[0]))
        if X.op == "ones" and X.shape == (1, 1):
            return self.from_scalar(s)
        if s.data == 1 or X.op == "zeros":
            return X
        if s.data == 0:
            return self.zeros(*X.shape)
        return self.graph.make("scale", (s, X), None, X.shape)

    # leaves ----------------------------------------------------------------------------------
    def identity(self, k: Expr) -> Node:
        return (
            self.graph.make("ones", (), None, (ONE, ONE)) if k == 1 else self.graph.make("identity", (), None, (k, k))
        )

    def zeros(self, p: Expr, q: Expr) -> Node:
        return self.graph.make("zeros", (), None, (p, q))

    # sums and products -----------------------------------------------------------------------
    def add(self, *terms: Node) -> Node:
        weights: dict[Node, Node] = {}
        flat_terms = [u for t in terms for u in (t.args if t.op == "add" else (t,)) if u.op != "zeros"]
        for t in flat_terms:
            s, X = t.args if t.op == "scale" else (self.scalar(ONE), t)
            if X.op == "from_scalar":
                s, X = X.args[0], self.identity(ONE)
            if X in weights:
                old = weights[X]
                s = self.scalar(old.data + s.data, old.args + s.args)
            weights[X] = s
        flat = [t for t in (self.scale(s, X) for X, s in weights.items()) if t.op != "zeros"]
        if not flat:
            return self.zeros(*terms[0].shape)
        if len(flat) == 1:
            return flat[0]
        return self.graph.make("add", sorted(flat, key=lambda t: t.serial), None, flat[0].shape)

    def product(self, *factors: Node) -> Node:
        shape = (factors[0].rows, factors[-1].cols)
        s, flat = self._flatten(factors)
        if any(f.op == "zeros" for f in flat):
            return self.zeros(*shape)
        segments: list[list[Node]] = []
        for f in flat:
            if not segments or f.rows == 1:
                segments.append([])
            segments[-1].append(f)
        kept = []
        for seg in segments:
            X = self._join(seg)
            if X.shape == (1, 1):
                s = self.times_scalars(s, self.scalar_of(X))
            else:
                kept += seg
        if not kept:
            return self.from_scalar(s)
        return self.scale(s, self._join(kept))

    def _flatten(self, factors: tuple[Node, ...]) -> tuple[Node, list[Node]]:
        s = self.scalar(ONE)
        flat: list[Node] = []
        for f in factors:
            if f.op == "scale":
                s, f = self.times_scalars(s, f.args[0]), f.args[1]
            if f.shape == (1, 1):
                s = self.times_scalars(s, self.scalar_of(f))
            elif f.op == "product":
                flat += f.args
            elif f.op != "identity":
                flat.append(f)
        if not flat and factors[0].op == "identity":
            flat = [factors[0]]
        return s, flat

    def _join(self, factors: list[Node]) -> Node:
        if len(factors) == 1:
            return factors[0]
        return self.graph.make("product", factors, None, (factors[0].rows, factors[-1].cols))

    def times(self, X: Node, Y: Node) -> Node:
        """A product of exactly two, in an order already chosen."""
        return self.graph.make("times", (X, Y), None, (X.rows, Y.cols))

    # entrywise -------------------------------------------------------------------------------
    def map(self, function: Lambda, X: Node) -> Node:
        if X.op == "transpose":
            return self.transpose(self.map(function, X.args[0]))
        return self.graph.make("map", (X,), function, X.shape)

    def hadamard(self, *factors: Node) -> Node:
        s = self.scalar(ONE)
        flat: list[Node] = []
        for f in factors:
            if f.op == "scale":
                s, f = self.times_scalars(s, f.args[0]), f.args[1]
            flat += f.args if f.op == "hadamard" else (f,)
        if len(flat) == 1:
            return self.scale(s, flat[0])
        flat.sort(key=lambda f: f.serial)
        return self.scale(s, self.graph.make("hadamard", flat, None, flat[0].shape))

    def diagonal(self, v: Node) -> Node:
        if v.op == "scale":
            return self.scale(v.args[0], self.diagonal(v.args[1]))
        if v.op == "ones":
            return self.identity(v.rows)
        return v if v.shape == (1, 1) else self.graph.make("diagonal", (v,), None, (v.rows, v.rows))

    # structure -------------------------------------------------------------------------------
    def kron(self, A: Node, B: Node) -> Node:
        shape = (A.rows * B.rows, A.cols * B.cols)
        for X, Y in ((A, B), (B, A)):
            if X.op == "scale":
                rest = (X.args[1], Y) if X is A else (Y, X.args[1])
                return self.scale(X.args[0], self.kron(*rest))
            if X.shape == (1, 1):
                return self.scale(self.scalar_of(X), Y)
        if A.op == "identity" and B.op == "identity":
            return self.identity(A.rows * B.rows)
        if A.cols == 1 and B.cols == 1:
            return self.vec(self.product(B, self.transpose(A)))
        if A.rows == 1 and B.rows == 1:
            return self.transpose(self.vec(self.product(self.transpose(B), A)))
        if A.cols == 1 and B.rows == 1:
            return self.product(A, B)
        if A.rows == 1 and B.cols == 1:
            return self.product(B, A)
        return self.graph.make("kron", (A, B), None, shape)

    def vec(self, X: Node) -> Node:
        if X.op == "scale":
            return self.scale(X.args[0], self.vec(X.args[1]))
        if X.op == "unvec" or X.cols == 1:
            return X.args[0] if X.op == "unvec" else X
        if X.rows == 1:
            return self.transpose(X)
        return self.graph.make("vec", (X,), None, (X.rows * X.cols, ONE))

    def unvec(self, y: Node, p: Expr, q: Expr) -> Node:
        """The p x q matrix with ``vec = y``."""
        if y.op == "scale":
            return self.scale(y.args[0], self.unvec(y.args[1], p, q))
        if y.op == "add":
            return self.add(*(self.unvec(t, p, q) for t in y.args))
        if y.op == "vec" and y.args[0].shape == (p, q):
            return y.args[0]
        if q == 1:
            return y
        return self.transpose(y) if p == 1 else self.graph.make("unvec", (y,), None, (p, q))

    def inverse(self, M: Node, transposed: bool = False) -> Node:
        if M.shape == (1, 1):
            s = self.scalar_of(M)
            return self.from_scalar(self.scalar(1 / s.data, s.args))
        if M.op == "identity" or M.op == "inverse":
            return M if M.op == "identity" else (self.transpose(M.args[0]) if M.data else M.args[0])
        if M.op == "scale":
            s = M.args[0]
            return self.scale(self.scalar(1 / s.data, s.args), self.inverse(M.args[1], transposed))
        if M.op == "diagonal":
            t = Symbol("_t", real=True)
            return self.diagonal(self.map(Lambda(t, 1 / t), M.args[0]))
        if M.op == "kron" and all(f.rows == f.cols for f in M.args):
            return self.kron(self.inverse(M.args[0], transposed), self.inverse(M.args[1], transposed))
        return self.graph.make("inverse", (M,), transposed, M.shape)

    def commutation(self, p: Expr, q: Expr) -> Node:
        if p == 1 or q == 1:
            return self.identity(p * q)
        return self.graph.make("commutation", (), (p, q), (p * q, p * q))

    def column(self, X: Node, index: Expr) -> Node:
        if X.op == "repeat":
            return X.args[0]
        return X if X.cols == 1 else self.graph.make("column", (X,), (index,), (X.rows, ONE))

    def entry(self, X: Node, i: Expr, j: Expr) -> Node:
        if X.shape == (1, 1):
            return X
        return self.graph.make("entry", (X,), (i, j), (ONE, ONE))

    def total(self, term: Node, index: Symbol, count: Expr) -> Node:
        return self.graph.make("total", (term,), (index, count), term.shape)

    def transpose(self, X: Node) -> Node:
        if X.shape == (1, 1) or X.op in ("identity", "diagonal"):
            return X
        a = X.args
        if X.op == "transpose":
            return a[0]
        if X.op in ("product", "times"):
            parts = [self.transpose(f) for f in reversed(a)]
            return self.product(*parts) if X.op == "product" else self.times(*parts)
        if X.op == "scale":
            return self.scale(a[0], self.transpose(a[1]))
        if X.op in ("add", "hadamard"):
            return getattr(self, X.op)(*(self.transpose(t) for t in a))
        if X.op == "kron":
            return self.kron(self.transpose(a[0]), self.transpose(a[1]))
        if X.op == "inverse":
            return self.inverse(a[0], not X.data)
        if X.op == "commutation":
            return self.commutation(X.data[1], X.data[0])
        if X.op == "total":
            return self.total(self.transpose(a[0]), *X.data)
        if X.op in ("zeros", "ones"):
            return self.graph.make(X.op, (), None, (X.cols, X.rows))
        return self.graph.make("transpose", (X,), None, (X.cols, X.rows))

    # rebuilding ------------------------------------------------------------------------------
    def rebuild(self, node: Node, args: tuple[Node, ...]) -> Node:
        """The node with other operands, again in normal form."""
        if node.op == "scalar":
            return self._rebuild_scalar(node, args)
        if node.op == "unvec":
            return self.unvec(args[0], *node.shape)
        if node.op in ("map", "inverse", "column", "entry", "total"):
            extra: tuple[Any, ...] = node.data if isinstance(node.data, tuple) else (node.data,)
            return self.map(node.data, args[0]) if node.op == "map" else getattr(self, node.op)(args[0], *extra)
        if node.op in (
            "add",
            "product",
            "times",
            "scale",
            "hadamard",
            "diagonal",
            "kron",
            "vec",
            "transpose",
            "from_scalar",
        ):
            return getattr(self, node.op)(*args)
        return self.graph.make(node.op, args, node.data, node.shape)

    def _rebuild_scalar(self, node: Node, args: tuple[Node, ...]) -> Node:
        values = [self.scalar_of(a) if a.shape else a for a in args]
        swap = {old.placeholder: new.data for old, new in zip(node.args, values, strict=True)}
        return self.scalar(node.data.xreplace(swap), tuple(x for v in values for x in v.args))
