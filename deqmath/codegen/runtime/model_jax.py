"""The model functions of JAX modules: the backward pass of the equilibrium is the implicit function theorem."""

# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from deqmath.codegen.runtime.model_shared import Equilibrium, NotConverged, _check_limits

adjoint: Any
picard_step: Any
_fails: Any
_kind: Any
_matrix: Any

# Copied from here.


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


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float | None = None, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps, differentiable in A, Phi and gamma.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than
    ``tolerance``, by default 256 units in the last place of 1. The samples are the columns of Phi (m x n) and of Z.
    """
    Phi = _matrix("Phi", Phi, "(m, n)")
    tolerance = 256 * float(jnp.finfo(Phi.dtype).eps) if tolerance is None else tolerance
    _check_limits(tolerance, max_sweeps)
    Z, change, sweeps = _fixed_point(
        A, Phi, jnp.asarray(gamma, dtype=_kind(A=A, Phi=Phi, gamma=gamma)), tolerance, max_sweeps
    )
    return Equilibrium(Z, change <= tolerance, sweeps, change)


def _solved(A: Any, Phi: Any, gamma: Any, options: dict[str, Any]) -> Any:
    """The equilibrium, or an error; nan under a trace, where the caller cannot be told otherwise."""
    found = equilibrium(A, Phi, gamma, **options)
    if _fails(found.converged):
        raise NotConverged(
            f"the equilibrium was not reached: the last of {int(found.sweeps)} sweeps changed an entry by "
            f"{float(found.change):.1e}; it needs gamma ||A||_2 < 1, or more sweeps by max_sweeps="
        )
    return jnp.where(found.converged, found.Z, jnp.nan)


def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n; one system at a time."""
    return jax.lax.map(lambda s: adjoint(A, b, gamma, s[0], s[1])[:, 0], (Phi.T[..., None], Z.T[..., None])).T
