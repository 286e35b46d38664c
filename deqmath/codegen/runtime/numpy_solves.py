"""Solves that generated NumPy modules carry a copy of: one factorisation, whatever the structure allows.

A factorisation is a tuple for one matrix and an array of tuples for a batch. LAPACK reads columns
first and NumPy stores rows first, so what is factored is the transpose, which costs no reordering.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from deqmath.codegen.runtime.numpy_helpers import _FLOAT64, _add_diagonal

_DGETRF = scipy.linalg.lapack.dgetrf
_DGETRS = scipy.linalg.lapack.dgetrs


def _over_batch(solve: Any, factors: Any, B: np.ndarray, *options: Any) -> np.ndarray:
    """A solve for batches: of right-hand sides with one matrix, or of both."""
    if isinstance(factors, tuple):
        columns = np.moveaxis(B, -2, 0)
        solved = solve(factors, columns.reshape(len(columns), -1), *options)
        return np.moveaxis(solved.reshape(columns.shape), 0, -2)
    batch = np.broadcast_shapes(factors.shape, B.shape[:-2])
    factors, B = np.broadcast_to(factors, batch), np.broadcast_to(B, (*batch, *B.shape[-2:]))
    out = np.empty(B.shape, dtype=B.dtype)
    for k in np.ndindex(*batch):
        out[k] = solve(factors[k], B[k], *options)
    return out


def _getrf(M: np.ndarray) -> Any:
    """LAPACK's factorisation for the dtype; SciPy's search for it is left out for float64."""
    return _DGETRF if M.dtype is _FLOAT64 else scipy.linalg.get_lapack_funcs("getrf", (M,))


def _getrs(lu: np.ndarray, B: np.ndarray) -> Any:
    """LAPACK's solve from the factors; SciPy's search for it is left out for float64."""
    if lu.dtype is B.dtype is _FLOAT64:
        return _DGETRS
    return scipy.linalg.get_lapack_funcs("getrs", (lu, B))


def _lu(M: np.ndarray, name: str, in_place: bool = False) -> Any:
    """``M^T = P L U``, or M, if it may be overwritten and is stored so; an array of them for a batch."""
    if M.ndim == 2:
        straight = in_place and M.flags.f_contiguous
        lu, pivots, info = _getrf(M)(M if straight else M.T, overwrite_a=in_place)
        if info:
            raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible")
        return lu, pivots, straight
    factors = np.empty(M.shape[:-2], dtype=object)
    for k in np.ndindex(*M.shape[:-2]):
        factors[k] = _lu(M[k], name)
    return factors


def _lu_solve(factors: Any, B: np.ndarray, transposed: bool = False) -> np.ndarray:
    """``inv(M) B`` or ``inv(M^T) B`` from the factorisation of M^T, or of M (straight)."""
    if not isinstance(factors, tuple) or B.ndim > 2:
        return _over_batch(_lu_solve, factors, B, transposed)
    lu, pivots, straight = factors
    return np.asarray(_getrs(lu, B)(lu, pivots, B, trans=transposed == straight)[0])


def _solve(M: np.ndarray, B: np.ndarray, name: str) -> np.ndarray:
    """``inv(M) B``; one factorisation where one M serves a whole batch of B."""
    if M.ndim == 2:
        return _lu_solve(_lu(M, name), B)
    try:
        return np.linalg.solve(M, B)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible") from None


def _picked(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``X_SS``; the rows exist, and ``clip`` leaves out the search for one that does not."""
    return X.take(rows, axis=0, mode="clip").take(rows, axis=1, mode="clip")


def _active_lu(d: np.ndarray, X: np.ndarray, s: Any, name: str) -> Any:
    """The open rows S of the gate d, and ``(I + s X)_SS^T = P L U``; an array of them for a batch."""
    if d.ndim == X.ndim == 2 and (type(s) is float or np.ndim(s) == 0):
        rows = d[:, 0].nonzero()[0]
        M = _picked(X, rows)
        M *= s
        M.ravel()[:: len(rows) + 1] += 1.0
        lu, pivots, info = _getrf(M)(M.T, overwrite_a=True) if len(rows) else (M, rows, 0)
        if info:
            raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible")
        return rows, lu, pivots
    batch = np.broadcast_shapes(d.shape[:-2], X.shape[:-2], np.shape(s)[:-2])
    d, X = np.broadcast_to(d, (*batch, *d.shape[-2:])), np.broadcast_to(X, (*batch, *X.shape[-2:]))
    s = np.broadcast_to(s, (*batch, 1, 1))
    factors = np.empty(batch, dtype=object)
    for k in np.ndindex(*batch):
        factors[k] = _active_lu(d[k], X[k], s[k].item(), name)
    return factors


def _active_solve(factors: Any, B: np.ndarray, transposed: bool = False) -> np.ndarray:
    """``P_S M^-1 P_S^T B`` or its transpose for ``M = (I + s X)_SS``: zero off the open rows S."""
    if not isinstance(factors, tuple) or B.ndim > 2:
        return _over_batch(_active_solve, factors, B, transposed)
    rows, lu, pivots = factors
    out = np.zeros(B.shape, dtype=B.dtype)
    if len(rows):
        b = B.take(rows, axis=0, mode="clip")
        getrs = _DGETRS if lu.dtype is b.dtype is _FLOAT64 else _getrs(lu, b)
        out[rows] = getrs(lu, pivots, b, trans=not transposed, overwrite_b=True)[0]
    return out


