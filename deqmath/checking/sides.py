"""What must come out equal for a statement to hold: two sides, evaluated at a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from sympy import Expr, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.degree import Arguments, AtomDegrees, Degrees
from deqmath.checking.evaluation import Evaluator, Point, same_symbol
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.motion_degree import followed
from deqmath.checking.quotients import ONE, VARIABLE, Quotient, total
from deqmath.checking.solving import Equations, Solved
from deqmath.checking.tangents import along
from deqmath.expressions.nodes import Column
from deqmath.expressions.traversal import distinct_nodes

Bindings = dict[Symbol, int]


class SidesTest(Protocol):
    """A statement as two sides that must agree at every point."""

    @property
    def expressions(self) -> tuple[Expr, ...]: ...
    @property
    def equations(self) -> Equations: ...
    @property
    def nonnegative(self) -> tuple[MatrixExpr, ...]: ...
    def sides(self, point: Point, bindings: Bindings) -> tuple[FieldMatrix, FieldMatrix]: ...
    def degree(self, dg: Degrees) -> Quotient: ...
    def script(self) -> tuple[str, str]: ...


def degrees_at(sizes: Mapping[Symbol, int], solved: Sequence[Solved], atoms: AtomDegrees | None = None) -> Degrees:
    """Degrees at a point: what was solved for is a quotient of determinants (Cramer's rule)."""
    known: dict[Expr, Quotient] = {}
    arguments = Arguments()
    for group in solved:
        key = ("solved", *group.symbols)
        if group.variety:
            k = group.size
            known |= dict.fromkeys(group.symbols, Quotient(2 * k + 1, {key: (2 * k, 1)}))
            continue
        start = VARIABLE if group.parameter or group.free else ONE
        inner = Degrees(sizes, {**known, **dict.fromkeys(group.symbols, start)}, atoms, arguments)
        residual = total([ONE, *map(inner.of, group.residuals)])
        # numerators of the system and of its right side; its denominator cancels
        d = group.size * max(1, residual.top)
        found = Quotient(d + 1, {key: (d, 1)}).of_entries(group.systems, key, {})
        known |= dict.fromkeys(group.symbols, found)
    return Degrees(sizes, known, atoms, arguments)


@dataclass(frozen=True)
class EqualTest:
    """``lhs = rhs``."""

    lhs: MatrixExpr
    rhs: MatrixExpr
    equations: Equations = ()
    nonnegative: tuple[MatrixExpr, ...] = ()

    @property
    def expressions(self) -> tuple[Expr, ...]:
        return (self.lhs, self.rhs, *(e for pair in self.equations for e in pair), *self.nonnegative)

    def sides(self, point: Point, bindings: Bindings) -> tuple[FieldMatrix, FieldMatrix]:
        lhs, rhs = Evaluator(point, bindings).several(self.lhs, self.rhs)
        return lhs, rhs

    def degree(self, dg: Degrees) -> Quotient:
        return total([dg.of(self.lhs), dg.of(self.rhs)])

    def script(self) -> tuple[str, str]:
        from deqmath.expressions.python_source import python_source

        return f"dm.evaluate({python_source(self.lhs)}, at)", f"dm.evaluate({python_source(self.rhs)}, at)"


@dataclass(frozen=True)
class DerivativeTest:
    """``J vec(V)``, or ``tr(G^T V)``, against the derivative of ``of`` along V by dual numbers."""

    candidate: MatrixExpr
    of: MatrixExpr
    wrt: Expr
    gradient: bool
    equations: Equations = ()
    nonnegative: tuple[MatrixExpr, ...] = ()

    @cached_property
    def direction(self) -> Expr:
        """The symbol that carries the direction V: one that no expression of the statement holds."""
        flat = (self.candidate, self.of, self.wrt, *(e for pair in self.equations for e in pair), *self.nonnegative)
        taken = {str(a.name) for a in distinct_nodes(*flat) if isinstance(a, (Symbol, MatrixSymbol))}
        name = f"V_{self.wrt.name}" if isinstance(self.wrt, (Symbol, MatrixSymbol)) else "V_z"
        while name in taken:
            name += "_"
        if isinstance(self.wrt, Symbol):
            return same_symbol(Symbol(name, real=True))
        return same_symbol(MatrixSymbol(name, *self.wrt.shape))

    @property
    def expressions(self) -> tuple[Expr, ...]:
        flat = tuple(e for pair in self.equations for e in pair)
        return (self.candidate, self.of, self.wrt, self.direction, *flat, *self.nonnegative)

    def _free(self) -> Equations:
        """Equations whose unknown is not itself what is differentiated by."""
        return [(u, r) for u, r in self.equations if u != self.wrt]

    def sides(self, point: Point, bindings: Bindings) -> tuple[FieldMatrix, FieldMatrix]:
        v = point.value_of(self.direction, bindings)
        rows, cols = v.shape
        target = self.wrt
        if isinstance(target, Column):
            base = point.value_of(target.arg, bindings)
            k = point.size(target.index, bindings)
            full = v.reshaped(lambda i, j: (i, 0) if j == k else None, *base.shape)
            dual = along(point, {target.arg: full}, self._free(), bindings)
        else:
            dual = along(point, {target: v}, self._free(), bindings)
        truth = Evaluator(dual, bindings)(self.of).b
        candidate = Evaluator(point, bindings)(self.candidate)
        stacked = v.reshaped(lambda i, _: (i % rows, i // rows), rows * cols, 1)
        if self.gradient:
            flat = candidate.reshaped(lambda i, _: (i % rows, i // rows), rows * cols, 1)
            return flat.transposed() @ stacked, truth
        r, c = truth.shape
        return candidate @ stacked, truth.reshaped(lambda i, _: (i % r, i // r), r * c, 1)

    def degree(self, dg: Degrees) -> Quotient:
        target = self.wrt.arg if isinstance(self.wrt, Column) else self.wrt
        truth = followed(dg, {target: VARIABLE}, self._free())(self.of) or ONE
        return total([dg.of(self.candidate).times(VARIABLE), truth])

    def script(self) -> tuple[str, str]:
        from deqmath.expressions.python_source import python_source

        solving = "".join(f"({python_source(u)}, {python_source(r)}), " for u, r in self._free())
        extra = f", solving=[{solving.rstrip(', ')}]" if solving else ""
        candidate, of, v = (python_source(e) for e in (self.candidate, self.of, self.direction))
        if not self.gradient and self.of.shape[1] != 1:
            of = f"dm.vec({of})"
        wrt = python_source(self.wrt)
        if self.gradient:
            lhs = f"dm.evaluate(dm.vec({candidate}).T * dm.vec({v}), at)"
        elif isinstance(self.direction, Symbol):
            lhs = f"dm.evaluate({v} * ({candidate}), at)"
        else:
            lhs = f"dm.evaluate(({candidate}) * dm.vec({v}), at)"
        return lhs, f"dm.evaluate({of}, at, along={{{wrt}: {v}}}{extra})"


@dataclass(frozen=True)
class DifferentialTest:
    """An expression linear in dX, ... against the derivative of ``of`` along (dX, ...)."""

    candidate: MatrixExpr
    of: MatrixExpr
    differentials: tuple[tuple[Expr, Expr], ...]
    equations: Equations = ()
    nonnegative: tuple[MatrixExpr, ...] = ()

    @property
    def expressions(self) -> tuple[Expr, ...]:
        flat = tuple(e for pair in (*self.equations, *self.differentials) for e in pair)
        return (self.candidate, self.of, *flat, *self.nonnegative)

    def sides(self, point: Point, bindings: Bindings) -> tuple[FieldMatrix, FieldMatrix]:
        base = Evaluator(point, bindings)
        directions = {x: base(dx) for x, dx in self.differentials}
        dual = along(point, directions, self.equations, bindings)
        return Evaluator(point, bindings)(self.candidate), Evaluator(dual, bindings)(self.of).b

    def degree(self, dg: Degrees) -> Quotient:
        moves = {x: dg.of(dx) for x, dx in self.differentials}
        return total([dg.of(self.candidate), followed(dg, moves, self.equations)(self.of) or ONE])

    def script(self) -> tuple[str, str]:
        from deqmath.expressions.python_source import python_source

        moves = ", ".join(f"{python_source(x)}: {python_source(dx)}" for x, dx in self.differentials)
        solving = ", ".join(f"({python_source(u)}, {python_source(r)})" for u, r in self.equations)
        extra = f", solving=[{solving}]" if solving else ""
        of = python_source(self.of)
        return f"dm.evaluate({python_source(self.candidate)}, at)", f"dm.evaluate({of}, at, along={{{moves}}}{extra})"
