"""Directions attached to a point: dual numbers of first and second order, unknowns moving along.

A point ``theta + eps_1 V + eps_2 W`` has one layer of dual numbers for each direction. The unknowns
move so that their residuals stay 0 in every coefficient: the coefficient of ``eps_S`` of an
unknown solves ``F_z z_S = -(coefficient of eps_S of F with z_S = 0)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from sympy import Expr, MatrixExpr, Symbol

from deqmath.checking.domains import BadPoint
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.matrices import DualMatrix, FieldMatrix, zero_like
from deqmath.checking.slots import Slots, stacked
from deqmath.checking.solving import Equations, base_symbol, groups, repeated
from deqmath.expressions.nodes import Column

#: The coefficients of a value by the set of layers they belong to; () is the value itself.
Jet = dict[tuple[int, ...], FieldMatrix]


def along(point: Point, directions: Mapping[Expr, Any], equations: Equations, bindings: Mapping[Symbol, int]) -> Point:
    """The dual point ``point + eps direction``; unknowns move so that their residuals stay 0."""
    return moved(point, [directions], equations, bindings)


def moved(
    point: Point, layers: Sequence[Mapping[Expr, Any]], equations: Equations, bindings: Mapping[Symbol, int]
) -> Point:
    """The point with one layer of dual numbers for each set of directions.

    Parameters
    ----------
    layers
        For each layer: symbol -> direction (a matrix of the symbol's shape).
    equations
        Pairs (unknown, residual); an unknown that is itself given a direction does not follow.
    """
    depth = len(layers)
    jets: dict[Expr, Jet] = {}
    for s, v in point.symbols.items():
        jets[s] = {(): v} | {(k,): d[s] for k, d in enumerate(layers) if s in d}
    dual = Point(point.domain, point.sizes, {}, depth=depth, rng=point.rng)
    dual.symbols = {s: _build(jet, depth) for s, jet in jets.items()}
    for group in groups(equations):
        if any(base_symbol(u) in d for u in group.unknowns for d in layers):
            continue
        for b in repeated(group, point, bindings):
            targets = [(base_symbol(u), _column(u, b)) for u in group.unknowns]
            slots = Slots(point, targets, b)
            F_z = point.slopes.get(group.at(b))
            if F_z is None:
                F_z = slope_matrix(point, slots, group.residuals)
                if F_z.nrows() != F_z.ncols():
                    msg = f"{F_z.nrows()} equations for {F_z.ncols()} unknowns have no derivative of a solution"
                    raise BadPoint(msg)
                point.slopes[group.at(b)] = F_z
            for size in range(1, depth + 1):
                for subset in combinations(range(depth), size):
                    _follow(dual, jets, slots, F_z, group.residuals, subset)
    return dual


def _column(unknown: MatrixExpr, bindings: Mapping[Symbol, int]) -> int | None:
    if not isinstance(unknown, Column):
        return None
    return bindings[unknown.index] if unknown.index in bindings else int(unknown.index)


def _build(jet: Jet, depth: int) -> Any:
    """A jet as nested dual numbers, the last layer outermost."""
    value = _part(jet, depth, ())
    assert value is not None
    return value


def _part(jet: Jet, depth: int, layers: tuple[int, ...]) -> Any:
    """The part of a jet in which these layers have moved; None where it is 0."""
    if depth == 0:
        return jet.get(tuple(sorted(layers)))
    still, moving = _part(jet, depth - 1, layers), _part(jet, depth - 1, (*layers, depth - 1))
    if still is None and moving is not None:
        still = zero_like(moving)
    return None if still is None else DualMatrix(still, moving)


def coefficient(value: Any, layers: tuple[int, ...], depth: int) -> FieldMatrix:
    """The coefficient of ``eps_S`` of a value with ``depth`` layers."""
    for k in reversed(range(depth)):
        value = value.b if k in layers else value.a
    return value


def _follow(
    dual: Point, jets: dict[Expr, Jet], slots: Slots, F_z: Any, residuals: Sequence[MatrixExpr], subset: tuple[int, ...]
) -> None:
    """Set one coefficient of the unknowns of one group."""
    domain = dual.domain
    ev = Evaluator(dual, slots.bindings)
    entries = [e for r in ev.several(*residuals) for e in stacked(coefficient(r, subset, dual.depth))]
    rest = domain.matrix(len(entries), 1, entries)
    try:
        found = F_z.solve(-rest)
    except ZeroDivisionError as e:
        msg = "F_z is singular at this point"
        raise BadPoint(msg) from e
    for s in dict.fromkeys(s for s, _, _ in slots.places):
        old = jets[s].get(subset)
        rows, cols = jets[s][()].shape
        mat = old.mat if old is not None else zero_like(jets[s][()]).mat
        flat = [mat[i, j] for i in range(rows) for j in range(cols)]
        for k, (t, i, j) in enumerate(slots.places):
            if t == s:
                flat[i * cols + j] = found[k, 0]
        jets[s][subset] = FieldMatrix(domain, domain.matrix(rows, cols, flat))
        dual.symbols[s] = _build(jets[s], dual.depth)


def slope_matrix(point: Point, slots: Slots, residuals: Sequence[MatrixExpr]) -> Any:
    """``F_z``: the derivative of the stacked residuals by the entries of the slots, column by column."""
    domain = point.domain
    plain = {s: DualMatrix(v) for s, v in point.symbols.items()}
    columns = []
    for symbol, i, j in slots.places:
        value = point.symbols[symbol]
        rows, cols = value.shape
        unit = [domain.number(int((r, c) == (i, j))) for r in range(rows) for c in range(cols)]
        tangent = FieldMatrix(domain, domain.matrix(rows, cols, unit))
        dual = Point(domain, point.sizes, {**plain, symbol: DualMatrix(value, tangent)}, depth=1, rng=point.rng)
        ev = Evaluator(dual, slots.bindings)
        columns.append([e for r in ev.several(*residuals) for e in stacked(r.b)])
    rows = len(columns[0]) if columns else 0
    return domain.matrix(rows, len(columns), [column[i] for i in range(rows) for column in columns])
