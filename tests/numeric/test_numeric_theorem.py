"""The inequalities of the proof, the located switches, the linearised training, and all layers trained."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork, gradient_descent, gradient_flow
from deqmath.numeric.recorder import State
from deqmath.numeric.switches import Switches, locate_switches
from deqmath.numeric.theorem import Constants


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return ReLUNetwork.random(width=200, inputs=5, gamma0=0.15, seed=2), X, np.sign(rng.standard_normal(6))


@pytest.fixture(scope="module")
def run(task):
    return gradient_flow(*task, t_end=40.0, tol=1e-3, record=6, locate_switches=True)


def test_every_inequality_is_measured(task, run):
    net, X, _ = task
    names = [monitor.name for monitor in run.monitors]
    assert names[:3] == ["lambda_min", "norm_A", "residual"]
    assert names[3:] == ["distance", "change_z", "change_q", "size_z", "size_q", "change_gram"]
    first, last = net.linearisation(X), run.final.linearisation(X)
    want = {
        "distance": np.linalg.norm(run.final.A - net.A),
        "change_z": np.linalg.norm(last.Z - first.Z, axis=1).max(),
        "change_q": np.linalg.norm(last.Q - first.Q, axis=1).max(),
        "size_z": np.linalg.norm(last.Z, axis=1).max(),
        "size_q": np.linalg.norm(last.Q, axis=1).max(),
        "change_gram": np.linalg.norm(last.gram() - first.gram(), 2),
    }
    c = max(net.operator_norm(), np.linalg.norm(net.W, 2)) / np.sqrt(200)
    rho, n, g = 2 * c * 0.15, 6, 0.15
    omega = 2 * g * c * np.sqrt(n) * np.sqrt(2 * run.loss[0]) / ((1 - rho) ** 2 * run.lambda_min[0])
    bounds = {
        "distance": omega,
        "change_z": g * c * omega / (1 - rho) ** 2,
        "change_q": g * omega / (1 - rho) ** 2,
        "size_z": c * np.sqrt(200) / (1 - rho),
        "size_q": np.sqrt(200) / (1 - rho),
        "change_gram": 4 * n * c**2 * g**3 * omega / (np.sqrt(200) * (1 - rho) ** 5),
    }
    for name, value in want.items():
        monitor = run.monitor(name)
        assert monitor.measured[-1] == pytest.approx(value, rel=1e-9)
        assert monitor.bound == pytest.approx(np.full(7, bounds[name]), rel=1e-12)
        assert np.array_equal(monitor.slack, monitor.bound - monitor.measured)
        assert monitor.holds


def test_constants_that_do_not_exist_are_no_monitors(task):
    _, X, y = task
    wide = ReLUNetwork.random(width=100, inputs=5, gamma0=0.26, seed=0)
    run = gradient_descent(wide, X, y, steps=1)
    assert [monitor.name for monitor in run.monitors] == ["lambda_min", "norm_A", "residual"]
    assert any("2 c gamma0 = 1.0" in note and "it needs gamma0 < 0.2" in note for note in run.notes)
    assert not Constants(m=1, n=1, c=1.0, gamma0=0.6, lambda_0=1.0, residual=1.0).exist
    assert not Constants(m=1, n=1, c=1.0, gamma0=0.1, lambda_0=0.0, residual=1.0).exist


def test_the_step_inequality_of_the_gram_matrix():
    """(15) rests on ||P o B|| <= max P_ii ||B|| for P PSD: seen on random matrices, and false without PSD."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        G, B = rng.standard_normal((5, 3)), rng.standard_normal((5, 5))
        P, B = G @ G.T, B + B.T
        assert np.linalg.norm(P * B, 2) <= np.diag(P).max() * np.linalg.norm(B, 2) * (1 + 1e-12)
    P = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert np.linalg.norm(P * P, 2) > np.diag(P).max() * np.linalg.norm(P, 2)


