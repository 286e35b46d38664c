"""Helpers of generated CuPy modules that differ from NumPy's; the others are NumPy's text with CuPy's name."""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any

import cupy as cp
import cupyx.scipy.linalg


def _real(name: str, value: Any) -> Any:
    """The argument as a float array of CuPy; refuses what is not real."""
    kind = type(value).__name__
    known = isinstance(value, (cp.ndarray, float, int)) and not isinstance(value, bool)
    if not known:
        raise ValueError(f"{name}: received a {kind}; it needs a CuPy array, as in cupy.asarray({name})")
    array = cp.asarray(value, dtype=None if isinstance(value, cp.ndarray) else float)
    if array.dtype not in (cp.float64, cp.float32):
        raise ValueError(f"{name}: received dtype {array.dtype}; it needs real numbers, float64 or float32")
    return array


def _finite(**arguments: Any) -> None:
    """Refuse what is not finite."""
    for name, array in arguments.items():
        if not bool(cp.isfinite(array).all()):
            raise ValueError(f"{name}: received nan or inf; it needs finite numbers")


def _batch(**arguments: Any) -> tuple[int, ...]:
    """The common batch shape of the arguments."""
    shapes = {name: tuple(value.shape)[:-2] for name, value in arguments.items() if isinstance(value, cp.ndarray)}
    out: list[int] = [1] * max([0, *(len(s) for s in shapes.values())])
    for shape in shapes.values():
        for k, size in enumerate(reversed(shape), start=1):
            if size != 1 and out[-k] not in (1, size):
                listed = ", ".join(f"{n} {s}" for n, s in shapes.items() if s)
                raise ValueError(f"the batch axes do not broadcast: received {listed}; they need equal lengths, or 1")
            out[-k] = size if size != 1 else out[-k]
    return tuple(out)


def _finish(result: Any, shape: tuple[int, ...], arguments: tuple[Any, ...]) -> Any:
    """The result in the batch shape and dtype of the arguments, never an argument itself."""
    arrays = [a for a in arguments if isinstance(a, cp.ndarray)]
    dtype = cp.result_type(*arrays) if arrays else cp.float64
    out = cp.asarray(result, dtype=dtype)
    shared = any(cp.shares_memory(out, a) for a in arrays)
    return cp.broadcast_to(out, shape).copy() if shared or out.shape != shape else out


def _regular(x: Any, name: str) -> Any:
    """What a solve gave: on the device a singular matrix shows as inf or nan."""
    if not bool(cp.isfinite(x).all()):
        raise ValueError(f"{name} is singular; it needs to be invertible")
    return x


def _solve(M: Any, B: Any, name: str) -> Any:
    """``inv(M) B``."""
    shape = cp.broadcast(cp.empty(M.shape[:-2]), cp.empty(B.shape[:-2])).shape
    M, B = cp.broadcast_to(M, shape + M.shape[-2:]), cp.broadcast_to(B, shape + B.shape[-2:])
    return _regular(cp.linalg.solve(M, B), name)


def _inverse(M: Any, name: str) -> Any:
    """``inv(M)``, for a result that is itself an inverse."""
    return _regular(cp.linalg.inv(M), name)


def _lu(M: Any, name: str) -> Any:
    """``P M = L U``, factored once; a batch is solved by cupy.linalg.solve, which factors all of it at once."""
    return (M, name, cupyx.scipy.linalg.lu_factor(M, check_finite=False) if M.ndim == 2 else None)


def _lu_solve(factors: Any, B: Any, transposed: bool = False) -> Any:
    """``inv(M) B`` or ``inv(M^T) B`` from the factorisation of M."""
    M, name, lu = factors
    if lu is None or B.ndim > 2:
        return _solve(M.swapaxes(-1, -2) if transposed else M, B, name)
    trans = 1 if transposed else 0
    return _regular(cupyx.scipy.linalg.lu_solve(lu, B, trans=trans, check_finite=False), name)
