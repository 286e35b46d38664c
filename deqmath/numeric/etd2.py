"""One step of the exponential integrator in function space."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.arrays import frobenius, joint_norm
from deqmath.numeric.equilibrium import Equilibrium
from deqmath.numeric.kinks import Kinks, Sliding
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
    """An ETD2 step that was computed: where it leads, what slides there and how far its two orders are apart."""

    net: ReLUNetwork
    difference: float
    sliding: Sliding | None


def etd2_step(state: State, X: NDArray[np.float64], h: float, inside: float = DEFAULT_TOL) -> Trial:
    """One step of size h of ``P' = -J^T r`` (exponential time differencing, Runge-Kutta of order 2).

    With ``-J^T J`` frozen over the step, ``H = J J^T = V diag(w) V^T`` and ``r_lin = exp(-hH) r``,

        P1 = P - h J^T phi_1(-hH) r,
        P2 = P1 + h [ J^T (r_lin/2 - h phi_3(-hH)(H r_lin - C r1)) - J1^T r1/2 ],   C = J J1^T,

    where index 1 means: at P1. Everything is n x n but the pullbacks, and there is no stiffness limit.

    Where gates switch within the step J1 is taken so that both ends together have the average of every gate over
    the step, and where the flow slides along a kink the end of the step is brought back to it (:mod:`.kinks`). Otherwise every
    switch would leave an error of order h, and a gate that slides would switch back and forth with every step.

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
        The network at P2, the gates that slide there, and ``||P2 - P1||``, what the switches contribute to it left out.

    Raises
    ------
    NotWellPosedError
        rho >= 1 at P1; the caller makes h smaller.
    """
    w, V = state.spectrum
    w = np.maximum(w, 0.0)
    phi_1, phi_3 = phi_functions(-h * w)
    r_hat = V.T @ state.residual
    weights = V @ (phi_1 * r_hat)
    first = state.J.pullback(weights)
    middle = state.moved({name: -h * d for name, d in first.items()}).equilibrium(X, tol=inside, start=state.J.Z)
    kinks = Kinks.of_step(state, middle, h * weights)
    half, jumped = _half(state, middle, kinks, inside)
    r_lin = np.exp(-h * w) * r_hat
    defect = w * r_lin - V.T @ (state.J.gram(half.J) @ half.residual)
    forward = state.J.pullback(V @ (0.5 * r_lin - h * (phi_3 * defect)))
    second = {name: h * (d - 0.5 * half.gradient[name]) for name, d in forward.items()}
    if kinks is None:
        return Trial(half.moved(second), joint_norm(second), None)
    smooth = {name: d + 0.5 * h * jumped[name] if name in jumped else d for name, d in second.items()}
    kinks, back = _held(kinks, half, second)
    return Trial(half.moved({**second, **back}), joint_norm(smooth), kinks.sliding)


def _half(state: State, middle: Equilibrium, kinks: Kinks | None, inside: float) -> tuple[State, Change]:
    """The state at P1, its gates so that the mean of both ends is their average, and what they change of its gradient."""
    if kinks is None:
        return State.of(middle, state.y, state.J.Q, inside), {}
    within, beyond = kinks.at_end()
    mask = np.asarray(middle.gates, dtype=np.float64)
    mask[kinks.sample, kinks.unit] = within
    half = State.of(middle, state.y, state.J.Q, inside, mask)
    # beyond [0, 1] the solve need not contract: that part, for its own unit only
    columns = np.unique(kinks.unit)
    driven = half.J.driven(columns)
    rest, _ = kinks.spread(beyond)
    if rest.any():
        Q = np.array(half.J.Q)
        Q[:, columns] += rest * driven
        half = replace(half, J=replace(half.J, adjoint=replace(half.J.adjoint, Q=Q)))
    change, _ = kinks.spread(within + beyond - kinks.before)
    return half, half.J.pullback_of(half.residual, change * driven, columns)


def _held(kinks: Kinks, half: State, second: Change) -> tuple[Kinks, Change]:
    """The shares that the corrected end of the step asks for, and A and W changed by what they have changed."""
    eq, net = half.J.adjoint.equilibrium, half.net
    columns, at = np.unique(kinks.unit, return_inverse=True)
    moved = np.zeros((len(half.y), len(columns)))
    if "A" in second:
        moved += net.gamma * (half.J.Z @ second["A"][columns].T)
    if "W" in second:
        moved += half.J.slopes[:, columns] * (half.J.X @ second["W"][columns].T)
    v = eq.U[kinks.sample, kinks.unit] + moved[kinks.sample, at]
    found = kinks.settled(v)
    back = found.push(found.share - kinks.share)
    return found, {name: second[name] + d for name, d in back.items()}
