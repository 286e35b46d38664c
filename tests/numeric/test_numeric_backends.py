"""The whole public surface in a namespace whose arrays refuse to become NumPy arrays, as those on a device do."""

from __future__ import annotations

import array_api_strict as xp
import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, equilibrium_jvp, find_fixed_point
from deqmath.numeric.strategies import Anderson, Automatic, MixedPrecision, Neumann, Picard

RNG = np.random.default_rng(8)
X = RNG.standard_normal((6, 5))
Y = np.sign(X[:, 0])
V = RNG.standard_normal((40, 40))
FEATURES = RNG.standard_normal((6, 8))
TARGETS = np.sign(RNG.standard_normal((6, 2)))
M = 0.3 * RNG.standard_normal((5, 5)) / np.sqrt(5)

RELU = {
    "equilibrium": lambda net, A: net.equilibrium(A(X)).Z,
    "adjoint": lambda net, A: net.adjoint(A(X)).Q,
    "predict": lambda net, A: net.predict(A(X)),
    "predict_corrected": lambda net, A: net.predict_corrected(A(X)).values,
    "loss": lambda net, A: net.loss(A(X), A(Y)),
    "gradient A": lambda net, A: net.gradient(A(X), A(Y))["A"],
    "gradient W": lambda net, A: net.gradient(A(X), A(Y))["W"],
    "gradient b": lambda net, A: net.gradient(A(X), A(Y))["b"],
    "gram": lambda net, A: net.gram(A(X)),
    "kernel": lambda net, A: net.kernel(A(X[:2]), A(X)),
    "injection": lambda net, A: net.injection(A(X)),
    "push of pull": lambda net, A: net.linearisation(A(X)).pushforward(net.linearisation(A(X)).pullback(A(Y))),
    "jvp": lambda net, A: equilibrium_jvp(net, A(X), A(V))[1],
    "picard": lambda net, A: net.equilibrium(A(X), strategy=Picard()).Z,
    "anderson": lambda net, A: net.equilibrium(A(X), strategy=Anderson()).Z,
    "automatic": lambda net, A: net.equilibrium(A(X), strategy=Automatic()).Z,
    "mixed": lambda net, A: net.equilibrium(A(X), strategy=MixedPrecision()).Z,
    "mixed adjoint": lambda net, A: net.adjoint(A(X), strategy=MixedPrecision()).Q,
    "warm start": lambda net, A: net.equilibrium(A(X), start=net.equilibrium(A(X), tol=1e-3).Z).Z,
}
SOFTMAX = {
    "equilibrium": lambda net, A: net.equilibrium(A(FEATURES)).Z,
    "predict": lambda net, A: net.predict(A(FEATURES)),
    "loss": lambda net, A: net.loss(A(FEATURES), A(TARGETS), loss="logistic"),
    "gradient A": lambda net, A: net.gradient(A(FEATURES), A(TARGETS))["A"],
    "gradient B, logistic": lambda net, A: net.gradient(A(FEATURES), A(TARGETS), loss="logistic")["B"],
    "gram": lambda net, A: net.gram(A(FEATURES)),
    "slope": lambda net, A: net.loss_slope(A(FEATURES), A(TARGETS)),
}


def strict(array):
    return xp.asarray(np.array(array))


@pytest.fixture(autouse=True)
def no_transfer(monkeypatch):
    """An array that NumPy reads without being asked to is refused, as CuPy refuses it."""

    def refuse(*_args, **_options):
        msg = "implicit conversion to a NumPy array"
        raise TypeError(msg)

    monkeypatch.setattr(type(xp.zeros(1)), "__array__", refuse)
    with pytest.raises(TypeError, match="implicit conversion"):
        np.asarray(xp.zeros(1))


def compare(monkeypatch, got, want):
    monkeypatch.undo()
    if not isinstance(want, float):
        assert type(got).__module__.startswith("array_api_strict")
        assert tuple(got.shape) == want.shape
    assert np.max(np.abs(np.asarray(got) - want)) <= 1e-12 * max(1.0, np.max(np.abs(want)))


@pytest.mark.parametrize("name", RELU)
@pytest.mark.parametrize("moved", [True, False], ids=["network moved", "network there"])
def test_relu(name, moved, monkeypatch):
    net = ReLUNetwork.random(width=40, inputs=5, gamma0=0.25, seed=3, trainable=("A", "W", "b"))
    there = net if moved else net.with_parameters(**{part: strict(getattr(net, part)) for part in ("A", "W", "b")})
    got = RELU[name](there, strict)
    compare(monkeypatch, got, RELU[name](net, np.array))


@pytest.mark.parametrize("name", SOFTMAX)
@pytest.mark.parametrize("moved", [True, False], ids=["network moved", "network there"])
def test_softmax(name, moved, monkeypatch):
    net = SoftmaxNetwork.random(width=8, outputs=2, gamma=0.7, seed=3)
    there = net if moved else net.with_parameters(**{part: strict(getattr(net, part)) for part in ("A", "B")})
    got = SOFTMAX[name](there, strict)
    compare(monkeypatch, got, SOFTMAX[name](net, np.array))


def test_softmax_dynamics(monkeypatch):
    net = SoftmaxNetwork.random(width=8, outputs=2, gamma=0.7, seed=3)
    there = net.with_parameters(A=strict(net.A), B=strict(net.B))
    D, moved = there.dynamics_matrix(), there.dynamics(strict(net.B))
    compare(monkeypatch, D, net.dynamics_matrix())
    compare(monkeypatch, moved, net.dynamics(net.B))


def test_neumann(monkeypatch):
    """Open gates everywhere: positive A, W and X."""
    rng = np.random.default_rng(9)
    A, W = np.abs(rng.standard_normal((12, 12))), np.abs(rng.standard_normal((12, 5)))
    net = ReLUNetwork(A=A, W=W, b=np.ones(12), gamma=0.2 / np.linalg.norm(A, 2))
    got = net.equilibrium(strict(np.abs(X)), strategy=Neumann()).Z
    compare(monkeypatch, got, net.equilibrium(np.abs(X)).Z)


@pytest.mark.parametrize("strategy", ["automatic", "picard", "anderson"])
def test_any_map(strategy, monkeypatch):
    Ms, Xs = strict(M), strict(X)
    got = find_fixed_point(lambda z: z @ Ms + Xs, xp.zeros((6, 5)), rows=True, strategy=strategy).x
    compare(monkeypatch, got, np.linalg.solve((np.eye(5) - M).T, X.T).T)
