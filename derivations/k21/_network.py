"""The network of k21 in symbols, and the real data that its claims are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Symbol

from deqmath.data import load
from deqmath.model import SoftmaxModel
from deqmath.numeric import SoftmaxNetwork

#: The model, stated once.
net = SoftmaxModel()
#: The bound index of a sum over columns.
j = Symbol("j", integer=True)


@dataclass(frozen=True)
class Trial:
    """A network on random features of digits, with everything a formula of the paper may ask for.

    Samples are COLUMNS of Phi (m x n) and Y (p x n), as in the paper; the trainer keeps them as rows.
    """

    network: SoftmaxNetwork
    features: np.ndarray
    labels: np.ndarray
    script: str

    @property
    def targets(self) -> np.ndarray:
        """The labels as the trainer takes them: (n,) for one output, (n, p) for several."""
        return self.labels[:, 0] if self.labels.shape[1] == 1 else self.labels

    def symbols(self) -> dict[str, Any]:
        """The paper's symbols as arrays."""
        n = self.network
        return {"A": n.A, "B": n.B, "gamma": n.gamma, "Phi": self.features.T, "Y": self.labels.T}

    def tolerance(self) -> float:
        """``8 m kappa u``: ``kappa_1(I - gamma S) <= (1 + gamma)/(1 - gamma)``, two solves."""
        m, gamma = self.network.width, self.network.gamma
        return 8 * m * (1 + gamma) / (1 - gamma) * 2.0**-53


@lru_cache(maxsize=8)
def digits(width: int, samples: int, outputs: int = 1, gamma: float = 0.6, seed: int = 0) -> Trial:
    """phi(x) = relu(W x)/sqrt(m) of the first samples of two digit classes, random W; output k has the label times (-1)^k."""
    data = load("digits", samples=samples, seed=seed)
    W = np.random.default_rng(seed).standard_normal((width, data.X.shape[1]))
    features = np.maximum(data.X @ W.T, 0.0) / np.sqrt(width)
    labels = data.y[:, None] * (-1.0) ** np.arange(outputs)
    script = (
        "import numpy as np, deqmath as dm\n"
        f'data = dm.data.load("digits", samples={samples}, seed={seed})\n'
        f"W = np.random.default_rng({seed}).standard_normal(({width}, data.X.shape[1]))\n"
        f"features = np.maximum(data.X @ W.T, 0.0) / np.sqrt({width})\n"
        f"net = dm.SoftmaxNetwork.random(width={width}, outputs={outputs}, gamma={gamma}, seed={seed})"
    )
    network = SoftmaxNetwork.random(width=width, outputs=outputs, gamma=gamma, seed=seed)
    return Trial(network, features, labels, script)
