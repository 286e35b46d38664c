"""The gradient flow of a small network to high accuracy: SciPy's integrator on the hand-written trainer's gradient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

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


def along(network: ReLUNetwork, X: np.ndarray, y: np.ndarray, x: np.ndarray, end: float, nodes: int) -> Trajectory:
    """The flow of one network on [0, end].

    Raises
    ------
    ArithmeticError
        If a gate switches on the way, which would spoil the quadrature.
    """
    from scipy.integrate import solve_ivp  # slow to import, and not needed from the cache

    shape = network.A.shape
    at, weights = np.polynomial.legendre.leggauss(nodes)
    times, weights = end * (at + 1) / 2, weights * end / 2

    def rate(_t, flat):
        return -network.with_parameters(A=flat.reshape(shape)).gradient(X, y).ravel()

    at_times = np.append(times, end)
    found = solve_ivp(rate, (0, end), network.A.ravel(), "DOP853", t_eval=at_times, rtol=RTOL, atol=RTOL / 10)
    networks = [network.with_parameters(A=column.reshape(shape)) for column in found.y.T]
    everything = np.vstack([X, x])
    patterns = {np.asarray(net.equilibrium(everything).gates).tobytes() for net in (network, *networks)}
    if len(patterns) > 1:
        msg = f"a gate switches before t = {end}; take a shorter time"
        raise ArithmeticError(msg)
    return Trajectory(X, y, x, end, times, weights, tuple(networks[:-1]), network, networks[-1])


@lru_cache(maxsize=1)
def trajectory() -> Trajectory:
    """Three digits at m = 12, until 0.02/lambda_min(H(0)): so short that no gate switches."""
    trial = digits(12, 4, 1, 0.2)
    end = 0.02 / float(np.linalg.eigvalsh(trial.network.gram(trial.X[:-1]))[0])
    return along(trial.network, trial.X[:-1], trial.y[:-1], trial.X[-1:], end, 12)


@lru_cache(maxsize=1)
def trajectories() -> tuple[tuple[str, Trajectory], ...]:
    """That one, and networks of width 1 on one sample, where nothing is lost to directions that do not align."""
    found = [("digits, m = 12, n = 3", trajectory())]
    one = np.ones((1, 1))
    for share in (0.02, 0.3, 2.0):
        network = ReLUNetwork(A=one, W=one, b=[1.0], gamma=0.2)
        end = share / float(network.gram(one)[0, 0])
        path = along(network, one, network.predict(one) + 0.1, one, end, 12)
        found.append((f"m = n = 1, t = {share}/λ₀", path))
    return tuple(found)
