"""Functions that modules in the pure Array API standard carry a copy of, each only where it is used."""

# ruff: noqa: EM101, EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any


def _library(given: Any, /, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    """The one array library of the arguments, and the dtype and device of new arrays."""
    numbers = {name for name, a in arguments.items() if isinstance(a, (int, float)) and not isinstance(a, bool)}
    arrays = {name: a for name, a in arguments.items() if name not in numbers}
    for name, value in arrays.items():
        if not hasattr(value, "__array_namespace__"):
            raise ValueError(
                f"{name}: received a {type(value).__name__}; it needs an array of a library of the Array API standard"
            )
    if not arrays:
        if given is None:
            raise ValueError("xp: no argument is an array; it needs the array library, as in xp=numpy")
        return given, {}
    first = next(iter(arrays))
    xp, device = arrays[first].__array_namespace__(), arrays[first].device
    for name, array in arrays.items():
        if array.__array_namespace__() is not xp:
            raise ValueError(
                f"{name}: received an array of {array.__array_namespace__().__name__} while {first} is one of "
                f"{xp.__name__}; they need one array library"
            )
        if not xp.isdtype(array.dtype, "real floating"):
            raise ValueError(f"{name}: received dtype {array.dtype}; it needs real numbers, as in float64 or float32")
        if array.device != device:
            raise ValueError(f"{name}: received an array on {array.device} while {first} is on {device}")
    return xp, {"dtype": xp.result_type(*arrays.values()), "device": device}


def _fails(condition: Any) -> bool:
    """Whether a condition is known to fail somewhere; of a lazy or traced array it is not known."""
    try:
        return not bool(condition.__array_namespace__().all(condition))
    except (TypeError, RuntimeError):
        return False


def _check_values(name: str, value: Any) -> None:
    """Refuse what is no array, or not finite; an array whose values cannot be looked at passes."""
    if not hasattr(value, "__array_namespace__"):
        raise ValueError(f"{name}: received a {type(value).__name__}; it needs an array, as in xp.asarray({name})")
    if _fails(value.__array_namespace__().isfinite(value)):
        raise ValueError(f"{name}: received nan or inf; it needs finite numbers")


def _scalar(name: str, value: Any, xp: Any, kind: dict[str, Any]) -> Any:
    """A scalar argument as an array: one number, or one a sample, which gets two axes of length 1."""
    array = xp.asarray(float(value), **kind) if isinstance(value, (int, float)) else value
    _check_values(name, array)
    return array[..., None, None] if array.ndim else array


def _finish(result: Any, shape: tuple[int, ...], xp: Any, kind: dict[str, Any]) -> Any:
    """The result in the batch shape, dtype and device of the arguments."""
    out = xp.asarray(result, **kind) if isinstance(result, (int, float)) else result
    out = xp.astype(out, kind["dtype"], copy=False) if kind else out
    return out if tuple(out.shape) == shape else xp.asarray(xp.broadcast_to(out, shape), copy=True)


def _as_matrix(x: Any, xp: Any, kind: dict[str, Any]) -> Any:
    """A scalar as a 1 x 1 matrix."""
    out = xp.asarray(x, **kind) if isinstance(x, (int, float)) else x
    return xp.reshape(out, (1, 1)) if out.ndim == 0 else out


def _eye(k: int, xp: Any, kind: dict[str, Any]) -> Any:
    """The identity of size k."""
    return xp.eye(k, **kind)


def _full(shape: tuple[int, int], value: float, xp: Any, kind: dict[str, Any]) -> Any:
    """A matrix whose entries are all one number."""
    return xp.full(shape, value, **kind)


def _constant(rows: list[list[float]], xp: Any, kind: dict[str, Any]) -> Any:
    """A matrix of given numbers."""
    return xp.asarray([[float(x) for x in row] for row in rows], **kind)


def _solve(M: Any, B: Any, name: str) -> Any:
    """``inv(M) B``; a singular M is named."""
    xp = M.__array_namespace__()
    return _regular(lambda: xp.linalg.solve(M, B), name)


def _inverse(M: Any, name: str) -> Any:
    """``inv(M)``, for a result that is itself an inverse."""
    xp = M.__array_namespace__()
    return _regular(lambda: xp.linalg.inv(M), name)


def _regular(compute: Any, name: str) -> Any:
    """The value of ``compute``; the libraries raise errors of their own, or give inf or nan, where M is singular."""
    try:
        out = compute()
    except Exception as error:
        if "singular" in str(error).lower():
            raise ValueError(f"{name} is singular; it needs to be invertible") from None
        raise
    if _fails(out.__array_namespace__().isfinite(out)):
        raise ValueError(f"{name} is singular to working precision; it needs to be invertible")
    return out


def _open_first(d: Any) -> Any:
    """The rows of a gate with the open ones first, and how many are open.

    None for a batch of gates, and where the library has no shapes that depend on values, or cannot look at them.
    """
    xp = d.__array_namespace__()
    info = getattr(xp, "__array_namespace_info__", None)  # since 2023.12
    if d.ndim != 2 or (info is not None and not info().capabilities()["data-dependent shapes"]):
        return None
    try:
        count = int(xp.sum(xp.astype(d != 0, xp.int64)))
    except (TypeError, RuntimeError):
        return None
    return xp.argsort(xp.astype(d[:, 0] == 0, xp.int64)), count


def _active_lu(d: Any, X: Any, s: Any, name: str) -> Any:
    """``(I + s X)_SS`` for the open rows S of the gate d; ``I + s D X D`` where S is not known."""
    xp, found = X.__array_namespace__(), _open_first(d)
    if found is None:
        return d, None, _add_diagonal(xp.where((d != 0) & (d.mT != 0), s * X, xp.zeros_like(X)), 1), name
    rows, k = found
    return d, rows, _add_diagonal(s * xp.take(xp.take(X, rows[:k], axis=-2), rows[:k], axis=-1), 1), name


def _active_solve(factors: Any, B: Any, transposed: bool = False) -> Any:
    """``D (I + s X D)^-1 B``, or its transpose times B: zero off the open rows S of D."""
    d, rows, M, name = factors
    xp, k = B.__array_namespace__(), M.shape[-1]
    if rows is None:
        return _solve(M.mT if transposed else M, xp.where(d != 0, B, xp.zeros_like(B)), name)
    x = xp.take(B, rows[:k], axis=-2)
    x = _solve(M.mT if transposed else M, x, name) if k else x
    zeros = xp.zeros((*x.shape[:-2], d.shape[-2] - k, x.shape[-1]), dtype=x.dtype, device=x.device)
    return xp.take(xp.concat([x, zeros], axis=-2), xp.argsort(rows), axis=-2)


def _logdet(M: Any, name: str) -> Any:
    """``log(det(M))`` of a matrix of positive determinant."""
    xp = M.__array_namespace__()
    sign, value = xp.linalg.slogdet(M)
    if _fails(sign > 0):
        raise ValueError(f"{name} has a determinant that is not positive; its logarithm needs a positive one")
    return value[..., None, None]


def _trace(X: Any) -> Any:
    """``tr(X)``, 1 x 1."""
    return X.__array_namespace__().linalg.trace(X)[..., None, None]


def _add_diagonal(X: Any, v: Any) -> Any:
    """``X + diag(v)`` for a column or a scalar v."""
    xp = X.__array_namespace__()
    return X + v * xp.eye(X.shape[-1], dtype=X.dtype, device=X.device)


def _diagonal(v: Any) -> Any:
    """``diag(v)`` as a full matrix, for a result that needs its zeros."""
    xp = v.__array_namespace__()
    return v * xp.eye(v.shape[-2], dtype=v.dtype, device=v.device)


def _kron(A: Any, B: Any) -> Any:
    """``A kron B``, formed in one step by broadcasting."""
    xp = A.__array_namespace__()
    P = A[..., :, None, :, None] * B[..., None, :, None, :]
    return xp.reshape(P, (*P.shape[:-4], A.shape[-2] * B.shape[-2], A.shape[-1] * B.shape[-1]))


def _khatri_rao(A: Any, B: Any) -> Any:
    """``[a_0 kron b_0, a_1 kron b_1, ..]`` of two matrices with as many columns."""
    xp = A.__array_namespace__()
    P = A[..., :, None, :] * B[..., None, :, :]
    return xp.reshape(P, (*P.shape[:-3], A.shape[-2] * B.shape[-2], A.shape[-1]))


def _spread(X: Any) -> Any:
    """``E X``: column c is ``vec(diag(x_c))``."""
    xp = X.__array_namespace__()
    P = xp.eye(X.shape[-2], dtype=X.dtype, device=X.device)[:, :, None] * X[..., None, :, :]
    return xp.reshape(P, (*P.shape[:-3], X.shape[-2] ** 2, X.shape[-1]))


def _kron_apply(A: Any, B: Any, Y: Any) -> Any:
    """``(A kron B) Y`` for Y of several columns, from the two factors."""
    xp = Y.__array_namespace__()
    q, s, k = A.shape[-1], B.shape[-1], Y.shape[-1]
    X = B[..., None, :, :] @ xp.reshape(Y, (*Y.shape[:-2], q, s, k))  # (..., q, rows of B, k)
    X = A @ xp.reshape(X, (*X.shape[:-3], q, B.shape[-2] * k))
    return xp.reshape(X, (*X.shape[:-2], A.shape[-2] * B.shape[-2], k))


def _vec(X: Any) -> Any:
    """``vec(X)``: the columns of X, stacked."""
    xp = X.__array_namespace__()
    return xp.reshape(X.mT, (*X.shape[:-2], X.shape[-2] * X.shape[-1], 1))


def _unvec(y: Any, rows: int, columns: int) -> Any:
    """The matrix of the given shape with ``vec = y``."""
    xp = y.__array_namespace__()
    return xp.reshape(y, (*y.shape[:-2], columns, rows)).mT


def _repeat(x: Any, count: int) -> Any:
    """The column x, ``count`` times side by side."""
    xp = x.__array_namespace__()
    return xp.broadcast_to(x, (*x.shape[:-1], count))


def _commutation(p: int, q: int, xp: Any, kind: dict[str, Any]) -> Any:
    """``K`` with ``vec(X^T) = K vec(X)`` for X of shape (p, q)."""
    rows = xp.reshape(xp.eye(p * q, **kind), (q, p, p * q))
    return xp.reshape(xp.permute_dims(rows, (1, 0, 2)), (p * q, p * q))


def _selection(k: int, xp: Any, kind: dict[str, Any]) -> Any:
    """``E`` with ``vec(diag(v)) = E v``."""
    one = xp.eye(k, **kind)
    return xp.reshape(one[:, :, None] * one[:, None, :], (k * k, k))


def _placement(before: int, size: int, after: int, xp: Any, kind: dict[str, Any]) -> Any:
    """``[0; I; 0]``: the identity below ``before`` and above ``after`` rows of zeros."""
    return xp.concat([xp.zeros((before, size), **kind), xp.eye(size, **kind), xp.zeros((after, size), **kind)], axis=0)


def _blocks(rows: list[list[Any]]) -> Any:
    """The matrix made of blocks, given as rows of blocks."""
    xp = rows[0][0].__array_namespace__()
    batch = xp.broadcast_arrays(*(X[..., :1, :1] for row in rows for X in row))[0].shape[:-2]
    full = [[xp.broadcast_to(X, (*batch, *X.shape[-2:])) for X in row] for row in rows]
    return xp.concat([xp.concat(row, axis=-1) for row in full], axis=-2)


def _softmax_columns(X: Any) -> Any:
    """``exp(x_ij) / sum_k exp(x_kj)``; the largest entry of a column is taken off first, so that nothing overflows."""
    xp = X.__array_namespace__()
    powers = xp.exp(X - xp.max(X, axis=-2, keepdims=True))
    return powers / xp.sum(powers, axis=-2, keepdims=True)


def _relu(x: Any) -> Any:
    """``max(x, 0)``."""
    xp = x.__array_namespace__()
    return xp.where(x > 0, x, xp.zeros_like(x))


def _step(x: Any) -> Any:
    """``1[x > 0]``."""
    xp = x.__array_namespace__()
    return xp.astype(x > 0, x.dtype)


def _sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))`` without overflow."""
    xp = x.__array_namespace__()
    return (1 + xp.tanh(x / 2)) / 2
