r"""How much the adjoint q can jump when units switch, bounded from the pre-activations at the start.

A unit k can switch only if ``|u_k(t) - u_k(0)| >= |u_k(0)|``, so the set P of switched units has
``sum_P u_k(0)^2 <= B^2`` for any bound B of ``||u(t) - u(0)||``. The jump is ``(sum_P h_k(0)^2)^{1/2}``,
``h = b + gamma A^T q``. Its maximum over such P is a knapsack problem; the fractional (greedy) solution bounds it from
above.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deqmath.bounds.equilibria import Weights, length, row_norms
from deqmath.bounds.equilibrium_record import Ball
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.rationals import exact, short_up, sqrt_up
from deqmath.errors import InputError

SLACK = 8
"""Every float64 error bound is taken so many times larger than the theorem asks."""


def jump_bound(
    weights: Weights, ball: Ball, adjoint: tuple[Scaled, Fraction], phi: Array, budget: Fraction
) -> Fraction:
    """At least ``||(D_t - D_0) h_0||`` for every set of switches with ``||u_t - u_0|| <= budget``.

    Parameters
    ----------
    weights : Weights
    ball : Ball
        The equilibrium at the start.
    adjoint : tuple
        q at the start and its radius.
    phi : ndarray, shape (m,)
        The injection, in float64 (a relative error of 2**-50 is allowed for).
    budget : Fraction
    """
    with np.errstate(over="ignore", invalid="ignore"):
        costs, gains = _costs_and_gains(weights, ball, adjoint, phi)
    if not np.isfinite(gains).all():
        msg = "the adjoints' entries are too large for float64; scale b and A first"
        raise InputError(msg)
    return greedy(np.where(np.isfinite(costs), costs, 0.0), gains, budget)  # a unit of cost 0 always switches


def _costs_and_gains(weights: Weights, ball: Ball, adjoint: tuple[Scaled, Fraction], phi: Array) -> tuple[Array, Array]:
    """At most ``|u_k|`` and at least ``|h_k|``; infinities and NaN where float64 overflows."""
    q, radius = adjoint
    z, u_norms = _floats(ball.centre), weights.rows
    columns = row_norms(weights.a.T)
    gamma = weights.float_gamma
    u = gamma * (weights.a @ z) + phi
    h = gamma * (weights.a.T @ _floats(q)) + weights.b
    u_error = _error(weights, u_norms, length(z), np.abs(phi), float(ball.radius))
    h_error = _error(weights, columns, length(_floats(q)), np.abs(weights.b), float(radius))
    costs = np.maximum(np.abs(u) - u_error, 0.0)
    return costs, np.abs(h) + h_error


def greedy(costs: Array, gains: Array, budget: Fraction) -> Fraction:
    """At least the largest ``(sum_P gains^2)^{1/2}`` with ``sum_P costs^2 <= budget^2``, in exact rationals.

    Examples
    --------
    >>> import numpy as np
    >>> from fractions import Fraction
    >>> from deqmath.bounds.switches import greedy
    >>> float(greedy(np.array([3.0, 4.0]), np.array([1.0, 1.0]), Fraction(5)))  # both fit: sqrt 2
    1.4142135623730951
    """
    left, total = budget**2, Fraction(0)
    pairs = sorted(
        ((exact(float(costs[k])) ** 2, exact(float(gains[k])) ** 2) for k in range(costs.size)),
        key=lambda pair: pair[0] / pair[1] if pair[1] else Fraction(10) ** 400,
    )
    for cost, gain in pairs:
        if cost > left:
            total += gain * left / cost
            break
        left -= cost
        total += gain
    return sqrt_up(short_up(total))


def _floats(column: Scaled) -> Array:
    values: Array = np.ldexp(*column.floats())[:, 0]
    return values


def _error(weights: Weights, norms: Array, size: float, offset: Array, radius: float) -> Array:
    """At least the error of ``fl(gamma M v + offset)`` for v within ``radius`` of what was used, entry by entry."""
    rounding = (weights.width + 8) * 2.0**-53 * (weights.float_gamma * norms * size + offset)
    found: Array = (
        SLACK * (rounding + weights.float_gamma * norms * (radius + float(weights.slip) * size)) + weights.tiny
    )
    return found
