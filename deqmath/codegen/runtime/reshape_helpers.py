"""Kronecker products and vec by reshaping, the same text for the libraries whose arrays have ``.reshape`` and ``.mT``."""

from __future__ import annotations

from typing import Any


def _kron(A: Any, B: Any) -> Any:
    """``A kron B``, formed in one step by broadcasting."""
    P = A[..., :, None, :, None] * B[..., None, :, None, :]
    return P.reshape(*P.shape[:-4], A.shape[-2] * B.shape[-2], A.shape[-1] * B.shape[-1])


def _khatri_rao(A: Any, B: Any) -> Any:
    """``[a_0 kron b_0, a_1 kron b_1, ..]`` of two matrices with as many columns."""
    P = A[..., :, None, :] * B[..., None, :, :]
    return P.reshape(*P.shape[:-3], A.shape[-2] * B.shape[-2], A.shape[-1])


def _kron_apply(A: Any, B: Any, Y: Any) -> Any:
    """``(A kron B) Y`` for Y of several columns, from the two factors."""
    q, s, k = A.shape[-1], B.shape[-1], Y.shape[-1]
    X = B[..., None, :, :] @ Y.reshape(*Y.shape[:-2], q, s, k)  # (..., q, rows of B, k)
    X = A @ X.reshape(*X.shape[:-3], q, B.shape[-2] * k)
    return X.reshape(*X.shape[:-2], A.shape[-2] * B.shape[-2], k)


def _vec(X: Any) -> Any:
    """``vec(X)``: the columns of X, stacked."""
    return X.mT.reshape(*X.shape[:-2], X.shape[-2] * X.shape[-1], 1)


def _unvec(y: Any, rows: int, columns: int) -> Any:
    """The matrix of the given shape with ``vec = y``."""
    return y.reshape(*y.shape[:-2], columns, rows).mT
