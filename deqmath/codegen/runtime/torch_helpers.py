"""Functions that generated PyTorch modules carry a copy of, each only where it is used.

Shapes, dtypes and devices are checked always; values are looked at only where they can be, so
that every function works under autograd, ``torch.func.grad``, ``torch.func.vmap`` and ``torch.compile``.
"""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any

import torch


def _kind(**arguments: Any) -> dict[str, Any]:
    """The dtype and device of new tensors: those of the arguments; each must be a tensor, or a number."""
    tensors = {name: a for name, a in arguments.items() if isinstance(a, torch.Tensor)}
    for name, value in arguments.items():
        if name not in tensors and not (isinstance(value, (int, float)) and not isinstance(value, bool)):
            raise ValueError(
                f"{name}: received a {type(value).__name__}; it needs a torch.Tensor, as in torch.as_tensor({name})"
            )
    if not tensors:
        return {"dtype": torch.get_default_dtype(), "device": torch.get_default_device()}
    first = next(iter(tensors))
    dtype, device = torch.float32, tensors[first].device
    for name, x in tensors.items():
        if x.dtype not in (torch.float64, torch.float32):
            raise ValueError(f"{name}: received dtype {x.dtype}; it needs real numbers, float64 or float32")
        if x.device != device and x.ndim:
            raise ValueError(f"{name}: received a tensor on {x.device} while {first} is on {device}")
        dtype = torch.promote_types(dtype, x.dtype)
    return {"dtype": dtype, "device": device}


def _fails(condition: Any) -> bool:
    """Whether a condition is known to fail somewhere; inside a transformation it is not known."""
    if torch.compiler.is_compiling():
        return False
    try:
        return not bool(condition.all())
    except RuntimeError:  # torch.func.vmap: one condition a sample
        return False


def _check_values(name: str, value: Any) -> None:
    """Refuse what is no tensor, or, where the values can be looked at, not finite."""
    kind, known = type(value).__name__, isinstance(value, torch.Tensor)
    if not known:
        raise ValueError(f"{name}: received a {kind}; it needs a torch.Tensor, as in torch.as_tensor({name})")
    # The sum of numbers one of which is not finite is not finite; it is made faster than one answer for each.
    if _fails(torch.isfinite(value.sum())) and _fails(torch.isfinite(value)):
        raise ValueError(f"{name}: received nan or inf; it needs finite numbers")


def _scalar(name: str, value: Any, kind: dict[str, Any]) -> Any:
    """A scalar argument as a tensor: one number, or one a sample, which gets two axes of length 1."""
    x = torch.as_tensor(value, **kind)
    _check_values(name, x)
    return x[..., None, None] if x.ndim else x


def _finish(result: Any, shape: tuple[int, ...], kind: dict[str, Any]) -> Any:
    """The result in the batch shape, dtype and device of the arguments."""
    out = torch.as_tensor(result, **kind)
    return out if tuple(out.shape) == shape else torch.broadcast_to(out, shape).clone()


def _as_matrix(x: Any, kind: dict[str, Any]) -> Any:
    """A scalar as a 1 x 1 matrix."""
    return torch.atleast_2d(torch.as_tensor(x, **kind))


def _eye(k: int, kind: dict[str, Any]) -> Any:
    """The identity of size k."""
    return torch.eye(k, **kind)


def _full(shape: tuple[int, int], value: float, kind: dict[str, Any]) -> Any:
    """A matrix whose entries are all one number."""
    return torch.full(shape, value, **kind)


def _constant(rows: list[list[float]], kind: dict[str, Any]) -> Any:
    """A matrix of given numbers."""
    return torch.tensor(rows, **kind)


def _regular(compute: Any, name: str) -> Any:
    """What a solve gives; a singular matrix is named, or shows as inf or nan inside a transformation."""
    try:
        out = compute()
    except torch.linalg.LinAlgError:
        raise ValueError(f"{name} is singular; it needs to be invertible") from None
    if _fails(torch.isfinite(out)):
        raise ValueError(f"{name} is singular; it needs to be invertible")
    return out


def _solve(M: Any, B: Any, name: str) -> Any:
    """``inv(M) B``."""
    batch = torch.broadcast_shapes(M.shape[:-2], B.shape[:-2])
    M, B = torch.broadcast_to(M, batch + M.shape[-2:]), torch.broadcast_to(B, batch + B.shape[-2:])
    return _regular(lambda: torch.linalg.solve(M, B), name)


def _inverse(M: Any, name: str) -> Any:
    """``inv(M)``, for a result that is itself an inverse."""
    return _regular(lambda: torch.linalg.inv(M), name)


def _lu(M: Any, name: str) -> Any:
    """``P M = L U``, factored once for every solve with M or its transpose; M itself where autograd follows it.

    The derivative of a solve is one more solve from its factors, that of a factorisation costs several.
    """
    if M.requires_grad:
        return M, name
    lu, pivots, failed = torch.linalg.lu_factor_ex(M)
    if _fails(failed == 0):
        raise ValueError(f"{name} is singular; it needs to be invertible")
    return lu, pivots, name


def _lu_solve(factors: Any, B: Any, transposed: bool = False) -> Any:
    """``inv(M) B`` or ``inv(M^T) B`` from the factorisation of M."""
    if len(factors) == 2:
        M, name = factors
        return _solve(M.mT if transposed else M, B, name)
    lu, pivots, name = factors
    return _regular(lambda: torch.linalg.lu_solve(lu, pivots, B, adjoint=transposed), name)


