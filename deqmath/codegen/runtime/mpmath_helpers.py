"""Functions that generated mpmath modules carry a copy of, each only where it is used.

``ctx`` is the mpmath context; a matrix is one of its matrices. Identities are ``ctx.eye(m)``,
built here only where one is added: no symbol ``I`` occurs, so none can be read as the
imaginary unit.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from numbers import Rational
from typing import Any

from deqmath.codegen.runtime.number_helpers import _rows


def _number(ctx: Any, name: str, value: Any) -> Any:
    """One real finite number in the context."""
    kind, coerced = type(value).__name__, isinstance(value, (bool, str))
    if coerced:
        raise ValueError(f"{name}: received {value!r} of type {kind}; it needs numbers, as in mpmath.mpf({value!r})")
    if isinstance(value, Rational):
        return ctx.mpf(int(value.numerator)) / int(value.denominator)
    try:
        number = ctx.convert(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: received {value!r} of type {kind}; it needs real numbers") from None
    if (hasattr(number, "imag") and number.imag != 0) or "mpc" in type(number).__name__:
        raise ValueError(f"{name}: received the complex number {value}; it needs real numbers")
    if not ctx.isfinite(number):
        raise ValueError(f"{name}: received {value}; it needs finite numbers")
    return +number


def _matrix(ctx: Any, name: str, value: Any, shape: str) -> Any:
    """A matrix argument: an mpmath matrix, or nested lists of rows."""
    if hasattr(value, "rows") and hasattr(value, "cols"):
        rows = [[value[i, j] for j in range(int(value.cols))] for i in range(int(value.rows))]
    else:
        rows = value
    rows = _rows(name, rows, f"{shape}, an mpmath matrix or nested lists of rows")
    return ctx.matrix([[_number(ctx, name, x) for x in r] for r in rows])


def _dimensions(X: Any) -> tuple[int, int]:
    """The shape of a matrix."""
    return X.rows, X.cols


def _solve(ctx: Any, M: Any, B: Any, name: str) -> Any:
    """``inv(M) B``, one factorisation for all columns of B."""
    try:
        if B.cols == 1:
            return ctx.lu_solve(M, B)
        LU, pivots = ctx.LU_decomp(M)
        columns = [ctx.U_solve(LU, ctx.L_solve(LU, B[:, j], pivots)) for j in range(B.cols)]
    except ZeroDivisionError:
        raise ValueError(f"{name} is singular to working precision; it needs to be invertible") from None
    return _from_columns(ctx, columns)


def _lu(ctx: Any, M: Any, name: str) -> Any:
    """``P M = L U`` with ten bits more, factored once for every solve with M or its transpose."""
    try:
        with ctx.workprec(ctx.prec + 10):
            return *ctx.LU_decomp(M), name
    except ZeroDivisionError:
        raise ValueError(f"{name} is singular to working precision; it needs to be invertible") from None


def _lu_solve(ctx: Any, factors: Any, B: Any, transposed: bool = False) -> Any:
    """``inv(M) B`` or ``inv(M^T) B`` from the factorisation of M."""
    LU, pivots, _ = factors
    with ctx.workprec(ctx.prec + 10):
        if transposed:
            columns = [_transposed_solve(ctx, LU, pivots, B[:, j]) for j in range(B.cols)]
        else:
            columns = [ctx.U_solve(LU, ctx.L_solve(LU, B[:, j], pivots)) for j in range(B.cols)]
    return _from_columns(ctx, columns)


def _transposed_solve(ctx: Any, LU: Any, pivots: Any, b: Any) -> Any:
    """``U^T y = b``, ``L^T x = y``, then the exchanges of rows backwards: ``M^T = U^T L^T P``."""
    n, x = LU.rows, b.copy()
    for i in range(n):
        x[i] = (x[i] - ctx.fdot((LU[j, i], x[j]) for j in range(i))) / LU[i, i]
    for i in reversed(range(n)):
        x[i] -= ctx.fdot((LU[j, i], x[j]) for j in range(i + 1, n))
    for i in reversed(range(n - 1)):
        ctx.swap_row(x, i, pivots[i])
    return x


def _active_lu(ctx: Any, d: Any, X: Any, s: Any, name: str) -> Any:
    """The open rows S of the gate d, and ``(I + s X)_SS = P L U``."""
    S = [r for r in range(d.rows) if d[r] != 0]
    if not S:
        return S, None
    return S, _lu(ctx, _build(ctx, len(S), len(S), lambda i, j: s * X[S[i], S[j]] + (i == j)), name)


def _active_solve(ctx: Any, factors: Any, B: Any, transposed: bool = False) -> Any:
    """``P_S M^-1 P_S^T B`` or its transpose for ``M = (I + s X)_SS``: zero off the open rows S."""
    S, lu = factors
    out = ctx.zeros(B.rows, B.cols)
    if S:
        x = _lu_solve(ctx, lu, _build(ctx, len(S), B.cols, lambda i, j: B[S[i], j]), transposed)
        for i, r in enumerate(S):
            for j in range(B.cols):
                out[r, j] = x[i, j]
    return out


def _from_columns(ctx: Any, columns: list[Any]) -> Any:
    """The matrix with the given columns."""
    return ctx.matrix([[c[i] for c in columns] for i in range(columns[0].rows)])


def _build(ctx: Any, rows: int, cols: int, entry: Any) -> Any:
    """The matrix of ``entry(i, j)``."""
    return ctx.matrix([[entry(i, j) for j in range(cols)] for i in range(rows)])


def _map(ctx: Any, f: Any, *X: Any) -> Any:
    """``f`` entry by entry, over matrices of one shape."""
    return _build(ctx, X[0].rows, X[0].cols, lambda i, j: f(*(x[i, j] for x in X)))


def _scale_rows(ctx: Any, v: Any, X: Any) -> Any:
    """``diag(v) X``."""
    return _build(ctx, X.rows, X.cols, lambda i, j: v[i] * X[i, j])


def _scale_columns(ctx: Any, X: Any, row: Any) -> Any:
    """``X diag(row)``."""
    return _build(ctx, X.rows, X.cols, lambda i, j: X[i, j] * row[j])


def _add_diagonal(ctx: Any, X: Any, v: Any) -> Any:
    """``X + diag(v)`` for a column or a number v, in a copy."""
    is_column = hasattr(v, "rows")
    return _build(ctx, X.rows, X.cols, lambda i, j: X[i, j] + (v[i] if is_column else v) if i == j else X[i, j])


def _kron(ctx: Any, A: Any, B: Any) -> Any:
    """``A kron B``."""
    p, q = B.rows, B.cols
    return _build(ctx, A.rows * p, A.cols * q, lambda i, j: A[i // p, j // q] * B[i % p, j % q])


def _vec(ctx: Any, X: Any) -> Any:
    """``vec(X)``: the columns of X, stacked."""
    return _build(ctx, X.rows * X.cols, 1, lambda k, _: X[k % X.rows, k // X.rows])


def _unvec(ctx: Any, y: Any, rows: int, cols: int) -> Any:
    """The matrix of the given shape with ``vec = y``."""
    return _build(ctx, rows, cols, lambda i, j: y[j * rows + i])


def _kron_apply(ctx: Any, A: Any, B: Any, Y: Any) -> Any:
    """``(A kron B) Y``, column by column: ``vec(B X A^T)``."""
    columns = [_vec(ctx, B * _unvec(ctx, Y[:, k], B.cols, A.cols) * A.T) for k in range(Y.cols)]
    return _from_columns(ctx, columns)


def _blocks(ctx: Any, rows: list[list[Any]]) -> Any:
    """The matrix made of blocks, given as rows of blocks."""
    return ctx.matrix([[X[i, j] for X in row for j in range(X.cols)] for row in rows for i in range(row[0].rows)])


def _softmax_columns(ctx: Any, X: Any) -> Any:
    """``exp(x_ij) / sum_k exp(x_kj)``."""
    E = _map(ctx, ctx.exp, X)
    sums = [ctx.fsum(E[k, j] for k in range(E.rows)) for j in range(E.cols)]
    return _build(ctx, E.rows, E.cols, lambda i, j: E[i, j] / sums[j])


def _logdet(ctx: Any, M: Any, name: str) -> Any:
    """``log(det(M))`` of a matrix of positive determinant."""
    determinant = ctx.det(M)
    if determinant <= 0:
        raise ValueError(f"{name} has determinant {ctx.nstr(determinant)}; its logarithm needs a positive one")
    return ctx.matrix([[ctx.log(determinant)]])
