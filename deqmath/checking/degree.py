"""Degrees of the rational functions under test: what the Schwartz-Zippel bound needs.

Every entry of an expression is ``P/Q`` with one Q for all entries; a rule gives bounds on
``(deg P, deg Q)`` in the random inputs. They are generous, never too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, Symbol, Trace, ZeroMatrix
from sympy.matrices.expressions import (
    BlockMatrix,
    Determinant,
    DiagMatrix,
    DiagonalOf,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.immutable import ImmutableDenseMatrix

from deqmath.checking.evaluation import values
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
from deqmath.expressions.traversal import Rules

Degree = tuple[int, int]
degrees = Rules("degree")


class Degrees:
    """Degree bounds at given sizes; ``known`` holds those of unknowns solved for."""

    def __init__(self, sizes: Mapping[Symbol, int], known: Mapping[Expr, Degree] | None = None) -> None:
        self.sizes = dict(sizes)
        self.known = dict(known or {})
        self._cache: dict[Expr, Degree] = {}

    def __call__(self, x: Expr) -> Degree:
        todo = [x]
        while todo:  # operands first, so that depth is no recursion
            y = todo[-1]
            missing = [a for a in values.operands(y) if a not in self._cache] if y not in self._cache else []
            todo += missing
            if not missing:
                todo.pop()
                if y not in self._cache:
                    self._cache[y] = degrees(y, self)
        return self._cache[x]

    def size(self, d: Any) -> int:
        return d if isinstance(d, int) else int(d.subs(self.sizes))


def of_sum(a: Degree, b: Degree) -> Degree:
    """``P1/Q1 + P2/Q2``."""
    return max(a[0] + b[1], b[0] + a[1]), a[1] + b[1]


def of_product(a: Degree, b: Degree) -> Degree:
    """``P1 P2 / (Q1 Q2)``."""
    return a[0] + b[0], a[1] + b[1]


def of_inverse(a: Degree, k: int) -> Degree:
    """``(P/Q)^{-1} = Q adj(P)/det(P)`` for a k x k matrix."""
    return a[1] + (k - 1) * a[0], k * a[0]


def of_solution(residual: Degree, n: int) -> Degree:
    """An unknown of n entries that solves a residual of this degree: Cramer's rule."""
    return n * residual[0] + residual[1], n * residual[0] + residual[1]


def of_derivative(a: Degree) -> Degree:
    """A directional derivative of ``P/Q``; the direction counts once."""
    return a[0] + a[1] + 1, 2 * a[1]


@degrees.register(MatrixSymbol, Symbol)
def _symbol(x: Expr, dg: Degrees) -> Degree:
    return dg.known.get(x, (0, 0) if x in dg.sizes else (1, 0))


@degrees.register(
    sp.Number, sp.NumberSymbol, Identity, ZeroMatrix, OneMatrix, Commutation, DiagSelection, Gate, Placement
)
def _constant(_x: Expr, _dg: Degrees) -> Degree:
    return (0, 0)


@degrees.register(MatAdd, sp.Add)
def _sum(x: Expr, dg: Degrees) -> Degree:
    out = dg(x.args[0])
    for a in x.args[1:]:
        out = of_sum(out, dg(a))
    return out


@degrees.register(MatMul, sp.Mul, HadamardProduct, KroneckerProduct)
def _product(x: Expr, dg: Degrees) -> Degree:
    out = (0, 0)
    for a in x.args:
        out = of_product(out, dg(a))
    return out


@degrees.register(MatPow)
def _matrix_power(x: MatPow, dg: Degrees) -> Degree:
    base, n = x.args
    k = dg.size(n)
    d = dg(base) if k >= 0 else of_inverse(dg(base), dg.size(base.shape[0]))
    return abs(k) * d[0], abs(k) * d[1]


@degrees.register(sp.Pow, HadamardPower)
def _power(x: Expr, dg: Degrees) -> Degree:
    base, n = x.args
    p, q = dg(base)
    if not n.free_symbols <= dg.sizes.keys() or not (n := n.subs(dg.sizes)).is_Integer:
        return max(p, q, 1), max(p, q, 1)
    k = int(n)
    return (k * p, k * q) if k >= 0 else (-k * q, -k * p)


@degrees.register(Inverse)
def _inverse(x: Inverse, dg: Degrees) -> Degree:
    return of_inverse(dg(x.arg), dg.size(x.shape[0]))


@degrees.register(Transpose, Diag, DiagMatrix, DiagonalOf, Vec, Column, MatrixElement)
def _same(x: Expr, dg: Degrees) -> Degree:
    return dg(x.args[0])


@degrees.register(Elementwise)
def _elementwise(x: Elementwise, dg: Degrees) -> Degree:
    if x.is_relu:
        return dg(x.arg)
    (t,) = x.function.variables
    p, q = Degrees(dg.sizes, {**dg.known, t: dg(x.arg)})(x.function.expr)
    entries = dg.size(x.shape[0]) * dg.size(x.shape[1])  # each entry has a denominator of its own
    return p + (entries - 1) * q, entries * q


@degrees.register(SoftmaxColumns)
def _softmax(x: SoftmaxColumns, dg: Degrees) -> Degree:
    """Each entry is ``e_ij / sum_k e_kj`` in atoms ``e`` or ``1/e``; one denominator for every entry."""
    entries = dg.size(x.shape[0]) * dg.size(x.shape[1])
    d = max(*dg(x.arg), 1) * 4 * entries
    return d, d


@degrees.register(sp.Function)
def _function(x: sp.Function, dg: Degrees) -> Degree:
    p, q = dg(x.args[0])
    return max(p, q, 1) * 4, max(p, q, 1) * 4


@degrees.register(Total)
def _total(x: Total, dg: Degrees) -> Degree:
    n, (p, q) = dg.size(x.count), dg(x.term)
    return p + (n - 1) * q, n * q


@degrees.register(Trace)
def _trace(x: Trace, dg: Degrees) -> Degree:
    return dg(x.arg)


@degrees.register(Determinant)
def _determinant(x: Determinant, dg: Degrees) -> Degree:
    k, (p, q) = dg.size(x.arg.shape[0]), dg(x.arg)
    return k * p, k * q


@degrees.register(ImmutableDenseMatrix)
def _entries(x: ImmutableDenseMatrix, dg: Degrees) -> Degree:
    out = (0, 0)
    for a in x:
        out = of_sum(out, dg(a))
    return out


@degrees.register(BlockMatrix)
def _blocks(x: BlockMatrix, dg: Degrees) -> Degree:
    out = (0, 0)
    for b in x.blocks:
        out = of_sum(out, dg(b))
    return out
