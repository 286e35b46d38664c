"""The network of gg22 in symbols, and the real data that its claims are tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Symbol

from deqmath.data import load
from deqmath.model import ReLUModel
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork

#: The model, stated once: equations (1) to (5).
net = ReLUModel()
#: Two samples.
i, j = Symbol("i", integer=True), Symbol("j", integer=True)


@dataclass(frozen=True)
class Trial:
    """A trained-side network on digits, with everything a formula of the paper may ask for.

    Samples are COLUMNS of Z, Q, Phi (m x n), as in the paper; the trainer keeps them as rows.
    """

    network: ReLUNetwork
    X: np.ndarray
    y: np.ndarray
    script: str

    def symbols(self) -> dict[str, Any]:
        """The paper's symbols as arrays, from the hand-written trainer."""
        n = self.network
        eq = n.equilibrium(self.X)
        Z = np.asarray(eq.Z).T
        Q = np.asarray(n.adjoint(eq).Q).T
        Phi = np.maximum(n.W @ self.X.T, 0.0)
        return {
            "A": n.A,
            "W": n.W,
            "b": n.b[:, None],
            "gamma": n.gamma,
            "y": self.y[:, None],
            "Z": Z,
            "Q": Q,
            "Phi": Phi,
        }

    def sample(self, k: int = 0) -> dict[str, Any]:
        """The symbols of one sample: z, phi, q."""
        s = self.symbols()
        return s | {"z": s["Z"][:, [k]], "phi": s["Phi"][:, [k]], "q": s["Q"][:, [k]], "i": k}


@lru_cache(maxsize=8)
def digits(width: int, samples: int, seed: int = 0, gamma0: float = 0.25, init: str = "gaussian") -> Trial:
    """A network of the given width on the first samples of the two digit classes."""
    data = load("digits", samples=samples, seed=seed)
    network = ReLUNetwork.random(width=width, inputs=data.X.shape[1], gamma0=gamma0, init=init, seed=seed)
    script = (
        "import deqmath as dm\n"
        f'data = dm.data.load("digits", samples={samples}, seed={seed})\n'
        f"net = dm.ReLUNetwork.random(width={width}, inputs={data.X.shape[1]}, gamma0={gamma0}, init={init!r}, seed={seed})"
    )
    return Trial(network, data.X, data.y, script)


@dataclass(frozen=True)
class ManyDigits:
    """The same symbols to many digits, from the mpmath trainer."""

    network: MultiprecisionNetwork
    X: np.ndarray
    y: np.ndarray

    def symbols(self) -> dict[str, Any]:
        n = self.network
        ctx = n.context
        Z, Q = n.equilibrium(self.X.tolist()).Z.T, n.adjoint(self.X.tolist()).T
        Phi = n.injection(self.X.tolist()).T
        b = ctx.matrix([[v] for v in n.b])
        y = ctx.matrix([[ctx.mpf(float(v))] for v in self.y])
        return {"A": n.A, "b": b, "gamma": n.gamma, "y": y, "Z": Z, "Q": Q, "Phi": Phi}

    def sample(self, k: int = 0) -> dict[str, Any]:
        s = self.symbols()
        return s | {"z": s["Z"][:, k], "phi": s["Phi"][:, k], "q": s["Q"][:, k], "i": k}


@lru_cache(maxsize=4)
def many_digits(width: int, samples: int, digits_wanted: int, seed: int = 0) -> ManyDigits:
    """The network of :func:`digits`, its float64 entries taken exactly, computed to many digits."""
    trial = digits(width, samples, seed)
    return ManyDigits(MultiprecisionNetwork.from_network(trial.network, digits=digits_wanted + 10), trial.X, trial.y)


def for_differences(digits_wanted: int) -> int:
    """Digits that differences over ``10^-(digits/2 + 5)`` have to be taken of: half of them cancel, and some more."""
    return digits_wanted + digits_wanted // 2 + 40


def jacobian_by_differences(many: ManyDigits, value: Callable[[MultiprecisionNetwork], Any], digits_wanted: int) -> Any:
    """``d value / d vec(A)`` by central differences of the model itself in mpmath: no formula of the paper is used.

    The step is ``10^-(digits/2 + 5)``, so the error of order h^2 is below ``10^-digits``; the network must carry
    :func:`for_differences` digits. ``value`` gives a column (m x 1) or a row (1 x m) of a network.
    """
    network = many.network
    ctx, m = network.context, network.width
    h = ctx.mpf(10) ** -(digits_wanted // 2 + 5)
    columns = []
    for j in range(m):
        for i in range(m):
            sides = []
            for step in (h, -h):
                A = network.A.copy()
                A[i, j] += step
                moved = MultiprecisionNetwork(
                    A, network.W, network.b, network.gamma, digits=for_differences(digits_wanted)
                )
                sides.append(value(moved))
            columns.append([(p - q) / (2 * h) for p, q in zip(sides[0], sides[1], strict=True)])
    return ctx.matrix(columns).T
