"""The model functions of PyTorch modules: the backward pass of the equilibrium is the implicit function theorem."""

# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any, NamedTuple

import torch

adjoint: Any
features: Any
gradient: Any
gram: Any
output: Any
picard_step: Any

# Copied from here.


class Equilibrium(NamedTuple):
    """Z and the state of its solve; ``change`` is the largest change of an entry in the last sweep."""

    Z: Any
    converged: bool
    sweeps: int
    change: float


class NotConverged(ArithmeticError):
    """The equilibrium was not reached; nothing is computed from a best so far."""


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


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float = 1e-12, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps, differentiable in A, Phi and gamma.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than
    ``tolerance``. The samples are the columns of Phi (m x n) and of Z.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance: received {tolerance}; it needs a positive number")
    if max_sweeps < 1:
        raise ValueError(f"max_sweeps: received {max_sweeps}; it needs an integer of at least 1")
    level = torch.as_tensor(gamma, dtype=Phi.dtype, device=Phi.device)
    Z, change, sweeps = _FixedPoint.apply(A, Phi, level, tolerance, max_sweeps)
    return Equilibrium(Z, change <= tolerance, sweeps, change)


def _solved(A: Any, Phi: Any, gamma: Any, options: dict[str, Any]) -> Any:
    """The equilibrium, or an error that says how far it came."""
    found = equilibrium(A, Phi, gamma, **options)
    if not found.converged:
        raise NotConverged(
            f"the equilibrium was not reached: the last of {found.sweeps} sweeps moved it by {found.change:.1e}; "
            "it needs gamma ||A||_2 < 1, or more sweeps by max_sweeps="
        )
    return found.Z


def predict(A: Any, W: Any, X: Any, b: Any, gamma: Any, **options: Any) -> Any:
    """``f(x_i) = b^T z_i / sqrt(m)`` for the columns of X (d x n), 1 x n."""
    return output(_solved(A, features(W, X), gamma, options), b)


def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n; one system at a time."""
    pairs = ((Phi[..., :, i : i + 1], Z[..., :, i : i + 1]) for i in range(Z.shape[-1]))
    return torch.cat([adjoint(A, b, gamma, phi, z) for phi, z in pairs], dim=-1)


def loss_gradient(A: Any, W: Any, X: Any, b: Any, gamma: Any, y: Any, **options: Any) -> Any:
    """``dL/dA`` of ``L = 1/2 sum_i (f(x_i) - y_i)^2``, m x m, by the closed form (6); y is n x 1."""
    Phi = features(W, X)
    Z = _solved(A, Phi, gamma, options)
    return gradient(A, Phi, Z, b, gamma, y)


def kernel(A: Any, W: Any, X: Any, b: Any, gamma: Any, **options: Any) -> Any:
    """``H = (gamma^2/m) (Z^T Z) o (Q^T Q)``, n x n, the Gram matrix of the gradients by A."""
    Phi = features(W, X)
    Z = _solved(A, Phi, gamma, options)
    return gram(adjoints(A, Phi, Z, b, gamma), Z, gamma)