def _open_rows(d: Any) -> Any:
    """The rows S of a gate with ``d_r = 1``; None for a batch of gates, and where no shape may depend on values."""
    if d.ndim != 2 or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return None
    try:
        return d[:, 0].nonzero()[:, 0]
    except RuntimeError:  # torch.func.vmap: one gate a sample
        return None


def _active_lu(d: Any, X: Any, s: Any, name: str) -> Any:
    """``(I + s X)_SS = P L U`` for the open rows S of the gate d; ``I + s D X D = P L U`` where S is not known."""
    rows = _open_rows(d)
    if rows is None:
        M = torch.where((d != 0) & (d.mT != 0), s * X, 0.0)
    else:
        M = s * X.index_select(-2, rows).index_select(-1, rows)
    return d, rows, _lu(_add_diagonal(M, 1), name)


def _active_solve(factors: Any, B: Any, transposed: bool = False) -> Any:
    """``D (I + s X D)^-1 B``, or its transpose times B: zero off the open rows S of D."""
    d, rows, lu = factors
    if rows is None:
        return _lu_solve(lu, torch.where(d != 0, B, 0.0), transposed)
    x = _lu_solve(lu, B.index_select(-2, rows), transposed)
    zeros = torch.zeros((*x.shape[:-2], *B.shape[-2:]), dtype=x.dtype, device=x.device)
    return zeros.index_copy(-2, rows, x)


def _cholesky(M: Any, name: str) -> Any:
    """``M = L L^T``, or ``P L U`` where rounding makes M indefinite (inside a transformation: nan)."""
    L, failed = torch.linalg.cholesky_ex(M)
    if _fails(failed == 0):
        return _lu(M, name)
    return (torch.where((failed == 0)[..., None, None], L, torch.nan),)


def _cholesky_solve(factors: Any, B: Any) -> Any:
    """``inv(M) B`` from the factorisation of a symmetric M."""
    return torch.cholesky_solve(B, factors[0]) if len(factors) == 1 else _lu_solve(factors, B)


def _logdet(M: Any, name: str) -> Any:
    """``log(det(M))`` of a matrix of positive determinant; nan inside a transformation where it is not positive."""
    sign, value = torch.linalg.slogdet(M)
    if _fails(sign > 0):
        raise ValueError(f"{name} has a determinant that is not positive; its logarithm needs a positive one")
    return torch.where(sign > 0, value, torch.nan)[..., None, None]


def _trace(X: Any) -> Any:
    """``tr(X)``, 1 x 1."""
    return torch.diagonal(X, dim1=-2, dim2=-1).sum(-1)[..., None, None]


def _add_diagonal(X: Any, v: Any) -> Any:
    """``X + diag(v)`` for a column or a scalar v."""
    return X + v * torch.eye(X.shape[-1], dtype=X.dtype, device=X.device)


def _diagonal(v: Any) -> Any:
    """``diag(v)`` as a full matrix, for a result that needs its zeros."""
    return v * torch.eye(v.shape[-2], dtype=v.dtype, device=v.device)


def _spread(X: Any) -> Any:
    """``E X``: column c is ``vec(diag(x_c))``."""
    P = torch.eye(X.shape[-2], dtype=X.dtype, device=X.device)[:, :, None] * X[..., None, :, :]
    return P.reshape(*P.shape[:-3], X.shape[-2] ** 2, X.shape[-1])


def _repeat(x: Any, count: int) -> Any:
    """The column x, ``count`` times side by side."""
    return torch.broadcast_to(x, (*x.shape[:-1], count))


def _commutation(p: int, q: int, kind: dict[str, Any]) -> Any:
    """``K`` with ``vec(X^T) = K vec(X)`` for X of shape (p, q)."""
    return torch.eye(p * q, **kind).reshape(q, p, p * q).permute(1, 0, 2).reshape(p * q, p * q)


def _selection(k: int, kind: dict[str, Any]) -> Any:
    """``E`` with ``vec(diag(v)) = E v``."""
    one = torch.eye(k, **kind)
    return (one[:, :, None] * one[:, None, :]).reshape(k * k, k)


def _placement(before: int, size: int, after: int, kind: dict[str, Any]) -> Any:
    """``[0; I; 0]``: the identity below ``before`` and above ``after`` rows of zeros."""
    return torch.cat([torch.zeros(before, size, **kind), torch.eye(size, **kind), torch.zeros(after, size, **kind)])


def _blocks(rows: list[list[Any]]) -> Any:
    """The matrix made of blocks, given as rows of blocks."""
    batch = torch.broadcast_shapes(*(X.shape[:-2] for row in rows for X in row))
    full = [[torch.broadcast_to(X, (*batch, *X.shape[-2:])) for X in row] for row in rows]
    return torch.cat([torch.cat(row, dim=-1) for row in full], dim=-2)


def _softmax_columns(X: Any) -> Any:
    """``exp(x_ij) / sum_k exp(x_kj)``."""
    return torch.softmax(X, dim=-2)


def _step(x: Any) -> Any:
    """``1[x > 0]``, whose derivative is 0."""
    return (x > 0).to(x.dtype)


def _sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))`` without overflow."""
    return torch.sigmoid(x)


def _triangular_solve(M: Any, B: Any, lower: bool, transposed: bool, name: str) -> Any:
    """``inv(M) B`` or ``inv(M^T) B`` for a triangular M."""
    M, upper = (M.mT, lower) if transposed else (M, not lower)
    return _regular(lambda: torch.linalg.solve_triangular(M, B, upper=upper), name)
