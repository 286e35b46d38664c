"""Hypotheses that a line of a derivation rests on, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sympy import Expr, Identity, MatrixExpr, Q
from sympy.assumptions import AppliedPredicate

from deqmath.errors import InputError, ShapeError

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


def symmetric(S: MatrixExpr) -> Assumption:
    """The hypothesis ``S = S^T``.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m = dm.dim("m")
    >>> S, x = MatrixSymbol("S", m, m), MatrixSymbol("x", m, 1)
    >>> dm.check_equal((S + S.T) * x, 2 * S * x).status
    'refuted'
    >>> dm.check_equal((S + S.T) * x, 2 * S * x, assuming=dm.symmetric(S)).status
    'verified'
    """
    return equation(_square("symmetric", S) - S.T, S)


def orthogonal(S: MatrixExpr) -> Assumption:
    """The hypothesis ``S^T S = I``."""
    return equation(_square("orthogonal", S).T * S - Identity(S.shape[0]), S)


def idempotent(S: MatrixExpr) -> Assumption:
    """The hypothesis ``S S = S``."""
    return equation(_square("idempotent", S) * S - S, S)


def _square(name: str, S: MatrixExpr) -> MatrixExpr:
    if not isinstance(S, MatrixExpr) or S.shape[0] != S.shape[1]:
        msg = f"{name}() received {S!r}; it needs a square matrix"
        raise ShapeError(msg)
    return S


#: SymPy's predicates that are hypotheses here. Others (``Q.positive_definite``) are inequalities no check can hold.
_PREDICATES = {
    Q.symmetric: symmetric,
    Q.orthogonal: orthogonal,
    Q.invertible: invertible,
}


def hypothesis(given: Any) -> Assumption:
    """A hypothesis as it was given: an :class:`Assumption`, or SymPy's ``Q.symmetric(S)`` and the like."""
    if isinstance(given, Assumption):
        return given
    if isinstance(given, AppliedPredicate) and given.function in _PREDICATES:
        return _PREDICATES[given.function](given.arguments[0])
    msg = (
        f"assuming received {given!r}; it needs hypotheses such as dm.equation(residual, unknown), "
        "dm.symmetric(S), dm.invertible(M), dm.no_kink(u), or SymPy's Q.symmetric(S), Q.orthogonal(S), Q.invertible(M)"
    )
    raise InputError(msg)
