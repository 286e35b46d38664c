"""Generated NumPy against NumPy written by hand, in one process, the two taken in turns."""

from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.linalg
from sympy import Identity, Inverse, MatrixSymbol, Symbol, sqrt

import deqmath as dm

pytestmark = pytest.mark.benchmark

m, n, gamma, i = dm.dim("m"), dm.dim("n"), Symbol("gamma"), Symbol("i", integer=True)
A, V = MatrixSymbol("A", m, m), MatrixSymbol("V", m, m)
z, phi, b, r = MatrixSymbol("z", m, 1), MatrixSymbol("phi", m, 1), MatrixSymbol("b", m, 1), MatrixSymbol("r", n, 1)
Z, Q = MatrixSymbol("Z", m, n), MatrixSymbol("Q", m, n)
D = dm.gate(gamma * A * z + phi)
R = Inverse(Identity(m) - gamma * D * A) * D


def _system(A, gamma, phi, z):
    d = (gamma * (A @ z) + phi > 0).astype(float)
    U = (-gamma * d) * A
    U.flat[:: len(A) + 1] += 1.0
    return d, U


def hand_eq10(A, V, gamma, phi, z):
    d, U = _system(A, gamma, phi, z)
    return gamma * np.linalg.solve(U, d * (V @ z))


def hand_eq11(A, V, b, gamma, phi, z):
    d, U = _system(A, gamma, phi, z)
    lu = scipy.linalg.lu_factor(U, check_finite=False)
    q = d * scipy.linalg.lu_solve(lu, b, trans=1, check_finite=False)
    return gamma * (d * scipy.linalg.lu_solve(lu, V.T @ q, trans=1, check_finite=False))


def hand_gram(Q, Z, gamma):
    return gamma**2 / len(Z) * ((Z.T @ Z) * (Q.T @ Q))


def hand_gradient(Q, Z, gamma, r):
    return -gamma / np.sqrt(len(Z)) * ((Q * r.T) @ Z.T)


PAIRS = {
    "eq10": (gamma * dm.kron(z.T, R) * dm.vec(V), hand_eq10),
    "eq11": (gamma * dm.kron(R.T, (R.T * b).T) * dm.vec(V), hand_eq11),
    "gram": ((gamma**2 / m) * dm.hadamard(Z.T * Z, Q.T * Q), hand_gram),
    "gradient": (-(gamma / sqrt(m)) * dm.total(dm.column(Q, i) * r[i, 0] * dm.column(Z, i).T, i, n), hand_gradient),
}


def _seconds(f, arguments):
    start = time.perf_counter()
    f(**arguments)
    return time.perf_counter() - start


@pytest.mark.parametrize("size", [300, 1024])
@pytest.mark.parametrize("name", PAIRS)
def test_as_fast_as_by_hand(name, size, record_property):
    """The generated time holds the validation of every argument; the hand-written one has none."""
    expr, hand = PAIRS[name]
    code = getattr(dm.generate({name: expr}).load(), name)
    rng = np.random.default_rng(0)
    shapes = {"A": (size, size), "V": (size, size), "Z": (size, 100), "Q": (size, 100), "r": (100, 1)}
    names = hand.__code__.co_varnames[: hand.__code__.co_argcount]
    arguments = {
        k: 0.3 / np.sqrt(size) if k == "gamma" else rng.standard_normal(shapes.get(k, (size, 1))) for k in names
    }
    np.testing.assert_allclose(code(**arguments), hand(**arguments), rtol=1e-6, atol=1e-10)
    pairs = [(_seconds(code, arguments), _seconds(hand, arguments)) for _ in range(40)]
    generated, by_hand = (min(t) for t in zip(*pairs, strict=True))
    record_property("ratio", generated / by_hand)
    print(f"{name} m={size}: {1e3 * generated:.2f} ms, by hand {1e3 * by_hand:.2f} ms, ratio {generated / by_hand:.2f}")
    assert generated <= 1.05 * by_hand + 3e-4  # 0.3 ms: the checks of shapes and finiteness
