"""What a public function accepts, in one place: shapes, dtypes, finiteness, options.

Values are never changed: integers are promoted to float64 only where every one of them is exactly
representable, and everything else that is not a real floating-point number is refused.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import array_api_compat
import numpy as np

from deqmath.errors import InputError, ShapeError
from deqmath.numeric.arrays import Array, Namespace, is_foreign, namespace, to_numpy

_EXACT_INTEGERS = 2**53


def library_name(xp: Namespace) -> str:
    """What the library of a namespace is called: "numpy", "torch", "jax", "array_api_strict"."""
    return str(xp.__name__).removeprefix("array_api_compat.").partition(".")[0]


def usable(value: Any, name: str) -> Any:
    """`value` itself; an array that is not computed at once, has no float64, or waits for derivatives, is refused by the name of its library."""
    if not is_foreign(value):
        return value
    library = library_name(namespace(value))
    if array_api_compat.is_jax_array(value):
        _require_float64_of_jax(value, name)
    elif array_api_compat.is_lazy_array(value):
        msg = f"{name} is an array of {library}; deqmath needs arrays that are computed at once; pass {name}=np.asarray({name})"
        raise InputError(msg)
    if getattr(value, "requires_grad", False):
        msg = (
            f"{name} is an array of {library} that requires a gradient, and deqmath computes its "
            f"derivatives itself; pass {name}={name}.detach()"
        )
        raise InputError(msg)
    return value


def _require_float64_of_jax(value: Array, name: str) -> None:
    """JAX makes every array float32, with a warning, until it is told otherwise."""
    xp = namespace(value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = xp.asarray(0.0, dtype=xp.float64).dtype == xp.float64
    if not kept:
        msg = (
            f"{name} is an array of jax, which has no float64 as it is; deqmath needs float64: call "
            f'jax.config.update("jax_enable_x64", True) first, or pass {name}=np.asarray({name})'
        )
        raise InputError(msg)


def moved_beside(value: Array, like: Array, name: str) -> Array:
    """`value` in the library of `like`, where it is NumPy's or there already; an array of another library is refused.

    Parameters
    ----------
    value
        An array, as :func:`real_array` gives it.
    like
        An array of the library and on the device that are needed.
    name
        What messages call `value`.
    """
    have, need = namespace(value), namespace(like)
    if have is need:
        return value
    if is_foreign(value):
        into = f"np.asarray({name})" if not is_foreign(like) else f"{library_name(need)}.asarray(np.asarray({name}))"
        msg = (
            f"{name} is an array of {library_name(have)}; it needs one of {library_name(need)}, the library of X and of "
            f"the network; pass {name}={into}"
        )
        raise InputError(msg)
    return need.asarray(np.array(value), device=array_api_compat.device(like))


def real_array(value: Any, name: str, ndim: int) -> Array:
    """`value` as a float64 array of `ndim` dimensions in its own namespace, finite and real.

    Parameters
    ----------
    value
        An array of any namespace, or nested sequences of numbers (then NumPy).
    name
        What messages call it.
    ndim
        The number of dimensions needed.

    Raises
    ------
    InputError
        Not numeric, complex, boolean, holding NaN or infinity (the first index is named), holding
        integers that float64 cannot represent, or of a library whose arrays cannot be written to.
    ShapeError
        Another number of dimensions.
    """
    array = any_array(value, name)
    xp = namespace(array)
    if array.ndim != ndim:
        need = "(n, d), rows are samples" if ndim == 2 and name == "X" else f"{ndim} dimension{'s' * (ndim > 1)}"
        msg = f"{name} has shape {tuple(array.shape)}; it needs {need}; {_reshape_hint(name, ndim)}"
        raise ShapeError(msg)
    array = _as_float64(xp, array, name)
    finite = xp.isfinite(array)
    if not bool(xp.all(finite)):
        index = tuple(int(k) for k in np.argwhere(~to_numpy(finite))[0])
        msg = (
            f"{name} holds {float(array[index])} at index {list(index)}, and every entry must be finite; "
            f"remove those rows first, for example {name} = {name}[np.isfinite({name}){'.all(axis=1)' * (ndim == 2)}]"
        )
        raise InputError(msg)
    return array


def any_array(value: Any, name: str) -> Array:
    """`value` as an array of any shape, for a check of the shape that says more than :func:`real_array` can."""
    return usable(value, name) if is_foreign(value) else _numpy_array(value, name)


def in_range(value: Array, what: str) -> Array:
    """`value` itself; refused where products of what float64 holds have left its range."""
    xp = namespace(value)
    if not bool(xp.all(xp.isfinite(value))):
        msg = f"the {what} has entries beyond float64 (1.8e308); scale the network or X down, for example X = X / 1e100"
        raise InputError(msg)
    return value


def real_vector(value: Any, name: str) -> Array:
    """A vector of shape (m,), given so or as a column (m, 1); see :func:`real_array`."""
    shape = getattr(value, "shape", None)
    if shape is None:
        value = _numpy_array(value, name)
        shape = value.shape
    if len(shape) == 2 and shape[1] == 1:
        return real_array(value, name, 2)[:, 0]
    return real_array(value, name, 1)


def _reshape_hint(name: str, ndim: int) -> str:
    return f"use {name}.reshape(-1) or {name}[:, 0]" if ndim == 1 else f"use {name}.reshape(1, -1) for a single row"


def _numpy_array(value: Any, name: str) -> np.ndarray[Any, Any]:
    if isinstance(value, np.ma.MaskedArray):
        msg = f"{name} is a masked array, whose mask would be lost; pass {name}.filled(...) or {name}.compressed()"
        raise InputError(msg)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        msg = f"{name} cannot be read as a rectangular array of numbers ({error}); pass np.array(...) of real numbers"
        raise InputError(msg) from error
    if array.dtype.kind not in "fiu":
        msg = (
            f"{name} has dtype {array.dtype}; it needs real floating-point or integer numbers, "
            f"for example np.asarray({name}, dtype=float)"
        )
        raise InputError(msg)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        msg = f"{name} has dtype {array.dtype}, which float64 cannot hold; round it yourself with {name}.astype(float)"
        raise InputError(msg)
    return array


def _as_float64(xp: Any, array: Array, name: str) -> Array:
    if xp.isdtype(array.dtype, "integral"):
        low, high = xp.iinfo(array.dtype).min, xp.iinfo(array.dtype).max
        above = high > _EXACT_INTEGERS and bool(xp.any(array > _EXACT_INTEGERS))
        if above or (low < -_EXACT_INTEGERS and bool(xp.any(array < -_EXACT_INTEGERS))):
            msg = f"{name} holds integers beyond 2**53, which float64 cannot represent; scale them first"
            raise InputError(msg)
    elif not xp.isdtype(array.dtype, "real floating"):
        msg = f"{name} has dtype {array.dtype}; it needs real floating-point or integer numbers"
        raise InputError(msg)
    return xp.astype(array, xp.float64, copy=False)


def samples(value: Any, columns: int, weight_shape: tuple[int, ...]) -> Array:
    """The data matrix X, shape (n, d) with n >= 1 and d = `columns`; see :func:`real_array`."""
    X = real_array(value, "X", 2)
    if X.shape[0] == 0:
        msg = f"X has shape {tuple(X.shape)}, so n = 0; at least one sample is needed: X of shape (n, {columns})"
        raise InputError(msg)
    if X.shape[1] != columns:
        msg = (
            f"X has shape {tuple(X.shape)} but W has shape {tuple(weight_shape)}: rows of X are samples and need "
            f"{columns} entries, or build the network with ReLUNetwork.random(..., inputs={X.shape[1]})"
        )
        raise ShapeError(msg)
    return X


def targets(value: Any, rows: int, like: Array | None = None) -> Array:
    """The target vector y, shape (n,) with n = `rows`, in the library of `like` (None: NumPy); see :func:`real_array`."""
    y = moved_beside(real_array(value, "y", 1), np.empty(0) if like is None else like, "y")
    if y.shape[0] != rows:
        msg = f"y has shape {tuple(y.shape)} but X has {rows} rows; pass one target a row, y of shape ({rows},)"
        raise ShapeError(msg)
    return y


def positive(value: Any, name: str) -> float:
    """A finite real number > 0, as float."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        msg = f"{name} is {value!r}; it needs a positive real number, for example {name}=0.25"
        raise InputError(msg)
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        msg = f"{name} is {number!r}; it needs a finite number > 0, for example {name}=0.25"
        raise InputError(msg)
    return number


