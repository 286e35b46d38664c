"""Generated NumPy against the best NumPy written by hand, SymPy, JAX and torch, in one process, taken in turns.

The hand-written functions check nothing; the generated ones check every argument. Both solve on the open rows of
the gate, factor by LAPACK's getrf in place, multiply columns by BLAS's gemv, and form no Kronecker product.
"""

from __future__ import annotations

import inspect
import time
import tracemalloc

import numpy as np
import pytest
from scipy.linalg.blas import dgemv
from scipy.linalg.lapack import dgetrf, dgetrs
from sympy import Identity, Inverse, MatrixSymbol, Symbol, lambdify, sqrt

import deqmath as dm
from deqmath.claims import collect
from deqmath.codegen.targets import TARGETS

pytestmark = pytest.mark.benchmark

m, n, gamma, i = dm.dim("m"), dm.dim("n"), Symbol("gamma"), Symbol("i", integer=True)
A, V = MatrixSymbol("A", m, m), MatrixSymbol("V", m, m)
z, phi, b, r = MatrixSymbol("z", m, 1), MatrixSymbol("phi", m, 1), MatrixSymbol("b", m, 1), MatrixSymbol("r", n, 1)
v = MatrixSymbol("v", m, 1)
Z, Phi, Q = (MatrixSymbol(k, m, n) for k in ("Z", "Phi", "Q"))
D = dm.gate(gamma * A * z + phi)
R = Inverse(Identity(m) - gamma * D * A) * D
Di = dm.gate(gamma * A * dm.column(Z, i) + dm.column(Phi, i))
Ri = Inverse(Identity(m) - gamma * Di * A) * Di


def _factor(A, gamma, u):
    """The open rows and the factors of ``(I - gamma A)_SS^T``, in place: rows first is columns first transposed."""
    rows = (u > 0).ravel().nonzero()[0]
    M = A.take(rows, axis=0, mode="clip").take(rows, axis=1, mode="clip")
    M *= -gamma
    M.ravel()[:: len(rows) + 1] += 1.0
    lu, pivots, _ = dgetrf(M.T, overwrite_a=True)
    return rows, lu, pivots


def _apply(factor, x, transposed):
    rows, lu, pivots = factor
    out = np.zeros(x.shape)
    out[rows] = dgetrs(lu, pivots, x.take(rows, axis=0, mode="clip"), trans=not transposed, overwrite_b=True)[0]
    return out


def hand_eq10(A, V, gamma, phi, z):
    """Matrices stored rows first; BLAS reads columns first, so that their transposes are multiplied transposed."""
    factor = _factor(A, gamma, dgemv(gamma, A.T, z[:, 0], 1.0, phi[:, 0], trans=1))
    return gamma * _apply(factor, dgemv(1.0, V.T, z[:, 0], trans=1)[:, None], False)


def hand_eq11(A, V, b, gamma, phi, z):
    factor = _factor(A, gamma, dgemv(gamma, A.T, z[:, 0], 1.0, phi[:, 0], trans=1))
    return gamma * _apply(factor, dgemv(1.0, V.T, _apply(factor, b, True)[:, 0])[:, None], True)


def hand_gram(Q, Z, gamma):
    H = Z.T @ Z
    H *= Q.T @ Q
    H *= gamma**2 / len(Z)
    return H


def hand_gradient(Q, Z, gamma, r):
    return Q @ ((-gamma / np.sqrt(len(Z)) * r) * Z.T)


def hand_full_gradient(A, Phi, Z, b, gamma, r):
    """(6) for n samples, each with its own gate."""
    Q, U = np.zeros(Z.shape), gamma * (A @ Z) + Phi
    for k in range(Z.shape[1]):
        rows, lu, pivots = _factor(A, gamma, U[:, k])
        Q[rows, k] = dgetrs(lu, pivots, b[rows, 0])[0]
    return Q @ ((-gamma / np.sqrt(len(Z)) * r) * Z.T)


PAIRS = {
    "eq10": (gamma * dm.kron(z.T, R) * dm.vec(V), hand_eq10),
    "eq11": (gamma * dm.kron(R.T, (R.T * b).T) * dm.vec(V), hand_eq11),
    "gram": ((gamma**2 / m) * dm.hadamard(Z.T * Z, Q.T * Q), hand_gram),
    "gradient": (-(gamma / sqrt(m)) * dm.total(dm.column(Q, i) * r[i, 0] * dm.column(Z, i).T, i, n), hand_gradient),
    "full_gradient": (
        -(gamma / sqrt(m)) * dm.total(r[i, 0] * (Ri.T * b) * dm.column(Z, i).T, i, n),
        hand_full_gradient,
    ),
}
#: ``v^T (I - gamma D A)^-1 phi`` with the gate d given, and its gradient in A.
d = MatrixSymbol("d", m, 1)
U = Identity(m) - gamma * dm.diag(d) * A
QUADRATIC_GRADIENT = gamma * dm.diag(d) * Inverse(U).T * v * (Inverse(U) * phi).T


def _load(expr):
    return dm.generate({"f": expr}).load().f


