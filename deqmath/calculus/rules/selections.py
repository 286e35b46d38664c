"""Unit vectors, columns, placements of blocks, and column sums: each rule is one identity."""

from __future__ import annotations

from sympy import Identity, MatrixExpr
from sympy.matrices.expressions import OneMatrix, Transpose

from deqmath.calculus.builders import column_of_letter, identity, letter, transpose_of
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Polynomial
from deqmath.calculus.rules.junctions import junction
from deqmath.expressions.nodes import Column, Diag, Placement, SoftmaxColumns


def _unit(x: MatrixExpr) -> bool:
    return isinstance(x, Column) and isinstance(x.arg, Identity)


@junction
def unit_vector_on_the_right(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``X e_i = x_i``, column i of X."""
    if not _unit(right) or (isinstance(left, Transpose) and isinstance(left.arg, Column)):
        return None
    return column_of_letter(left, right.index)


@junction
def unit_vector_on_the_left(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``e_i^T X = (X^T e_i)^T``, row i of X."""
    if not isinstance(left, Transpose) or not _unit(left.arg) or right.shape[1] == 1:
        return None
    flipped = transpose_of(letter(right))
    ((m, c),) = flipped if len(flipped) == 1 else ((None, None),)
    if m is None or c != 1 or m.traces or m.binders or len(m.word) != 1:
        return None
    return transpose_of(column_of_letter(m.word[0], left.arg.index))


@junction
def placements_are_orthogonal(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``P_i^T P_i = I``, and ``P_i^T P_j = 0`` for blocks that do not overlap."""
    if not (isinstance(left, Transpose) and isinstance(left.arg, Placement) and isinstance(right, Placement)):
        return None
    (b1, s1, _), (b2, s2, _) = left.arg.args, right.args
    if left.arg == right:
        return identity(s1)
    if (b2 - b1 - s1).is_nonnegative or (b1 - b2 - s2).is_nonnegative:
        return Polynomial((s1, s2))
    return None


@junction
def softmax_columns_sum_to_one(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``1^T softmax(X) = 1^T``: every column sums to 1."""
    if isinstance(left, OneMatrix) and isinstance(right, SoftmaxColumns):
        return normal_form(OneMatrix(left.shape[0], right.shape[1]))
    return None


@junction
def softmax_rows_of_transpose(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``softmax(X)^T 1 = 1``: the same, transposed."""
    if isinstance(left, Transpose) and isinstance(left.arg, SoftmaxColumns) and isinstance(right, OneMatrix):
        return normal_form(OneMatrix(left.shape[0], right.shape[1]))
    return None


@junction
def ones_times_ones(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``(1_p 1_k^T)(1_k 1_q^T) = k 1_p 1_q^T``."""
    if isinstance(left, OneMatrix) and isinstance(right, OneMatrix):
        return normal_form(OneMatrix(left.shape[0], right.shape[1])).scaled(left.shape[1])
    return None


@junction
def diagonal_times_ones(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``diag(v) 1 = v``."""
    if isinstance(left, Diag) and isinstance(right, OneMatrix) and right.shape[1] == 1:
        return normal_form(left.arg)
    return None


@junction
def ones_times_diagonal(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``1^T diag(v) = v^T``."""
    if isinstance(left, OneMatrix) and isinstance(right, Diag) and left.shape[0] == 1:
        return transpose_of(normal_form(right.arg))
    return None
