"""Gradient descent with the change of q split into what moves smoothly and what jumps when gates switch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deqmath.numeric import ReLUNetwork

TOL = 1e-10


@dataclass(frozen=True)
class Split:
    """Largest norms over the samples, from t = 0 to the end of training.

    Attributes
    ----------
    change_z, change_q
        ``||z_i(t) - z_i(0)||`` and ``||q_i(t) - q_i(0)||``.
    smooth, jump
        The two parts of the latter: the motion of q at constant gates, and the sum of its jumps.
    switches
        Switches a sample.
    """

    change_z: float
    change_q: float
    smooth: float
    jump: float
    switches: float


def split(network: ReLUNetwork, X: np.ndarray, y: np.ndarray, goal: float = 0.05, most: int = 200) -> Split:
    """Train by descent with step 1/lambda_max(H(0)) until ||r|| is ``goal`` of its start.

    Within a step first A moves at the old gates, then the gates take their new state: every switch is located to
    within one step, and the two parts add up to the change of q exactly.
    """
    state = network.linearisation(network.adjoint(network.equilibrium(X, tol=TOL), tol=TOL))
    alpha = 1 / float(np.linalg.eigvalsh(state.gram())[-1])
    first, start = state, float(np.linalg.norm(state.predictions - y))
    smooth, jump, switches = np.zeros_like(state.Q), np.zeros_like(state.Q), 0
    for _ in range(most):
        residual = state.predictions - y
        if np.linalg.norm(residual) <= goal * start:
            break
        moved = state.net.with_parameters(A=state.net.A - alpha * state.pullback(residual)["A"])
        near = moved.equilibrium(X, tol=TOL, start=state.Z)
        after = moved.linearisation(moved.adjoint(near, tol=TOL, start=state.Q))
        old, new = (np.asarray(s.adjoint.equilibrium.gates) for s in (state, after))
        held = after.Q if np.array_equal(old, new) else at_gates(moved, old, state.Q)
        smooth += held - state.Q
        jump += after.Q - held
        switches += int(np.count_nonzero(old != new))
        state = after
    largest = [float(np.linalg.norm(part, axis=1).max()) for part in
               (state.Z - first.Z, state.Q - first.Q, smooth, jump)]  # fmt: skip
    return Split(*largest, switches / len(y))


def at_gates(network: ReLUNetwork, gates: np.ndarray, start: np.ndarray) -> np.ndarray:
    """``q_i = D_i (b + gamma A^T q_i)`` for given gates, by Picard from ``start``; rows are samples."""
    Q = start
    for _ in range(400):
        new = gates * (network.b + network.gamma * Q @ network.A)
        if np.linalg.norm(new - Q) <= TOL * np.linalg.norm(new):
            return new
        Q = new
    msg = "q at fixed gates did not converge: gamma ||A|| is too close to 1"
    raise ArithmeticError(msg)
