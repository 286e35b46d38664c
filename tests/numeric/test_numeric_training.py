"""Gradient descent and gradient flow: against each other, SciPy, the closed form, and interruptions."""

from __future__ import annotations

import re

import numpy as np
import pytest

from deqmath.errors import InputError, NotConvergedError, NotWellPosedError, ShapeError
from deqmath.numeric import ReLUNetwork, gradient_descent, gradient_flow
from deqmath.numeric.etd2 import etd2_step
from deqmath.numeric.recorder import FULL, State, prepare


@pytest.fixture(scope="module")
def task():
    """Wide enough, and targets near enough, for the theorem's conclusions to be seen."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=48, inputs=5, gamma0=0.2, seed=2)
    return net, X, net.predict(X) + 0.2 * np.sign(rng.standard_normal(6))


def expmt(H, t):
    w, V = np.linalg.eigh(H)
    return (V * np.exp(-t * w)) @ V.T


def test_descent(task):
    net, X, y = task
    run = gradient_descent(net, X, y, steps=40, record=5)
    assert run.status == "completed"
    assert run.steps == 40
    alpha = 1 / np.linalg.eigvalsh(net.gram(X))[-1]
    assert run.options["step_size"] == pytest.approx(alpha, rel=1e-12)
    assert run.times == pytest.approx(alpha * np.arange(0, 41, 5), rel=1e-12)
    assert np.all(np.diff(run.loss) < 0)
    assert run.initial is net
    assert run.predictions.shape == (9, 6)
    # one step by hand
    once = net.with_parameters(A=net.A - alpha * net.gradient(X, y))
    single = gradient_descent(net, X, y, steps=1)
    assert np.allclose(single.final.A, once.A, rtol=0, atol=1e-13)
    # every series belongs to the final network
    assert run.loss[-1] == pytest.approx(run.final.loss(X, y), rel=1e-12)
    assert run.norm_A[-1] == pytest.approx(np.linalg.norm(run.final.A, 2), rel=1e-12)
    assert run.distance[-1] == pytest.approx(np.linalg.norm(run.final.A - net.A), rel=1e-12)
    w = np.linalg.eigvalsh(run.final.gram(X))
    assert (run.lambda_min[-1], run.lambda_max[-1]) == pytest.approx((w[0], w[-1]), rel=1e-9)
    assert run.switches[0] == 0
    assert run.switches[-1] == np.sum(run.final.equilibrium(X).gates != net.equilibrium(X).gates)


def test_descent_monitors(task):
    net, X, y = task
    run = gradient_descent(net, X, y, steps=30)
    lambda_0 = run.lambda_min[0]
    a, b, c = (run.monitor(name) for name in ("lambda_min", "norm_A", "residual"))
    assert np.array_equal(a.slack, run.lambda_min - lambda_0 / 2)
    norm = max(np.linalg.norm(net.A, 2), np.linalg.norm(net.W, 2))
    assert b.bound == pytest.approx(np.full(31, 2 * norm), rel=1e-12)
    k = np.arange(31)
    assert c.bound == pytest.approx((1 - run.options["step_size"] * lambda_0 / 2) ** k * 2 * run.loss[0], rel=1e-9)
    assert a.holds
    assert b.holds
    assert c.holds
    with pytest.raises(InputError, match="there is no monitor 'x'; there are 'lambda_min'"):
        run.monitor("x")


def test_a_monitor_that_fails_says_where(task):
    """A step far beyond 2/lambda_max diverges: the envelope is left, and the monitor shows it."""
    net, X, y = task
    run = gradient_descent(net, X, y, steps=3, step_size=4.0 / np.linalg.eigvalsh(net.gram(X))[-1])
    failed = run.monitor("residual")
    assert not failed.holds
    assert failed.first_failure == 1
    assert failed.slack[1] < 0


@pytest.mark.parametrize("trainable", [("A",), ("A", "W", "b")])
def test_the_two_flows_agree(task, trainable):
    net, X, y = task
    net = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=trainable)
    times = [0.0, 0.7, 2.0]
    reference = gradient_flow(net, X, y, t_end=2.0, method="rk45", tol=1e-5, record=times)
    run = gradient_flow(net, X, y, t_end=2.0, tol=1e-4, record=times)
    assert (run.status, reference.status) == ("completed", "completed")
    assert np.array_equal(run.times, reference.times)
    assert np.array_equal(run.times, times)
    assert np.max(np.abs(run.predictions - reference.predictions)) <= 1e-4
    assert np.max(np.abs(run.predictions - run.predictions[0])) > 1e-2
    for flow in (run, reference):
        assert np.all(np.diff(flow.loss) < 0)
        assert all(monitor.holds for monitor in flow.monitors)
    lambda_0 = run.lambda_min[0]
    assert run.monitor("residual").bound == pytest.approx(np.exp(-lambda_0 * run.times) * 2 * run.loss[0], rel=1e-9)


@pytest.fixture(scope="module")
def smooth(task):
    """All entries of A positive: every gate that is fed stays open, so the flow is smooth."""
    net, X, _ = task
    A = np.abs(net.A)
    net = ReLUNetwork(A=A, W=net.W, b=net.b, gamma=0.5 / np.linalg.norm(A, 2))
    return net, X, net.predict(X) + 0.5 * np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])


def test_the_tolerance_controls_the_error(smooth):
    net, X, y = smooth
    reference = gradient_flow(net, X, y, t_end=60.0, method="rk45", tol=1e-9, record=1)
    assert reference.switches[-1] == 0
    assert np.max(np.abs(reference.predictions[-1] - reference.predictions[0])) > 0.1
    errors = []
    for tol in (1e-2, 1e-3, 1e-4):
        run = gradient_flow(net, X, y, t_end=60.0, tol=tol, record=1)
        errors.append(np.max(np.abs(run.predictions[-1] - reference.predictions[-1])))
    assert errors[2] < errors[1] / 2 < errors[0] / 4
    assert errors[2] < 1e-4


def test_the_step_is_of_second_order(smooth):
    """One ETD2 step against the flow: the local error falls by 8 where the step is halved."""
    net, X, y = smooth
    _, data, state = prepare(net, X, y)
    errors = []
    for h in (8.0, 4.0, 2.0):
        want = gradient_flow(net, X, y, t_end=h, method="rk45", tol=1e-11, record=1).final.A
        errors.append(np.linalg.norm(etd2_step(state, data, h).net.A - want))
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.2)
    assert errors[1] / errors[2] == pytest.approx(8, rel=0.2)


def test_energy_identity_along_the_flow(task):
    """dL/dt = -r^T H r: the slope of the recorded loss against the recorded predictions and the Gram matrix."""
    net, X, y = task
    h = 1e-3
    run = gradient_flow(net, X, y, t_end=2 * h, tol=1e-6, record=[h])
    slope = (run.loss[2] - run.loss[0]) / (2 * h)
    middle = gradient_flow(net, X, y, t_end=h, tol=1e-6, record=1).final
    r = middle.predict(X) - y
    assert slope == pytest.approx(-r @ middle.gram(X) @ r, rel=1e-5)


def test_the_linear_case_is_the_matrix_exponential():
    """b alone is a linear model, so the flow is exactly ``exp(-H t) r(0)`` and one ETD2 step does it."""
    rng = np.random.default_rng(3)
    net = ReLUNetwork.random(width=20, inputs=4, gamma0=0.25, seed=3, trainable=("b",))
    X, y = rng.standard_normal((4, 4)), rng.standard_normal(4)
    run = gradient_flow(net, X, y, t_end=7.0, record=1)
    want = y + expmt(net.gram(X), 7.0) @ (net.predict(X) - y)
    assert run.predictions[-1] == pytest.approx(want, rel=1e-10, abs=1e-12)
    assert np.array_equal(run.final.A, net.A)


def test_a_long_flow_goes_on_below_the_tolerance_of_its_solves():
    """Where no gate switches, ||r|| falls by the same factor between equidistant times, down to round-off."""
    net = ReLUNetwork.random(width=64, inputs=3, gamma0=0.25, seed=1)
    y = net.predict(np.eye(3)) + 1e-4 * np.array([1.0, -1.0, 0.5])
    run = gradient_flow(net, np.eye(3), y, t_end=2400.0, tol=1e-2, record=8)
    factors = np.sqrt(run.loss[3:] / run.loss[2:-1])
    assert not run.switches.any()
    assert run.loss[-1] < 1e-23
    assert factors == pytest.approx(factors[0], rel=0.05)


def test_a_long_flow_that_slides_goes_on_below_the_tolerance_of_its_solves():
    """||r|| falls by about the same factor between equidistant times, down to round-off, while some gates slide."""
    net = ReLUNetwork.random(width=64, inputs=3, gamma0=0.25, seed=1)
    run = gradient_flow(net, np.eye(3), np.array([1.0, -1.0, 0.5]), t_end=3000.0, tol=1e-2, record=8)
    factors = np.sqrt(run.loss[3:] / run.loss[2:-1])
    assert run.loss[-1] < 1e-23
    assert factors[:3] == pytest.approx(factors[0], rel=0.02)
    assert factors == pytest.approx(factors[0], rel=0.4)
    assert run.sliding[1] >= 6


@pytest.mark.parametrize("method", ["etd2", "rk45"])
def test_what_is_not_recorded_is_solved_less_accurately_and_changes_nothing(task, method):
    net, X, y = task
    options = {"t_end": 30.0, "tol": 1e-3, "method": method, "max_steps": 3}
    few, every = (gradient_flow(net, X, y, record=record, **options) for record in (1, None))
    assert few.status == every.status == "step-limit"
    assert few.predictions[-1] == pytest.approx(every.predictions[-1], rel=1e-7)
    assert few.predictions[-1] == pytest.approx(few.final.predict(X), rel=1e-13)  # solved again where it stopped


def test_a_last_state_that_cannot_be_solved_accurately_is_said(task, monkeypatch):
    net, X, y = task
    solve = State.solve.__func__

    def unable(cls, net, X, y, near=None, tol=FULL, sliding=None):
        if tol == FULL:
            msg = "planted"
            raise NotConvergedError(msg)
        return solve(cls, net, X, y, near, tol, sliding)

    monkeypatch.setattr(State, "solve", classmethod(unable))
    run = gradient_flow(net, X, y, t_end=30.0, tol=1e-3, record=1, max_steps=3)
    assert run.status == "step-limit"
    assert re.search(r"its last state is solved to \S+e-\d+ only: planted", run.message)
    assert len(run.times) == 2


@pytest.mark.parametrize("method", ["etd2", "rk45"])
def test_what_is_recorded_is_solved_accurately(task, method):
    net, X, y = task
    run = gradient_flow(net, X, y, t_end=3.0, tol=1e-2, method=method, record=1)
    assert run.status == "completed"
    assert run.predictions[-1] == pytest.approx(run.final.predict(X), rel=1e-13)


@pytest.mark.parametrize("options", [{"locate_switches": True}, {"split_adjoint": True}, {"record": None}])
def test_states_that_are_looked_into_are_solved_accurately(task, options, monkeypatch):
    """Every accepted state, where its switches are located, its motion is split or it is recorded."""
    asked, states = [], []
    solve = State.solve.__func__

    def watched(cls, net, X, y, near=None, tol=FULL, sliding=None):
        asked.append((tol, sliding is not None))
        states.append(solve(cls, net, X, y, near, tol, sliding))
        return states[-1]

    monkeypatch.setattr(State, "solve", classmethod(watched))
    net, X, y = task
    run = gradient_flow(net, X, y, t_end=3.0, tol=1e-5, **({"record": 1} | options))
    assert run.steps > 2
    recorded = options == {"record": None}  # a state that slides is recorded with an adjoint of its own
    assert sum(tol == FULL or (tol.z == FULL.z and slides and recorded) for tol, slides in asked) >= run.steps
    assert all(state.whole.J.adjoint.tol == FULL.q for state in states)
    asked.clear()
    loose = gradient_flow(net, X, y, t_end=3.0, tol=1e-5, record=1)
    assert sum(tol == FULL or (tol.z == FULL.z and slides) for tol, slides in asked) == 1 < loose.steps


def test_records(task):
    net, X, y = task
    every = gradient_flow(net, X, y, t_end=1.0, tol=1e-2)
    assert len(every.times) == every.steps + 1
    assert every.times[-1] == 1.0
    even = gradient_flow(net, X, y, t_end=1.0, tol=1e-2, record=4)
    assert np.array_equal(even.times, np.linspace(0, 1, 5))
    one = gradient_descent(net, X, y, steps=7, record=3)
    assert one.times / one.options["step_size"] == pytest.approx([0, 3, 6, 7])


@pytest.mark.parametrize("method", ["etd2", "rk45", "descent"])
def test_an_interrupt_keeps_what_was_computed(task, method):
    net, X, y = task
    seen = []

    def stop_at_the_third(progress):
        seen.append(progress)
        if len(seen) == 3:
            raise KeyboardInterrupt

    if method == "descent":
        run = gradient_descent(net, X, y, steps=50, record=1, progress=stop_at_the_third)
        whole = gradient_descent(net, X, y, steps=3, record=1)
    else:
        run = gradient_flow(net, X, y, t_end=3.0, tol=1e-6, method=method, progress=stop_at_the_third)
        whole = gradient_flow(net, X, y, t_end=3.0, tol=1e-6, method=method)
    assert run.status == "interrupted"
    assert "interrupted" in run.message
    assert run.steps == 3
    assert len(run.times) == 4
    assert np.array_equal(run.predictions, whole.predictions[:4])
    assert run.final.loss(X, y) == pytest.approx(run.loss[-1], rel=1e-12)
    assert [p.step for p in seen] == [1, 2, 3]
    assert seen[-1].time == run.times[-1]
    assert seen[-1].loss == run.loss[-1]


@pytest.fixture(scope="module")
def leaving():
    """rho is 0.97 at the start and a target far away pulls it over 1."""
    net = ReLUNetwork.random(width=12, inputs=3, gamma0=0.2, seed=0)
    net = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=0.97 / net.operator_norm())
    return net, np.eye(3), 50.0 * np.sign(net.predict(np.eye(3)))


@pytest.mark.parametrize("method", ["etd2", "rk45", "descent"])
def test_leaving_the_well_posed_region_is_said_and_kept(leaving, method):
    net, X, y = leaving
    if method == "descent":
        run = gradient_descent(net, X, y, steps=2000, step_size=1e-3, record=1)
    else:
        run = gradient_flow(net, X, y, t_end=10.0, method=method)
    assert run.status == "left-well-posed-region"
    assert "rho = gamma ||A||_2 = 1" in run.message
    assert "t = " in run.message
    assert run.final.rho < 1
    assert 0 < run.times[-1] < 10
    assert run.loss[-1] < run.loss[0]
    assert run.norm_A[-1] == pytest.approx(run.final.operator_norm())


def test_step_limit(task):
    net, X, y = task
    for method in ("etd2", "rk45"):
        run = gradient_flow(net, X, y, t_end=5.0, tol=1e-5, method=method, max_steps=2)
        assert run.status == "step-limit"
        assert run.steps == 2
        assert run.times[-1] < 5.0


def test_duplicate_samples_are_reported(task):
    net, X, y = task
    run = gradient_descent(net, np.vstack([X, X[2]]), np.append(y, -y[2]), steps=2)
    assert any("duplicate samples [(2, 6)]" in note for note in run.notes)
    assert run.monitor("lambda_min").holds  # lambda_0 = 0, and what rounding made of it is no failure
    assert np.all(run.monitor("lambda_min").measured == 0)
    assert any("lambda_0" in note for note in run.notes)
    assert gradient_descent(net, X, y, steps=1).notes == ()


def test_parallel_samples_are_reported(task):
    net, X, y = task
    run = gradient_descent(net, np.vstack([X, 2.5 * X[1], -X[4]]), np.append(y, [1.0, 1.0]), steps=1)
    assert any("parallel samples [(1, 6), (4, 7)]" in note for note in run.notes)
    assert not any("duplicate" in note for note in run.notes)


def test_default_lengths(task):
    """Thirty fastest time scales, for both; the time left is told and shrinks to 0."""
    net, X, y = task
    top = np.linalg.eigvalsh(net.gram(X))[-1]
    told = []
    flow = gradient_flow(net, X, y, tol=1e-2, progress=told.append)
    assert flow.times[-1] == pytest.approx(30 / top, rel=1e-12)
    assert told[-1].seconds_left == 0
    assert all(at.seconds_left > 0 for at in told[1:-1])
    descent = gradient_descent(net, X, y)
    assert descent.steps == 30
    assert descent.times[-1] == pytest.approx(30 / top, rel=1e-12)


def test_bad_arguments(task):
    net, X, y = task
    cases = [
        (InputError, "steps is 0", lambda: gradient_descent(net, X, y, steps=0)),
        (InputError, "step_size is -1", lambda: gradient_descent(net, X, y, steps=1, step_size=-1)),
        (InputError, "record is 0", lambda: gradient_descent(net, X, y, steps=1, record=0)),
        (ShapeError, "y has shape", lambda: gradient_descent(net, X, y[:2], steps=1)),
        (InputError, "t_end is 0", lambda: gradient_flow(net, X, y, t_end=0.0)),
        (InputError, "method is 'euler'; it needs one of", lambda: gradient_flow(net, X, y, t_end=1, method="euler")),
        (InputError, "tol is 2", lambda: gradient_flow(net, X, y, t_end=1, tol=2)),
        (InputError, "strictly increasing", lambda: gradient_flow(net, X, y, t_end=1, record=[0.5, 0.2])),
        (InputError, r"must lie in \[0, t_end\]", lambda: gradient_flow(net, X, y, t_end=1, record=[2.0])),
        (InputError, "net is a str", lambda: gradient_flow("net", X, y, t_end=1)),
        (TypeError, "steps", lambda: gradient_flow(net, X, y, t_end=1, steps=3)),
    ]
    for error, message, call in cases:
        with pytest.raises(error, match=message):
            call()
    half = ReLUNetwork.random(width=64, inputs=5, gamma0=0.25, init="half-normal")
    with pytest.raises(NotWellPosedError, match="half-normal"):
        gradient_flow(half, X, y, t_end=1.0)
    dead = ReLUNetwork(A=np.zeros((2, 2)), W=-np.ones((2, 5)), b=np.ones(2), gamma=0.1)
    with pytest.raises(InputError, match=r"H\(0\) = 0"):
        gradient_descent(dead, np.abs(X), y, steps=1)


@pytest.mark.parametrize("exponent", [-300, -200, -160, 120])
@pytest.mark.parametrize("which", ["W", "X"])
def test_weights_and_samples_of_any_size(task, which, exponent):
    """Equilibrium and adjoint scale with W and X: the same digits, although squares leave the range of float64."""
    net, X, _ = task
    size = 10.0**exponent
    W, inputs = (size * net.W, X) if which == "W" else (net.W, size * X)
    far = ReLUNetwork(A=net.A, W=W, b=net.b, gamma=net.gamma)
    found, want = far.equilibrium(inputs), net.equilibrium(X)
    assert found.converged
    assert np.allclose(found.Z / size, want.Z, rtol=1e-11, atol=1e-12)
    assert np.allclose(far.adjoint(found).Q, net.adjoint(want).Q, rtol=1e-11, atol=1e-12)


def test_what_leaves_the_range_of_float64_is_said(task):
    net, X, y = task
    far = ReLUNetwork(A=net.A, W=1e200 * net.W, b=net.b, gamma=net.gamma)
    for call, what in (
        (lambda: far.gram(X), "Gram matrix H has entries beyond float64"),
        (lambda: far.kernel(X, X), "kernel has entries beyond float64"),
        (lambda: far.gradient(X, y), "gradient in A has entries beyond float64"),
        (lambda: far.loss(X, y), "loss has entries beyond float64"),
        (lambda: gradient_descent(far, X, y, steps=1), "residual yhat - y has norm"),
        (lambda: gradient_flow(far, X, y, t_end=1.0), "residual yhat - y has norm"),
    ):
        with pytest.raises(InputError, match=what):
            call()
    near = ReLUNetwork(A=net.A, W=1e-200 * net.W, b=net.b, gamma=net.gamma)
    with pytest.raises(InputError, match=r"H\(0\).*pass step_size="):
        gradient_descent(near, X, y, steps=1)
    assert gradient_descent(near, X, y, steps=2, step_size=1.0).status == "completed"


@pytest.mark.parametrize(("start", "share"), [("gaussian", 1.0), ("diagonal", 0.1)])
def test_the_first_step(start, share):
    """``sqrt(tol m)`` over the speed, shorter by another sqrt(tol) where units start on their kinks."""
    net = ReLUNetwork.random(width=40, inputs=3, gamma0=0.2, seed=0, init=start)
    X = np.random.default_rng(0).standard_normal((6, 3))
    y = net.predict(X) + 1e-2
    assert np.any(net.equilibrium(X).U == 0) == (start == "diagonal")
    run = gradient_flow(net, X, y, t_end=1e4, tol=1e-2, max_steps=1)
    assert run.times[1] == pytest.approx(share * np.sqrt(1e-2 * 40) / np.linalg.norm(net.gradient(X, y)), rel=1e-12)
