"""Functions that generated modules of ball arithmetic carry a copy of, each only where it is used.

Every number is a ball (``flint.arb``): the result holds the value for every choice of numbers in the
balls of the arguments. What a ball cannot decide is never guessed: it raises ``Undecided``.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

import functools
from numbers import Rational
from typing import Any

from flint import arb, arb_mat, ctx

from deqmath.codegen.runtime.number_helpers import _rows


class Undecided(ValueError):
    """The balls of the arguments are too wide to decide a sign or that a matrix is invertible."""


def _with_precision(function: Any) -> Any:
    """Run at ``prec`` bits and put the caller's precision back."""

    @functools.wraps(function)
    def at_precision(*args: Any, prec: int = 128, **kwargs: Any) -> Any:
        if isinstance(prec, bool) or not isinstance(prec, int) or prec < 2:
            raise ValueError(f"prec: received {prec!r}; it needs a number of bits, an integer of at least 2")
        with ctx.workprec(prec):
            return function(*args, **kwargs)

    return at_precision


def _number(name: str, value: Any) -> Any:
    """One real finite ball."""
    kind, coerced = type(value).__name__, isinstance(value, (bool, str))
    if coerced:
        raise ValueError(f"{name}: received {value!r} of type {kind}; it needs a number, as in flint.arb({value!r})")
    if isinstance(value, arb):
        ball = value
    elif isinstance(value, Rational):
        ball = arb(int(value.numerator)) / int(value.denominator)
    elif isinstance(value, float) or (hasattr(value, "p") and hasattr(value, "q")):  # or a flint.fmpq
        ball = arb(value)
    else:
        raise ValueError(f"{name}: received a {kind}; it needs a real ball, as in flint.arb({name})")
    if not ball.is_finite():
        raise ValueError(f"{name}: received {value}; it needs finite numbers")
    return ball


def _matrix(name: str, value: Any, shape: str) -> Any:
    """A matrix argument: a matrix of balls or of exact numbers, or nested lists of rows."""
    rows = _rows(name, value, f"{shape}, a flint.arb_mat or nested lists of rows")
    return arb_mat([[_number(name, x) for x in r] for r in rows])


def _dimensions(X: Any) -> tuple[int, int]:
    """The shape of a matrix."""
    return X.nrows(), X.ncols()


def _positive(x: Any) -> bool:
    """Whether ``x > 0``, where the ball of x decides it."""
    if x > 0:
        return True
    if x <= 0:
        return False
    raise Undecided(f"the sign of a number in {x} is undecided; it needs narrower arguments or a larger prec")


def _relu(x: Any) -> Any:
    """``max(x, 0)``, for every number in the ball."""
    return x.max(arb(0))


def _step(x: Any) -> Any:
    """``1[x > 0]``; undecided where the ball holds numbers on both sides."""
    return arb(1) if _positive(x) else arb(0)


def _solve(M: Any, B: Any, name: str) -> Any:
    """``inv(M) B`` for every matrix in the balls of M, all of which are proved invertible."""
    try:
        return M.solve(B)
    except ZeroDivisionError:
        raise Undecided(
            f"{name} is singular, or too wide to be proved invertible at {ctx.prec} bits; it needs to be invertible"
        ) from None


def _open_rows(d: Any) -> list[int]:
    """The rows of a gate that are 1; each must be exactly 0 or 1, and a ball that holds more decides nothing."""
    for x in d.entries():
        if not (x == 0 or x == 1):
            raise Undecided(f"the gate {x} is undecided; it needs narrower arguments or a larger prec")
    return [r for r in range(d.nrows()) if d[r, 0] == 1]


def _active_lu(d: Any, X: Any, s: Any, name: str) -> Any:
    """The open rows S of the gate d, and ``(I + s X)_SS``."""
    S = _open_rows(d)
    return S, _build(len(S), len(S), lambda i, j: s * X[S[i], S[j]] + int(i == j)) if S else None, name


