"""What two neighbouring letters of a product become: each rule is one identity.

A rule receives the letters left and right of a junction and returns the polynomial that
replaces them, or None where it does not apply. Every rule shortens the word, or moves an
inverse to the left, or a commutation to the right, so that rewriting ends.
"""

from __future__ import annotations

from sympy import Inverse, MatAdd, MatrixExpr
from sympy.matrices.expressions import KroneckerProduct, Transpose

from deqmath.calculus.algebra import JUNCTION_RULES, JunctionRule, canonical, multiply, reduce_word
from deqmath.calculus.builders import (
    commutation_of,
    diag_of,
    diagonal_of,
    identity,
    inverse_of,
    kron_of,
    trace_of,
    transpose_of,
    vec_of,
)
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Monomial, Polynomial, single
from deqmath.expressions.nodes import Commutation, Diag, DiagSelection, Gate, Vec
from deqmath.expressions.ordering import structure_key


def junction(rule: JunctionRule) -> JunctionRule:
    """Decorator: try this rule at every junction, after those defined above it."""
    JUNCTION_RULES.append(rule)
    return rule


def _product(*factors: MatrixExpr) -> Polynomial:

    out = normal_form(factors[0])
    for f in factors[1:]:
        out = multiply(out, normal_form(f))
    return out


