"""Which hypotheses a line needs, which are missing, and which are stated but not used."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Determinant, Identity, Inverse, MatAdd, MatMul, MatrixExpr, S, Transpose, preorder_traversal

from deqmath.calculus.normal_form import proves_equal
from deqmath.checking import check_equal
from deqmath.expressions.assumptions import Assumption


def inverted(expr: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """The matrices that are inverted in an expression, in order of first occurrence."""
    return tuple(dict.fromkeys(a.arg for a in preorder_traversal(expr) if isinstance(a, Inverse)))


def missing(expr: MatrixExpr, before: MatrixExpr | None, holding: Iterable[Assumption]) -> tuple[MatrixExpr, ...]:
    """The matrices inverted in ``expr`` whose invertibility neither the line before nor a hypothesis gives."""
    known = [] if before is None else list(inverted(before))
    for a in holding:
        if a.kind == "invertible":
            known.append(a.expr)
        if a.kind == "contraction":  # ||M|| < 1 makes I - M and I + M invertible
            identity = Identity(a.expr.shape[0])
            known += [MatAdd(identity, MatMul(S.NegativeOne, a.expr)), MatAdd(identity, a.expr)]
    return tuple(M for M in inverted(expr) if not any(same_invertibility(M, K) for K in known))


def same_invertibility(M: MatrixExpr, K: MatrixExpr) -> bool:
    """Whether M is invertible exactly where K is: equal, transposed, or of equal determinant.

    ``det(I - X Y) = det(I - Y X)`` covers the two sides of the push-through identity; the
    determinants are compared exactly, at several sizes.
    """
    if M == K or (M.shape == K.shape and (proves_equal(M, K) or proves_equal(M, Transpose(K)))):
        return True
    one = Identity(S.One)
    return check_equal(MatMul(Determinant(M), one), MatMul(Determinant(K), one)).status == "verified"
