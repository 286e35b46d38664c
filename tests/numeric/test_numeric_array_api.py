"""Array type in, array type out: array-api-strict refuses any silent fallback to NumPy."""

from __future__ import annotations

import array_api_strict as xp
import numpy as np
import pytest

from deqmath.errors import InputError, NotWellPosedError
from deqmath.numeric import ReLUNetwork, equilibrium_jvp
from deqmath.numeric.strategies import MixedPrecision


def back(array):
    assert type(array).__module__.startswith("array_api_strict")
    return np.asarray(array)


@pytest.mark.parametrize("moved", [True, False])
def test_every_result_stays_in_the_namespace(small, moved):
    net, X, y = small
    net = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=("A", "W", "b"))
    strict = net
    if not moved:
        A, W, b = (xp.asarray(np.array(P)) for P in (net.A, net.W, net.b))
        strict = ReLUNetwork(A=A, W=W, b=b, gamma=net.gamma, trainable=net.trainable)
    Xs, ys = xp.asarray(X), xp.asarray(y)
    assert np.max(np.abs(back(strict.equilibrium(Xs).Z) - net.equilibrium(X).Z)) <= 1e-13
    assert np.max(np.abs(back(strict.adjoint(Xs).Q) - net.adjoint(X).Q)) <= 1e-13
    assert np.max(np.abs(back(strict.predict(Xs)) - net.predict(X))) <= 1e-13
    assert np.max(np.abs(back(strict.gram(Xs)) - net.gram(X))) <= 1e-13
    for name, gradient in strict.gradient(Xs, ys).items():
        assert np.max(np.abs(back(gradient) - net.gradient(X, y)[name])) <= 1e-13
    assert strict.loss(Xs, ys) == pytest.approx(net.loss(X, y), rel=1e-13)
    assert strict.rho == pytest.approx(net.rho, rel=1e-13)
    assert np.asarray(strict.equilibrium(Xs)).shape == (5, 24)
    assert back(strict.injection(Xs)).shape == (5, 24)


def test_strategies_and_derivatives(small):
    net, X, _ = small
    eq = net.equilibrium(xp.asarray(X), strategy=MixedPrecision())
    assert eq.converged
    assert eq.strategy == "mixed"
    assert net.adjoint(eq, strategy=MixedPrecision()).converged
    V = np.random.default_rng(0).standard_normal((24, 24))
    dZ, dQ = equilibrium_jvp(net, xp.asarray(X), xp.asarray(V))
    want = equilibrium_jvp(net, X, V)
    assert np.max(np.abs(back(dZ) - want[0])) <= 1e-12
    assert np.max(np.abs(back(dQ) - want[1])) <= 1e-12


def test_refusals_are_the_same(small):
    net, X, _ = small
    A, W, b = (xp.asarray(np.array(P)) for P in (net.A, net.W, net.b))
    with pytest.raises(InputError, match="different array libraries"):
        ReLUNetwork(A=A, W=net.W, b=net.b, gamma=0.1)
    strict = ReLUNetwork(A=A, W=W, b=b, gamma=net.gamma)
    with pytest.raises(InputError, match="pass X in that library"):
        strict.predict(X)
    bad = X.copy()
    bad[3, 1] = np.nan
    with pytest.raises(InputError, match=r"X holds nan at index \[3, 1\]"):
        strict.predict(xp.asarray(bad))
    with pytest.raises(InputError, match="complex128"):
        strict.predict(xp.asarray(X.astype(complex)))
    with pytest.raises(NotWellPosedError):
        ReLUNetwork(A=A, W=W, b=b, gamma=10.0).predict(xp.asarray(X))
    assert np.allclose(np.asarray(strict.predict(xp.asarray([[1, 2, 3, 4]]))), net.predict([[1, 2, 3, 4]]))
