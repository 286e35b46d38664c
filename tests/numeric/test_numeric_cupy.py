"""CuPy against NumPy on a machine with a GPU; skipped where there is none.

``pytest -s tests/numeric/test_numeric_cupy.py`` compares; ``pytest -m benchmark -s tests/numeric/test_numeric_cupy.py``
measures the share of the card's matrix product rate at m = 8192, n = 4096.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, find_fixed_point
from deqmath.numeric.strategies import MixedPrecision, Picard

TOL = 1e-10


@pytest.fixture(scope="module")
def cp():
    cupy = pytest.importorskip("cupy")
    try:
        found = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        pytest.skip(f"no GPU: {error}")
    if not found:
        pytest.skip("no GPU")
    return cupy


def unit_rows(n, d, seed=1):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def agree(cp, got, want):
    assert isinstance(got, cp.ndarray)
    apart = float(np.max(np.abs(cp.asnumpy(got) - want)) / np.max(np.abs(want)))
    assert apart <= TOL
    return apart


@pytest.mark.parametrize("moved", [True, False], ids=["network moved", "network there"])
def test_relu(cp, moved):
    net = ReLUNetwork.random(width=700, inputs=20, gamma0=0.25, seed=3, trainable=("A", "W", "b"))
    X = unit_rows(50, 20)
    y = np.sign(X[:, 0])
    there = net if moved else net.with_parameters(**{name: cp.asarray(getattr(net, name)) for name in ("A", "W", "b")})
    Xd, yd = cp.asarray(X), cp.asarray(y)
    agree(cp, there.equilibrium(Xd).Z, net.equilibrium(X).Z)
    agree(cp, there.equilibrium(Xd, strategy=MixedPrecision()).Z, net.equilibrium(X).Z)
    agree(cp, there.adjoint(Xd).Q, net.adjoint(X).Q)
    agree(cp, there.predict(Xd), net.predict(X))
    agree(cp, there.gram(Xd), net.gram(X))
    agree(cp, there.kernel(Xd[:5], Xd), net.kernel(X[:5], X))
    want = net.gradient(X, y)
    for name, got in there.gradient(Xd, yd).items():
        agree(cp, got, want[name])


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_softmax(cp, loss):
    net = SoftmaxNetwork.random(width=300, outputs=2, gamma=0.7, seed=3)
    X = unit_rows(40, 300)
    Y = np.sign(np.random.default_rng(2).standard_normal((40, 2)))
    Xd, Yd = cp.asarray(X), cp.asarray(Y)
    agree(cp, net.equilibrium(Xd).Z, net.equilibrium(X).Z)
    agree(cp, net.predict(Xd), net.predict(X))
    agree(cp, net.gram(Xd), net.gram(X))
    want = net.gradient(X, Y, loss=loss)
    for name, got in net.gradient(Xd, Yd, loss=loss).items():
        agree(cp, got, want[name])


def test_any_map(cp):
    M = 0.4 * np.random.default_rng(0).standard_normal((60, 60)) / np.sqrt(60)
    c = unit_rows(9, 60)
    Md, cd = cp.asarray(M), cp.asarray(c)
    found = find_fixed_point(lambda z: z @ Md + cd, cp.zeros((9, 60)), rows=True, strategy="anderson")
    agree(cp, found.x, np.linalg.solve((np.eye(60) - M).T, c.T).T)


def seconds(cp, task, repeats=5):
    """The least time of a task, its work on the device included."""
    found = float("inf")
    for _ in range(repeats + 1):
        cp.cuda.Device().synchronize()
        start = time.perf_counter()
        task()
        cp.cuda.Device().synchronize()
        found = min(found, time.perf_counter() - start)
    return found


@pytest.mark.benchmark
def test_share_of_the_product_rate(cp, record_property):
    """Float64 sweeps of equilibrium and adjoint and the two products of the Gram matrix, as a share of one product's rate."""
    m, n = 8192, 4096
    net = ReLUNetwork.random(width=m, inputs=64, gamma0=0.25, seed=0)
    net.operator_norm()
    there = net.with_parameters(**{name: cp.asarray(getattr(net, name)) for name in ("A", "W", "b")})
    X = cp.asarray(unit_rows(n, 64))
    there.operator_norm()
    Z = cp.asarray(np.random.default_rng(0).standard_normal((n, m)))
    rate = 2 * m * m * n / seconds(cp, lambda: Z @ there.A.T)
    eq = there.equilibrium(X, strategy=Picard())
    adjoint = there.adjoint(eq, strategy=Picard())
    sweeps = eq.sweeps + adjoint.sweeps
    taken = seconds(cp, lambda: there.gram(there.adjoint(there.equilibrium(X, strategy=Picard()), strategy=Picard())))
    work = sweeps * 2 * m * m * n + 2 * (2 * n * n * m)
    share = work / taken / rate
    quick = seconds(cp, lambda: there.gram(X))
    record_property("share", float(share))
    name = cp.cuda.runtime.getDeviceProperties(0)["name"].decode()
    print(
        f"{name}: product {rate / 1e12:.1f} TFLOP/s; equilibrium, adjoint and Gram matrix at m = {m}, n = {n}: "
        f"{taken:.3f} s, {sweeps} sweeps, {100 * share:.0f}% of it; with the default strategy {quick:.3f} s"
    )
    few = slice(0, 32)
    apart = agree(cp, there.gram(X[few]), net.gram(cp.asnumpy(X[few])))
    print(f"Gram matrix of 32 samples against NumPy: {apart:.1e}")
    assert share >= 0.6