def _active_solve(factors: Any, B: Any, transposed: bool = False) -> Any:
    """``P_S M^-1 P_S^T B`` or its transpose for ``M = (I + s X)_SS``: exactly zero off the open rows S."""
    S, M, name = factors
    out = arb_mat(B.nrows(), B.ncols())
    if S:
        picked = _build(len(S), B.ncols(), lambda i, j: B[S[i], j])
        x = _solve(M.transpose() if transposed else M, picked, name)
        for i, r in enumerate(S):
            for j in range(B.ncols()):
                out[r, j] = x[i, j]
    return out


def _build(rows: int, cols: int, entry: Any) -> Any:
    """The matrix of ``entry(i, j)``."""
    return arb_mat([[entry(i, j) for j in range(cols)] for i in range(rows)])


def _eye(k: int) -> Any:
    """The identity of size k."""
    return _build(k, k, lambda i, j: arb(int(i == j)))


def _map(f: Any, *X: Any) -> Any:
    """``f`` entry by entry, over matrices of one shape."""
    return _build(X[0].nrows(), X[0].ncols(), lambda i, j: f(*(x[i, j] for x in X)))


def _column(X: Any, j: int) -> Any:
    """Column j."""
    return _build(X.nrows(), 1, lambda i, _: X[i, j])


def _from_columns(columns: list[Any]) -> Any:
    """The matrix with the given columns."""
    return _build(columns[0].nrows(), len(columns), lambda i, j: columns[j][i, 0])


def _scale_rows(v: Any, X: Any) -> Any:
    """``diag(v) X``."""
    return _build(X.nrows(), X.ncols(), lambda i, j: v[i, 0] * X[i, j])


def _scale_columns(X: Any, row: Any) -> Any:
    """``X diag(row)``."""
    return _build(X.nrows(), X.ncols(), lambda i, j: X[i, j] * row[0, j])


def _add_diagonal(X: Any, v: Any) -> Any:
    """``X + diag(v)`` for a column or a number v."""
    at = (lambda _: v) if isinstance(v, arb) else (lambda i: v[i, 0])
    return _build(X.nrows(), X.ncols(), lambda i, j: X[i, j] + at(i) if i == j else X[i, j])


def _diagonal(v: Any) -> Any:
    """``diag(v)``."""
    return _build(v.nrows(), v.nrows(), lambda i, j: v[i, 0] if i == j else arb(0))


def _kron(A: Any, B: Any) -> Any:
    """``A kron B``."""
    p, q = B.nrows(), B.ncols()
    return _build(A.nrows() * p, A.ncols() * q, lambda i, j: A[i // p, j // q] * B[i % p, j % q])


def _vec(X: Any) -> Any:
    """``vec(X)``: the columns of X, stacked."""
    p = X.nrows()
    return _build(p * X.ncols(), 1, lambda k, _: X[k % p, k // p])


def _unvec(y: Any, rows: int, cols: int) -> Any:
    """The matrix of the given shape with ``vec = y``."""
    return _build(rows, cols, lambda i, j: y[j * rows + i, 0])


def _kron_apply(A: Any, B: Any, Y: Any) -> Any:
    """``(A kron B) Y``, column by column: ``vec(B X A^T)``."""
    columns = (_unvec(_column(Y, k), B.ncols(), A.ncols()) for k in range(Y.ncols()))
    return _from_columns([_vec(B * X * A.transpose()) for X in columns])


def _blocks(rows: list[list[Any]]) -> Any:
    """The matrix made of blocks, given as rows of blocks."""
    return arb_mat([[X[i, j] for X in row for j in range(X.ncols())] for row in rows for i in range(row[0].nrows())])


def _softmax_columns(X: Any) -> Any:
    """``exp(x_ij) / sum_k exp(x_kj)``."""
    E = _map(lambda t: t.exp(), X)
    sums = [sum((E[k, j] for k in range(E.nrows())), arb(0)) for j in range(E.ncols())]
    return _build(E.nrows(), E.ncols(), lambda i, j: E[i, j] / sums[j])


def _logdet(M: Any, name: str) -> Any:
    """``log(det(M))`` of a matrix of positive determinant."""
    determinant = M.det()
    if not determinant > 0:
        raise Undecided(f"{name} has determinant {determinant}; its logarithm needs one that is proved positive")
    return arb_mat([[determinant.log()]])
