"""Functions that generated NumPy modules carry a copy of, each only where it is used.

Every matrix has shape (..., rows, columns); leading axes are batch axes and broadcast. A scalar
is a Python float, or an array of shape (..., 1, 1). Names start with an underscore because they
are private in the generated module.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import scipy.linalg

_FLOAT64 = np.dtype(np.float64)
_DGEMV = scipy.linalg.blas.dgemv


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
    try:
        array = np.asarray(value)
    except ValueError:  # NumPy's own message names no argument
        raise ValueError(f"{name}: received nested lists of unequal lengths; it needs rows of one length") from None
    if array.dtype.kind in "iu" and (array.ndim == 0 or not isinstance(value, np.ndarray)):
        array = array.astype(np.float64)  # numbers and nested lists; an array of integers is refused
    if array.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"{name}: received dtype {array.dtype}; it needs real numbers, float64 or float32")
    return array


def _finite(**arguments: Any) -> None:
    """Refuse what is not finite: the sum of squares of an array is finite only where all of it is."""
    total = 0.0
    for array in arguments.values():
        total += float(np.vdot(array, array))  # vdot and Python's floats warn of nothing
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


def _power(x: Any, k: Any) -> Any:
    """``x^k`` as of arrays: Python's floats raise an error where x^k overflows, and turn complex where x < 0."""
    if isinstance(x, (float, int)) and isinstance(k, (float, int)):
        return float(np.float64(x) ** k)
    return x**k


def _sizes(arguments: dict[str, tuple[np.ndarray, tuple[str | int, str | int]]]) -> dict[str, int]:
    """The dimensions read from the shapes; two arguments that disagree are both named."""
    sizes: dict[Any, int] = {}
    source: dict[str, str] = {}
    for name, (array, axes) in arguments.items():
        rows, columns = array.shape[-2:]
        if sizes.get(axes[0], axes[0]) == rows and sizes.get(axes[1], axes[1]) == columns:
            continue  # nothing new: the common case, and the fast one
        for axis, size in ((axes[0], rows), (axes[1], columns)):
            if sizes.get(axis, axis) == size:
                continue
            needed = f"({axes[0]}, {axes[1]})"
            if axis == "":
                continue
            if str(axis) != axis:
                raise ValueError(f"{name}: received shape {array.shape}; it needs {needed}, after any batch axes")
            if size == 0:
                raise ValueError(f"{name}: received shape {array.shape}; it needs {needed} with {axis} at least 1")
            if source.get(axis) == name:
                raise ValueError(f"{name}: received shape {array.shape}; it needs {needed}, a square matrix")
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
    for value in arguments.values():
        if type(value) is not float and value.ndim != 2:
            break
    else:
        return ()
    shapes = {name: np.shape(value)[:-2] for name, value in arguments.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"the batch axes do not broadcast: received {listed}; they need equal lengths, or 1") from None


def _finish(result: Any, shape: tuple[int, ...], arguments: tuple[Any, ...]) -> Any:
    """The result in the batch shape and dtype of the arguments, never an argument itself."""
    if type(result) is np.ndarray and result.shape == shape and result.base is None:
        # An array that owns its numbers shares them with an argument only where it is that argument.
        dtype = result.dtype
        for a in arguments:
            if a is result or (type(a) is np.ndarray and a.dtype is not dtype):
                break
        else:
            return result
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    dtypes = {a.dtype for a in arrays}
    dtype = np.dtype(np.float64) if len(dtypes) != 1 else dtypes.pop()
    out = np.asarray(result, dtype=dtype)
    if out.shape != shape:
        out = np.broadcast_to(out, shape)
    out = out.copy() if not out.flags.writeable or any(np.may_share_memory(out, a) for a in arrays) else out
    return out[()]


def _apart(*results: Any) -> tuple[Any, ...]:
    """The results, none of which shares its numbers with one before it."""
    apart: list[Any] = []
    for result in results:
        apart.append(result.copy() if any(np.may_share_memory(result, other) for other in apart) else result)
    return tuple(apart)


