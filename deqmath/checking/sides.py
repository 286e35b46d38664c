"""What must come out equal for a statement to hold: two sides, evaluated at a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from sympy import Expr, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.degree import Degree, Degrees, of_derivative, of_product, of_solution, of_sum
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.solving import Equations, Solved, groups
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
    def degree(self, dg: Degrees) -> Degree: ...
    def script(self) -> tuple[str, str]: ...


def degrees_at(sizes: Mapping[Symbol, int], solved: Sequence[Solved]) -> Degrees:
    """Degrees at a point: what was solved for is a quotient of determinants (Cramer's rule)."""
    known: dict[Expr, Degree] = {}
    for group in solved:
        start = (1, 0) if group.parameter else (0, 0)
        inner = Degrees(sizes, {**known, **dict.fromkeys(group.symbols, start)})
        p, q = of_solution(_largest([inner(r) for r in group.residuals]), group.size)
        known |= dict.fromkeys(group.symbols, (p + (group.systems - 1) * q, group.systems * q))
    return Degrees(sizes, known)


def _largest(degrees: Sequence[Degree]) -> Degree:
    return max(d[0] for d in degrees), max(d[1] for d in degrees)


def moving_degree(dg: Degrees, direction: Degree, equations: Equations) -> Degree:
    """Degrees of the tangents of everything that moves: the direction, and the unknowns that follow."""
    for group in groups(equations):
        residual = _largest([of_product(of_derivative(dg(r)), direction) for r in group.residuals])
        size = sum(dg.size(u.shape[0]) * dg.size(u.shape[1]) for u in group.unknowns)
        systems = 1
        if group.index is not None:
            systems = max(dg.size(u.arg.shape[1]) for u in group.unknowns if isinstance(u, Column))
        p, q = of_solution(residual, size)
        direction = of_sum(direction, (p + (systems - 1) * q, systems * q))
    return direction


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

    def degree(self, dg: Degrees) -> Degree:
        return of_sum(dg(self.lhs), dg(self.rhs))

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
            return Symbol(name, real=True)
        return MatrixSymbol(name, *self.wrt.shape)

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

    def degree(self, dg: Degrees) -> Degree:
        moving = moving_degree(dg, (1, 0), self._free())
        truth = of_product(of_derivative(dg(self.of)), moving)
        return of_sum(of_product(dg(self.candidate), (1, 0)), truth)

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

    def degree(self, dg: Degrees) -> Degree:
        direction = (0, 0)
        for _, dx in self.differentials:
            direction = of_sum(direction, dg(dx))
        moving = moving_degree(dg, direction, self.equations)
        return of_sum(dg(self.candidate), of_product(of_derivative(dg(self.of)), moving))

    def script(self) -> tuple[str, str]:
        from deqmath.expressions.python_source import python_source

        moves = ", ".join(f"{python_source(x)}: {python_source(dx)}" for x, dx in self.differentials)
        solving = ", ".join(f"({python_source(u)}, {python_source(r)})" for u, r in self.equations)
        extra = f", solving=[{solving}]" if solving else ""
        of = python_source(self.of)
        return f"dm.evaluate({python_source(self.candidate)}, at)", f"dm.evaluate({of}, at, along={{{moves}}}{extra})"