def _cholesky(M: np.ndarray, name: str) -> Any:
    """``M = L L^T``, or ``P L U`` where rounding makes M indefinite; an array of them for a batch."""
    if M.ndim == 2:
        potrf: Any = scipy.linalg.get_lapack_funcs("potrf", (M,))
        factor, info = potrf(M.T, lower=True, clean=False)
        return (factor,) if info == 0 else _lu(M, name)
    factors = np.empty(M.shape[:-2], dtype=object)
    for k in np.ndindex(*M.shape[:-2]):
        factors[k] = _cholesky(M[k], name)
    return factors


def _cholesky_solve(factors: Any, B: np.ndarray) -> np.ndarray:
    """``inv(M) B`` from the factorisation of a symmetric M."""
    if not isinstance(factors, tuple) or B.ndim > 2:
        return _over_batch(_cholesky_solve, factors, B)
    if len(factors) > 1:
        return _lu_solve(factors, B)
    potrs: Any = scipy.linalg.get_lapack_funcs("potrs", (factors[0], B))
    return np.asarray(potrs(factors[0], B, lower=True)[0])


def _triangular_solve(M: np.ndarray, B: np.ndarray, lower: bool, transposed: bool, name: str) -> np.ndarray:
    """``inv(M) B`` or ``inv(M^T) B`` for a triangular M."""
    if M.ndim == B.ndim == 2:
        trtrs: Any = scipy.linalg.get_lapack_funcs("trtrs", (M, B))
        X, info = trtrs(M.T, B, lower=not lower, trans=not transposed)
        if info:
            raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible")
        return np.asarray(X)
    factors: Any = (M,)
    if M.ndim > 2:
        factors = np.empty(M.shape[:-2], dtype=object)
        for k in np.ndindex(*M.shape[:-2]):
            factors[k] = (M[k],)
    return _over_batch(lambda one, Y: _triangular_solve(one[0], Y, lower, transposed, name), factors, B)


def _low_rank_solve(v: Any, P: np.ndarray, Q: np.ndarray, B: np.ndarray, definite: bool, name: str) -> np.ndarray:
    """``inv(diag(v) + P Q) B``, by Woodbury's identity where Q has few rows, by factoring the sum otherwise."""
    if 2 * P.shape[-1] <= P.shape[-2] and np.all(v):
        X = _woodbury(v, P, Q, B)
        norms = [np.linalg.norm(Y, axis=(-2, -1)) for Y in (v * X + P @ (Q @ X) - B, X, P, Q)]
        allowed = 8 * np.finfo(B.dtype).eps * P.shape[-2] ** 0.5 * norms[1]
        if np.all(norms[0] <= allowed * (np.abs(v).max() + norms[2] * norms[3])):
            return X
    M = _add_diagonal(P @ Q, v)
    return _cholesky_solve(_cholesky(M, name), B) if definite else _solve(M, B, name)


def _woodbury(v: Any, P: np.ndarray, Q: np.ndarray, B: np.ndarray) -> np.ndarray:
    """``C^-1 B - C^-1 P (I + Q C^-1 P)^-1 Q C^-1 B`` for ``C = diag(v)``; NaN where the inner system is singular."""
    S = Q @ (P / v)
    k = np.arange(S.shape[-1])
    S[..., k, k] += 1.0
    try:
        return np.asarray((B - P @ np.linalg.solve(S, Q @ (B / v))) / v)
    except np.linalg.LinAlgError:
        return np.full_like(B, np.nan)


def _contraction_solve(
    X: np.ndarray, s: Any, rho: Any, b: np.ndarray, transposed: bool, name: str, d: Any = None
) -> np.ndarray:
    """``(I + s X)^-1 b`` or its transpose, on the open rows of d where given: by iteration, or by a factorisation."""
    if np.ndim(s) == np.ndim(rho) == 0 and X.ndim == b.ndim == 2 and np.ndim(d) in (0, 2):
        rows = np.arange(len(X)) if d is None else d[:, 0].nonzero()[0]
        most = len(rows) // 12  # a product with a vector is bound by memory, a factorisation is not
        steps = np.log(np.finfo(b.dtype).eps) / np.log(rho) if 0 < rho < 1 else 8 if rho == 1 else np.inf
        if steps < most:
            K = X if d is None else _picked(X, rows)
            x = _iterated(K.T if transposed else K, s, rho, b[rows], most)
            if x is not None:
                out = np.zeros(b.shape, dtype=b.dtype)
                out[rows] = x
                return out
    if d is not None:
        return _active_solve(_active_lu(d, X, s, name), b, transposed)
    M = s * X + np.eye(X.shape[-1], dtype=X.dtype)
    return _solve(M.mT if transposed else M, b, name)


def _iterated(K: np.ndarray, s: float, rho: float, b: np.ndarray, most: int) -> np.ndarray | None:
    """``x = b - s K x`` to working precision; None where a step shows that ``||s K|| <= rho`` is false.

    With rho = 1 a step, which is the residual of the x before it, stops the iteration where it has the size of
    rounding; None also where it shrinks too slowly to get there in ``most`` steps.
    """
    x, eps = b, float(np.finfo(b.dtype).eps)
    last: Any = np.inf
    error, limit = (1.0, most) if rho == 1 else (rho / (1 - rho), 200 + int(2 * np.log(eps) / np.log(rho)))
    for k in range(limit):
        new = b - s * (K @ x)
        step, size = np.linalg.norm(new - x), np.linalg.norm(new)
        x = new
        if error * step <= 4 * eps * size:
            return x
        if not step <= rho * last * (1 + 1e-6) + 4 * eps * size:
            return None
        if rho == 1 and step * (step / last) ** (most - k) > eps * size:
            return None
        last = step
    return None
