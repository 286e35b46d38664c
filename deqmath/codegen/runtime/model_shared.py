"""The model functions that the libraries share; a library's own file adds ``equilibrium`` and replaces what differs."""

# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any, NamedTuple

CONCAT: Any
adjoint: Any
equilibrium: Any
features: Any
gradient: Any
gram: Any
output: Any

# Copied from here.


class Equilibrium(NamedTuple):
    """Z and the state of its solve; ``change`` is that of the last sweep, as a part of the largest entry of its column.

    It is inf where an entry left the range of the dtype in which it tells anything.
    """

    Z: Any
    converged: bool
    sweeps: int
    change: float


class NotConverged(ArithmeticError):
    """The equilibrium was not reached; nothing is computed from a best so far."""


def _check_limits(tolerance: Any, max_sweeps: int) -> None:
    """The options of an equilibrium solve."""
    if not tolerance > 0:
        raise ValueError(f"tolerance: received {tolerance}; it needs a positive number")
    if max_sweeps < 1:
        raise ValueError(f"max_sweeps: received {max_sweeps}; it needs an integer of at least 1")


def _solved(A: Any, Phi: Any, gamma: Any, options: dict[str, Any]) -> Any:
    """The equilibrium, or an error that says how far it came."""
    found = equilibrium(A, Phi, gamma, **options)
    if not found.converged:
        raise NotConverged(
            f"the equilibrium was not reached: the last of {found.sweeps} sweeps moved it by {found.change:.1e} "
            "of its largest entry (inf: out of the range of its dtype); it needs gamma ||A||_2 < 1, or more sweeps by max_sweeps="
        )
    return found.Z


def predict(A: Any, W: Any, X: Any, b: Any, gamma: Any, **options: Any) -> Any:
    """``f(x_i) = b^T z_i / sqrt(m)`` for the columns of X (d x n), 1 x n."""
    return output(_solved(A, features(W, X), gamma, options), b)


def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n; one system at a time."""
    pairs = ((Phi[..., :, i : i + 1], Z[..., :, i : i + 1]) for i in range(Z.shape[-1]))
    return CONCAT([adjoint(A, b, gamma, phi, z) for phi, z in pairs], axis=-1)


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
