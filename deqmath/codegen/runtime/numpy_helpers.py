"""Functions that generated NumPy modules carry a copy of, each only where it is used.

Every matrix has shape (..., rows, columns); leading axes are batch axes and broadcast. A scalar
is a Python float, or an array of shape (..., 1, 1). Names start with an underscore because they
are private in the generated module.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.linalg


def _real(name: str, value: Any) -> np.ndarray:
    """The argument as a float array; refuses what is not real."""
    if type(value) is np.ndarray and value.dtype.char in "df" and value.dtype.isnative:
        return value
    kind = type(value).__name__
    known = isinstance(value, (np.ndarray, np.generic, float, int, list, tuple))
    if not known or isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"{name}: received a {kind}; it needs a NumPy array of real numbers, as in numpy.asarray({name})"
        )
    array = np.asarray(value)
    if array.dtype.kind in "iu" and (array.ndim == 0 or not isinstance(value, np.ndarray)):
        array = array.astype(np.float64)  # numbers and nested lists; an array of integers is refused
    if array.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"{name}: received dtype {array.dtype}; it needs real numbers, float64 or float32")
    return array


def _finite(**arguments: Any) -> None:
    """Refuse what is not finite: the sum of squares of an array is finite only where all of it is."""
    with np.errstate(all="ignore"):
        total = sum([np.vdot(array, array) for array in arguments.values()])
        if total - total == 0.0:
            return
    for name, array in arguments.items():  # the sum may also overflow
        if not np.isfinite(array).all():
            bad = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"{name}: received {array[bad]} at index {bad}; it needs finite numbers")


def _matrix(name: str, value: Any, shape: str) -> np.ndarray:
    """A matrix argument, with optional leading batch axes."""
    array = _real(name, value)
    if array.ndim < 2:
        advice = f"; a column is (k, 1): pass {name}[:, None]" if array.ndim == 1 else ""
        raise ValueError(f"{name}: received shape {array.shape}; it needs {shape}, after any batch axes{advice}")
    return array


def _scalar(name: str, value: Any) -> Any:
    """A scalar argument: a float, or one number a sample, which gets two axes of length 1."""
    if isinstance(value, float) and abs(value) < float("inf"):
        return float(value)
    array = _real(name, value)
    _finite(**{name: array})
    return float(array) if array.ndim == 0 else array[..., None, None]


def _integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer argument in ``low <= value < high``."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not whole:
        raise ValueError(f"{name}: received {value!r}; it needs an integer")
    if value < low or (high is not None and value >= high):
        upper = "" if high is None else f" and at most {high - 1}"
        raise ValueError(f"{name}: received {value}; it needs an integer of at least {low}{upper}")
    return int(value)


def _sizes(arguments: dict[str, tuple[np.ndarray, tuple[str | int, str | int]]]) -> dict[str, int]:
    """The dimensions read from the shapes; two arguments that disagree are both named."""
    sizes: dict[str, int] = {}
    source: dict[str, str] = {}
    for name, (array, axes) in arguments.items():
        shape = array.shape
        for axis, size in ((axes[0], shape[-2]), (axes[1], shape[-1])):
            if axis == size or sizes.get(str(axis)) == size:
                continue
            needed = f"({axes[0]}, {axes[1]})"
            if axis == "":
                continue
            if str(axis) != axis:
                raise ValueError(f"{name}: received shape {array.shape}; it needs {needed}, after any batch axes")
            if size == 0:
                raise ValueError(f"{name}: received shape {array.shape}; it needs {needed} with {axis} at least 1")
            if axis in sizes:
                other = arguments[source[axis]]
                raise ValueError(
                    f"{name} and {source[axis]} disagree on {axis}: received {name} of shape {array.shape} and "
                    f"{source[axis]} of shape {other[0].shape}; they need {needed} and ({other[1][0]}, {other[1][1]})"
                )
            sizes[axis], source[axis] = size, name
    return sizes


def _shape(name: str, array: np.ndarray, shape: tuple[int, int], symbols: str) -> None:
    """Check a shape that is a formula in the dimensions."""
    if array.shape[-2:] != shape:
        raise ValueError(f"{name}: received shape {array.shape}; it needs {symbols} = {shape}, after any batch axes")


def _batch(**arguments: Any) -> tuple[int, ...]:
    """The common batch shape of the arguments."""
    if all(type(value) is float or value.ndim == 2 for value in arguments.values()):
        return ()
    shapes = {name: np.shape(value)[:-2] for name, value in arguments.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"the batch axes do not broadcast: received {listed}; they need equal lengths, or 1") from None


def _finish(result: Any, shape: tuple[int, ...], arguments: tuple[Any, ...]) -> Any:
    """The result in the batch shape and dtype of the arguments, never an argument itself."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    dtypes = {a.dtype for a in arrays}
    dtype = np.dtype(np.float64) if len(dtypes) != 1 else dtypes.pop()
    if type(result) is np.ndarray and result.shape == shape and result.base is None and result.dtype == dtype:
        # An array that owns its numbers shares them with an argument only where it is that argument.
        return result if all(result is not a for a in arrays) else result.copy()
    out = np.asarray(result, dtype=dtype)
    if out.shape != shape:
        out = np.broadcast_to(out, shape)
    out = out.copy() if not out.flags.writeable or any(np.may_share_memory(out, a) for a in arrays) else out
    return out[()]