def _arguments(function, size, samples=100):
    rng = np.random.default_rng(0)
    shapes = dict.fromkeys(("A", "V"), (size, size)) | dict.fromkeys(("Z", "Q", "Phi"), (size, samples))
    names = inspect.signature(function).parameters
    out = {k: rng.standard_normal((samples, 1) if k == "r" else shapes.get(k, (size, 1))) for k in names}
    out |= {"gamma": 0.3 / size**0.5} | ({"d": (out["d"] > 0).astype(float)} if "d" in out else {})
    return out


def _ratio(first, second, repeats):
    """The least time of the first over that of the second, run in turns."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        first()
        middle = time.perf_counter()
        second()
        times.append((middle - start, time.perf_counter() - middle))
    mine, theirs = (min(t) for t in zip(*times, strict=True))
    print(f"  {1e3 * mine:.3f} ms against {1e3 * theirs:.3f} ms: ratio {mine / theirs:.3f}")
    return mine / theirs


@pytest.mark.parametrize("size", [300, 1024])
@pytest.mark.parametrize("name", PAIRS)
def test_as_fast_as_by_hand(name, size, record_property):
    expr, hand = PAIRS[name]
    code = _load(expr)
    arguments = _arguments(hand, size)
    np.testing.assert_allclose(code(**arguments), hand(**arguments), rtol=1e-6, atol=1e-10)
    repeats = {"full_gradient": 5}.get(name, 200 if size == 300 else 60)
    ratio = _ratio(lambda: code(**arguments), lambda: hand(**arguments), repeats)
    record_property("ratio", ratio)
    assert ratio <= 1.05


@pytest.mark.parametrize("name", ["eq10", "eq11"])
def test_memory_is_that_of_the_factors(name, record_property):
    size, code = 1024, _load(PAIRS[name][0])
    arguments = _arguments(code, size)
    code(**arguments)
    tracemalloc.start()
    code(**arguments)
    peak = tracemalloc.get_traced_memory()[1] / (8 * size**2)
    tracemalloc.stop()
    record_property("peak", peak)
    print(f"  peak: {peak:.2f} arrays of m x m; m x m^2 would be {size}")
    assert peak <= 1.0


def test_faster_than_lambdify(record_property):
    """SymPy's lambdify with cse=True, of the same gradient at m = 300 (it needs a size in numbers)."""
    size = 300
    A, v, phi, d = (MatrixSymbol(k, size, size if k == "A" else 1) for k in ("A", "v", "phi", "d"))
    from sympy import DiagMatrix

    W = Inverse(Identity(size) - gamma * DiagMatrix(d) * A)
    rival = lambdify((A, d, gamma, phi, v), gamma * DiagMatrix(d) * W.T * v * (W * phi).T, "numpy", cse=True)
    code = _load(QUADRATIC_GRADIENT)
    arguments = _arguments(code, size)
    given = [arguments[k] for k in ("A", "d", "gamma", "phi", "v")]
    np.testing.assert_allclose(code(**arguments), rival(*given), rtol=1e-6, atol=1e-10)
    ratio = _ratio(lambda: rival(*given), lambda: code(**arguments), 20)
    record_property("ratio", ratio)
    assert ratio >= 4


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_as_fast_as_automatic_differentiation(library, record_property):
    """The gradient of ``v^T (I - gamma D A)^-1 phi`` with respect to A, in float64 at m = 300."""
    pytest.importorskip(library)
    code = _load(QUADRATIC_GRADIENT)
    arguments = _arguments(code, 300)
    rival = (_jax_gradient if library == "jax" else _torch_gradient)(**arguments)
    np.testing.assert_allclose(code(**arguments), np.asarray(rival()), rtol=1e-6, atol=1e-10)
    ratio = _ratio(lambda: code(**arguments), rival, 60)
    record_property("ratio", ratio)
    assert ratio <= 1.0


def _jax_gradient(A, d, gamma, phi, v):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    def f(A, d, gamma, phi, v):
        return (v.T @ jnp.linalg.solve(jnp.eye(len(A)) - gamma * d * A, phi))[0, 0]

    gradient = jax.jit(jax.grad(f))
    given = [jnp.asarray(x) for x in (A, d, gamma, phi, v)]
    return lambda: gradient(*given).block_until_ready()


def _torch_gradient(A, d, gamma, phi, v):
    import torch

    torch.set_num_threads(1)
    X, gate, right, left = (torch.from_numpy(x) for x in (A, d, phi, v))
    X.requires_grad_(True)
    one = torch.eye(len(A), dtype=torch.float64)

    def gradient():
        value = (left.T @ torch.linalg.solve(one - gamma * gate * X, right))[0, 0]
        return torch.autograd.grad(value, X)[0]

    return gradient


def test_generation_of_every_claim_for_every_target(record_property):
    """The text of all modules, in processor time; collecting the claims and their companion tests is not counted."""
    expressions = [e for e in (c.expressions() for c in collect()) if e]
    best: dict[str, float] = {}
    for _ in range(3):
        for target in TARGETS:
            start = time.process_time()
            for exported in expressions:
                dm.generate(exported, target=target)
            best[target] = min(best.get(target, np.inf), time.process_time() - start)
    record_property("seconds", sum(best.values()))
    print(", ".join(f"{t} {s:.2f} s" for t, s in best.items()), f"in all {sum(best.values()):.2f} s")
    assert sum(best.values()) <= 5.0
