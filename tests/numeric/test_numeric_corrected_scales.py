"""Corrected predictions far outside the range of float32: values, and a bound that holds, at every scale."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork

X = np.random.default_rng(0).standard_normal((6, 4))
SCALES = (1e-310, 1e-300, 1e-50, 1.0, 1e38, 1e39, 1e150)


@pytest.fixture(scope="module", params=["relu", "identity"])
def net(request):
    return ReLUNetwork.random(width=30, inputs=4, gamma0=0.25, seed=1, phi=request.param)


def rounding(net, X):
    """A few units in the last place of ``||b|| ||z_i|| / sqrt m``, and of the smallest number."""
    Z = np.asarray(net.equilibrium(X))
    size = np.max(np.abs(Z), axis=1) * np.max(np.abs(net.b))
    return 4 * np.finfo(float).eps * size * np.sqrt(net.width) + 100 * 5e-324


def the_bound_holds(net, X, sweeps):
    quick = net.predict_corrected(X, sweeps=sweeps)
    assert np.all(np.isfinite(quick.error))
    error = np.abs(quick.values - net.predict(X))
    assert np.all(error <= quick.error + rounding(net, X))
    return quick, error


@pytest.mark.parametrize("sweeps", [1, 2, 9])
def test_the_bound_holds_at_every_scale(net, sweeps):
    for of_b in SCALES:
        scaled = net.with_parameters(b=net.b * of_b)
        for of_x in SCALES:
            if of_b * of_x < 1e300:
                the_bound_holds(scaled, X * of_x, sweeps)


def test_samples_of_all_scales_in_one_batch(net):
    scales = 2.0 ** np.array([-990.0, -170.0, 0.0, 127.0, 660.0, -np.inf])
    quick, error = the_bound_holds(net, X * scales[:, None], 1)
    alone = net.predict_corrected(X, sweeps=1)
    assert quick.values == pytest.approx(alone.values * scales, rel=1e-13, abs=0)
    assert quick.error == pytest.approx(alone.error * scales, rel=1e-13, abs=0)
    assert np.all(error[:5] > 0)  # one sweep leaves an error, and the bound says so


def test_powers_of_two_change_no_bit(net):
    """Float32 sees the same numbers at every scale."""
    alone, k = net.predict_corrected(X, sweeps=2), 2.0**-200
    for scaled, inputs in ((net.with_parameters(b=net.b * k), X), (net, X * k)):
        quick = scaled.predict_corrected(inputs, sweeps=2)
        assert np.array_equal(quick.values, alone.values * k)
        assert quick.error == pytest.approx(alone.error * k, rel=1e-13, abs=0)


def test_entries_of_all_scales_in_one_network():
    rng = np.random.default_rng(3)
    for seed in range(20):
        net = ReLUNetwork.random(width=40, inputs=4, gamma0=0.25, seed=seed)
        b, W = net.b * 10.0 ** rng.uniform(-60, 60, 40), net.W * 10.0 ** rng.uniform(-60, 60, (40, 1))
        for sweeps in (1, 4):
            the_bound_holds(net.with_parameters(b=b, W=W), X, sweeps)


def test_against_many_digits():
    net = ReLUNetwork.random(width=8, inputs=4, gamma0=0.25, seed=1)
    for of_b, of_x in ((1e-50, 1.0), (1e39, 1e-50), (1.0, 1e38)):
        scaled, inputs = net.with_parameters(b=net.b * of_b), X[:2] * of_x
        exact = MultiprecisionNetwork.from_network(scaled, digits=40).predict(inputs.tolist())
        quick = scaled.predict_corrected(inputs, sweeps=2)
        error = np.array([float(abs(v - e)) for v, e in zip(quick.values.tolist(), exact, strict=True)])
        assert np.all(error <= quick.error + rounding(scaled, inputs))


def test_what_leaves_float64_is_refused():
    net = ReLUNetwork.random(width=30, inputs=4, gamma0=0.25, seed=1)
    with pytest.raises(InputError, match="the prediction has entries beyond float64"):
        net.with_parameters(b=net.b * 1e200).predict_corrected(X * 1e200)