def _checked(M: np.ndarray, X: np.ndarray, **argument: np.ndarray) -> np.ndarray:
    """``M X`` for columns X: not finite where M is not, so that M needs no scan of its own."""
    with np.errstate(all="ignore"):
        Y = (X[..., 0] @ M.mT)[..., None] if M.ndim == 2 < X.ndim else M @ X
        total = np.vdot(Y, Y)
        if total - total == 0.0:
            return Y
    _finite(**argument)
    return M @ X  # the product overflows, and NumPy says so


def _checked_gram(M: np.ndarray, X: np.ndarray, **argument: np.ndarray) -> np.ndarray:
    """``M X`` for ``X = M^T``: its diagonal, a sum of squares, is not finite where M is not."""
    with np.errstate(all="ignore"):
        Y = M @ X
        total = Y.trace() if Y.ndim == 2 else np.trace(Y, axis1=-2, axis2=-1).sum()
        if total - total == 0.0:
            return Y
    _finite(**argument)
    return M @ X


def _active_lu(d: np.ndarray, X: np.ndarray, s: Any, name: str) -> Any:
    """The open rows S of the gate d, and ``(I + s X)_SS = P L U``; an array of them for a batch."""
    if d.ndim == X.ndim == 2 and np.ndim(s) == 0:
        rows = d[:, 0].nonzero()[0]
        M = X[rows][:, rows]
        M *= s
        M.flat[:: len(rows) + 1] += 1.0
        getrf: Any = scipy.linalg.get_lapack_funcs("getrf", (M,))
        # The transpose of an array in C order is in the order of LAPACK: factored in place.
        lu, pivots, info = getrf(M.T, overwrite_a=True) if len(rows) else (M, rows, 0)
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
    if isinstance(factors, tuple) and B.ndim == 2:
        rows, lu, pivots = factors
        out = np.zeros(B.shape, dtype=B.dtype)
        if len(rows):  # lu holds the factors of M^T
            getrs: Any = scipy.linalg.get_lapack_funcs("getrs", (lu, B))
            out[rows] = getrs(lu, pivots, B[rows], trans=not transposed)[0]
        return out
    if isinstance(factors, tuple):
        columns = np.moveaxis(B, -2, 0)
        solved = _active_solve(factors, columns.reshape(len(columns), -1), transposed)
        return np.moveaxis(solved.reshape(columns.shape), 0, -2)
    batch = np.broadcast_shapes(factors.shape, B.shape[:-2])
    factors, B = np.broadcast_to(factors, batch), np.broadcast_to(B, (*batch, *B.shape[-2:]))
    out = np.empty(B.shape, dtype=B.dtype)
    for k in np.ndindex(*batch):
        out[k] = _active_solve(factors[k], B[k], transposed)
    return out


def _solve(M: np.ndarray, B: np.ndarray, name: str) -> np.ndarray:
    """``inv(M) B``; one factorisation where one M serves a whole batch of B."""
    try:
        if M.ndim == 2 and B.ndim > 2:
            columns = np.moveaxis(B, -2, 0)
            solved = np.linalg.solve(M, columns.reshape(len(M), -1))
            return np.moveaxis(solved.reshape(columns.shape), 0, -2)
        return np.linalg.solve(M, B)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible") from None


def _inverse(M: np.ndarray, name: str) -> np.ndarray:
    """``inv(M)``, for a result that is itself an inverse."""
    try:
        return np.linalg.inv(M)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible") from None


def _lu(M: np.ndarray, name: str) -> Any:
    """``P M = L U``: one factorisation, or an array of them for a batch."""
    factors = np.empty(M.shape[:-2], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.linalg.LinAlgWarning)  # a zero pivot is an error below
        for k in np.ndindex(*M.shape[:-2]):
            factors[k] = scipy.linalg.lu_factor(M[k], check_finite=False)
            if not np.all(np.diagonal(factors[k][0])):
                raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible")
    return factors


