"""Hypotheses that a line of a derivation rests on, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sympy import Expr, MatrixExpr

from deqmath.errors import ShapeError

AssumptionKind = Literal["invertible", "no-kink", "equation", "contraction", "nonnegative"]


@dataclass(frozen=True)
class Assumption:
    """One hypothesis.

    Parameters
    ----------
    kind
        ``"invertible"`` (``expr`` is an invertible matrix), ``"no-kink"`` (no entry of ``expr`` is 0),
        ``"equation"`` (``expr`` is the zero matrix; ``unknown`` is what it determines),
        ``"contraction"`` (``||expr|| < 1``) or ``"nonnegative"`` (every entry of ``expr`` is >= 0).
    expr
        The matrix expression it speaks about.
    unknown
        For an equation: the unknown that it determines.
    """

    kind: AssumptionKind
    expr: MatrixExpr
    unknown: Expr | None = None

    def __str__(self) -> str:
        from deqmath.expressions.printing import text

        e = text(self.expr)
        return {
            "invertible": f"{e} is invertible",
            "no-kink": f"no entry of {e} is 0",
            "equation": f"{e} = 0",
            "contraction": f"‖{e}‖ < 1",
            "nonnegative": f"{e} ≥ 0 entrywise",
        }[self.kind]


def invertible(M: MatrixExpr) -> Assumption:
    """The hypothesis that a square matrix is invertible."""
    if M.shape[0] != M.shape[1]:
        msg = f"invertible() received a matrix of shape {M.shape[0]} x {M.shape[1]}; it needs a square one"
        raise ShapeError(msg)
    return Assumption("invertible", M)


def no_kink(u: MatrixExpr) -> Assumption:
    """The hypothesis that no entry of the pre-activation u is 0."""
    return Assumption("no-kink", u)


def equation(residual: MatrixExpr, unknown: MatrixExpr) -> Assumption:
    """The hypothesis that ``residual = 0``, which determines ``unknown``."""
    return Assumption("equation", residual, unknown)


def contraction(M: MatrixExpr) -> Assumption:
    """The hypothesis that ``||M||_2 < 1``."""
    return Assumption("contraction", M)


def nonnegative(M: MatrixExpr) -> Assumption:
    """The hypothesis that every entry of M is >= 0."""
    return Assumption("nonnegative", M)
