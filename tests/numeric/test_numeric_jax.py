"""Gradient, Gram matrix and kernel against automatic differentiation by jax, which is no dependency."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork

SWEEPS = 120


@pytest.fixture(scope="module")
def jax():
    library = pytest.importorskip("jax")
    library.config.update("jax_enable_x64", True)
    return library


@pytest.fixture(scope="module", params=[("A",), ("A", "W", "b")], ids=["A", "all"])
def task(request, jax):
    """A network, data, and its prediction in jax: unrolled sweeps, differentiated by jax."""
    jnp = jax.numpy
    X = np.random.default_rng(2).standard_normal((7, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=50, inputs=5, gamma0=0.25, seed=4, trainable=request.param)

    def predict(parameters, x):
        p = {"A": jnp.asarray(net.A), "W": jnp.asarray(net.W), "b": jnp.asarray(net.b), **parameters}
        phi = jnp.maximum(p["W"] @ x, 0)
        z = jax.lax.fori_loop(0, SWEEPS, lambda _, z: jnp.maximum(net.gamma * (p["A"] @ z) + phi, 0), phi)
        return p["b"] @ z / np.sqrt(net.width)

    return net, X, np.sign(X[:, 0]), predict, {name: jnp.asarray(getattr(net, name)) for name in net.trainable}


def relative(got, want):
    return np.max(np.abs(np.asarray(got) - np.asarray(want))) / np.max(np.abs(np.asarray(want)))


def test_gradient(jax, task):
    net, X, y, predict, parameters = task

    def loss(p):
        r = jax.vmap(lambda x: predict(p, x))(X) - y
        return 0.5 * (r @ r)

    want = jax.grad(loss)(parameters)
    got = net.gradient(X, y)
    for name in net.trainable:
        assert relative(got if len(parameters) == 1 else got[name], want[name]) <= 1e-11


def test_gram_and_kernel(jax, task):
    net, X, _, predict, parameters = task
    rows = jax.vmap(jax.grad(predict), in_axes=(None, 0))(parameters, X)
    J = np.concatenate([np.asarray(part).reshape(len(X), -1) for part in rows.values()], axis=1)
    assert relative(net.gram(X), J @ J.T) <= 1e-11
    assert relative(net.kernel(X[:3], X[3:]), J[:3] @ J[3:].T) <= 1e-11
    # a planted factor of 1 + 1e-10 is seen
    assert relative(net.gram(X) * (1 + 1e-10), J @ J.T) > 1e-11
