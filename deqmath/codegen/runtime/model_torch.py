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
        while tolerance < change < 1e100 and sweeps < max_sweeps:
            following = picard_step(A, Phi, Z, gamma)
            change = float((following - Z).abs().max())
            Z, sweeps = following, sweeps + 1
        return Z, change, sweeps

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs[:3], output[0])

    @staticmethod
    def backward(ctx: Any, W: Any, *_: Any) -> Any:
        """By (10), ``(dz_i/dA)^T w_i = gamma q_i z_i^T`` with ``q_i = R_i^T w_i = (dz_i/dphi_i)^T w_i``."""
        A, Phi, gamma, Z = ctx.saved_tensors
        columns = range(Z.shape[-1])
        Q = torch.cat([adjoint(A, W[:, [i]], gamma, Phi[:, [i]], Z[:, [i]]) for i in columns], dim=-1)
        return gamma * Q @ Z.mT, Q, (Q * (A @ Z)).sum(), None, None


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float | None = None, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps, differentiable in A, Phi and gamma.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than
    ``tolerance``, by default 256 units in the last place of 1. The samples are the columns of Phi (m x n) and of Z.
    """
    Phi = _matrix("Phi", Phi, "(m, n)")
    tolerance = 256 * float(torch.finfo(Phi.dtype).eps) if tolerance is None else tolerance
    _check_limits(tolerance, max_sweeps)
    level = torch.as_tensor(gamma, **_kind(A=A, Phi=Phi, gamma=gamma))
    Z, change, sweeps = _FixedPoint.apply(A, Phi, level, tolerance, max_sweeps)
    return Equilibrium(Z, change <= tolerance, sweeps, change)
