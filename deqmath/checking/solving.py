"""Points at which equations hold: each group of coupled equations is solved for its unknowns.

In order of preference

0. they say that one matrix is symmetric, orthogonal, idempotent and the like: drawn by a
   parametrisation (:mod:`~deqmath.checking.varieties`);
1. the residuals are affine in the unknowns once signs and function values are fixed: solved
   exactly, and the values fixed are made those at the arguments found (``z = relu(A z + phi)``,
   ``z = tanh(A z + phi)``, Stein, Lyapunov, coupled layers); where they are consistent and leave some
   entries free (``A B = B A``), these stay random;
2. they are affine in a parameter: the unknowns stay random and the parameter is solved for
   (Riccati, quadratic matrix equations);
3. in balls: Newton's method for the unknowns, or for a parameter, and then an interval Newton step
   that proves that the ball returned holds a solution.

Otherwise :class:`NotSolvable`: no point of the solution set is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import flint
from sympy import Expr, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.domains import BadPoint, Balls, Domain
from deqmath.checking.evaluation import Point, same_symbol
from deqmath.checking.slots import Slots
from deqmath.checking.varieties import drawn_on_variety
from deqmath.expressions.nodes import Column, Elementwise, SoftmaxColumns

Equations = Sequence[tuple[MatrixExpr, MatrixExpr]]

_NEWTON_STEPS = 60


class NotSolvable(ArithmeticError):
    """No point of the solution set can be made with this draw."""


@dataclass(frozen=True)
class Group:
    """Equations that share unknowns; ``index`` is the sample index over which they are repeated."""

    unknowns: tuple[MatrixExpr, ...]
    residuals: tuple[MatrixExpr, ...]
    index: Symbol | None = None

    def at(self, bindings: Mapping[Symbol, int]) -> Any:
        """The name of its ``F_z`` among the slopes of a point."""
        return (self.unknowns, self.residuals, bindings.get(self.index) if self.index is not None else None)


@dataclass(frozen=True)
class Solved:
    """What one group was solved for, for the degree bound: ``systems`` systems of ``size`` equations.

    ``free``: the equations leave some entries random. ``variety``: drawn by a parametrisation.
    """

    symbols: tuple[Expr, ...]
    residuals: tuple[MatrixExpr, ...]
    size: int
    systems: int
    parameter: bool = False
    free: bool = False
    variety: bool = False


@dataclass(frozen=True)
class Columns:
    """The columns of a linear system, and whether it leaves entries free."""

    columns: list[Any]
    free: bool

    def keep(self, point: Point, name: Any) -> None:
        """Store a square matrix as ``F_z`` of the point."""
        n = len(self.columns)
        if n and self.columns[0].nrows() == n:
            entries = [c[i, 0] for i in range(n) for c in self.columns]
            point.slopes[name] = point.domain.matrix(n, n, entries)


def base_symbol(unknown: MatrixExpr) -> Expr:
    """Z for its column z_i, the unknown itself otherwise."""
    return same_symbol(unknown.arg if isinstance(unknown, Column) else unknown)


def groups(equations: Equations) -> list[Group]:
    """Equations grouped by mutual dependence, in an order in which they can be solved.

    The equation for column i of Z (i a symbol) stands for every column; any other unknown may have several
    equations, which must all hold.
    """
    return list(_groups(tuple((u, r) for u, r in equations)))


@lru_cache(maxsize=512)
def _groups(equations: tuple[tuple[MatrixExpr, MatrixExpr], ...]) -> tuple[Group, ...]:
    pairs: dict[Expr, tuple[MatrixExpr, list[MatrixExpr]]] = {}
    for unknown, residual in equations:
        whole = isinstance(unknown, Column) and unknown.index.is_Symbol
        _, kept = pairs.setdefault(unknown.arg if whole else unknown, (unknown, []))
        if not kept or (not whole and residual not in kept):
            kept.append(residual)
    items = list(pairs.values())
    needs = [
        {k for k, (u, _) in enumerate(items) if any(r.has(base_symbol(u)) for r in rs)} | {me}
        for me, (_, rs) in enumerate(items)
    ]
    changed = True
    while changed:
        changed = False
        for mine in needs:
            more = set().union(*(needs[k] for k in mine))
            if not more <= mine:
                mine |= more
                changed = True
    out: list[Group] = []
    done: set[int] = set()
    for k in sorted(range(len(items)), key=lambda k: len(needs[k])):
        if k in done:
            continue
        together = [j for j in range(len(items)) if j in needs[k] and k in needs[j]]
        done.update(together)
        unknowns = tuple(items[j][0] for j in together)
        indices = {u.index for u in unknowns if isinstance(u, Column) and u.index.is_Symbol}
        index = indices.pop() if len(indices) == 1 else None
        out.append(Group(unknowns, tuple(r for j in together for r in items[j][1]), index))
    return tuple(out)


def repeated(group: Group, point: Point, bindings: Mapping[Symbol, int]) -> Iterator[dict[Symbol, int]]:
    """The bindings at which a group is solved: one for each sample where its unknowns are columns."""
    if group.index is None:
        yield dict(bindings)
        return
    column = next(u for u in group.unknowns if isinstance(u, Column))
    for k in range(point.size(column.arg.shape[1])):
        yield {**bindings, group.index: k}


def satisfy(
    point: Point, equations: Equations, bindings: Mapping[Symbol, int], skipped: list[Group] | None = None
) -> list[Solved]:
    """Give the unknowns (or a parameter) values at which every residual is 0, signs consistent.

    Groups that cannot be solved are added to ``skipped`` where it is given, their unknowns left free.

    Raises
    ------
    NotSolvable
        None of the ways above works.
    BadPoint
        Singular, or no consistent signs with this draw.
    """
    out, seen = [], frozenset[Expr]()
    for group in groups(equations):
        found: Solved | None = None
        try:
            for b in repeated(group, point, bindings):
                found = _solve_group(point, group, b, seen)
        except NotSolvable:
            if skipped is None:
                raise
            skipped.append(group)
            continue
        if found is not None:
            out.append(found)
        seen |= frozenset().union(*(r.free_symbols for r in group.residuals))
    return out


def _solve_group(point: Point, group: Group, bindings: dict[Symbol, int], fixed: frozenset[Expr]) -> Solved:
    targets = [(base_symbol(u), _column_of(u, bindings)) for u in group.unknowns]
    count = 1
    if group.index is not None:
        count = point.size(next(u for u in group.unknowns if isinstance(u, Column)).arg.shape[1])
    symbols = tuple(s for s, _ in targets)
    slots = Slots(point, targets, bindings)
    solved = Solved(symbols, group.residuals, slots.size, count)
    if point.kept.issuperset(symbols) and _holds(point, slots, group.residuals):
        return solved
    one_matrix = len(symbols) == 1 and isinstance(group.unknowns[0], MatrixSymbol)
    if one_matrix and drawn_on_variety(point, slots, group.residuals):
        return replace(solved, variety=True)
    if isinstance(point.domain, Balls):
        return _solve_in_balls(point, group, slots, bindings, count, fixed)
    trivial = False
    try:
        solved = replace(solved, free=_with_signs(point, slots, group.residuals, group.at(bindings)))
        # A v = t v has v = 0 at random A and t; what is meant are the A with another solution
        trivial = not any(slots.read()) and not any(r.has(Elementwise, SoftmaxColumns) for r in group.residuals)
        if not trivial:
            return solved
    except NotSolvable:
        if count > 1:
            raise
    found = slots.read()
    slots.restore()
    for parameter in _parameters(group, fixed):
        of_parameter = Slots(point, [(parameter, None)], bindings)
        if of_parameter.size < slots.size:
            continue
        try:
            free = _with_signs(point, of_parameter, group.residuals)
        except (NotSolvable, BadPoint):
            of_parameter.restore()
            continue
        return Solved((parameter,), group.residuals, of_parameter.size, 1, parameter=True, free=free)
    if trivial:
        slots.write(found)
        return solved
    raise NotSolvable


def _holds(point: Point, slots: Slots, residuals: Sequence[MatrixExpr]) -> bool:
    """Whether the residuals are 0 at the values as they are."""
    value = slots.residual(residuals)
    return not point.domain.differs(value, value - value)


def _solve_in_balls(
    point: Point, group: Group, slots: Slots, bindings: dict[Symbol, int], count: int, fixed: frozenset[Expr]
) -> Solved:
    """Newton's method for the unknowns; where it finds nothing, for a parameter of as many entries."""
    try:
        _newton(point, slots, group.residuals)
        return Solved(tuple(slots.before), group.residuals, slots.size, count)
    except (NotSolvable, BadPoint):
        slots.restore()
        if count > 1:
            raise
    for parameter in _parameters(group, fixed):
        of_parameter = Slots(point, [(parameter, None)], bindings)
        if of_parameter.size != slots.size:
            continue
        try:
            _newton(point, of_parameter, group.residuals)
        except (NotSolvable, BadPoint):
            of_parameter.restore()
            continue
        return Solved((parameter,), group.residuals, slots.size, 1, parameter=True)
    raise NotSolvable


