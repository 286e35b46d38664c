"""The model functions of JAX modules: the backward pass of the equilibrium is the implicit function theorem."""

# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

adjoint: Any
features: Any
gradient: Any
gram: Any
output: Any
picard_step: Any
_fails: Any

# Copied from here.


class Equilibrium(NamedTuple):
    """Z and the state of its solve, as arrays; ``change`` is the largest change of an entry in the last sweep."""

    Z: Any
    converged: Any
    sweeps: Any
    change: Any


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _fixed_point(A: Any, Phi: Any, gamma: Any, tolerance: float, max_sweeps: int) -> Any:
    """Z, the largest change of the last sweep, and the number of sweeps."""

    def unfinished(state: Any) -> Any:
        return (state[1] > tolerance) & (state[1] < 1e30) & (state[2] < max_sweeps)

    def sweep(state: Any) -> Any:
        following = picard_step(A, Phi, state[0], gamma)
        return following, jnp.max(jnp.abs(following - state[0])), state[2] + 1

    return jax.lax.while_loop(unfinished, sweep, (0.0 * Phi, jnp.asarray(1.0 + tolerance, Phi.dtype), 0))


def _fixed_point_forward(A: Any, Phi: Any, gamma: Any, tolerance: float, max_sweeps: int) -> Any:
    found = _fixed_point(A, Phi, gamma, tolerance, max_sweeps)
    return found, (A, Phi, gamma, found[0])


def _fixed_point_backward(tolerance: float, max_sweeps: int, saved: Any, cotangents: Any) -> Any:
    """By (10), ``(dz_i/dA)^T w_i = gamma q_i z_i^T`` with ``q_i = R_i^T w_i``; also ``(dz_i/dphi_i)^T w_i = q_i``."""
    del tolerance, max_sweeps
    A, Phi, gamma, Z = saved
    columns = (cotangents[0].T[..., None], Phi.T[..., None], Z.T[..., None])
    Q = jax.lax.map(lambda s: adjoint(A, s[0], gamma, s[1], s[2])[:, 0], columns).T
    return gamma * Q @ Z.T, Q, jnp.sum(Q * (A @ Z))


_fixed_point.defvjp(_fixed_point_forward, _fixed_point_backward)


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float = 1e-12, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps, differentiable in A, Phi and gamma.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than
    ``tolerance`` (choose about 1e-6 in float32). The samples are the columns of Phi (m x n) and of Z.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance: received {tolerance}; it needs a positive number")
    if max_sweeps < 1:
        raise ValueError(f"max_sweeps: received {max_sweeps}; it needs an integer of at least 1")
    Z, change, sweeps = _fixed_point(A, Phi, jnp.asarray(gamma, dtype=Phi.dtype), tolerance, max_sweeps)
    return Equilibrium(Z, change <= tolerance, sweeps, change)


class NotConverged(ArithmeticError):
    """The equilibrium was not reached; nothing is computed from a best so far."""


def _solved(A: Any, Phi: Any, gamma: Any, options: dict[str, Any]) -> Any:
    """The equilibrium, or an error; nan under a trace, where the caller cannot be told otherwise."""
    found = equilibrium(A, Phi, gamma, **options)
    if _fails(found.converged):
        raise NotConverged(
            f"the equilibrium was not reached: the last of {int(found.sweeps)} sweeps changed an entry by "
            f"{float(found.change):.1e}; it needs gamma ||A||_2 < 1, or more sweeps by max_sweeps="
        )
    return jnp.where(found.converged, found.Z, jnp.nan)


def predict(A: Any, W: Any, X: Any, b: Any, gamma: Any, **options: Any) -> Any:
    """``f(x_i) = b^T z_i / sqrt(m)`` for the columns of X (d x n), 1 x n."""
    return output(_solved(A, features(W, X), gamma, options), b)


def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n; one system at a time."""
    return jax.lax.map(lambda s: adjoint(A, b, gamma, s[0], s[1])[:, 0], (Phi.T[..., None], Z.T[..., None])).T


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
