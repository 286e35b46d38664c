"""Values of matrices: symbols, constants, sums, products, inverses, blocks."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixExpr, ZeroMatrix
from sympy.matrices.expressions import (
    BlockMatrix,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)
from sympy.matrices.immutable import ImmutableDenseMatrix

from deqmath.checking.evaluation import Evaluator, first_argument, nothing, values
from deqmath.checking.matrices import by_entry, placed, sum_of
from deqmath.checking.values_of_scalars import number_to_the, power_of


@values.register(MatrixSymbol, reads=nothing)
def of_matrix_symbol(x: MatrixSymbol, ev: Evaluator) -> Any:
    """Its value at the point."""
    return ev.point.value_of(x, ev.bindings)


@values.register(Identity, reads=nothing)
def of_identity(x: Identity, ev: Evaluator) -> Any:
    """``I``."""
    return ev.point.identity(ev.size(x.shape[0]))


@values.register(ZeroMatrix, reads=nothing)
def of_zero(x: ZeroMatrix, ev: Evaluator) -> Any:
    """``0``."""
    rows, cols = (ev.size(d) for d in x.shape)
    return ev.point.selection(rows, cols, ())


@values.register(OneMatrix, reads=nothing)
def of_ones(x: OneMatrix, ev: Evaluator) -> Any:
    """``1 1^T``."""
    rows, cols = (ev.size(d) for d in x.shape)
    return ev.point.constant(rows, cols, [1] * (rows * cols))


@values.register(ImmutableDenseMatrix, reads=tuple)
def of_entries(x: ImmutableDenseMatrix, _ev: Evaluator, *entries: Any) -> Any:
    """A matrix written out entry by entry."""
    return sum_of([placed(e, k // x.cols, k % x.cols, x.rows, x.cols) for k, e in enumerate(entries)])


def _blocks(x: BlockMatrix) -> tuple[Expr, ...]:
    return tuple(x.blocks)


@values.register(BlockMatrix, reads=_blocks)
def of_blocks(x: BlockMatrix, ev: Evaluator, *blocks: Any) -> Any:
    """Each block put where it stands."""
    rows, cols = (ev.size(d) for d in x.shape)
    across = x.blocks.shape[1]
    parts, row = [], 0
    for start in range(0, len(blocks), across):
        col = 0
        for block in blocks[start : start + across]:
            parts.append(placed(block, row, col, rows, cols))
            col += block.shape[1]
        row += blocks[start].shape[0]
    return sum_of(parts)


@values.register(MatAdd)
def of_sum(_x: MatAdd, _ev: Evaluator, *terms: Any) -> Any:
    """``X + Y``."""
    return sum_of(terms)


@values.register(MatMul)
def of_product(x: MatMul, _ev: Evaluator, *factors: Any) -> Any:
    """``c X Y``."""
    out, scalars = None, []
    for a, value in zip(x.args, factors, strict=True):
        if not isinstance(a, MatrixExpr):
            scalars.append(value)
        else:
            out = value if out is None else out @ value
    for s in scalars:
        out = out.scaled(s)  # type: ignore[union-attr]
    return out


@values.register(MatPow, reads=first_argument)
def of_power(x: MatPow, ev: Evaluator, base: Any) -> Any:
    """``X^n``; n may be a dimension."""
    n = x.args[1]
    k = int(n) if n.is_Integer else ev.size(n)
    return power_of(base, k, ev.point.identity(base.shape[0]))


@values.register(Inverse, reads=first_argument)
def of_inverse(_x: Inverse, _ev: Evaluator, value: Any) -> Any:
    """``X^{-1}``."""
    return value.inverted()


@values.register(Transpose)
def of_transpose(_x: Transpose, _ev: Evaluator, value: Any) -> Any:
    """``X^T``."""
    return value.transposed()


@values.register(HadamardProduct)
def of_hadamard(_x: HadamardProduct, _ev: Evaluator, *factors: Any) -> Any:
    """``X o Y``."""
    out = factors[0]
    for a in factors[1:]:
        out = out.hadamard(a)
    return out


@values.register(HadamardPower, reads=first_argument)
def of_hadamard_power(x: HadamardPower, ev: Evaluator, base: Any) -> Any:
    """Each entry to the power n."""
    return by_entry(base, lambda e: number_to_the(e, x.args[1], ev))


@values.register(KroneckerProduct)
def of_kronecker(_x: KroneckerProduct, _ev: Evaluator, *factors: Any) -> Any:
    """``X kron Y``."""
    out = factors[0]
    for a in factors[1:]:
        out = out.kron(a)
    return out
