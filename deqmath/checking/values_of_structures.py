"""Values of the field's own nodes: elementwise maps, gates, diagonals, vec, selections, sample sums."""

from __future__ import annotations

from typing import Any

from sympy import Expr
from sympy.matrices.expressions import DiagMatrix, DiagonalOf

from deqmath.checking.evaluation import Evaluator, first_argument, nothing, values
from deqmath.checking.functions import scalar_function
from deqmath.checking.matrices import by_entry, placed, sum_of
from deqmath.errors import InputError
from deqmath.expressions.nodes import (
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


def _argument(x: Elementwise) -> tuple[Expr, ...]:
    return (x.arg,)


@values.register(Elementwise, reads=_argument)
def of_elementwise(x: Elementwise, ev: Evaluator, value: Any) -> Any:
    """``f`` of each entry; relu and step by the signs of the entries."""
    if x.is_relu or x.is_step:
        rows, cols = value.shape
        mask = ev.point.constant(rows, cols, [int(s) for s in ev.signs(value)])
        return mask.hadamard(value) if x.is_relu else mask
    (t,) = x.function.variables
    return by_entry(value, lambda e: ev.with_variable(t, e)(x.function.expr))


@values.register(Gate)
def of_gate(_x: Gate, ev: Evaluator, value: Any) -> Any:
    """``diag(1[u > 0])``."""
    signs = ev.signs(value)
    k = len(signs)
    return ev.point.selection(k, k, [(i, i) for i in range(k) if signs[i]])


@values.register(Diag, DiagMatrix)
def of_diag(_x: Diag, _ev: Evaluator, v: Any) -> Any:
    """The diagonal matrix of a column."""
    k = v.shape[0]
    return v.reshaped(lambda i, j: (i, 0) if i == j else None, k, k)


@values.register(DiagonalOf)
def of_diagonal(_x: DiagonalOf, _ev: Evaluator, value: Any) -> Any:
    """The diagonal as a column."""
    return value.reshaped(lambda i, _: (i, i), value.shape[0], 1)


@values.register(SoftmaxColumns)
def of_softmax(_x: SoftmaxColumns, _ev: Evaluator, value: Any) -> Any:
    """``e_ij / sum_k e_kj`` with ``e = exp(x)``, entry by entry: the definition."""
    rows, cols = value.shape
    parts = []
    for j in range(cols):
        column = [scalar_function("exp", value.entry(i, j)) for i in range(rows)]
        inverse = sum_of(column).inverted()
        parts += [placed(e @ inverse, i, j, rows, cols) for i, e in enumerate(column)]
    return sum_of(parts)


@values.register(Placement, reads=nothing)
def of_placement(x: Placement, ev: Evaluator) -> Any:
    """Zero rows, the identity, zero rows."""
    before, size, after = (ev.size(d) for d in x.args)
    return ev.point.selection(before + size + after, size, [(before + c, c) for c in range(size)])


@values.register(DiagSelection, reads=nothing)
def of_selection(x: DiagSelection, ev: Evaluator) -> Any:
    """``E`` with ``vec(diag(v)) = E v``."""
    k = ev.size(x.args[0])
    return ev.point.selection(k * k, k, [(i * k + i, i) for i in range(k)])


@values.register(Vec)
def of_vec(_x: Vec, _ev: Evaluator, value: Any) -> Any:
    """The columns one below the other."""
    rows, cols = value.shape
    return value.reshaped(lambda i, _: (i % rows, i // rows), rows * cols, 1)


@values.register(Commutation, reads=nothing)
def of_commutation(x: Commutation, ev: Evaluator) -> Any:
    """``vec(X^T) = K vec(X)``: entry (j, i) of ``X^T`` stands at i q + j, entry (i, j) of X (p x q) at j p + i."""
    p, q = (ev.size(d) for d in x.args)
    return ev.point.selection(p * q, p * q, [(i * q + j, j * p + i) for i in range(p) for j in range(q)])


@values.register(Column, reads=first_argument)
def of_column(x: Column, ev: Evaluator, value: Any) -> Any:
    """Column i, counted from 0."""
    k = ev.size(x.index)
    if not 0 <= k < value.shape[1]:
        msg = f"column {k} of a matrix with {value.shape[1]} columns, in {x}"
        raise InputError(msg)
    return value.reshaped(lambda i, _: (i, k), value.shape[0], 1)


@values.register(Total, reads=nothing)
def of_total(x: Total, ev: Evaluator) -> Any:
    """The sum over the index."""
    return sum_of([ev.bound(x.index, k)(x.term) for k in range(ev.size(x.count))])