def test_located_switches_account_for_the_gates(task, run):
    """Every gate's switches alternate, begin from its state at 0 and end in its state at the end."""
    net, X, _ = task
    found = run.switch_times
    assert len(found) >= run.switches[-1] > 0
    assert np.all(np.diff(found.time) >= 0)
    assert np.all((found.time >= 0) & (found.time <= 40.0))
    gates = np.array(net.equilibrium(X).gates)
    for sample, unit, opened in zip(found.sample, found.unit, found.opened, strict=True):
        assert gates[sample, unit] != opened
        gates[sample, unit] = opened
    assert np.array_equal(gates, run.final.equilibrium(X).gates)
    arrays = run.arrays()
    assert np.array_equal(arrays["switch_time"], found.time)


def test_a_switch_is_found_where_it_is():
    """One unit, b trained away: z = relu(w x); W moves on a line, so the crossing is known."""
    net = ReLUNetwork(A=[[0.0]], W=[[1.0]], b=[1.0], gamma=0.5, phi="identity", trainable=("W",))
    X, y = np.array([[1.0]]), np.array([0.0])
    before, after = (State.solve(net.with_parameters(W=[[w]]), X, y) for w in (1.0, -3.0))
    found = locate_switches(before, after, X, 10.0, 18.0)
    assert found.time == pytest.approx([12.0], abs=1e-9)
    assert (found.sample.tolist(), found.unit.tolist(), found.opened.tolist()) == ([0], [0], [False])
    assert found.width == pytest.approx([1.0])
    assert len(locate_switches(before, before, X, 0.0, 1.0)) == len(Switches.none()) == len(Switches.join([])) == 0


def test_the_linearised_training(task, run):
    net, X, y = task
    w, V = np.linalg.eigh(net.gram(X))
    r = net.predict(X) - y
    want = y + (V * np.exp(-40.0 * w)) @ V.T @ r
    assert run.linearised.shape == run.predictions.shape
    assert run.linearised[0] == pytest.approx(run.predictions[0], abs=1e-12)
    assert run.linearised[-1] == pytest.approx(want, abs=1e-11)
    # near the start the two agree, and they part as H moves
    apart = np.linalg.norm(run.linearised - run.predictions, axis=1)
    assert apart[1] < 0.1 * np.linalg.norm(run.predictions[1] - run.predictions[0])
    descent = gradient_descent(net, X, y, steps=3)
    step = np.eye(6) - descent.options["step_size"] * net.gram(X)
    assert descent.linearised[-1] == pytest.approx(y + np.linalg.matrix_power(step, 3) @ r, abs=1e-12)
    only_b = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=("b",))
    linear = gradient_descent(only_b, X, y, steps=5)
    assert linear.predictions == pytest.approx(linear.linearised, abs=1e-12)


@pytest.mark.parametrize("trainable", [("W", "A", "b"), ("W",), ("W", "b")])
def test_all_layers_trained(task, trainable):
    """gg22lin: descent with the theorem's step keeps its envelope, and every trained parameter moves as its gradient."""
    net, X, y = task
    net = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=trainable)
    run = gradient_descent(net, X, y, steps=10)
    assert run.monitor("residual").holds
    assert run.monitor("lambda_min").holds
    assert len(run.monitors) == 3
    assert not any("gamma0" in note for note in run.notes)
    one = gradient_descent(net, X, y, steps=1)
    found = net.gradient(X, y)
    gradient = found if isinstance(found, dict) else {trainable[0]: found}
    for name in ("A", "W", "b"):
        want = getattr(net, name) - one.options["step_size"] * gradient.get(name, 0.0)
        assert np.allclose(getattr(one.final, name), want, rtol=0, atol=1e-14)
    flow = gradient_flow(net, X, y, t_end=2.0, tol=1e-3, record=4)
    assert flow.status == "completed"
    assert flow.monitor("residual").holds


def test_what_rounding_leaves_of_the_residual_is_no_failure_of_c():
    """(1 - alpha lambda_0/2)^k falls to 1e-303, the residual only to the last bit of y, unless it happens to be exactly 0."""
    nets = (ReLUNetwork.random(width=16, inputs=2, gamma0=0.2, seed=seed) for seed in range(20))
    runs = (gradient_descent(net, [[1.0, 0.0]], [0.3], steps=1000).monitor("residual") for net in nets)
    found = next(run for run in runs if run.measured[-1] > 0)
    assert found.measured[-1] < 1e-30
    assert found.holds
    assert found.bound[-1] < 1e-24
    early = found.bound[0]
    assert early == pytest.approx(found.measured[0], rel=1e-12)
