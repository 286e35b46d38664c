"""Predictions corrected by the adjoint: k sweeps of each solve give the accuracy of 2 k."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deqmath.numeric.arrays import Array, relu, row_norms

if TYPE_CHECKING:
    from deqmath.numeric.network import ReLUNetwork


@dataclass(frozen=True, eq=False)
class CorrectedPrediction:
    """Predictions with a bound on the error that the truncated solves leave.

    Attributes
    ----------
    values
        Shape (n,).
    error
        Bound on ``|values_i - yhat_i|`` in exact arithmetic, shape (n,); round-off of the two float64 sweeps comes
        on top, a few units in the last place of ``||b|| ||z_i|| / sqrt m``.
    sweeps
        Products with A or its transpose, float32 and float64 together.
    """

    values: Array
    error: Array = field(repr=False)
    sweeps: int


def corrected_prediction(net: ReLUNetwork, injection: Array, sweeps: int) -> CorrectedPrediction:
    """``b.z / sqrt m + v.(F(z) - z) / sqrt m`` with z and v after k float32 sweeps each, F in float64.

    With ``v = (I - gamma A^T D)^{-1} b`` the second term is the first-order effect of the residual
    ``s = F(z) - z`` on the output, so the error is of second order: for an approximate v with residual
    ``e = b + gamma A^T D v - v``,

        sqrt(m) |error| <= ||e|| ||s||/(1 - rho) + ||v_N|| rho ||s||/(1 - rho),

    N the units whose gate may differ between z and the equilibrium, ``|u_k| <= rho ||s||/(1 - rho)``.

    Parameters
    ----------
    net
        The network, in the namespace of the injection.
    injection
        ``phi(X W^T)``, shape (n, m).
    sweeps
        k, for each of the two solves.
    """
    xp, rho, root = net.xp, net.contraction_bound(), math.sqrt(net.width)
    low = net.low_precision
    offset = xp.astype(injection, xp.float32)
    z = relu(xp, offset)
    for _ in range(sweeps):
        z = z @ low.T
        z += offset
        z = relu(xp, z, out=z)
    z = xp.astype(z, xp.float64)
    u = net.gamma * (z @ net.A.T) + injection
    step = relu(xp, u) - z
    gates = xp.astype(u > 0, xp.float32)
    b = xp.astype(net.b, xp.float32)[None, :]
    v = b + 0.0 * gates
    before = v
    for _ in range(sweeps):
        before, v = v, b + (v * gates) @ low
    defect = row_norms(xp, xp.astype(v - before, xp.float64)) * rho
    v = xp.astype(v, xp.float64)
    reach = row_norms(xp, step) / (1.0 - rho)
    near = xp.astype(xp.abs(u) <= (rho * reach)[:, None], xp.float64)
    error = (defect + 1e-6 * row_norms(xp, v) + rho * row_norms(xp, v * near)) * reach / root
    values = (z @ net.b + xp.sum(v * step, axis=1)) / root
    return CorrectedPrediction(values, error, 2 * sweeps + 1)
