"""Gradient descent with the change of q split into what moves smoothly and what jumps when gates switch.

The growth with the width is measured by one design, fixed before the run that docs/findings.md reports:

- data set k of a seed: five unit inputs in R^10, uniform on the sphere, and labels +-1; the same at every width;
- network: gaussian, gamma_0 = 0.2, descent with step 1/lambda_max(H(0)) until ||r|| is 1% of its start;
- of each run the largest norm over the samples of the change of z, the change of q, its smooth part, the sum of its jumps,
  and the switches a sample;
- statistic: for each data set the least-squares slope of the logarithm in log m; exponent: their mean, with a t interval
  at 99%. An exponent is compared with a value by whether the interval contains it;
- a data set at one of whose widths the descent reaches rho = 1 is left out at all of them, and counted; no other is;
- registered run: seed 0, k = 0..11, m = 64, 128, ..., 2048; beside the exponents over all widths those over 64..256 and
  over 512..2048.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deqmath.errors import NotWellPosedError
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


def task(seed: int, k: int, width: int) -> tuple[ReLUNetwork, np.ndarray, np.ndarray]:
    """The network of the design at one width, and data set k."""
    rng = np.random.default_rng([seed, k])
    X, y = rng.standard_normal((5, 10)), rng.choice([-1.0, 1.0], 5)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    own = int(np.random.default_rng([seed, k, width]).integers(2**31))
    return ReLUNetwork.random(width=width, inputs=10, gamma0=0.2, seed=own), X, y


def splits(seed: int, sets: int, widths: Sequence[int]) -> dict[str, np.ndarray]:
    """Every quantity of :class:`Split` as an array, one row a data set and one column a width; nan where rho reaches 1."""
    found = [[_split_or_nan(*task(seed, k, width)) for width in widths] for k in range(sets)]
    return {name: np.array([[getattr(s, name) for s in row] for row in found]) for name in Split.__dataclass_fields__}


def _split_or_nan(network: ReLUNetwork, X: np.ndarray, y: np.ndarray) -> Split:
    try:
        return split(network, X, y)
    except NotWellPosedError:
        return Split(*[np.nan] * len(Split.__dataclass_fields__))


def split(network: ReLUNetwork, X: np.ndarray, y: np.ndarray, goal: float = 0.01, most: int = 5000) -> Split:
    """Train by descent with step 1/lambda_max(H(0)) until ||r|| is ``goal`` of its start.

    Within a step first A moves at the old gates, then the gates take their new state: every switch is located to
    within one step, and the two parts add up to the change of q exactly.

    Raises
    ------
    ArithmeticError
        If the residual is not that small after ``most`` steps.
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
    else:
        msg = f"the residual is not {goal} of its start after {most} steps at m = {network.width}"
        raise ArithmeticError(msg)
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
