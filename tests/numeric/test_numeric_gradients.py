"""Gradient, Gram matrix and kernel against differences of the loss and of the predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deqmath.errors import InputError
from deqmath.numeric import ReLUNetwork

ALL = ("A", "W", "b")


def difference(net, f, h=1e-6):
    """Central differences of f(network) in every entry of A, W and b, stacked; C order within each."""
    columns = []
    for name in ALL:
        value = getattr(net, name)
        for index in np.ndindex(value.shape):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * h
                sides.append(f(net.with_parameters(**{name: moved})))
            columns.append((sides[0] - sides[1]) / (2 * h))
    return np.array(columns)


def away_from_kinks(net, X, margin=1e-3) -> bool:
    return bool(np.min(np.abs(net.equilibrium(X).U)) > margin and np.min(np.abs(X @ net.W.T)) > margin)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), phi=st.sampled_from(["relu", "identity"]))
def test_gradient_and_gram_against_differences(seed, phi):
    net = ReLUNetwork.random(width=5, inputs=2, gamma0=0.2, seed=seed, phi=phi, trainable=ALL)
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((3, 2)), rng.standard_normal(3)
    if net.rho >= 0.9 or not away_from_kinks(net, X):
        return
    gradient = net.gradient(X, y)
    stacked = np.concatenate([gradient[name].ravel() for name in ALL])
    by_differences = difference(net, lambda n: n.loss(X, y))
    # truncation h^2 and cancellation u L / h at h = 1e-6
    assert np.max(np.abs(stacked - by_differences)) <= 1e-7 * (1 + np.linalg.norm(stacked))
    J = difference(net, lambda n: n.predict(X)).T
    assert np.max(np.abs(net.gram(X) - J @ J.T)) <= 1e-7 * (1 + np.linalg.norm(J) ** 2)


def test_gram_is_symmetric_psd_and_bounds_hold(small):
    net, X, _ = small
    H = net.gram(X)
    assert np.array_equal(H, H.T)
    assert np.linalg.eigvalsh(H)[0] >= -1e-15 * np.trace(H)
    J = net.linearisation(X)
    gap = 1 - net.rho
    assert np.all(np.linalg.norm(J.Q, axis=1) <= np.sqrt(net.width) / gap)
    c = np.linalg.norm(net.W, 2) / np.sqrt(net.width)
    assert np.trace(H) <= len(X) * net.gamma0**2 * c**2 / gap**4


def test_energy_identity(small):
    """``||dL/dA||_F^2 = r^T H r`` (gg22): gradient and Gram come from different products."""
    net, X, y = small
    for trainable in (("A",), ("W",), ("b",), ALL):
        part = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=trainable)
        gradient = part.gradient(X, y)
        pieces = gradient.values() if isinstance(gradient, dict) else [gradient]
        r = part.predict(X) - y
        energy = float(r @ part.gram(X) @ r)
        assert sum(float(np.sum(g * g)) for g in pieces) == pytest.approx(energy, rel=1e-12)
        wrong = float(r @ (part.gram(X) + 1e-6 * np.eye(len(X))) @ r)
        assert energy != pytest.approx(wrong, rel=1e-12)


def test_pushforward_is_adjoint_to_pullback(small):
    net, X, _ = small
    net = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=ALL)
    rng = np.random.default_rng(1)
    J, w = net.linearisation(X), rng.standard_normal(5)
    V = {name: rng.standard_normal(getattr(net, name).shape) for name in ALL}
    inner = sum(float(np.sum(g * V[name])) for name, g in J.pullback(w).items())
    assert float(w @ J.pushforward(V)) == pytest.approx(inner, rel=1e-12)
    assert np.allclose(J.pushforward(J.pullback(w)), J.gram() @ w, rtol=1e-12)
    with pytest.raises(InputError, match="needed exactly the trainable"):
        J.pushforward({"A": net.A})


def test_kernel_blocks_are_the_gram_of_the_union(small):
    net, X, _ = small
    H = net.gram(X)
    assert np.allclose(net.kernel(X[:2], X[2:]), H[:2, 2:], rtol=1e-12, atol=1e-16)


def test_reuse_of_the_solves_gives_the_same_bits(small):
    net, X, y = small
    eq = net.equilibrium(X)
    adjoint = net.adjoint(eq)
    assert np.array_equal(net.gram(X), net.gram(adjoint))
    assert np.array_equal(net.gradient(X, y), net.gradient(adjoint, y))
    assert np.array_equal(net.predict(X), net.predict(eq))
    assert np.array_equal(np.asarray(adjoint), adjoint.Q)


def test_duplicate_samples_make_the_gram_singular(small):
    net, X, _ = small
    twice = np.vstack([X, X[1]])
    w = np.linalg.eigvalsh(net.gram(twice))
    assert abs(w[0]) <= 1e-14 * w[-1] < w[1]


@pytest.mark.parametrize("phi", ["relu", "identity"])
@pytest.mark.parametrize("rows", [[4, 1, 2], [0], []])
def test_what_a_change_of_q_of_some_samples_changes_of_the_gradient(phi, rows):
    """The gradient in A and W is linear in Q, and that in b has no Q in it."""
    rng = np.random.default_rng(0)
    net = ReLUNetwork.random(width=9, inputs=3, gamma0=0.3, seed=1, phi=phi, trainable=("b", "W", "A"))
    J, w = net.linearisation(rng.standard_normal((6, 3))), rng.standard_normal(6)
    dQ = np.zeros((6, 9))
    dQ[rows] = rng.standard_normal((len(rows), 9))
    want, without = J.with_adjoint(J.Q + dQ).pullback(w), J.pullback(w)
    found = J.pulled_back_of(np.array(rows, dtype=np.intp), dQ[rows], w)
    assert set(found) == {"A", "W"}
    for name, part in found.items():
        assert np.allclose(part, want[name] - without[name], rtol=0, atol=1e-14)