def _stated(**arguments: Any) -> None:
    """Refuse an argument that is not what it is stated to be: property -> argument name -> array."""
    for word, given in arguments.items():
        for name, X in given.items():
            made: dict[str, Any] = {
                "symmetric": lambda X: X.mT,
                "diagonal": lambda X: np.where(np.eye(X.shape[-1], dtype=bool), X, 0.0),
                "lower": np.tril,
                "upper": np.triu,
                "gate": lambda X: (X != 0).astype(X.dtype),
            }
            other = made[word](X)
            close = 64 * np.finfo(X.dtype).eps * np.abs(X).max() if word == "symmetric" else 0.0
            with np.errstate(invalid="ignore"):
                holds = np.all(np.abs(X - other) <= close)
            if not holds:
                _finite(**{name: X})
                words = {"lower": "lower triangular", "upper": "upper triangular", "gate": "a gate of zeros and ones"}
                raise ValueError(f"{name}: received an array that is not {words.get(word, word)}, as was stated of it")


def _gemv(M: np.ndarray, X: np.ndarray, s: Any = 1.0, y: Any = None) -> np.ndarray:
    """``s M X``, or ``y + s M X``, without a warning: what is not finite is looked for afterwards.

    One column is multiplied by BLAS itself, which would not look at M where s = 0.
    """
    if M.ndim == X.ndim == 2 and M.dtype is X.dtype is _FLOAT64 and type(s) is float and s:
        x = X[:, 0]
        if y is None:
            return (_DGEMV(s, M, x) if M.flags.f_contiguous else _DGEMV(s, M.T, x, trans=1))[:, None]
        if y.ndim == 2 and y.dtype is _FLOAT64:
            if M.flags.f_contiguous:
                return _DGEMV(s, M, x, 1.0, y[:, 0])[:, None]
            return _DGEMV(s, M.T, x, 1.0, y[:, 0], trans=1)[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        Y = s * ((X[..., 0] @ M.mT)[..., None] if M.ndim == 2 < X.ndim else M @ X)
        return Y if y is None else y + Y


def _shown_by(X: np.ndarray, Y: Any = None, /, **arguments: np.ndarray) -> None:
    """Refuse arguments that are not finite, looked for only where one of two columns is not.

    ``X^T Y`` is finite only where both are, and all of M is where ``M x`` is.
    """
    Y = X if Y is None else Y
    if math.isfinite(np.vdot(X, Y) if X.shape == Y.shape else np.vdot(X, X) + np.vdot(Y, Y)):
        return
    _finite(**arguments)
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        warnings.warn("overflow encountered in a product of finite numbers", RuntimeWarning, stacklevel=3)


def _shown(*parts: np.ndarray, **arguments: np.ndarray) -> None:
    """Refuse arguments that are not finite, looked for only where these parts of a product are not."""
    total = 0.0
    for Y in parts:
        total += float(Y.dot(Y) if Y.ndim == 1 else np.vdot(Y, Y))
    if total - total != 0.0:
        _finite(**arguments)


def _entrywise(X: np.ndarray, *factors: Any) -> np.ndarray:
    """``X o Y o ..``, in the memory of X (a fresh array) where a factor has its shape and dtype."""
    for Y in factors:
        if isinstance(Y, (float, int)) or (Y.shape == X.shape and Y.dtype is X.dtype):
            X *= Y
        else:
            X = X * Y
    return X


def _inverse(M: np.ndarray, name: str) -> np.ndarray:
    """``inv(M)``, for a result that is itself an inverse."""
    try:
        return np.linalg.inv(M)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(f"{name} is singular; it needs to be invertible") from None


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


def _commutation(p: int, q: int) -> np.ndarray:
    """``K`` with ``vec(X^T) = K vec(X)`` for X of shape (p, q)."""
    return np.eye(p * q)[np.arange(p * q).reshape(q, p).T.reshape(-1)]


def _spread(X: np.ndarray) -> np.ndarray:
    """``E X``: column c is ``vec(diag(x_c))``."""
    P = np.eye(X.shape[-2], dtype=X.dtype)[:, :, None] * X[..., None, :, :]
    return P.reshape(*P.shape[:-3], X.shape[-2] ** 2, X.shape[-1])


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
