"""Training runs that the inequalities of Theorem 3.1 are tried on: real data, and networks where they are nearly tight."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from deqmath.claims.instances import Pair
from deqmath.numeric import ReLUNetwork, Run, gradient_flow

from ._network import digits


@lru_cache(maxsize=1)
def runs() -> tuple[tuple[str, Run], ...]:
    """Gradient flows with the monitors of Theorem 3.1, each with the words that name it.

    Three digits, and networks of width 1 with one sample whose label is near the prediction: everything is aligned
    there and the theorem's conclusions hold, so the chain of inequalities loses least.
    """
    trial = digits(96, 3, 1, 0.15)
    slowest = np.linalg.eigvalsh(trial.network.gram(trial.X))[0]
    run = gradient_flow(trial.network, trial.X, trial.y, t_end=1 / slowest, record=4, tol=0.05)
    found = [("digits, m = 96", run)]
    # A target below the prediction makes H shrink, so that the decay falls behind exp(-2 lambda_0 t).
    for gamma, shift in ((0.01, 0.5), (0.05, 0.5), (0.2, 0.5), (0.2, -0.5)):
        network = ReLUNetwork(A=[[1.0]], W=[[1.0]], b=[1.0], gamma=gamma)
        prediction, slowest = network.predict([[1.0]])[0], network.gram([[1.0]])[0, 0]
        run = gradient_flow(network, [[1.0]], [prediction + shift * gamma], t_end=8 / slowest, record=4, tol=1e-2)
        found.append((f"m = n = 1, γ = {gamma}" + (", from above" if shift < 0 else ""), run))
    return tuple(found)


def pairs(name: str) -> list[Pair]:
    """Measured value and bound of one monitor, at every recorded time of every run after the start."""
    found = []
    for words, run in runs():
        monitor = run.monitor(name)
        lower = name == "lambda_min"
        for t, measured, bound in zip(run.times[1:], monitor.measured[1:], monitor.bound[1:], strict=True):
            left, right = (bound, measured) if lower else (measured, bound)
            found.append(Pair(float(left), float(right), f"{words}, t = {t:.4g}"))
    return found
