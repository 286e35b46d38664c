"""Hypotheses that hold at the point but move nothing: ``S = S^T`` while the derivative is taken by S or by x."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, MatrixExpr

from deqmath.checking.degree import Degrees
from deqmath.checking.evaluation import Point
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.quotients import Quotient
from deqmath.checking.sides import Bindings, SidesTest
from deqmath.checking.solving import Equations


@dataclass(frozen=True)
class HoldingTest:
    """A test at points where further equations hold; unlike its own equations they are not followed by tangents."""

    test: SidesTest
    held: Equations

    @property
    def expressions(self) -> tuple[Expr, ...]:
        return (*self.test.expressions, *(e for pair in self.held for e in pair))

    @property
    def equations(self) -> Equations:
        return (*self.test.equations, *self.held)

    @property
    def nonnegative(self) -> tuple[MatrixExpr, ...]:
        return self.test.nonnegative

    def sides(self, point: Point, bindings: Bindings) -> tuple[FieldMatrix, FieldMatrix]:
        return self.test.sides(point, bindings)

    def degree(self, dg: Degrees) -> Quotient:
        return self.test.degree(dg)

    def script(self) -> tuple[str, str]:
        return self.test.script()
