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
from deqmath.numeric.recorder import FULL, State, Tolerances

Vector = NDArray[np.float64]
Change = dict[str, Vector]

#: What solves inside a step may leave, in units of the tolerance of the step: of r, in the worst case, and of J. Residuals that are used at most.
_INSIDE, _INSIDE_J, _MOST = 1e-2, 3e-3, 1e-5


def inside_tolerance(tol: float, state: State) -> Tolerances:
    """The relative residuals for solves inside a step from `state`: what they leave is far below what the step leaves.

    A relative error delta of Z moves the outputs by at most ``delta ||Z||_F ||b|| / sqrt m``, which has to be small
    against ``||r||``, or a long flow would stop where the solves do. One of Q changes J by as much, and the motion with it,
    however small r is.
    """
    net = state.net
    outputs = frobenius(np, state.J.Z) * frobenius(np, net.b) / math.sqrt(net.width)
    share = float(np.linalg.norm(state.residual)) / outputs if outputs > 0 else 1.0
    of_q = min(_MOST, max(DEFAULT_TOL, _INSIDE_J * tol))
    return Tolerances(min(of_q, max(DEFAULT_TOL, _INSIDE * tol * share)), of_q)


@dataclass(frozen=True, eq=False)
class Trial:
    """An ETD2 step that was computed: where it leads, what slides there, a state near it, and how far its two orders are apart."""

    net: ReLUNetwork
    near: State
    difference: float
    sliding: Sliding | None


def etd2_step(state: State, X: NDArray[np.float64], h: float, inside: Tolerances = FULL) -> Trial:
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
        To what the state at P1 is solved.

    Returns
    -------
    Trial
        The network at P2, the gates that slide there, and ``||P2 - P1||`` without what the switches found at P1
        contribute, which P1 cannot know. What is found anew about them at P2 is in it.

    Raises
    ------
    NotWellPosedError
        rho >= 1 at P1; the caller makes h smaller.
    """
    w, V = state.spectrum
    w = np.maximum(w, 0.0)
    phi_1, phi_3 = phi_functions(-h * w)
    r_hat = V.T @ state.residual
    mean = V @ (phi_1 * r_hat)
    middle = state.moved(state.J.pulled_back(-h * mean)).equilibrium(X, tol=inside.z, start=state.J.Z)
    kinks = Kinks.of_step(state, middle, h * mean)
    jumped: Change = {}
    if kinks is None:
        half = State.of(middle, state.y, state.J.Q, inside)
    else:
        half, jumped = _half(state, middle, kinks, inside, 0.5 * h)
    r_lin = np.exp(-h * w) * r_hat
    defect = w * r_lin - V.T @ (state.J.gram(half.J) @ half.residual)
    second = state.J.pulled_back(V @ (h * (0.5 * r_lin - h * (phi_3 * defect))))
    for name, d in half.J.pulled_back(-0.5 * h * half.residual).items():
        second[name] += d
    if kinks is None:
        return Trial(half.moved(second), half, joint_norm(second), None)
    kinks, held = _held(kinks, half, second)
    unforeseen = {name: d + jumped[name] if name in jumped else d for name, d in held.items()}
    return Trial(half.moved(held), half, joint_norm(unforeseen), kinks.sliding)


def _half(state: State, middle: Equilibrium, kinks: Kinks, inside: Tolerances, time: float) -> tuple[State, Change]:
    """The state at P1, its gates such that the mean of both ends is their average; `time` times what their change adds to its gradient.

    Beyond [0, 1], where a solve need not contract, a few sweeps take its place.
    """
    within, beyond = kinks.at_end()
    mask = np.asarray(middle.gates, dtype=np.float64)
    mask[kinks.sample, kinks.unit] = within
    start = np.array(state.J.Q)  # half a sweep less: the gates that switch have done so
    start[kinks.sample, kinks.unit] = within * kinks.drive
    half = State.of(middle, state.y, start, inside, mask)
    drive = kinks.driven(half.J, mask)
    answer = kinks.answer(half.J, mask, drive, 2.0 * (kinks.share - kinks.before))
    jumped = half.J.pulled_back_of(*answer, time * half.residual)
    if beyond.any():
        rows, dQ = kinks.answer(half.J, mask, drive, beyond)
        Q = np.array(half.J.Q)
        Q[rows] += dQ
        half = replace(half, J=half.J.with_adjoint(Q))
    return half, jumped


def _held(kinks: Kinks, half: State, second: Change) -> tuple[Kinks, Change]:
    """The shares that the corrected end of the step asks for, and the correction with what they change in it."""
    eq, net, state = half.J.adjoint.equilibrium, half.net, kinks.state
    units, at = kinks.columns
    moved = np.zeros((len(half.y), len(units)))
    if "A" in second:
        moved += net.gamma * (half.J.Z @ second["A"][units].T)
    if "W" in second:
        moved += half.J.slopes[:, units] * (half.J.X @ second["W"][units].T)
    found = kinks.settled(eq.U[kinks.sample, kinks.unit] + moved[kinks.sample, at])
    answer = kinks.answer(state.J, state.mask, kinks.drive, found.share - kinks.share)
    for name, d in state.J.pulled_back_of(*answer, -kinks.weights).items():
        second[name] += d
    return found, second
