"""Points to evaluate at: sizes, random values, equations satisfied, directions attached."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, MatrixExpr, Symbol, preorder_traversal
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.domains import BadPoint, Domain, PrimeField
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.matrices import DualMatrix, FieldMatrix, base_of
from deqmath.expressions.nodes import Column, Total

Equations = Sequence[tuple[MatrixExpr, MatrixExpr]]

#: Guesses of the gates of one equation before another point is drawn.
_GUESSES = 16


class NotSolvable(ArithmeticError):  # noqa: N818 - decides how to go on, never shown to a user
    """The equation is not affine in its unknown once the gates are fixed."""


@dataclass(frozen=True)
class Alphabet:
    """The symbols of a set of expressions: dimensions, free sample indices, matrices, scalars."""

    dimensions: tuple[Symbol, ...]
    indices: tuple[tuple[Symbol, Expr], ...]
    matrices: tuple[MatrixSymbol, ...]
    scalars: tuple[Symbol, ...]


def alphabet(expressions: Iterable[Expr]) -> Alphabet:
    """Sort the symbols of expressions by their role.

    A dimension is a symbol that occurs in a shape; a free index stands in a ``Column`` and is
    bound by no ``Total`` around it.
    """
    dims: set[Symbol] = set()
    free_indices: dict[Symbol, Expr] = {}
    matrices: set[MatrixSymbol] = set()
    scalars: set[Symbol] = set()

    def walk(x: Expr, bound: frozenset[Symbol]) -> None:
        if isinstance(x, MatrixSymbol):
            matrices.add(x)
            for d in x.shape:
                dims.update(d.free_symbols)
            return
        if isinstance(x, Total):
            dims.update(x.count.free_symbols)
            walk(x.term, bound | {x.index})
            return
        if isinstance(x, Column):
            for s in x.index.free_symbols - bound:
                free_indices[s] = x.arg.shape[1]
            walk(x.arg, bound)
            return
        if isinstance(x, MatrixExpr):
            for d in x.shape:
                dims.update(d.free_symbols)
        if isinstance(x, Symbol):
            if x not in bound:
                scalars.add(x)
            return
        if hasattr(x, "function") and hasattr(x, "arg"):  # elementwise: the variable of its Lambda is bound
            body, variables = x.function.expr, set(x.function.variables)
            scalars.update(s for s in body.free_symbols if s not in variables)
            walk(x.arg, bound)
            return
        for a in x.args:
            walk(a, bound)

    for x in expressions:
        walk(x, frozenset())
    scalars -= dims | set(free_indices)
    by_name = {"key": str}
    return Alphabet(
        tuple(sorted(dims, **by_name)),
        tuple(sorted(free_indices.items(), key=lambda item: str(item[0]))),
        tuple(sorted(matrices, key=lambda s: s.name)),
        tuple(sorted(scalars, **by_name)),
    )


def size_choices(letters: Alphabet, largest: int = 3) -> list[dict[Symbol, int]]:
    """Several sizes for the dimensions: all small, then unequal in both orders."""
    dims = letters.dimensions
    if not dims:
        return [{}]
    rows = [[2] * len(dims)]
    if len(dims) > 1:
        rows += [[2 + k % 2 for k in range(len(dims))], [3 - k % 2 for k in range(len(dims))]]
    rows += [[largest] * len(dims)]
    return [dict(zip(dims, r, strict=True)) for r in rows]


def index_choices(letters: Alphabet, sizes: Mapping[Symbol, int]) -> list[dict[Symbol, int]]:
    """Values of the free sample indices: all different where possible, and all equal."""
    if not letters.indices:
        return [{}]
    counts = [int(n.subs(sizes)) for _, n in letters.indices]
    different = {i: k % c for k, ((i, _), c) in enumerate(zip(letters.indices, counts, strict=True))}
    same = {i: 0 for i, _ in letters.indices}
    return [different] if different == same else [different, same]


def satisfy(point: Point, equations: Equations, bindings: Mapping[Symbol, int]) -> None:
    """Give every unknown a value at which its residual is 0, gates and signs consistent.

    The gates of a residual are fixed first; the equation must then be affine in its unknown, and
    is solved exactly. In an ordered domain the gates must agree with the signs found.

    Raises
    ------
    NotSolvable
        The equation is not affine in its unknown.
    BadPoint
        Singular, or no consistent signs with this draw.
    """
    for unknown, residual in _distinct(equations):
        if isinstance(unknown, Column) and unknown.index.is_Symbol:
            for k in range(point.size(unknown.arg.shape[1])):
                _solve_with_signs(point, unknown, residual, {**bindings, unknown.index: k})
        else:
            _solve_with_signs(point, unknown, residual, dict(bindings))


def _solve_with_signs(point: Point, unknown: MatrixExpr, residual: MatrixExpr, bindings: dict[Symbol, int]) -> None:
    """Solve; in an ordered domain guess the gates until they are the signs found."""
    tries = 1 if isinstance(point.domain, PrimeField) else _GUESSES
    for k in range(tries):
        try:
            _solve(point, unknown, residual, bindings)
            return
        except BadPoint:
            if k == tries - 1:
                raise


def make_nonnegative(point: Point, expressions: Iterable[MatrixExpr], bindings: Mapping[Symbol, int]) -> None:
    """Hold the point to the hypothesis that these expressions are >= 0 entrywise (and off the kink)."""
    for x in expressions:
        value = base_of(Evaluator(point, bindings)(x))
        for e in value.mat.entries():
            if isinstance(point.domain, PrimeField):
                if not point.domain.gates.bits.setdefault(int(e), True):
                    raise BadPoint("a hypothesis says >= 0 and a gate was closed")
            elif not point.domain.is_positive(e, None):
                raise BadPoint("a hypothesis of nonnegativity fails at this point")


def _distinct(equations: Equations) -> Equations:
    """One equation an unknown: that for column i of Z stands for every column."""
    seen: dict[Expr, tuple[MatrixExpr, MatrixExpr]] = {}
    for unknown, residual in equations:
        whole = isinstance(unknown, Column) and unknown.index.is_Symbol
        seen.setdefault(unknown.arg if whole else unknown, (unknown, residual))
    return list(seen.values())


def _solve(point: Point, unknown: MatrixExpr, residual: MatrixExpr, bindings: dict[Symbol, int]) -> None:
    point.forced_gates = {}
    try:
        writer = _UnknownWriter(point, unknown, bindings)
        n = writer.size
        zero = [0] * n
        start = writer.residual_at(residual, zero)
        domain = point.domain
        columns = []
        for k in range(n):
            unit = [int(j == k) for j in range(n)]
            columns.append(writer.residual_at(residual, unit) - start)
        entries = [columns[j][i, 0] for i in range(n) for j in range(n)]
        M = domain.matrix(n, n, entries)
        try:
            solution = M.solve(-start) if n else start
        except ZeroDivisionError as e:
            msg = "the equation is singular at this point"
            raise BadPoint(msg) from e
        found = writer.residual_at(residual, solution.entries())
        if domain.differs(found, found - found):
            raise NotSolvable
        forced = point.forced_gates
    finally:
        point.forced_gates = None
    _agree(point, forced)


def _agree(point: Point, forced: dict[Any, list[bool]]) -> None:
    """The gates that were fixed must be those of the values found."""
    for (argument, bindings), bits in forced.items():
        value = base_of(Evaluator(point, dict(bindings))(argument))
        for e, bit in zip(value.mat.entries(), bits, strict=True):
            if isinstance(point.domain, PrimeField):
                if point.domain.gates.bits.setdefault(int(e), bit) != bit:
                    raise BadPoint("one value got two gates")
            elif point.domain.is_positive(e, None) != bit:
                raise BadPoint("the gates chosen are not the signs found")


class _UnknownWriter:
    """Writes trial values of an unknown (a symbol, or one column of it) into a point."""

    def __init__(self, point: Point, unknown: MatrixExpr, bindings: dict[Symbol, int]) -> None:
        self.point, self.bindings = point, bindings
        self.symbol = unknown.arg if isinstance(unknown, Column) else unknown
        self.column = bindings.get(unknown.index) if isinstance(unknown, Column) else None
        if isinstance(unknown, Column) and self.column is None:
            self.column = int(unknown.index)
        self.rows, self.cols = (point.size(d, bindings) for d in self.symbol.shape)
        self.size = self.rows if self.column is not None else self.rows * self.cols
        base = base_of(point.value_of(self.symbol, bindings))
        self.entries = [[base.mat[i, j] for j in range(self.cols)] for i in range(self.rows)]

    def write(self, values: Sequence[Any]) -> None:
        """Store the values (column-major, as vec)."""
        domain = self.point.domain
        for k, v in enumerate(values):
            i, j = (k, self.column) if self.column is not None else (k % self.rows, k // self.rows)
            assert j is not None
            self.entries[i][j] = domain.number(v) if isinstance(v, int) else v
        flat = [e for row in self.entries for e in row]
        self.point.symbols[self.symbol] = FieldMatrix(domain, domain.matrix(self.rows, self.cols, flat))

    def residual_at(self, residual: MatrixExpr, values: Sequence[Any]) -> Any:
        """vec of the residual with the unknown at these values."""
        self.write(values)
        value = Evaluator(self.point, self.bindings)(residual)
        r, c = value.shape
        return value.reshaped(lambda i, _: (i % r, i // r), r * c, 1).mat


def along(point: Point, directions: Mapping[Expr, Any], equations: Equations, bindings: Mapping[Symbol, int]) -> Point:
    """The dual point ``point + eps direction``; unknowns move so that their residuals stay 0."""
    symbols = {}
    for s, v in point.symbols.items():
        d = directions.get(s)
        symbols[s] = DualMatrix(v, d if d is not None else _zero_like(v))
    dual = Point(point.domain, point.sizes, symbols, depth=1, rng=point.rng)
    for unknown, residual in _distinct(equations):
        base = unknown.arg if isinstance(unknown, Column) else unknown
        if base in directions:
            continue
        if isinstance(unknown, Column) and unknown.index.is_Symbol:
            for k in range(point.size(unknown.arg.shape[1])):
                _move(dual, unknown, residual, {**bindings, unknown.index: k})
        else:
            _move(dual, unknown, residual, dict(bindings))
    return dual


def _zero_like(v: FieldMatrix) -> FieldMatrix:
    rows, cols = v.shape
    return FieldMatrix(v.domain, v.domain.matrix(rows, cols, [v.domain.number(0)] * (rows * cols)))


def _move(dual: Point, unknown: MatrixExpr, residual: MatrixExpr, bindings: dict[Symbol, int]) -> None:
    """Set the tangent of one unknown: ``F_z dz = -F_theta dtheta``, F_z found column by column."""
    symbol = unknown.arg if isinstance(unknown, Column) else unknown
    column = bindings.get(unknown.index, None) if isinstance(unknown, Column) else None
    value = dual.symbols[symbol]
    rows, cols = value.shape
    spots = [(i, column) for i in range(rows)] if column is not None else [(i, j) for j in range(cols) for i in range(rows)]
    domain = dual.domain

    def tangent_of_residual() -> Any:
        t = Evaluator(dual, bindings)(residual).b
        r, c = t.shape
        return t.reshaped(lambda i, _: (i % r, i // r), r * c, 1).mat

    before = value.b
    rest = tangent_of_residual()
    columns = []
    frozen = dict(dual.symbols)
    for s, v in frozen.items():
        dual.symbols[s] = DualMatrix(v.a, _zero_like(v.a))
    for i, j in spots:
        flat = [domain.number(int((r, c) == (i, j))) for r in range(rows) for c in range(cols)]
        dual.symbols[symbol] = DualMatrix(value.a, FieldMatrix(domain, domain.matrix(rows, cols, flat)))
        columns.append(tangent_of_residual())
    dual.symbols.update(frozen)
    n = len(spots)
    F_z = domain.matrix(n, n, [columns[j][i, 0] for i in range(n) for j in range(n)])
    try:
        dz = F_z.solve(-rest)
    except ZeroDivisionError as e:
        msg = "F_z is singular at this point"
        raise BadPoint(msg) from e
    flat = [[before.mat[r, c] for c in range(cols)] for r in range(rows)]
    for k, (i, j) in enumerate(spots):
        assert j is not None
        flat[i][j] = dz[k, 0]
    entries = [e for row in flat for e in row]
    dual.symbols[symbol] = DualMatrix(value.a, FieldMatrix(domain, domain.matrix(rows, cols, entries)))


def draw_symbols(point: Point, letters: Alphabet, bindings: Mapping[Symbol, int]) -> None:
    """Draw a value for every symbol, in a fixed order."""
    for s in (*letters.scalars, *letters.matrices):
        point.value_of(s, bindings)


def new_point(domain: Domain, sizes: Mapping[Symbol, int], rng: random.Random) -> Point:
    """An empty point."""
    return Point(domain, dict(sizes), {}, rng=rng)


def has_gates(expressions: Iterable[Expr]) -> bool:
    """Whether any pre-activation sign is taken in the expressions."""
    from deqmath.expressions.nodes import Elementwise, Gate

    return any(
        isinstance(a, Gate) or (isinstance(a, Elementwise) and (a.is_relu or a.is_step))
        for x in expressions
        for a in preorder_traversal(x)
    )
