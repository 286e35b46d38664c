"""The gradient flow of a small network to high accuracy: SciPy's integrator on the hand-written trainer's gradient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.integrate import solve_ivp

from deqmath.numeric import ReLUNetwork

from ._network import digits

#: Relative tolerance of the integrator; what is compared along a trajectory is compared to 1e4 times this.
RTOL = 1e-11


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A flow from 0 to T: nodes and weights of Gauss quadrature on [0, T], and the networks there.

    Attributes
    ----------
    X, y
        The samples, as rows.
    x
        One more input, not among them, as a row.
    nodes, weights
        Shape (K,).
    networks
        At the nodes.
    first, last
        At 0 and at T.
    """

    X: np.ndarray
    y: np.ndarray
    x: np.ndarray
    end: float
    nodes: np.ndarray
    weights: np.ndarray
    networks: tuple[ReLUNetwork, ...]
    first: ReLUNetwork
    last: ReLUNetwork


@lru_cache(maxsize=4)
def trajectory(width: int = 12, samples: int = 3, share: float = 0.02, nodes: int = 12, seed: int = 1) -> Trajectory:
    """Digits, until ``share``/lambda_min(H(0)): so short that no gate switches, so every integrand is smooth.

    Raises
    ------
    ArithmeticError
        If a gate switches on the way, which would spoil the quadrature.
    """
    trial = digits(width, samples + 1, seed, 0.2)
    X, y, x = trial.X[:-1], trial.y[:-1], trial.X[-1:]
    first = trial.network
    end = share / float(np.linalg.eigvalsh(first.gram(X))[0])
    at, weights = np.polynomial.legendre.leggauss(nodes)
    times, weights = end * (at + 1) / 2, weights * end / 2

    def rate(_t, flat):
        return -first.with_parameters(A=flat.reshape(width, width)).gradient(X, y).ravel()

    found = solve_ivp(
        rate, (0, end), first.A.ravel(), "DOP853", t_eval=np.append(times, end), rtol=RTOL, atol=RTOL / 10
    )
    networks = [first.with_parameters(A=column.reshape(width, width)) for column in found.y.T]
    everything = np.vstack([X, x])
    patterns = {np.asarray(net.equilibrium(everything).gates).tobytes() for net in (first, *networks)}
    if len(patterns) > 1:
        msg = f"a gate switches before t = {end}; take a smaller share than {share}"
        raise ArithmeticError(msg)
    return Trajectory(X, y, x, end, times, weights, tuple(networks[:-1]), first, networks[-1])