@junction
def cancel_inverse(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``M^{-1} M = M M^{-1} = I``."""
    if (isinstance(left, Inverse) and left.arg == right) or (isinstance(right, Inverse) and right.arg == left):
        return identity(left.shape[0])
    return None


@junction
def gate_idempotent(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``D D = D`` for a gate D (its entries are 0 or 1)."""
    if isinstance(left, Gate) and left == right:
        return single(left.shape, Monomial((left,)))
    return None


@junction
def diagonals_commute(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``diag(a) diag(b) = diag(b) diag(a)``: written in one order."""

    if (
        isinstance(left, (Gate, Diag))
        and isinstance(right, (Gate, Diag))
        and structure_key(right) < structure_key(left)
    ):
        return single(left.shape, Monomial((right, left)))
    return None


@junction
def push_through(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``X (c I + sum_k Y_k X)^{-1} = (c I + sum_k X Y_k)^{-1} X``: inverses move left."""
    if not isinstance(right, Inverse) or not isinstance(right.arg, MatAdd):
        return None

    inner = normal_form(right.arg)
    k = left.shape[0]
    moved = Polynomial((k, k))
    has_identity = False
    for m, c in inner:
        if not m.word:
            has_identity = has_identity or not m.traces
            moved.add(m, c)
        elif m.word[-1] == left:
            for m2, c2 in reduce_word((left, *m.word[:-1]), (k, k)):
                moved.add(canonical(m2.word, m.traces + m2.traces, m.binders + m2.binders), c * c2)
        else:
            return None
    if not has_identity:
        return None
    return multiply(inverse_of(moved), single(left.shape, Monomial((left,))))


@junction
def mixed_product(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``(A kron B)(C kron D) = (A C) kron (B D)``."""
    if not (isinstance(left, KroneckerProduct) and isinstance(right, KroneckerProduct)):
        return None
    (a, b), (c, d) = left.args, right.args
    if a.shape[1] != c.shape[0] or b.shape[1] != d.shape[0]:
        return None
    return kron_of(_product(a, c), _product(b, d))


@junction
def kron_absorbs_left(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``M (r kron B) = r kron (M B)`` for a row r, and ``M (A kron r) = (M A) kron r``."""
    if not isinstance(right, KroneckerProduct) or isinstance(left, (KroneckerProduct, Commutation)):
        return None
    a, b = right.args
    if a.shape[0] == 1 and left.shape[1] == b.shape[0]:
        return kron_of(_product(a), _product(left, b))
    if b.shape[0] == 1 and left.shape[1] == a.shape[0]:
        return kron_of(_product(left, a), _product(b))
    return None


@junction
def kron_absorbs_right(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``(c kron B) M = c kron (B M)`` for a column c, and ``(A kron c) M = (A M) kron c``."""
    if not isinstance(left, KroneckerProduct) or isinstance(right, (KroneckerProduct, Commutation, Vec)):
        return None
    a, b = left.args
    if a.shape[1] == 1 and right.shape[0] == b.shape[1]:
        return kron_of(_product(a), _product(b, right))
    if b.shape[1] == 1 and right.shape[0] == a.shape[1]:
        return kron_of(_product(a, right), _product(b))
    return None


@junction
def kron_times_vec(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``(A kron B) vec(X) = vec(B X A^T)``."""
    if not (isinstance(left, KroneckerProduct) and isinstance(right, Vec)):
        return None
    a, b = left.args
    if right.arg.shape != (b.shape[1], a.shape[1]):
        return None

    return vec_of(multiply(_product(b, right.arg), transpose_of(_product(a))))


@junction
def vec_transposed_timeskron_of(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``vec(X)^T (A kron B) = vec(B^T X A)^T``."""

    if not (isinstance(left, Transpose) and isinstance(left.arg, Vec) and isinstance(right, KroneckerProduct)):
        return None
    a, b = right.args
    x = left.arg.arg
    if x.shape != (b.shape[0], a.shape[0]):
        return None

    return transpose_of(vec_of(multiply(transpose_of(_product(b)), _product(x, a))))


@junction
def vec_inner_product(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``vec(X)^T vec(Y) = tr(X^T Y)``."""

    if not (isinstance(left, Transpose) and isinstance(left.arg, Vec) and isinstance(right, Vec)):
        return None
    if left.arg.arg.shape != right.arg.shape:
        return None

    return trace_of(multiply(transpose_of(_product(left.arg.arg)), _product(right.arg)))


@junction
def commutation_of_vec(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``K_{pq} vec(X) = vec(X^T)`` for X p x q."""
    if isinstance(left, Commutation) and isinstance(right, Vec) and right.arg.shape == left.args:
        return vec_of(transpose_of(_product(right.arg)))
    return None


@junction
def commutation_after_vec_transposed(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``vec(X^T)^T K_{pq} = vec(X)^T`` for X p x q, since ``K_{pq}^T vec(X^T) = vec(X)``."""
    if not (isinstance(right, Commutation) and isinstance(left, Transpose) and isinstance(left.arg, Vec)):
        return None
    if left.arg.arg.shape != right.args[::-1]:
        return None
    return transpose_of(vec_of(transpose_of(_product(left.arg.arg))))


@junction
def commutation_involution(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``K_{qp} K_{pq} = I``."""
    if isinstance(left, Commutation) and isinstance(right, Commutation) and left.args == right.args[::-1]:
        return identity(left.shape[0])
    return None


@junction
def commutation_pastkron_of(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``K_{rp} (A kron B) = (B kron A) K_{sq}`` for A p x q and B r x s: commutations move right."""
    if not (isinstance(left, Commutation) and isinstance(right, KroneckerProduct)):
        return None
    a, b = right.args
    if left.args != (b.shape[0], a.shape[0]):
        return None

    return multiply(kron_of(_product(b), _product(a)), commutation_of(b.shape[1], a.shape[1]))


@junction
def diag_selection(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``E v = vec(diag(v))`` for a column v."""
    if isinstance(left, DiagSelection) and right.shape[1] == 1:
        return vec_of(diag_of(_product(right)))
    return None


@junction
def kron_times_diag_selection(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``(v^T kron M) E = M diag(v)`` and ``(M kron v^T) E = M diag(v)`` for a row ``v^T``."""
    if not (isinstance(left, KroneckerProduct) and isinstance(right, DiagSelection)):
        return None
    a, b = left.args
    if a.shape[1] != b.shape[1]:
        return None
    for row, M in ((a, b), (b, a)):
        if row.shape[0] == 1:
            return multiply(_product(M), diag_of(transpose_of(_product(row))))
    return None


@junction
def diag_selection_transposed(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``E^T vec(M) = diagonal(M)``, ``E^T (v kron M) = diag(v) M`` for a column v, and ``E^T E = I``."""
    if not (isinstance(left, Transpose) and isinstance(left.arg, DiagSelection)):
        return None
    if right == left.arg:
        return identity(left.shape[0])
    if isinstance(right, Vec) and right.arg.shape[0] == right.arg.shape[1]:
        return diagonal_of(_product(right.arg))
    if not isinstance(right, KroneckerProduct) or right.args[0].shape[0] != right.args[1].shape[0]:
        return None
    a, b = right.args
    for column, M in ((a, b), (b, a)):
        if column.shape[1] == 1:
            return multiply(diag_of(_product(column)), _product(M))
    return None


@junction
def diag_selection_is_symmetric(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``K E = E`` and ``E^T K = E^T``: a matrix and its transpose have one diagonal."""
    if isinstance(left, Commutation) and isinstance(right, DiagSelection) and left.args[0] == left.args[1]:
        return single(right.shape, Monomial((right,)))
    transposed = isinstance(left, Transpose) and isinstance(left.arg, DiagSelection)
    if transposed and isinstance(right, Commutation) and right.args[0] == right.args[1]:
        return single(left.shape, Monomial((left,)))
    return None


@junction
def kron_of_a_row_before_commutation(left: MatrixExpr, right: MatrixExpr) -> Polynomial | None:
    """``(r kron B) K = B kron r`` and ``(A kron r) K = r kron A`` for a row r, since ``(A kron B) K = K (B kron A)``."""
    if not (isinstance(left, KroneckerProduct) and isinstance(right, Commutation)):
        return None
    a, b = left.args
    if right.args != (a.shape[1], b.shape[1]) or (a.shape[0] != 1 and b.shape[0] != 1):
        return None
    return kron_of(_product(b), _product(a))
