"""The model functions of PyTorch modules: the backward pass of the equilibrium is the implicit function theorem."""

# ruff: noqa: F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any

import torch

from deqmath.codegen.runtime.model_shared import Equilibrium, _check_limits

adjoint: Any
output: Any
picard_step: Any
_kind: Any
_matrix: Any

# Copied from here.


class _FixedPoint(torch.autograd.Function):
    """The equilibrium, whose backward pass is the implicit function theorem."""

    @staticmethod
    def forward(A: Any, Phi: Any, gamma: Any, tolerance: float, max_sweeps: int) -> Any:
        Z, change, sweeps = 0.0 * Phi, 1.0 + tolerance, 0
        while tolerance < change < float("inf") and sweeps < max_sweeps:
            following = picard_step(A, Phi, Z, gamma)
            change = _moved(following, Z)
            Z, sweeps = following, sweeps + 1
        return Z, change, sweeps

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs[:3], output[0])
        ctx.known = 1.0 if output[1] <= inputs[3] else float("nan")

    @staticmethod
    def backward(ctx: Any, W: Any, *_: Any) -> Any:
        """By (10), ``(dz_i/dA)^T w_i = gamma q_i z_i^T`` with ``q_i = R_i^T w_i = (dz_i/dphi_i)^T w_i``."""
        A, Phi, gamma, Z = ctx.saved_tensors
        columns = ([X[..., [i]] for X in (W, Phi, Z)] for i in range(Z.shape[-1]))
        Q = ctx.known * torch.cat([adjoint(A, w, gamma, phi, z) for w, phi, z in columns], dim=-1)
        slope = (Q * (A @ Z)).sum(dim=(-2, -1))
        slopes = (gamma[..., None, None] * Q @ Z.mT, Q, slope)
        summed = [s.sum_to_size(x.shape) for s, x in zip(slopes, (A, Phi, gamma), strict=True)]
        return *summed, None, None  # over the axes along which an argument was repeated

    @staticmethod
    def vmap(info: Any, axes: Any, *arguments: Any) -> Any:
        """One solve of the whole batch: the axis of every sample first, made where a tensor has none."""
        pairs = zip(arguments[:3], axes[:3], strict=True)
        batched = [x.expand(info.batch_size, *x.shape) if k is None else x.movedim(k, 0) for x, k in pairs]
        return _FixedPoint.apply(*batched, *arguments[3:]), (0, None, None)


def _moved(following: Any, Z: Any) -> float:
    """The largest change of an entry, as a part of the largest entry of its column; inf where that tells nothing.

    It tells nothing of a column that is not finite, and where a product may under- or overflow.
    """
    info = torch.finfo(following.dtype)
    size = torch.maximum(following, Z).amax(-2)
    tells = (size >= info.smallest_normal / info.eps) & (size <= info.max * info.eps)
    change = torch.where(tells | (size == 0), (following - Z).abs().amax(-2), float("inf"))
    return float((change / torch.where(tells, size, 1.0)).max())


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float | None = None, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps, differentiable in A, Phi and gamma.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than ``tolerance`` times
    the largest entry of its column, by default 256 units in the last place; a column of zeros has converged,
    and one whose largest entry is not from ``smallest_normal / eps`` to ``max eps`` never does. The samples
    are the columns of Phi (m x n) and of Z.

    Inside ``torch.func.vmap`` the samples of the batch are swept together until all of them have converged.
    Derivatives are in reverse mode, of any order; a second derivative is ``jacrev(grad(..))``.
    """
    Phi = _matrix("Phi", Phi, "(m, n)")
    tolerance = 256 * float(torch.finfo(Phi.dtype).eps) if tolerance is None else tolerance
    _check_limits(tolerance, max_sweeps)
    level = torch.as_tensor(gamma, **_kind(A=A, Phi=Phi, gamma=gamma))
    Z, change, sweeps = _FixedPoint.apply(A, Phi, level, tolerance, max_sweeps)
    return Equilibrium(Z, change <= tolerance, sweeps, change)
