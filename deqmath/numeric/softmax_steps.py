"""How the softmax network moves: one step of the exponential integrator, and the parameters as one vector."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.arrays import joint_norm
from deqmath.numeric.phi_functions import phi_functions
from deqmath.numeric.softmax import SoftmaxNetwork
from deqmath.numeric.softmax_state import SoftmaxState

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SoftmaxTrial:
    """An ETD2 step that was computed: where it leads and how far its two orders are apart."""

    net: SoftmaxNetwork
    difference: float


def etd2_step(state: SoftmaxState, X: Matrix, h: float) -> SoftmaxTrial:
    """One step of size h of ``P' = N(P) = -J^T s``, s the slopes of the loss (ETD2RK of Cox and Matthews).

    The linear part is the Gauss-Newton matrix at the start, ``L = -G^T G`` with ``G = C^{1/2} J`` and C the second
    derivatives of the loss, so that everything is done in the space of the n p predictions, with ``K = G G^T``:

        P1 = P - h G^T phi_1(-hK) C^{-1/2} s,
        P2 = P1 + h phi_2(hL) v,   v = N(P1) - N(P) - L (P1 - P),
        phi_2(hL) v = v/2 - h G^T phi_3(-hK) G v.

    Parameters
    ----------
    state
        The solved state at the start of the step.
    X
        Samples, shape (n, m).
    h
        Step size.
    """
    w, V, root = state.spectrum
    shape = state.F.shape
    phi_1, phi_3 = phi_functions(-h * w)

    def back(v: Matrix) -> dict[str, Matrix]:
        return state.pullback((root * v).reshape(shape))

    whitened = _divided(state.slopes.ravel(), root)
    first = {name: -h * d for name, d in back(V @ (phi_1 * (V.T @ whitened))).items()}
    half = SoftmaxState.solve(state.moved(first), X, state.Y, state.form)
    frozen = state.pullback(state.slopes + state.curvatures * state.pushforward(first))
    v = {name: frozen[name] - half.gradient[name] for name in frozen}
    inner = root * state.pushforward(v).ravel()
    bent = back(V @ (phi_3 * (V.T @ inner)))
    second = {name: h * (0.5 * v[name] - h * bent[name]) for name in v}
    return SoftmaxTrial(half.moved(second), joint_norm(second))


def _divided(slopes: Matrix, root: Matrix) -> Matrix:
    """``C^{-1/2} s``; where the loss is flat to the last bit (C = 0) its slope is 0 as well, and so is the quotient."""
    return np.divide(slopes, root, out=np.zeros_like(slopes), where=root > math.sqrt(np.finfo(np.float64).tiny))


def flatten(net: SoftmaxNetwork) -> Matrix:
    """The trainable parameters one after the other."""
    return np.concatenate([np.ravel(getattr(net, name)) for name in net.trainable])


def unflatten(net: SoftmaxNetwork, flat: Matrix) -> SoftmaxNetwork:
    """`net` with its trainable parameters read from one vector."""
    parts, start = {}, 0
    for name in net.trainable:
        old = getattr(net, name)
        parts[name] = flat[start : start + old.size].reshape(old.shape)
        start += old.size
    return net.with_parameters(**parts)