def _column_of(unknown: MatrixExpr, bindings: Mapping[Symbol, int]) -> int | None:
    if not isinstance(unknown, Column):
        return None
    return bindings[unknown.index] if unknown.index in bindings else int(unknown.index)


def _parameters(group: Group, fixed: frozenset[Expr]) -> list[Expr]:
    """Symbols of the residuals that no earlier equation holds, matrices of the residual's shape first."""
    unknowns = {base_symbol(u) for u in group.unknowns}
    found = set().union(*(r.atoms(MatrixSymbol) for r in group.residuals)) - unknowns - set(fixed)
    shapes = {tuple(r.shape) for r in group.residuals}
    return sorted(found, key=lambda s: (tuple(s.shape) not in shapes, s.name))


def _with_signs(point: Point, slots: Slots, residuals: Sequence[MatrixExpr], name: Any = None) -> bool:
    """Solve, and say whether entries are left free.

    In an ordered domain the signs found are the next guess, then random ones. Where only signs were held, the
    matrix solved with is the derivative of the residual there, and the point keeps it under ``name``.
    """
    guess: list[bool] | None = None
    tries = point.domain.guesses
    before, columns = slots.read(), Columns([], False)
    for k in range(tries):
        calls = point.domain.begin(point.rng, guess)
        try:
            columns = _solve_affine(point, slots, residuals, before)
        finally:
            point.domain.calls = None
        try:
            point.domain.commit(calls)
            if name is not None and all(call == "sign" for call, *_ in calls.moving()):
                columns.keep(point, name)
            return columns.free
        except BadPoint:
            if k == tries - 1:
                raise
            guess = calls.signs_found() if k % 4 != 3 else None
    return columns.free


