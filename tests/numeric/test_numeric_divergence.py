"""Training that leaves the range of float64 stops, says so, and keeps what was computed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from deqmath.errors import InputError, NotConvergedError
from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, equilibrium_jvp, gradient_descent, gradient_flow
from deqmath.numeric.motion import AdjointMotion

X = np.random.default_rng(1).standard_normal((4, 3))
Y = np.sign(X[:, 0])
FEATURES = np.abs(np.random.default_rng(2).standard_normal((4, 6)))


@pytest.mark.parametrize("trainable", [("W",), ("b",), ("W", "b")])
@pytest.mark.parametrize("step_size", [1e3, 1e6, 1e30, 1e150, 1e300])
def test_a_relu_descent_that_diverges(trainable, step_size):
    """rho stays where it is, since A is not trained: it is the loss that goes."""
    net = ReLUNetwork.random(width=16, inputs=3, gamma0=0.2, seed=0, trainable=trainable)
    run = gradient_descent(net, X, Y, steps=400, step_size=step_size)
    assert run.status == ("completed" if trainable == ("W",) and step_size == 1e3 else "not-converged")
    assert run.steps < 400 or run.status == "completed"
    assert run.loss[-1] == pytest.approx(run.final.loss(X, Y), rel=1e-9)
    if run.status == "not-converged":
        told = f"use at most 2/lambda_max(H(0)) = {2 / run.lambda_max[0]:.3g}"
        assert told in run.message or "the step is too long: it leads to ||" in run.message


@pytest.mark.parametrize("trainable", [("A",), ("B",), ("A", "B")])
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_a_softmax_step_beyond_float64(trainable, loss):
    net = SoftmaxNetwork.random(width=6, gamma=0.5, seed=0, trainable=trainable)
    run = gradient_descent(net, 1e5 * FEATURES, Y, steps=1, step_size=1e308, loss=loss)
    assert (run.status, run.steps) == ("not-converged", 0)
    assert run.message.endswith("the step is too long: it leads to ||P||_F = inf")


def test_times_beyond_float64_are_refused():
    net = SoftmaxNetwork.random(width=6, gamma=0.5, seed=0)
    with pytest.raises(InputError, match=r"40 steps of step_size=1e\+308 end at a time beyond float64"):
        gradient_descent(net, FEATURES, Y, steps=40, step_size=1e308)


def test_steps_too_short_to_move_the_time():
    net = SoftmaxNetwork.random(width=6, gamma=0.5, seed=0)
    run = gradient_flow(net, 1e30 * FEATURES, Y, t_end=1.0, max_steps=90)
    assert run.status == "not-converged"
    assert "which float64 cannot add to t" in run.message
    assert np.all(np.diff(run.times) > 0)
    assert run.steps == len(run.times) - 1


def test_a_split_that_does_not_settle_ends_the_run(monkeypatch):
    add, calls = AdjointMotion.add, []

    def refuse(self, *states):
        calls.append(states)
        add(self, *states)
        if len(calls) == 3:
            msg = "a solve along the step did not settle"
            raise NotConvergedError(msg)

    monkeypatch.setattr(AdjointMotion, "add", refuse)
    net = ReLUNetwork.random(width=16, inputs=3, gamma0=0.2, seed=0)
    run = gradient_flow(net, X, Y, t_end=5.0, split_adjoint=True)
    assert (run.status, run.steps) == ("not-converged", 2)
    assert "a solve along the step did not settle" in run.message
    assert run.adjoint_motion.gap <= 1e-9
    moved = run.final.adjoint(X).Q - net.adjoint(X).Q
    assert np.max(np.abs(run.adjoint_motion.total - moved)) <= 1e-12


def test_a_descent_that_grows_slowly_says_so():
    """Finite all the way, a little above 2/lambda_max: completed, but the message has losses and the step to use."""
    net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.2, seed=1)
    X = np.eye(3)
    y = net.predict(X) + 1e-6 * np.array([1.0, -1.0, 1.0])
    most = 2 / float(np.linalg.eigvalsh(net.gram(X))[-1])
    run = gradient_descent(net, X, y, steps=30, step_size=1.05 * most)
    assert run.status == "completed"
    assert run.loss[-1] > run.loss[0]
    assert re.search(r"the loss has grown from \S+ to \S+; step_size is \S+, use at most 2/lambda_max", run.message)
    assert "grown" not in gradient_descent(net, X, y, steps=30, step_size=0.5 * most).message


def test_a_step_that_leaves_the_well_posed_region_says_which_step_does_not():
    net = ReLUNetwork.random(width=16, inputs=3, gamma0=0.2, seed=0)
    run = gradient_descent(net, np.eye(3), [1.0, -1.0, 0.5], step_size=1e4, steps=3)
    assert run.status == "left-well-posed-region"
    assert "gamma0=0.25" not in run.message  # which is more than it has
    assert run.message.endswith(f"use at most 2/lambda_max(H(0)) = {2 / run.lambda_max[0]:.3g}")
    both = ReLUNetwork.random(width=16, inputs=3, gamma0=0.2, seed=0, trainable=("b",))
    message = gradient_descent(both, np.eye(3), [1.0, -1.0, 0.5], step_size=1e4, steps=300).message
    assert message.count("step_size is") == 1


def test_what_leaves_the_range_of_float64_is_said():
    net = ReLUNetwork(A=[[0.5]], W=[[1.0]], b=[1e200], gamma=0.5)
    J = net.linearisation([[1e200]])
    for call, what in (
        (lambda: net.predict([[1e200]]), "prediction"),
        (lambda: J.pullback([1.0]), r"J\^T w in A"),
        (lambda: J.pushforward([[1e10]]), "J v"),
        (lambda: J.gram_product([1.0]), "product with H"),
        (lambda: J.gram_product([[1.0, 2.0]]), "product with H"),
        (lambda: equilibrium_jvp(net, [[1e200]], [[1e200]]), "V z"),
    ):
        with pytest.raises(InputError, match=f"the {what} has entries beyond float64"):
            call()
