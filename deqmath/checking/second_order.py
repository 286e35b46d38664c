"""Second derivatives judged from the function itself, by dual numbers of second order.

At ``theta + eps_1 V + eps_2 W`` the coefficient of ``eps_1 eps_2`` of an expression is its second
derivative along V and W. No first derivative written by anybody is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Expr, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.degree import Degrees
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.judge import as_matrix, checked_assumptions, shape_of, verdict_of
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.motion_degree import followed_twice
from deqmath.checking.quotients import ONE, VARIABLE, Quotient, total
from deqmath.checking.sides import Bindings
from deqmath.checking.solving import Equations
from deqmath.checking.tangents import coefficient, moved
from deqmath.checking.verdict import Verdict
from deqmath.errors import InputError, ShapeError
from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.python_source import python_source


@dataclass(frozen=True)
class SecondDerivativeTest:
    """``(vec(V)^T kron I) C vec(W)`` against the second derivative of ``of`` along V and W."""

    candidate: MatrixExpr
    of: MatrixExpr
    wrt: Expr
    equations: Equations = ()
    nonnegative: tuple[MatrixExpr, ...] = ()

    @property
    def directions(self) -> tuple[Expr, Expr]:
        """The symbols that carry the two directions."""
        first, second = (f"{letter}_{self.wrt.name}" for letter in "VW")
        if isinstance(self.wrt, Symbol):
            return Symbol(first, real=True), Symbol(second, real=True)
        return MatrixSymbol(first, *self.wrt.shape), MatrixSymbol(second, *self.wrt.shape)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        flat = tuple(e for pair in self.equations for e in pair)
        return (self.candidate, self.of, self.wrt, *self.directions, *flat, *self.nonnegative)

    def sides(self, point: Point, bindings: Bindings) -> tuple[FieldMatrix, FieldMatrix]:
        v, w = (point.value_of(d, bindings) for d in self.directions)
        dual = moved(point, [{self.wrt: v}, {self.wrt: w}], self.equations, bindings)
        truth = coefficient(Evaluator(dual, bindings)(self.of), (0, 1), 2)
        size = truth.shape[0] * truth.shape[1]
        left = _stacked(v).transposed().kron(point.identity(size))
        value = left @ (Evaluator(point, bindings)(self.candidate) @ _stacked(w))
        return value, _stacked(truth)

    def degree(self, dg: Degrees) -> Quotient:
        twice = followed_twice(dg, [{self.wrt: VARIABLE}] * 2, self.equations)(self.of) or ONE
        return total([dg.of(self.candidate).raised(2), twice])

    def script(self) -> tuple[str, str]:
        solving = ", ".join(f"({python_source(u)}, {python_source(r)})" for u, r in self.equations)
        extra = f", solving=[{solving}]" if solving else ""
        candidate, of, wrt, *names = (python_source(e) for e in (self.candidate, self.of, self.wrt, *self.directions))
        v, w = names
        rows, cols = self.of.shape
        if isinstance(self.wrt, Symbol):
            lhs = f"dm.evaluate({v} * {w} * ({candidate}), at)"
        else:
            identity = f"sp.Identity({python_source(rows * cols)})"
            lhs = f"dm.evaluate(dm.kron(dm.vec({v}).T, {identity}) * ({candidate}) * dm.vec({w}), at)"
        return lhs, f"dm.evaluate(dm.vec({of}), at, along=[{{{wrt}: {v}}}, {{{wrt}: {w}}}]{extra})"


def _stacked(x: FieldMatrix) -> FieldMatrix:
    rows, cols = x.shape
    return x.reshaped(lambda i, _: (i % rows, i // rows), rows * cols, 1)


def check_second_derivative(
    candidate: Any,
    of: Any,
    wrt: Any,
    *,
    implicit: dict[Any, Any] | None = None,
    assuming: Iterable[Assumption] = (),
    seed: int = 0,
    level: str = "standard",
) -> Verdict:
    """Is ``candidate`` the second derivative of ``of``? Judged by dual numbers of second order.

    Parameters
    ----------
    candidate
        ``d vec(J)/d vec(wrt)^T`` with ``J = d vec(of)/d vec(wrt)^T``: shape (N M, M) for N entries of
        ``of`` and M of ``wrt``; for a scalar ``of`` the Hessian, M x M.
    of
        The expression differentiated twice.
    wrt
        A matrix or vector symbol, or a scalar one.
    implicit
        Unknown -> residual, for unknowns that move with ``wrt`` so that the residual stays 0, to
        second order.

    Returns
    -------
    Verdict
        Exact over the prime field; a counterexample is a point and two directions.
    """
    candidate, of = (as_matrix(x, "check_second_derivative") for x in (candidate, of))
    if not isinstance(wrt, (MatrixSymbol, Symbol)):
        msg = f"check_second_derivative received {wrt!r} to differentiate by; it needs a MatrixSymbol or a Symbol"
        raise InputError(msg)
    (p, q), (r, s) = shape_of(of), shape_of(wrt)
    wanted = (p * q * r * s, r * s)
    if tuple(candidate.shape) != wanted:
        msg = f"the candidate has shape {candidate.shape}; the second derivative of {(p, q)} by {(r, s)} has shape {wanted}"
        raise ShapeError(msg)
    pairs = tuple((implicit or {}).items())
    assumptions = checked_assumptions(assuming)
    signs = tuple(a.expr for a in assumptions if a.kind == "nonnegative")
    return verdict_of(lambda c: SecondDerivativeTest(c, of, wrt, pairs, signs), candidate, assumptions, seed, level)


__all__ = ["SecondDerivativeTest", "check_second_derivative"]
