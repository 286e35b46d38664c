"""From SymPy's tree to the graph: one short rule a node class; a class without a rule is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy.matrices.expressions as mx
from sympy import (
    Basic,
    Determinant,
    Expr,
    ImmutableDenseMatrix,
    Integer,
    Lambda,
    MatrixExpr,
    MatrixSymbol,
    Pow,
    S,
    Symbol,
    Trace,
    Transpose,
    log,
)
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, is_index
from deqmath.errors import InputError, ShapeError, UnknownNodeError
from deqmath.expressions import (
    Column,
    Commutation,
    Diag,
    DiagSelection,
    Elementwise,
    Gate,
    Placement,
    SoftmaxColumns,
    Total,
    Vec,
)
from deqmath.expressions.nodes import STEP

BuildRule = Callable[["Builder", Any], Node]
_RULES: dict[type, BuildRule] = {}


def register(*classes: type) -> Callable[[BuildRule], BuildRule]:
    """Register the rule that turns nodes of these SymPy classes into graph nodes."""

    def decorate(rule: BuildRule) -> BuildRule:
        _RULES.update(dict.fromkeys(classes, rule))
        return rule

    return decorate


class Builder:
    """One traversal: the algebra it builds in, and a memo over SymPy subtrees."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self._memo: dict[Any, Node] = {}

    def build(self, expr: Any) -> Node:
        if expr in self._memo:
            return self._memo[expr]
        if isinstance(expr, MatrixExpr) or getattr(expr, "is_Matrix", False):
            for cls in type(expr).__mro__:
                if cls in _RULES:
                    node = _RULES[cls](self, expr)
                    break
            else:
                raise UnknownNodeError(expr, "codegen")
        elif isinstance(expr, Expr):
            node = self._scalar(expr)
        else:
            raise UnknownNodeError(expr, "codegen")
        self._memo[expr] = node
        return node

    def _scalar(self, expr: Expr) -> Node:
        """A scalar formula; traces, determinants and entries in it become operands."""
        found: list[Node] = []

        def visit(e: Any) -> Any:
            node = self._scalar_leaf(e)
            if node is not None:
                if node.op == "from_scalar":
                    found.extend(node.args[0].args)
                    return node.args[0].data
                found.append(node)
                return node.placeholder
            if isinstance(e, MatrixExpr) or not isinstance(e, Expr) or (hasattr(e, "limits") and e.args[1:]):
                raise UnknownNodeError(e, "codegen")
            return e.func(*(visit(a) for a in e.args)) if e.args else e

        value = visit(expr)
        return self.algebra.scalar(value, tuple(found))

    def _scalar_leaf(self, e: Any) -> Node | None:
        g = self.algebra.graph
        if isinstance(e, MatrixElement):
            return self.algebra.entry(self.build(e.parent), e.i, e.j)
        if isinstance(e, Trace):
            return _trace(self, e.arg)
        if isinstance(e, Determinant):
            return g.make("det", (self.build(e.arg),), None, (S.One, S.One))
        if isinstance(e, log) and isinstance(e.args[0], Determinant):
            return g.make("logdet", (self.build(e.args[0].arg),), None, (S.One, S.One))
        return None


def _trace(b: Builder, X: Any) -> Node:
    """``tr(s X) = s tr X`` and ``tr(x y^T) = y^T x``."""
    a, node = b.algebra, b.build(X)
    if node.op == "scale":
        inner = a.graph.make("trace", (node.args[1],), None, (S.One, S.One))
        return a.scale(node.args[0], inner)
    return a.graph.make("trace", (node,), None, (S.One, S.One))


@register(MatrixSymbol)
def _symbol(b: Builder, e: Any) -> Node:
    return b.algebra.graph.make("input", (), e.name, tuple(e.shape))


@register(ImmutableDenseMatrix)
def _constant(b: Builder, e: Any) -> Node:
    if e.free_symbols:
        raise UnknownNodeError(e, "codegen")
    return b.algebra.graph.make("constant", (), e, tuple(Integer(k) for k in e.shape))


@register(mx.MatAdd)
def _add(b: Builder, e: Any) -> Node:
    return b.algebra.add(*_alike(b, e))


def _alike(b: Builder, e: Any) -> list[Node]:
    nodes = [b.build(t) for t in e.args]
    for node, t in zip(nodes, e.args, strict=True):
        if node.shape != nodes[0].shape:
            msg = f"codegen received {e} with {t} of shape {node.shape}; it needs the shape {nodes[0].shape} of {e.args[0]}"
            raise ShapeError(msg)
    return nodes


@register(mx.MatMul)
def _product(b: Builder, e: Any) -> Node:
    coefficient, matrices = e.as_coeff_matrices()
    nodes = [b.build(f) for f in matrices]
    for X, Y, x, y in zip(nodes, nodes[1:], matrices, matrices[1:], strict=False):
        if X.cols != Y.rows:  # SymPy lets symbolic sizes pass that it cannot compare
            msg = f"codegen received the product of {x}, {X.rows} x {X.cols}, and {y}, {Y.rows} x {Y.cols}"
            msg += "; it needs as many columns on the left as rows on the right"
            raise ShapeError(msg)
    return b.algebra.scale(b.build(coefficient), b.algebra.product(*nodes))


