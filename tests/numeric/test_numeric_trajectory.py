"""The whole trajectory of the trainer: 50 digits against 80, and float64 against 50."""

from __future__ import annotations

import numpy as np
import pytest
from solve_bounds import relative_solve_error

from deqmath.errors import InputError, NotWellPosedError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork, gradient_descent, multiprecision_descent

STEPS = 12


def task(*trainable: str):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((3, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=6, inputs=3, gamma0=0.2, seed=11, trainable=trainable)
    return net, X, np.array([1.0, -1.0, 0.5])


@pytest.fixture(scope="module", params=[("A",), ("A", "W", "b")], ids=["A", "all"])
def runs(request):
    net, X, y = task(*request.param)
    many = multiprecision_descent(MultiprecisionNetwork.from_network(net, digits=50), X, y, steps=STEPS)
    return net, X, y, many


def test_fifty_digits_are_fifty_digits(runs):
    net, X, y, many = runs
    more = multiprecision_descent(MultiprecisionNetwork.from_network(net, digits=80), X, y, steps=STEPS)
    ctx = more.networks[0].context
    for k in range(STEPS + 1):
        assert abs(ctx.mpf(many.loss[k]) - more.loss[k]) <= more.loss[0] * ctx.mpf(10) ** -50
        assert many.gates[k] == more.gates[k]
        for name in net.trainable:
            pairs = zip(getattr(many.networks[k], name), getattr(more.networks[k], name), strict=True)
            assert max(abs(ctx.mpf(a) - b) for a, b in pairs) <= 10 * ctx.mpf(10) ** -50
    assert ctx.mpf(many.loss[-1]) < many.loss[0]


def test_float64_follows_the_trajectory(runs):
    """The step map is smooth between switches: errors add up, a few of the conditioned round-off a step."""
    net, X, y, many = runs
    alpha = float(many.step_size)
    run = gradient_descent(net, X, y, steps=STEPS, step_size=alpha, record=1)
    want = np.array([[float(p) for p in prediction] for prediction in many.predictions])
    eps = 40 * relative_solve_error(net, 1e-14) / (1 - net.rho)
    size = np.max(np.abs(want)) + np.linalg.norm(y)
    allowed = eps * size * (1 + np.arange(STEPS + 1))[:, None]
    assert np.all(np.abs(run.predictions - want) <= allowed)
    assert np.max(allowed) < 1e-9
    for name in ("A", "W", "b"):
        last = np.array(getattr(many.networks[-1], name).tolist(), dtype=float).reshape(getattr(net, name).shape)
        assert np.max(np.abs(getattr(run.final, name) - last)) <= eps * size * STEPS
    assert run.switches.tolist() == [many.switches(k) for k in range(STEPS + 1)]


def test_a_planted_error_is_seen(runs):
    """The same run with a step that is off by 1e-8: far outside what round-off explains."""
    net, X, y, many = runs
    run = gradient_descent(net, X, y, steps=STEPS, step_size=float(many.step_size) * (1 + 1e-8), record=1)
    want = np.array([[float(p) for p in prediction] for prediction in many.predictions])
    assert np.max(np.abs(run.predictions - want)) > 1e-10


def test_refusals():
    net = MultiprecisionNetwork([[0, 1], [1, 0]], [[1], [2]], [1, 1], "0.25")
    with pytest.raises(InputError, match="steps is 0"):
        multiprecision_descent(net, [[1]], [1], steps=0)
    with pytest.raises(InputError, match="step_size is -1"):
        multiprecision_descent(net, [[1]], [1], steps=1, step_size=-1)
    with pytest.raises(InputError, match=r"H\(0\) = 0"):
        multiprecision_descent(net, [[0]], [1], steps=1)
    with pytest.raises(NotWellPosedError):
        multiprecision_descent(net, [[1]], [100], steps=2, step_size=10)
