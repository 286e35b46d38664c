"""The model functions of JAX modules: the derivative of the equilibrium is the implicit function theorem."""

# mypy: disable-error-code="untyped-decorator"
# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from deqmath.codegen.runtime.model_shared import Equilibrium, NotConverged, _check_limits

adjoint: Any
picard_step: Any
_add_diagonal: Any
_fails: Any
_kind: Any
_matrix: Any

# Copied from here.


def _sweeps(point: Any, tolerance: float, max_sweeps: int) -> Any:
    """Z, the change of the last sweep, and the number of sweeps."""
    A, Phi, gamma = point

    def unfinished(state: Any) -> Any:
        return (state[1] > tolerance) & (state[1] < jnp.inf) & (state[2] < max_sweeps)

    def sweep(state: Any) -> Any:
        following = picard_step(A, Phi, state[0], gamma)
        return following, _moved(following, state[0]), state[2] + 1

    return jax.lax.while_loop(unfinished, sweep, (0.0 * Phi, jnp.asarray(1.0 + tolerance, Phi.dtype), 0))


def _moved(following: Any, Z: Any) -> Any:
    """The largest change of an entry, as a part of the largest entry of its column; inf where that tells nothing.

    It tells nothing of a column that is not finite, and where a product may under- or overflow.
    """
    info = jnp.finfo(following.dtype)
    size = jnp.max(jnp.maximum(following, Z), axis=-2)
    tells = (size >= float(info.smallest_normal) / float(info.eps)) & (size <= float(info.max) * float(info.eps))
    change = jnp.where(tells | (size == 0), jnp.max(jnp.abs(following - Z), axis=-2), jnp.inf)
    return jnp.max(change / jnp.where(tells, size, 1.0))


def _read_as_zero(Phi: Any) -> Any:
    """Whether the largest entry of a column is subnormal, which XLA reads as 0 on some devices: its bits tell."""
    bits = jax.lax.bitcast_convert_type(Phi, f"int{8 * Phi.dtype.itemsize}")
    return jnp.any((jnp.max(Phi, axis=-2) == 0) & (jnp.max(bits, axis=-2) > 0))


@jax.custom_jvp
def _implicit(A: Any, Phi: Any, gamma: Any, Z: Any, known: Any) -> Any:
    """Z, whose derivative is the implicit function theorem; that is nan where known is."""
    del A, Phi, gamma, known
    return Z


@_implicit.defjvp
def _implicit_tangent(point: Any, along: Any) -> Any:
    """``(I - gamma D_i A) dz_i = D_i (dphi_i + (gamma dA + dgamma A) z_i)``; its transpose is the adjoint of (10)."""
    A, Phi, gamma, _, known = point
    Z = _implicit(*point)
    D = (gamma * (A @ Z) + Phi > 0).astype(Z.dtype)
    dA, dPhi, dgamma = (known * x for x in along[:3])  # and of the result: D may turn nan into 0 either way
    right = D * (dPhi + gamma * (dA @ Z) + dgamma * (A @ Z))
    dZ = jax.lax.custom_linear_solve(
        lambda X: X - D * (gamma * (A @ X)),
        right,
        lambda _, B: _columnwise(lambda d: _add_diagonal(-gamma * d * A, 1), D, B),
        lambda _, B: _columnwise(lambda d: _add_diagonal(A.mT * (-gamma * d.mT), 1), D, B),
    )
    return Z, known * dZ


def _columnwise(matrix: Any, D: Any, B: Any) -> Any:
    """``inv(matrix(d_i)) b_i`` for every sample, one system at a time."""
    return jax.lax.map(lambda s: jnp.linalg.solve(matrix(s[0]), s[1])[:, 0], (D.T[..., None], B.T[..., None])).T


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float | None = None, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps, differentiable in A, Phi and gamma.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than ``tolerance`` times
    the largest entry of its column, by default 256 units in the last place; a column of zeros has converged,
    and one whose largest entry is not from ``smallest_normal / eps`` to ``max eps`` never does. The samples
    are the columns of Phi (m x n) and of Z.

    Derivatives of any order, in forward and in reverse mode; those of what has not converged are nan.
    """
    Phi = _matrix("Phi", Phi, "(m, n)")
    tolerance = 256 * float(jnp.finfo(Phi.dtype).eps) if tolerance is None else tolerance
    _check_limits(tolerance, max_sweeps)
    level = jnp.asarray(gamma, dtype=_kind(A=A, Phi=Phi, gamma=gamma))
    Z, change, sweeps = _sweeps(jax.lax.stop_gradient((A, Phi, level)), tolerance, max_sweeps)
    change = jnp.where(_read_as_zero(Phi), jnp.inf, change)
    converged = change <= tolerance
    return Equilibrium(_implicit(A, Phi, level, Z, _nan_unless(converged)), converged, sweeps, change)


def _nan_unless(condition: Any) -> Any:
    """1 where the condition holds and nan elsewhere; unlike a choice, a product with it has a derivative of nan."""
    return jnp.where(condition, 1.0, jnp.nan)


def _solved(A: Any, Phi: Any, gamma: Any, options: dict[str, Any]) -> Any:
    """The equilibrium, or an error; nan under a trace, where the caller cannot be told otherwise."""
    found = equilibrium(A, Phi, gamma, **options)
    if _fails(found.converged):
        raise NotConverged(
            f"the equilibrium was not reached: the last of {int(found.sweeps)} sweeps moved it by "
            f"{float(found.change):.1e} of its largest entry (inf: out of the range of its dtype); "
            "it needs gamma ||A||_2 < 1, or more sweeps by max_sweeps="
        )
    return found.Z * _nan_unless(found.converged)


def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n; one system at a time."""
    return jax.lax.map(lambda s: adjoint(A, b, gamma, s[0], s[1])[:, 0], (Phi.T[..., None], Z.T[..., None])).T
