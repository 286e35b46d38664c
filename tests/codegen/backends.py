"""The targets as the tests use them: arrays in, NumPy out; a library that is not installed skips."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

LIBRARIES = {
    "numpy": "numpy",
    "array-api": "array_api_strict",
    "jax": "jax",
    "torch": "torch",
    "mpmath": "mpmath",
    "flint": "flint",
}
BATCHED = ("numpy", "array-api", "jax", "torch")


def require(target):
    library = pytest.importorskip(LIBRARIES[target])
    if target == "jax":
        library.config.update("jax_enable_x64", True)
    return library


def convert(target, value):
    """A NumPy array as an array of the target; numbers stay numbers."""
    if isinstance(value, int):
        return value
    if np.ndim(value) == 0 and target != "torch":  # PyTorch reads a float in its default dtype, float32
        return float(value)
    if target == "array-api":
        return require(target).asarray(value)
    if target == "jax":
        return require(target).numpy.asarray(value)
    if target == "torch":
        return require(target).from_numpy(np.array(value, dtype=float))
    return value.tolist() if target == "flint" else value


def back(value):
    """A result as a NumPy array or float."""
    if hasattr(value, "nrows"):
        return np.array([[float(x.mid()) for x in row] for row in value.tolist()])
    if hasattr(value, "mid"):
        return float(value.mid())
    if hasattr(value, "rows"):
        return np.array(value.tolist(), dtype=float)
    if hasattr(value, "detach"):
        return value.detach().numpy()
    return np.asarray(value, dtype=float) if not hasattr(value, "mpf_convert_arg") else float(value)


def call(target, function, arguments):
    extra = {}
    if "xp" in inspect.signature(function).parameters and not any(np.ndim(v) for v in arguments.values()):
        extra = {"xp": require(target)}
    return back(function(**{k: convert(target, v) for k, v in arguments.items()}, **extra))


def parameters(function):
    return [k for k in inspect.signature(function).parameters if k not in ("ctx", "prec", "xp")]
