"""Functions that generated JAX modules carry a copy of, each only where it is used.

Shapes and dtypes are checked always; values are looked at only outside of a trace, so that every
function works under ``jit``, ``grad`` and ``vmap``.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def _kind(**arguments: Any) -> Any:
    """The dtype of new arrays: that of the arguments; each must be a JAX array, or a number."""
    arrays = {name: a for name, a in arguments.items() if isinstance(a, jax.Array)}
    for name, value in arguments.items():
        if name not in arrays and not (isinstance(value, (int, float)) and not isinstance(value, bool)):
            raise ValueError(
                f"{name}: received a {type(value).__name__}; it needs a JAX array, as in jnp.asarray({name})"
            )
    for name, array in arrays.items():
        if array.dtype not in (jnp.float64, jnp.float32):
            raise ValueError(f"{name}: received dtype {array.dtype}; it needs real numbers, float64 or float32")
    return jnp.result_type(*arrays.values()) if arrays else jnp.result_type(float)


def _fails(condition: Any) -> bool:
    """Whether a condition is known to fail somewhere; under a trace it is not known."""
    return not isinstance(condition, jax.core.Tracer) and not bool(condition.all())


def _check_values(name: str, value: Any) -> None:
    """Refuse what is no array, or, where the values can be looked at, not finite."""
    kind, known = type(value).__name__, isinstance(value, jax.Array)
    if not known:
        raise ValueError(f"{name}: received a {kind}; it needs a JAX array, as in jnp.asarray({name})")
    if _fails(jnp.isfinite(value)):
        raise ValueError(f"{name}: received nan or inf; it needs finite numbers")


def _scalar(name: str, value: Any, kind: Any) -> Any:
    """A scalar argument as an array: one number, or one a sample, which gets two axes of length 1."""
    array = value if isinstance(value, jax.Array) else jnp.asarray(value, dtype=kind)
    _check_values(name, array)
    return array[..., None, None] if array.ndim else array


def _finish(result: Any, shape: tuple[int, ...], kind: Any) -> Any:
    """The result in the batch shape and dtype of the arguments."""
    return jnp.broadcast_to(jnp.asarray(result, dtype=kind), shape)


def _as_matrix(x: Any, kind: Any) -> Any:
    """A scalar as a 1 x 1 matrix."""
    return jnp.atleast_2d(jnp.asarray(x, dtype=kind))


def _eye(k: int, kind: Any) -> Any:
    """The identity of size k."""
    return jnp.eye(k, dtype=kind)


def _full(shape: tuple[int, int], value: float, kind: Any) -> Any:
    """A matrix whose entries are all one number."""
    return jnp.full(shape, value, dtype=kind)


def _constant(rows: list[list[float]], kind: Any) -> Any:
    """A matrix of given numbers."""
    return jnp.asarray(rows, dtype=kind)


def _regular(x: Any, name: str) -> Any:
    """What a solve gave; a singular matrix shows as inf or nan, which a trace passes on to the caller."""
    if _fails(jnp.isfinite(x)):
        raise ValueError(f"{name} is singular; it needs to be invertible")
    return x


def _solve(M: Any, B: Any, name: str) -> Any:
    """``inv(M) B``."""
    batch = jnp.broadcast_shapes(M.shape[:-2], B.shape[:-2])
    M, B = jnp.broadcast_to(M, batch + M.shape[-2:]), jnp.broadcast_to(B, batch + B.shape[-2:])
    return _regular(jnp.linalg.solve(M, B), name)


def _inverse(M: Any, name: str) -> Any:
    """``inv(M)``, for a result that is itself an inverse."""
    return _regular(jnp.linalg.inv(M), name)


def _lu(M: Any, name: str) -> Any:
    """``P M = L U``, factored once for every solve with M or its transpose; derivatives are those of M, not of L U."""
    return M, *jax.scipy.linalg.lu_factor(jax.lax.stop_gradient(M)), name


def _lu_solve(factors: Any, B: Any, transposed: bool = False) -> Any:
    """``inv(M) B`` or ``inv(M^T) B`` from the factorisation of M."""
    M, lu, pivots, name = factors
    batch = jnp.broadcast_shapes(lu.shape[:-2], B.shape[:-2])
    lu = jnp.broadcast_to(lu, batch + lu.shape[-2:])
    pivots = jnp.broadcast_to(pivots, batch + pivots.shape[-1:])
    B = jnp.broadcast_to(B, batch + B.shape[-2:])

    def solve(b: Any, trans: bool) -> Any:
        return jax.scipy.linalg.lu_solve((lu, pivots), b, trans=int(trans))

    x = jax.lax.custom_linear_solve(
        lambda y: (M.mT if transposed else M) @ y,
        B,
        solve=lambda _, b: solve(b, transposed),
        transpose_solve=lambda _, b: solve(b, not transposed),
    )
    return _regular(x, name)


def _cholesky(M: Any, name: str) -> Any:
    """``M = L L^T``, factored once; M stays for the case that rounding makes it indefinite."""
    return jnp.linalg.cholesky(M), M, name


def _cholesky_solve(factors: Any, B: Any) -> Any:
    """``inv(M) B`` from the factorisation of a symmetric M; by LU where there is none, and L is not finite."""
    L, M, name = factors
    batch = jnp.broadcast_shapes(L.shape[:-2], B.shape[:-2])
    L, M, B = (jnp.broadcast_to(X, (*batch, *X.shape[-2:])) for X in (L, M, B))

    def factored() -> Any:
        return jax.scipy.linalg.cho_solve((L, True), B)

    return _regular(jax.lax.cond(jnp.isfinite(L).all(), factored, lambda: jnp.linalg.solve(M, B)), name)


def _logdet(M: Any, name: str) -> Any:
    """``log(det(M))`` of a matrix of positive determinant; nan under a trace where it is not positive."""
    sign, value = jnp.linalg.slogdet(M)
    if _fails(sign > 0):
        raise ValueError(f"{name} has a determinant that is not positive; its logarithm needs a positive one")
    return jnp.where(sign > 0, value, jnp.nan)[..., None, None]


def _trace(X: Any) -> Any:
    """``tr(X)``, 1 x 1."""
    return jnp.trace(X, axis1=-2, axis2=-1)[..., None, None]


def _add_diagonal(X: Any, v: Any) -> Any:
    """``X + diag(v)`` for a column or a scalar v."""
    return X + v * jnp.eye(X.shape[-1], dtype=X.dtype)


def _diagonal(v: Any) -> Any:
    """``diag(v)`` as a full matrix, for a result that needs its zeros."""
    return v * jnp.eye(v.shape[-2], dtype=v.dtype)


def _spread(X: Any) -> Any:
    """``E X``: column c is ``vec(diag(x_c))``."""
    P = jnp.eye(X.shape[-2], dtype=X.dtype)[:, :, None] * X[..., None, :, :]
    return P.reshape(*P.shape[:-3], X.shape[-2] ** 2, X.shape[-1])


def _repeat(x: Any, count: int) -> Any:
    """The column x, ``count`` times side by side."""
    return jnp.broadcast_to(x, (*x.shape[:-1], count))


def _commutation(p: int, q: int, kind: Any) -> Any:
    """``K`` with ``vec(X^T) = K vec(X)`` for X of shape (p, q)."""
    return jnp.eye(p * q, dtype=kind).reshape(q, p, p * q).transpose(1, 0, 2).reshape(p * q, p * q)


def _selection(k: int, kind: Any) -> Any:
    """``E`` with ``vec(diag(v)) = E v``."""
    one = jnp.eye(k, dtype=kind)
    return (one[:, :, None] * one[:, None, :]).reshape(k * k, k)


def _placement(before: int, size: int, after: int, kind: Any) -> Any:
    """``[0; I; 0]``: the identity below ``before`` and above ``after`` rows of zeros."""
    return jnp.pad(jnp.eye(size, dtype=kind), ((before, after), (0, 0)))


def _blocks(rows: list[list[Any]]) -> Any:
    """The matrix made of blocks, given as rows of blocks."""
    batch = jnp.broadcast_shapes(*(X.shape[:-2] for row in rows for X in row))
    full = [[jnp.broadcast_to(X, (*batch, *X.shape[-2:])) for X in row] for row in rows]
    return jnp.concatenate([jnp.concatenate(row, axis=-1) for row in full], axis=-2)


def _softmax_columns(X: Any) -> Any:
    """``exp(x_ij) / sum_k exp(x_kj)``."""
    return jax.nn.softmax(X, axis=-2)


def _step(x: Any) -> Any:
    """``1[x > 0]``, whose derivative is 0."""
    return (x > 0).astype(x.dtype)


def _sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))`` without overflow."""
    return jax.nn.sigmoid(x)


def _triangular_solve(M: Any, B: Any, lower: bool, transposed: bool, name: str) -> Any:
    """``inv(M) B`` or ``inv(M^T) B`` for a triangular M."""
    batch = jnp.broadcast_shapes(M.shape[:-2], B.shape[:-2])
    M, B = jnp.broadcast_to(M, batch + M.shape[-2:]), jnp.broadcast_to(B, batch + B.shape[-2:])
    return _regular(jax.scipy.linalg.solve_triangular(M, B, trans=1 if transposed else 0, lower=lower), name)
