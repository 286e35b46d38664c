"""What a line of a derivation claims, as data: calculus states it, checking judges it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr, MatrixExpr, Symbol


@dataclass(frozen=True)
class Given:
    """The line is a definition or a hypothesis: nothing to judge."""


@dataclass(frozen=True)
class Equal:
    """``lhs = rhs`` wherever both are defined and the hypotheses hold."""

    lhs: MatrixExpr
    rhs: MatrixExpr


@dataclass(frozen=True)
class DifferentialOf:
    """``candidate`` is the differential of ``of`` when each key of ``differentials`` moves by its value."""

    candidate: MatrixExpr
    of: MatrixExpr
    differentials: tuple[tuple[Expr, Expr], ...]
    implicit: tuple[tuple[MatrixExpr, MatrixExpr], ...] = ()


@dataclass(frozen=True)
class DerivativeOf:
    """``candidate`` is ``d vec(of)/d vec(wrt)^T``, or the gradient (shape of ``wrt``) of a scalar.

    ``implicit`` lists pairs (unknown, residual): the unknown moves with ``wrt`` so that the
    residual stays 0.
    """

    candidate: MatrixExpr
    of: MatrixExpr
    wrt: Expr
    gradient: bool = False
    implicit: tuple[tuple[MatrixExpr, MatrixExpr], ...] = field(default=())


@dataclass(frozen=True)
class NormAtMost:
    """``||expr|| <= bound`` wherever the equations hold and ``contraction < 1``.

    ``norms`` says what each symbol in the bound is the norm of: pairs (symbol, matrix).
    """

    expr: MatrixExpr
    bound: Expr
    norms: tuple[tuple[Symbol, MatrixExpr], ...]
    equations: tuple[tuple[MatrixExpr, MatrixExpr], ...] = ()
    contraction: Expr | None = None


Statement = Given | Equal | DifferentialOf | DerivativeOf | NormAtMost
