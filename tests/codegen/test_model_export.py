"""A whole model as one module, against the hand-written trainer; its derivatives by automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest

import deqmath as dm
from deqmath.model import ReLUModel

from .backends import back, convert, require

TARGETS = ("numpy", "array-api", "jax", "torch", "mpmath", "flint")
M, D, N = 12, 4, 3
OPTIONS = {"mpmath": {}, "flint": {}}


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, D))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = dm.ReLUNetwork.random(width=M, inputs=D, gamma0=0.15, seed=1)
    return net, X, rng.uniform(-1, 1, N)


def _arguments(target, net, X):
    # In exact decimal text nothing is rounded on the way to mpmath or balls: floats are exact there.
    arrays = {"A": net.A, "W": net.W, "X": X.T, "b": net.b.reshape(-1, 1)}
    return {k: convert(target, np.asarray(v)) for k, v in arrays.items()} | {"gamma": float(net.gamma)}


def _module(target):
    require(target)
    return dm.generate(ReLUModel(), target=target).load()


@pytest.mark.parametrize("target", TARGETS)
def test_prediction_gradient_and_gram_are_the_trainers(target, problem):
    net, X, y = problem
    module, given = _module(target), _arguments(target, *problem[:2])
    labels = convert(target, y.reshape(-1, 1))
    close = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(back(module.predict(**given)).ravel(), net.predict(X), **close)
    np.testing.assert_allclose(back(module.loss_gradient(**given, y=labels)), net.gradient(X, y), **close)
    np.testing.assert_allclose(back(module.kernel(**given)), net.gram(X), **close)


@pytest.mark.parametrize("target", TARGETS)
def test_an_equilibrium_that_is_not_reached_is_an_error(target, problem):
    module, given = _module(target), _arguments(target, *problem[:2])
    given["gamma"] = 3.0
    error = module.Undecided if target == "flint" else module.NotConverged
    with pytest.raises(error):
        module.predict(**given)


@pytest.mark.parametrize("target", ["numpy", "array-api", "jax", "torch"])
def test_single_precision_is_reached_by_default(target, problem):
    module, given = _module(target), _arguments(target, *problem[:2])
    single = {"numpy": "float32", "jax": "float32"}.get(target) or require(target).float32
    change = {"array-api": lambda x: require(target).astype(x, single), "torch": lambda x: x.to(single)}
    given |= {k: change.get(target, lambda x: x.astype(single))(given[k]) for k in ("A", "W", "X", "b")}
    f = module.predict(**given)
    assert f.dtype == given["A"].dtype
    np.testing.assert_allclose(back(f).ravel(), problem[0].predict(problem[1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_arguments_of_the_equilibrium_are_named(target, problem):
    module, given = _module(target), _arguments(target, *problem[:2])
    Phi = module.features(given["W"], given["X"])
    with pytest.raises(ValueError, match=r"^gamma: received "):
        module.equilibrium(given["A"], Phi, "0.1")
    with pytest.raises(ValueError, match=r"^Phi: received "):
        module.equilibrium(given["A"], "Phi", given["gamma"])
    if target != "flint":
        with pytest.raises(ValueError, match=r"^tolerance: received -1"):
            module.equilibrium(given["A"], Phi, given["gamma"], tolerance=-1)


def test_the_balls_hold_the_equilibrium(problem):
    net, X, _ = problem
    module, given = _module("flint"), _arguments("flint", *problem[:2])
    found = module.equilibrium(given["A"], module.features(given["W"], given["X"]), given["gamma"], prec=200)
    Z = net.equilibrium(X).Z.T
    for i in range(M):
        for j in range(N):
            assert found.Z[i, j].rad() < 1e-50
            assert abs(float(found.Z[i, j].mid()) - Z[i, j]) < 1e-9
    assert found.rho < 1


def _loss(module, given, labels):
    f = module.predict(**given)
    return ((f.T - labels) ** 2).sum() / 2


def test_jax_differentiates_through_the_equilibrium(problem):
    jax = require("jax")
    module, given = _module("jax"), _arguments("jax", *problem[:2])
    labels = convert("jax", problem[2].reshape(-1, 1))
    given["gamma"] = jax.numpy.asarray(given["gamma"])
    slopes = jax.jit(jax.grad(lambda g: _loss(module, g, labels)))(given)
    np.testing.assert_allclose(slopes["A"], module.loss_gradient(**given, y=labels), rtol=1e-8, atol=1e-10)
    for key in ("W", "gamma", "A"):
        ends = [_loss(module, {**given, key: given[key] * (1 + t)}, labels) for t in (1e-6, -1e-6)]
        along = (slopes[key] * given[key]).sum()
        np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-8)


def test_torch_differentiates_through_the_equilibrium(problem):
    require("torch")
    module, given = _module("torch"), _arguments("torch", *problem[:2])
    labels = convert("torch", problem[2].reshape(-1, 1))
    given["gamma"] = convert("torch", np.asarray(given["gamma"]))
    for key in ("A", "W", "gamma"):
        given[key].requires_grad_()
    _loss(module, given, labels).backward()
    fixed = {k: v.detach() for k, v in given.items()}
    want = module.loss_gradient(**fixed, y=labels)
    np.testing.assert_allclose(given["A"].grad, want, rtol=1e-8, atol=1e-10)
    for key in ("W", "gamma", "A"):
        ends = [_loss(module, {**fixed, key: fixed[key] * (1 + t)}, labels) for t in (1e-6, -1e-6)]
        along = (given[key].grad * fixed[key]).sum()
        np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-8)
