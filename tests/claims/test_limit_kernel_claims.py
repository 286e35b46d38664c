"""The claims on the limit kernel tell a wrong kernel from the right one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from deqmath.claims import Case, find

WRONG = {
    "no resolvent": lambda g, S, S_q, H: (S, S_q / (1 + g**2 * S_q), H),  # K for K/(1 - gamma_0^2 K)
    "no feedback": lambda g, S, S_q, H: (S * (2 - g**2) / 2, S_q, H),  # for relu the diagonal of kappa_1(X X^T)
    "gamma_0 once": lambda g, S, S_q, H: (S, S_q, H / g),
}


@lru_cache(maxsize=2)
def namespace(claim_id):
    """What the claim's file defines; both relu claims are in one, and its draws are made once for all of these tests."""
    return find(claim_id).function.__globals__


@lru_cache(maxsize=1)
def tanh_limits():
    space = namespace("beyond.limit-tanh")
    return tuple(map(space["floats"], space["limit"]()[:3]))


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", ["identity", "relu", "tanh"])
def test_a_wrong_limit_is_refuted(name, wrong):
    space = namespace("beyond.limit-tanh" if name == "tanh" else "beyond.limit-identity")
    right = tanh_limits() if name == "tanh" else space["enclosed"](name)[1]
    limits = WRONG[wrong](space["GAMMA0"], *right)
    verdicts = list(space["convergence"](name, limits, Case(seed=1)))
    assert "refuted" in {v.status for v in verdicts}


def test_the_kernel_of_tanh_against_a_quadrature_in_two_dimensions():
    """S, K and H by Gauss and Hermite's rule on a grid of 80 x 80 points, in float64; no series, no parity."""
    space = namespace("beyond.limit-tanh")
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    g, X = space["GAMMA0"], space["INPUTS"]

    def mean(function, C, i, j):
        L = np.linalg.cholesky(np.array([[C[i, i], C[i, j]], [C[i, j], C[j, j]]]) + 1e-15 * np.eye(2))
        first, second = L[0, 0] * nodes[:, None], L[1, 0] * nodes[:, None] + L[1, 1] * nodes
        return weights @ (function(first) * function(second)) @ weights

    S = np.zeros((3, 3))
    for _ in range(40):
        C = g**2 * S + X @ X.T
        S = np.array([[mean(np.tanh, C, min(i, j), max(i, j)) for j in range(3)] for i in range(3)])
    C = g**2 * S + X @ X.T
    K = np.array([[mean(lambda u: 1 - np.tanh(u) ** 2, C, min(i, j), max(i, j)) for j in range(3)] for i in range(3)])
    for found, expected in zip(tanh_limits(), (S, K / (1 - g**2 * K), g**2 * S * K / (1 - g**2 * K)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
