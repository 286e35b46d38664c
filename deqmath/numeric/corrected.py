"""Predictions corrected by the adjoint: k sweeps of each solve give the accuracy of 2 k."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from deqmath.numeric.arrays import Array, Namespace, is_numpy, relu, row_norms
from deqmath.numeric.validate import in_range

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

    N the units whose gate may differ between z and the equilibrium, ``|u_k| <= rho ||s||/(1 - rho)``. z is homogeneous
    in the injection and v in b, so float32 sees each sample, and b, divided by a power of two that brings it to its range.

    Parameters
    ----------
    net
        The network, in the namespace of the injection.
    injection
        ``phi(X W^T)``, shape (n, m).
    sweeps
        k, for each of the two solves.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values, error = _corrected(net, injection, sweeps)
    in_range(values + error, "prediction")
    return CorrectedPrediction(values, error, 2 * sweeps + 1)


def _corrected(net: ReLUNetwork, injection: Array, sweeps: int) -> tuple[Array, Array]:
    """The predictions and the bound on their errors."""
    xp, rho, root = net.xp, net.contraction_bound(), math.sqrt(net.width)
    low = net.low_precision
    size, b_size = _powers(xp, injection), _powers(xp, net.b[None, :])
    offset = _divided(xp, injection, size)
    z = relu(xp, offset)
    for _ in range(sweeps):
        z = z @ low.T
        z += offset
        z = relu(xp, z, out=z)
    z = xp.astype(z, xp.float64)
    z *= size
    u = net.gamma * (z @ net.A.T) + injection
    step = relu(xp, u) - z
    gates = xp.astype(u > 0, xp.float32)
    b = _divided(xp, net.b[None, :], b_size)
    v = b + 0.0 * gates
    before = v
    for _ in range(sweeps):
        before, v = v, b + (v * gates) @ low
    defect = row_norms(xp, xp.astype(v - before, xp.float64)) * rho * b_size[:, 0]
    v = xp.astype(v, xp.float64)
    v *= b_size
    reach = row_norms(xp, step) / (1.0 - rho)
    near = xp.astype(xp.abs(u) <= (rho * reach)[:, None], xp.float64)
    error = (defect + 1e-6 * row_norms(xp, v) + rho * row_norms(xp, v * near)) * reach / root
    values = (z @ net.b + xp.sum(v * step, axis=1)) / root
    return values, error


def _powers(xp: Namespace, x: Array) -> Array:
    """The power of two at the largest entry of each row, shape (n, 1): divided by it, no entry is 2 or larger."""
    top = xp.maximum(xp.max(x, axis=1, keepdims=True), -xp.min(x, axis=1, keepdims=True))
    least = xp.full_like(top, float(xp.finfo(xp.float64).smallest_normal))  # also of a row of zeros
    return xp.pow(xp.full_like(top, 2.0), xp.floor(xp.log2(xp.maximum(top, least))))


def _divided(xp: Namespace, x: Array, size: Array) -> Array:
    """``x / size`` in float32."""
    if is_numpy(xp):
        return np.divide(x, size, out=np.empty(x.shape, np.float32), casting="same_kind")
    return xp.astype(x / size, xp.float32)
