"""The softmax network against automatic differentiation by jax, which is no dependency."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.numeric import SoftmaxNetwork


@pytest.fixture(scope="module")
def jax():
    library = pytest.importorskip("jax")
    library.config.update("jax_enable_x64", True)
    return library


@pytest.fixture(scope="module", params=[("A", "B"), ("A",), ("B",)], ids=["both", "A", "B"])
def trainable(request):
    return request.param


@pytest.fixture(scope="module", params=[1, 3], ids=["one output", "three"])
def task(request, jax, trainable):
    """A network, data, and its predictions in jax by 200 unrolled sweeps: no solve, no formula of the gradient."""
    jnp, p = jax.numpy, request.param
    rng = np.random.default_rng(5)
    net = SoftmaxNetwork.random(width=30, outputs=p, gamma=0.6, seed=4, trainable=trainable)
    X, Y = rng.standard_normal((8, 30)) / 5, np.sign(rng.standard_normal((8, p)))

    def predict(parameters):
        P = {"A": jnp.asarray(net.A), "B": jnp.asarray(net.B), **parameters}
        S = jax.nn.softmax(P["A"], axis=0)
        Z = jax.lax.fori_loop(0, 200, lambda _, Z: net.gamma * Z @ S.T + X, jnp.asarray(X))
        return Z @ P["B"].T

    return net, X, Y, predict, {name: jnp.asarray(getattr(net, name)) for name in trainable}


def relative(got, want):
    return np.max(np.abs(np.asarray(got) - np.asarray(want))) / np.max(np.abs(np.asarray(want)))


@pytest.mark.parametrize("form", ["square", "logistic"])
def test_gradient(jax, task, form, record_property):
    net, X, Y, predict, parameters = task
    jnp = jax.numpy

    def loss(p):
        F = predict(p)
        return 0.5 * jnp.sum((F - Y) ** 2) if form == "square" else jnp.sum(jax.nn.softplus(-Y * F))

    want, found = jax.grad(loss)(parameters), net.gradient(X, Y, loss=form)
    got = found if isinstance(found, dict) else {net.trainable[0]: found}
    worst = max(relative(got[name], want[name]) for name in net.trainable)
    record_property("worst", float(worst))
    print(f"{net.trainable}, {net.outputs} outputs, {form}: {worst:.1e}")
    assert worst <= 1e-11
    assert net.loss(X, Y, loss=form) == pytest.approx(float(loss(parameters)), rel=1e-11)
    # the transpose of dL/dA is another matrix
    if "A" in got:
        assert relative(got["A"].T, want["A"]) > 1e-3


def test_gram(jax, task):
    net, X, _, predict, parameters = task
    rows = jax.jacrev(predict)(parameters)
    J = np.concatenate([np.asarray(rows[name]).reshape(X.shape[0] * net.outputs, -1) for name in net.trainable], axis=1)
    assert relative(net.gram(X), J @ J.T) <= 1e-11
