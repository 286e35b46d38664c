"""Lemma 4.3: the trained network stays near the coupled flow on the samples.

Hypotheses: those of Theorem 3.1, of which lambda_min(H_s) >= lambda_0/2 for all s is used. With e = f - u,

    de/dt = -H_t (f - y) + H_0 (u - y) = -H_t e - (H_t - H_0)(u - y),

so d||e||/dt <= -(lambda_0/2) ||e|| + ||H_t - H_0|| ||u - y||, and e(0) = 0 gives

    (23)   ||e(t)|| <= int_0^t exp(-lambda_0 (t - s)/2) ||H_s - H_0|| ||u(s) - y|| ds.

Source: gg22, Lemma 4.3, equation (23).
"""

import numpy as np
from scipy.linalg import expm
from sympy import MatrixSymbol

import deqmath as dm
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation

from ._network import net
from ._trajectory import trajectories

n = net.n
H, H0, change = (MatrixSymbol(name, n, n) for name in ("H_t", "H_0", "dH"))
f, u, y, gap = (MatrixSymbol(name, n, 1) for name in ("f", "u", "y", "v"))
e = f - u


def derive_error():
    """The equation of e, from the two flows."""
    return dm.rewriting(-H * (f - y) + H0 * (u - y), title="equation of e = f - u", label="de/dt").then(
        -H * e - (H - H0) * (u - y), because="H_t (u - y) added and taken away"
    )


def derive_forcing():
    """The forcing term (H_t - H_0) v with v = u - y, by the norm calculus."""
    return derivation(norm_calculus(change * gap).lines, "forcing of e")


@dm.claim(
    "gg22.lemma4.3",
    source="gg22",
    equation="(23)",
    statement="‖f(t) - u(t)‖ ≤ ∫₀ᵗ exp(-λ₀(t - s)/2) ‖H_s - H₀‖ ‖u(s) - y‖ ds",
    derivation=derive_error,
)
def distance_to_the_coupled_flow():
    """e^T H e >= (lambda_0/2) ||e||^2 leaves the scalar inequality; its solution is the integral."""
    yield derive_error()
    yield derive_forcing()
    for step in derive_forcing().steps:
        yield step.verdict
    yield holds_on([both_sides(words, path) for words, path in trajectories()],
                   "(23), both sides along the trainer's flow", tolerance=1e-6)  # fmt: skip
    yield holds_on([least_eigenvalue(words, path) for words, path in trajectories()],
                   "the hypothesis λ₀/2 ≤ λ_min(H_s) there", tolerance=1e-9)  # fmt: skip


def coupled(path, t):
    """u(t) - y by (18)."""
    H = np.asarray(path.first.gram(path.X))
    return expm(-H * t) @ (path.first.predict(path.X) - path.y)


def both_sides(words, path):
    """||f_T - u_T|| of the trainer, and the integral by Gauss quadrature."""
    first = np.asarray(path.first.gram(path.X))
    slowest = float(np.linalg.eigvalsh(first)[0])
    inside = [
        np.exp(-slowest * (path.end - t) / 2)
        * np.linalg.norm(np.asarray(net.gram(path.X)) - first, 2)
        * np.linalg.norm(coupled(path, t))
        for t, net in zip(path.nodes, path.networks, strict=True)
    ]
    error = path.last.predict(path.X) - path.y - coupled(path, path.end)
    return Pair(float(np.linalg.norm(error)), float(path.weights @ inside), words)


def least_eigenvalue(words, path):
    """lambda_0/2, and the least lambda_min(H_s) on the way."""
    low = min(float(np.linalg.eigvalsh(np.asarray(net.gram(path.X)))[0]) for net in (*path.networks, path.last))
    return Pair(float(np.linalg.eigvalsh(np.asarray(path.first.gram(path.X)))[0]) / 2, low, words)
