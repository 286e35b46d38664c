"""One step of the exponential integrator in function space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.arrays import frobenius, joint_norm
from deqmath.numeric.network import DEFAULT_TOL, ReLUNetwork
from deqmath.numeric.phi_functions import phi_functions
from deqmath.numeric.recorder import State

Change = dict[str, NDArray[np.float64]]

#: What solves inside a step may leave of r, in units of the tolerance of the step, and the largest residual that is used.
_INSIDE, _MOST = 1e-3, 1e-7


def inside_tolerance(tol: float, state: State) -> float:
    """The relative residual for solves inside a step from `state`: what they leave is far below what the step leaves.

    A relative error delta of Z moves the outputs by at most ``delta ||Z||_F ||b|| / sqrt m``, which has to be small
    against ``||r||``, or a long flow would stop where the solves do.
    """
    net = state.net
    outputs = frobenius(np, state.J.Z) * frobenius(np, net.b) / math.sqrt(net.width)
    share = float(np.linalg.norm(state.residual)) / outputs if outputs > 0 else 1.0
    return min(_MOST, max(DEFAULT_TOL, _INSIDE * tol * share))


@dataclass(frozen=True, eq=False)
class Trial:
    """An ETD2 step that was computed: where it leads and how far its two orders are apart."""

    net: ReLUNetwork
    difference: float


def etd2_step(state: State, X: NDArray[np.float64], h: float, inside: float = DEFAULT_TOL) -> Trial:
    """One step of size h of ``P' = -J^T r`` (exponential time differencing, Runge-Kutta of order 2).

    With ``-J^T J`` frozen over the step, ``H = J J^T = V diag(w) V^T`` and ``r_lin = exp(-hH) r``,

        P1 = P - h J^T phi_1(-hH) r,
        P2 = P1 + h [ J^T (r_lin/2 - h phi_3(-hH)(H r_lin - C r1)) - J1^T r1/2 ],   C = J J1^T,

    where index 1 means: at P1. Everything is n x n but the pullbacks, and there is no stiffness limit.

    Parameters
    ----------
    state
        The solved state at the start of the step.
    X
        Samples, shape (n, d).
    h
        Step size.
    inside
        Relative residual to which the state at P1 is solved.

    Returns
    -------
    Trial
        The network at P2 and ``||P2 - P1||``.

    Raises
    ------
    NotWellPosedError
        rho >= 1 at P1; the caller makes h smaller.
    """
    w, V = state.spectrum
    w = np.maximum(w, 0.0)
    phi_1, phi_3 = phi_functions(-h * w)
    r_hat = V.T @ state.residual
    first = state.J.pullback(V @ (phi_1 * r_hat))
    half = State.solve(state.moved({name: -h * d for name, d in first.items()}), X, state.y, state, inside)
    r_lin = np.exp(-h * w) * r_hat
    defect = w * r_lin - V.T @ (state.J.gram(half.J) @ half.residual)
    forward = state.J.pullback(V @ (0.5 * r_lin - h * (phi_3 * defect)))
    second = {name: h * (d - 0.5 * half.gradient[name]) for name, d in forward.items()}
    return Trial(half.moved(second), joint_norm(second))