@register(mx.MatPow)
def _power(b: Builder, e: Any) -> Node:
    if not e.exp.is_Integer:
        msg = f"codegen received the matrix power {e}; it needs an integer exponent, as in A**2"
        raise InputError(msg)
    base, k = b.build(e.base), int(e.exp)
    if k < 0:
        return b.algebra.product(*[b.algebra.inverse(base)] * -k)
    if k == 0:
        return b.algebra.identity(base.rows)
    return b.algebra.product(*[base] * k)


@register(mx.Inverse)
def _inverse(b: Builder, e: Any) -> Node:
    return b.algebra.inverse(b.build(e.arg))


@register(Transpose, mx.Adjoint)
def _transpose(b: Builder, e: Any) -> Node:
    return b.algebra.transpose(b.build(e.arg))


@register(mx.Identity)
def _identity(b: Builder, e: Any) -> Node:
    return b.algebra.identity(e.rows)


@register(mx.ZeroMatrix)
def _zeros(b: Builder, e: Any) -> Node:
    return b.algebra.zeros(*e.shape)


@register(mx.OneMatrix)
def _ones(b: Builder, e: Any) -> Node:
    return b.algebra.graph.make("ones", (), None, tuple(e.shape))


@register(mx.HadamardProduct)
def _hadamard(b: Builder, e: Any) -> Node:
    return b.algebra.hadamard(*_alike(b, e))


@register(mx.HadamardPower)
def _hadamard_power(b: Builder, e: Any) -> Node:
    if not isinstance(e.exp, Expr) or e.exp.free_symbols:
        raise UnknownNodeError(e, "codegen")
    t = Symbol("_t", real=True)
    return b.algebra.map(Lambda(t, Pow(t, e.exp)), b.build(e.base))


@register(mx.KroneckerProduct)
def _kron(b: Builder, e: Any) -> Node:
    """``A kron B kron C = A kron (B kron C)``."""
    *first, node = [b.build(f) for f in e.args]
    for f in reversed(first):
        node = b.algebra.kron(f, node)
    return node


@register(mx.DiagonalMatrix)
def _diagonal_matrix(b: Builder, e: Any) -> Node:
    """SymPy's X with everything off the diagonal put to 0."""
    return b.algebra.diagonal(b.build(mx.DiagonalOf(e.arg)))


@register(mx.DiagMatrix, Diag)
def _diag(b: Builder, e: Any) -> Node:
    v = b.build(e.args[0])
    return b.algebra.diagonal(v) if v.cols == 1 else b.algebra.diagonal(b.algebra.transpose(v))


@register(mx.DiagonalOf)
def _diagonal_of(b: Builder, e: Any) -> Node:
    return b.algebra.graph.make("diagpart", (b.build(e.arg),), None, (e.arg.shape[0], S.One))


@register(Elementwise)
def _elementwise(b: Builder, e: Any) -> Node:
    if not e.function.expr.free_symbols:  # a constant function: c 1 1^T
        return b.build(
            mx.MatMul(e.function.expr, mx.OneMatrix(*e.shape)) if e.function.expr != 0 else mx.ZeroMatrix(*e.shape)
        )
    if any(is_index(s) for s in e.function.expr.free_symbols):
        msg = f"codegen received the entrywise function {e.function} that changes with the sample; put the sample's number in a vector"
        raise InputError(msg)
    return b.algebra.map(e.function, b.build(e.arg))


@register(ElementwiseApplyFunction)
def _applied(b: Builder, e: Any) -> Node:
    """SymPy's own ``X.applyfunc(f)``."""
    return b.build(Elementwise(e.function, e.expr))


@register(mx.BlockMatrix, mx.BlockDiagMatrix)
def _blocks(b: Builder, e: Any) -> Node:
    """A block matrix: its blocks row by row, and how many stand in a row."""
    rows = e.blocks.tolist()
    return b.algebra.graph.make("blocks", [b.build(X) for row in rows for X in row], len(rows[0]), tuple(e.shape))


@register(Placement)
def _placement(b: Builder, e: Any) -> Node:
    """``[0; I_s; 0]``."""
    return b.algebra.graph.make("placement", (), tuple(e.args), tuple(e.shape))


@register(SoftmaxColumns)
def _softmax(b: Builder, e: Any) -> Node:
    """``exp(x_ij) / sum_k exp(x_kj)``."""
    return b.algebra.graph.make("softmax_columns", (b.build(e.arg),), None, tuple(e.shape))


@register(Gate)
def _gate(b: Builder, e: Any) -> Node:
    """``gate(u) = diag(1[u > 0])``."""
    return b.algebra.diagonal(b.algebra.map(STEP, b.build(e.arg)))


@register(DiagSelection)
def _selection(b: Builder, e: Any) -> Node:
    return b.algebra.graph.make("selection", (), None, tuple(e.shape))


@register(Vec)
def _vec(b: Builder, e: Any) -> Node:
    return b.algebra.vec(b.build(e.arg))


@register(Commutation)
def _commutation(b: Builder, e: Any) -> Node:
    return b.algebra.commutation(*e.args)


@register(Column)
def _column(b: Builder, e: Any) -> Node:
    return b.algebra.column(b.build(e.arg), e.index)


@register(Total)
def _total(b: Builder, e: Any) -> Node:
    """The index is renamed by its nesting depth, so that equal sums are one node."""
    depth = max((_depth(a) for a in e.term.atoms(Total)), default=0)
    index = Symbol(f"_index{depth}", integer=True)
    return b.algebra.total(b.build(e.term.xreplace({e.index: index})), index, e.count)


def _depth(e: Basic) -> int:
    return 1 + max((_depth(a) for a in e.term.atoms(Total)), default=0)