def tolerance(value: Any, name: str = "tol") -> float:
    """A relative tolerance, 0 < tol < 1."""
    number = positive(value, name)
    if number >= 1:
        msg = f"{name} is {number!r}; a relative tolerance lies between 0 and 1, for example {name}=1e-12"
        raise InputError(msg)
    return number


def count(value: Any, name: str, *, least: int = 1) -> int:
    """An integer >= `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or int(value) < least:
        msg = f"{name} is {value!r}; it needs an integer >= {least}"
        raise InputError(msg)
    return int(value)


def switch(value: Any, name: str) -> bool:
    """True or False: what else might be meant by "no" or 0 is not guessed."""
    if not isinstance(value, (bool, np.bool_)):
        msg = f"{name} is {value!r}; it needs True or False"
        raise InputError(msg)
    return bool(value)


def rate_limit(value: Any, name: str) -> float:
    """A contraction rate above which something is done: a number >= 0, infinity for never."""
    number = math.nan if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) else float(value)
    if not number >= 0:
        msg = f"{name} is {value!r}; it needs a number >= 0, for example {name}=0.35"
        raise InputError(msg)
    return number


def choice(value: Any, name: str, options: Iterable[str]) -> str:
    """One of the strings in `options`."""
    allowed = tuple(options)
    if not isinstance(value, str) or value not in allowed:
        msg = f"{name} is {value!r}; it needs one of {', '.join(map(repr, allowed))}"
        raise InputError(msg)
    return value


def parameter_names(value: Any, allowed: tuple[str, ...] = ("A", "W", "b")) -> tuple[str, ...]:
    """The trainable parameters: a non-empty selection of the allowed names, without repetition."""
    names = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    known = bool(names) and all(isinstance(name, str) and name in allowed for name in names)
    if not known or len(set(names)) != len(names):
        some = ", ".join(f'"{name}"' for name in allowed)
        msg = f'trainable is {value!r}; it needs a tuple of some of {some}, for example trainable=("A",)'
        raise InputError(msg)
    return names