def _lu_solve(factors: Any, B: np.ndarray, transposed: bool = False) -> np.ndarray:
    """``inv(M) B`` or ``inv(M^T) B`` from the factorisation of M."""
    if factors.ndim == 0:
        columns = np.moveaxis(B, -2, 0)
        flat = columns.reshape(len(columns), -1)
        solved = scipy.linalg.lu_solve(factors[()], flat, trans=1 if transposed else 0, check_finite=False)
        return np.moveaxis(solved.reshape(columns.shape), 0, -2)
    batch = np.broadcast_shapes(factors.shape, B.shape[:-2])
    B = np.broadcast_to(B, batch + B.shape[-2:])
    factors = np.broadcast_to(factors, batch)
    out = np.empty(B.shape, dtype=B.dtype)
    for k in np.ndindex(*batch):
        out[k] = scipy.linalg.lu_solve(factors[k], B[k], trans=1 if transposed else 0, check_finite=False)
    return out


def _add_diagonal(X: np.ndarray, v: Any) -> np.ndarray:
    """``X + diag(v)`` for a column or a scalar v, in place (X is a fresh array) where v fits."""
    if X.ndim == 2 and np.ndim(v) in (0, 2):
        X.flat[:: len(X) + 1] += v if np.ndim(v) == 0 else v[:, 0]
        return X
    shape = np.broadcast_shapes(X.shape[:-2], np.shape(v)[:-2]) + X.shape[-2:]
    if X.shape != shape:
        X = np.array(np.broadcast_to(X, shape))
    k = np.arange(X.shape[-1])
    X[..., k, k] += v if np.ndim(v) == 0 else v[..., 0]
    return X


def _diagonal(v: np.ndarray) -> np.ndarray:
    """``diag(v)`` as a full matrix, for a result that needs its zeros."""
    out = np.zeros((*v.shape[:-1], v.shape[-2]), dtype=v.dtype)
    k = np.arange(v.shape[-2])
    out[..., k, k] = v[..., 0]
    return out


def _kron(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """``A kron B``, formed in one step by broadcasting."""
    product = A[..., :, None, :, None] * B[..., None, :, None, :]
    return product.reshape(*product.shape[:-4], A.shape[-2] * B.shape[-2], A.shape[-1] * B.shape[-1])


def _kron_apply(A: np.ndarray, B: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """``(A kron B) Y`` for Y of several columns, from the two factors."""
    q, s, k = A.shape[-1], B.shape[-1], Y.shape[-1]
    X = B[..., None, :, :] @ Y.reshape(*Y.shape[:-2], q, s, k)  # (..., q, rows of B, k)
    X = A @ X.reshape(*X.shape[:-3], q, B.shape[-2] * k)
    return X.reshape(*X.shape[:-2], A.shape[-2] * B.shape[-2], k)


def _vec(X: np.ndarray) -> np.ndarray:
    """``vec(X)``: the columns of X, stacked."""
    return np.swapaxes(X, -1, -2).reshape(*X.shape[:-2], X.shape[-2] * X.shape[-1], 1)


def _unvec(y: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The matrix of the given shape with ``vec = y``."""
    return np.swapaxes(y.reshape(*y.shape[:-2], columns, rows), -1, -2)


def _commutation(p: int, q: int) -> np.ndarray:
    """``K`` with ``vec(X^T) = K vec(X)`` for X of shape (p, q)."""
    return np.eye(p * q)[np.arange(p * q).reshape(q, p).T.reshape(-1)]


def _selection(k: int) -> np.ndarray:
    """``E`` with ``vec(diag(v)) = E v``."""
    out = np.zeros((k * k, k))
    out[np.arange(k) * (k + 1), np.arange(k)] = 1.0
    return out


def _placement(before: int, size: int, after: int) -> np.ndarray:
    """``[0; I; 0]``: the identity below ``before`` and above ``after`` rows of zeros."""
    return np.eye(before + size + after, size, -before)


def _blocks(rows: list[list[Any]]) -> Any:
    """The matrix made of blocks, given as rows of blocks."""
    batch = np.broadcast_shapes(*(X.shape[:-2] for row in rows for X in row))
    full = [[np.broadcast_to(X, (*batch, *X.shape[-2:])) for X in row] for row in rows]
    return np.concatenate([np.concatenate(row, axis=-1) for row in full], axis=-2)


def _softmax_columns(X: np.ndarray) -> np.ndarray:
    """``exp(x_ij) / sum_k exp(x_kj)``; the largest entry of a column is taken off first, so that nothing overflows."""
    powers = np.exp(X - X.max(axis=-2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-2, keepdims=True))


def _logdet(M: np.ndarray, name: str) -> np.ndarray:
    """``log(det(M))`` of a matrix of positive determinant."""
    sign, value = np.linalg.slogdet(M)
    if not np.all(sign > 0):
        raise ValueError(f"{name} has determinant of sign {np.min(sign):g}; its logarithm needs a positive determinant")
    return np.asarray(value)[..., None, None]
