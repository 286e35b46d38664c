"""Simulated networks with a Gaussian A at growing widths, against a limit that was computed without them."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

from deqmath.checking.statistical import PowerLaw, power_law
from deqmath.claims.instances import Pair, holds_on

GAMMA0 = 0.45
#: Rows of several lengths, at angles below and above a right angle; exact in binary.
INPUTS = np.array([[1.0, 0.0, 0.0], [0.75, 0.5, 0.0], [-0.5, 0.75, 0.5]])
WIDTHS = (25, 100, 400)
DRAWS = {"quick": 20, "standard": 60, "thorough": 400}
#: Sweeps of Picard's iteration: each gains a factor of 2 or more, and the statistical error is above 10^-4.
SWEEPS = 40


def relu(a):
    return np.maximum(a, 0)


def step(z):
    """relu'(u), from z = relu(u)."""
    return z > 0


def bell(z):
    """tanh'(u), from z = tanh(u)."""
    return 1 - z * z


#: Name -> (activation sigma, its derivative by its value, phi).
NETWORKS = {
    "identity": (relu, step, lambda h: h),
    "relu": (relu, step, relu),
    "tanh": (np.tanh, bell, lambda h: h),
}


@lru_cache(maxsize=4)
def draws(name, count, seed):
    """``<z_i, z_j>/m`` and ``<q_i, q_j>/m`` of random networks, that many at each width, by Picard's iteration."""
    sigma, slope, phi = NETWORKS[name]
    rng, found = np.random.default_rng(seed), {}
    for m in WIDTHS:
        rows = []
        for _ in range(count):
            A = GAMMA0 / np.sqrt(m) * rng.standard_normal((m, m))
            injected = phi(INPUTS @ rng.standard_normal((3, m)))
            Z = Q = np.zeros_like(injected)
            b = rng.choice([-1.0, 1.0], m)
            for _ in range(SWEEPS):
                Z = sigma(Z @ A.T + injected)
            opened = slope(Z)
            for _ in range(SWEEPS):
                Q = opened * (b + Q @ A)
            rows.append((Z @ Z.T / m, Q @ Q.T / m))
        found[m] = rows
    return found


def convergence(name, limits, case):
    """The mean of both factors is within standard errors of its limit, and a draw's distance from H falls as m^(-1/2)."""
    S, S_q, H = limits
    found = draws(name, DRAWS[case.level], case.seed)
    widths = [m for m, rows in found.items() for _ in rows]
    gaps = [float(np.abs(GAMMA0**2 * row[0] * row[1] - H).max()) for rows in found.values() for row in rows]
    yield power_law(widths, gaps, PowerLaw(Fraction(-1, 2)), "max |H_ij - H∞_ij| of a draw", 0.9999)
    for k, limit, words in ((0, S, "⟨zᵢ,zⱼ⟩/m - S_ij"), (1, S_q, "⟨qᵢ,qⱼ⟩/m - (S_q)_ij")):
        pairs = [pair for m, rows in found.items() for pair in biases(np.array([row[k] for row in rows]), limit, m)]
        yield holds_on(pairs, f"|mean of {words}| ≤ 4 standard errors + max/m")


def biases(values, limit, m):
    """Each entry's mean against its limit: 4 standard errors (99.99% each), and 1/m of the largest for the finite width."""
    gap = np.abs(values.mean(axis=0) - limit)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    for i, j in zip(*np.tril_indices(len(limit)), strict=True):
        yield Pair(float(gap[i, j]), float(4 * error[i, j] + limit.max() / m), f"({i}, {j}), m = {m}")