def _solve_affine(point: Point, slots: Slots, residuals: Sequence[MatrixExpr], before: list[Any]) -> Columns:
    """Solve with the values of functions and signs held; the columns of the system."""
    domain, calls, n = point.domain, point.domain.calls, slots.size
    assert calls is not None
    for phase in ("first", "second"):
        calls.start(phase)
        slots.residual(residuals, [domain.draw_generic(point.rng) for _ in range(n)])

    def at(values: Sequence[Any]) -> Any:
        calls.start("solve")
        return slots.residual(residuals, values)

    start = at(before)
    one = domain.number(1)
    columns = [at([v + one if j == k else v for j, v in enumerate(before)]) - start for k in range(n)]
    solution = _step(domain, columns, start, point)
    if solution is not None:
        step, rank = solution
        found = at([v + s for v, s in zip(before, step, strict=True)])
        if domain.differs(found, found - found):
            raise NotSolvable
        if calls.rootless:
            msg = "a number at the solution has no square root in the field"
            raise BadPoint(msg)
        return Columns(columns, rank < n)
    if _affine_at(at, before, start, columns, domain, point):
        msg = "the equation is singular at this point"
        raise BadPoint(msg)
    raise NotSolvable


def _step(domain: Domain, columns: Sequence[Any], start: Any, point: Point) -> tuple[list[Any], int] | None:
    """A solution x and the rank of ``sum_j columns_j x_j = -start``, x_j = 0 for as many random j as are left free; None if none."""
    n, rows = len(columns), start.nrows()
    order = point.rng.sample(range(n), n) if rows != n else list(range(n))
    entries = [e for i in range(rows) for e in (*(columns[j][i, 0] for j in order), -start[i, 0])]
    reduced, rank = domain.matrix(rows, n + 1, entries).rref()
    zero = domain.number(0)
    step, j = [zero] * n, 0
    for i in range(rank):
        while j <= n and reduced[i, j] == zero:
            j += 1
        if j == n:
            return None
        step[order[j]] = reduced[i, n]
    return step, rank


def _affine_at(at: Any, before: list[Any], start: Any, columns: list[Any], domain: Any, point: Point) -> bool:
    """Whether the residual is affine: its value at one more random point is what the columns say."""
    step = [domain.draw(point.rng) for _ in before]
    there = at([v + s for v, s in zip(before, step, strict=True)])
    for s, c in zip(step, columns, strict=True):
        there = there - c * s
    return not domain.differs(there, start)


def _newton(point: Point, slots: Slots, residuals: Sequence[MatrixExpr]) -> None:
    """A solution by Newton's method, in a ball that an interval Newton step proves to hold one."""
    from deqmath.checking.tangents import slope_matrix

    domain = point.domain

    def step(values: list[Any], centre: list[Any]) -> list[Any]:
        residual = slots.residual(residuals, centre)
        slots.write(values)
        slope = slope_matrix(point, slots, residuals)
        if slope.nrows() != slope.ncols():
            raise NotSolvable
        try:
            change = slope.solve(-residual)
        except ZeroDivisionError as e:
            msg = "Newton's method met a singular Jacobian"
            raise BadPoint(msg) from e
        return [c + change[k, 0] for k, c in enumerate(centre)]

    values = [v.mid() for v in slots.read()]
    tiny = flint.arb(2) ** -(flint.ctx.prec - 40)
    for _ in range(_NEWTON_STEPS):
        new = [v.mid() for v in step(values, values)]
        moved = max((abs(a - b) / (1 + abs(b)) for a, b in zip(new, values, strict=True)), default=flint.arb(0))
        values = new
        if moved < tiny:
            break
        if not moved < 10**6:
            raise NotSolvable
    else:
        raise NotSolvable
    radius = flint.arb(2) ** -(flint.ctx.prec - 60)
    wide = [flint.arb(v, radius * (1 + abs(v))) for v in values]
    proved = step(wide, values)
    if not all(w.contains_interior(p) for w, p in zip(wide, proved, strict=True)):
        raise NotSolvable
    slots.write(proved)
    assert domain.name == "balls"


__all__ = [
    "Equations",
    "Group",
    "NotSolvable",
    "Solved",
    "base_symbol",
    "groups",
    "repeated",
    "satisfy",
]
