"""Small networks and their equilibria in exact rationals, by another road: Gauss on the active set, then checked."""

from fractions import Fraction

import flint
import numpy as np
from bounds_matrices import rational

from deqmath.numeric import ReLUNetwork


def random_network(rng, m=None, d=3, gamma0=0.25, phi="relu"):
    m = int(rng.integers(2, 12)) if m is None else m
    return ReLUNetwork.random(width=m, inputs=d, gamma0=gamma0, seed=int(rng.integers(10**6)), phi=phi)


def to_fraction(value):
    return Fraction(int(value.p), int(value.q))


def exact_equilibrium(net, x):
    """``(z, u)`` as Fractions: an active set found by float64 iteration, solved and verified exactly."""
    m, g = net.width, rational(net.gamma)
    a = [[rational(v) * g for v in row] for row in net.A.tolist()]
    phi = [
        sum((rational(w) * rational(v) for w, v in zip(row, x, strict=True)), flint.fmpq(0)) for row in net.W.tolist()
    ]
    if net.phi == "relu":
        phi = [max(p, flint.fmpq(0)) for p in phi]
    shift = np.array([float(to_fraction(p)) for p in phi])
    z = np.zeros(m)
    a_float = net.gamma * net.A
    for _ in range(400):
        z = 0.5 * z + 0.5 * np.maximum(a_float @ z + shift, 0)
    gate = a_float @ z + shift > 1e-13 * abs(shift).max()
    matrix = [[(1 if i == j else 0) - (a[i][j] if gate[i] else 0) for j in range(m)] for i in range(m)]
    right = [[phi[i] if gate[i] else flint.fmpq(0)] for i in range(m)]
    solved = flint.fmpq_mat(matrix).solve(flint.fmpq_mat(right))
    zs = [solved[i, 0] for i in range(m)]
    us = [sum((a[i][j] * zs[j] for j in range(m)), flint.fmpq(0)) + phi[i] for i in range(m)]
    assert all(max(u, flint.fmpq(0)) == v for u, v in zip(us, zs, strict=True))
    return [to_fraction(v) for v in zs], [to_fraction(v) for v in us]


def exact_adjoint(net, u):
    """``q = D (b + gamma A^T q)`` as Fractions."""
    m, g = net.width, rational(net.gamma)
    gate = [v > 0 for v in u]
    matrix = [
        [(1 if i == j else 0) - (g * rational(net.A[j, i]) if gate[i] else 0) for j in range(m)] for i in range(m)
    ]
    right = [[rational(net.b[i]) if gate[i] else flint.fmpq(0)] for i in range(m)]
    solved = flint.fmpq_mat(matrix).solve(flint.fmpq_mat(right))
    return [to_fraction(solved[i, 0]) for i in range(m)]


def exact_gram(net, X):
    """H of gg22 eq. (8) in exact rationals."""
    zs, qs = [], []
    for x in X.tolist():
        z, u = exact_equilibrium(net, x)
        zs.append(z)
        qs.append(exact_adjoint(net, u))
    factor = Fraction(net.gamma) ** 2 / net.width

    def inner(v, w):
        return sum((s * t for s, t in zip(v, w, strict=True)), Fraction(0))

    return [[factor * inner(zs[i], zs[j]) * inner(qs[i], qs[j]) for j in range(len(zs))] for i in range(len(zs))]


def missed(ball, z):
    """Whether the ball misses the exact equilibrium."""
    gaps = (v - ball.centre.fraction(k, 0) for k, v in enumerate(z))
    return sum((g * g for g in gaps), Fraction(0)) > ball.radius**2
