"""The model functions of mpmath modules."""

# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any

import mpmath

from deqmath.codegen.runtime.model_shared import Equilibrium, NotConverged, _check_limits

adjoint: Any
features: Any
gradient: Any
gram: Any
output: Any
picard_step: Any

# Copied from here.


def equilibrium(
    A: Any, Phi: Any, gamma: Any, *, tolerance: Any = None, max_sweeps: int = 100_000, ctx: Any = mpmath.mp
) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than ``tolerance`` times
    the largest entry of its column, by default a thousand units in the last place. The samples are the columns
    of Phi and of Z.
    """
    limit = 1000 * ctx.eps if tolerance is None else ctx.mpf(tolerance)
    _check_limits(limit, max_sweeps)
    Z, change, sweeps = picard_step(A, Phi, Phi * 0, gamma, ctx=ctx), 1 + limit, 1
    most = 1e100 * max(Z)
    while limit < change and max(Z) <= most and sweeps < max_sweeps:
        following = picard_step(A, Phi, Z, gamma, ctx=ctx)
        change = max(_moved(following[:, i], Z[:, i]) for i in range(Z.cols))
        Z, sweeps = following, sweeps + 1
    return Equilibrium(Z, bool(change <= limit), sweeps, change)


def _moved(following: Any, z: Any) -> Any:
    """The largest change of an entry of a column, as a part of the largest entry."""
    size = max(*following, *z)
    return max(abs(x) for x in following - z) / size if size else size


def _solved(A: Any, Phi: Any, gamma: Any, ctx: Any, options: dict[str, Any]) -> Any:
    """The equilibrium, or an error that says how far it came."""
    found = equilibrium(A, Phi, gamma, ctx=ctx, **options)
    if not found.converged:
        raise NotConverged(
            f"the equilibrium was not reached in {found.sweeps} sweeps: it still moves by {ctx.nstr(found.change)} "
            "of its largest entry; it needs gamma ||A||_2 < 1, or more sweeps by max_sweeps="
        )
    return found.Z


def predict(A: Any, W: Any, X: Any, b: Any, gamma: Any, ctx: Any = mpmath.mp, **options: Any) -> Any:
    """``f(x_i) = b^T z_i / sqrt(m)`` for the columns of X (d x n), 1 x n."""
    return output(_solved(A, features(W, X, ctx=ctx), gamma, ctx, options), b, ctx=ctx)


def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any, *, ctx: Any = mpmath.mp) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n; one system at a time."""
    columns = [adjoint(A, b, gamma, Phi[:, i], Z[:, i], ctx=ctx) for i in range(Z.cols)]
    return ctx.matrix([[q[k] for q in columns] for k in range(Z.rows)])


def loss_gradient(A: Any, W: Any, X: Any, b: Any, gamma: Any, y: Any, ctx: Any = mpmath.mp, **options: Any) -> Any:
    """``dL/dA`` of ``L = 1/2 sum_i (f(x_i) - y_i)^2``, m x m, by the closed form (6); y is n x 1."""
    Phi = features(W, X, ctx=ctx)
    Z = _solved(A, Phi, gamma, ctx, options)
    return gradient(A, Phi, Z, b, gamma, y, ctx=ctx)


def kernel(A: Any, W: Any, X: Any, b: Any, gamma: Any, ctx: Any = mpmath.mp, **options: Any) -> Any:
    """``H = (gamma^2/m) (Z^T Z) o (Q^T Q)``, n x n, the Gram matrix of the gradients by A."""
    Phi = features(W, X, ctx=ctx)
    Z = _solved(A, Phi, gamma, ctx, options)
    return gram(adjoints(A, Phi, Z, b, gamma, ctx=ctx), Z, gamma, ctx=ctx)
