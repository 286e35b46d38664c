"""What training a softmax network refuses, reports and survives."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError
from deqmath.numeric import SoftmaxNetwork, gradient_descent, gradient_flow

RNG = np.random.default_rng(0)
NET = SoftmaxNetwork.random(width=6, seed=0)
X = RNG.standard_normal((5, 6))
Y = np.sign(RNG.standard_normal(5))


def changed(row, value):
    out = X.copy()
    out[row] = value
    return out


@pytest.mark.parametrize("train", [gradient_flow, gradient_descent])
def test_not_a_number_is_named_with_its_index(train):
    bad = X.copy()
    bad[2, 3] = np.nan
    with pytest.raises(InputError, match=r"X holds nan at index \[2, 3\]"):
        train(NET, bad, Y)
    with pytest.raises(InputError, match=r"y holds inf at index \[1\]"):
        train(NET, X, [1.0, np.inf, 1.0, 1.0, 1.0])
    with pytest.raises(InputError, match=r"B holds nan at index \[0, 2\]"):
        SoftmaxNetwork(A=NET.A, B=[[0, 0, np.nan, 0, 0, 0]], gamma=0.5)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (X, ()),
        (changed(4, X[1]), ("duplicate samples [(1, 4)]: the Gram matrix is singular",)),
        (changed(4, -3 * X[1]), ("parallel samples [(1, 4)]: the Gram matrix is singular",)),
        (changed(3, 0.0), ("zero samples [3]: the Gram matrix is singular",)),
    ],
    ids=["none", "duplicate", "parallel", "zero"],
)
def test_rows_that_make_the_gram_matrix_singular(samples, said):
    run = gradient_flow(NET, samples, Y, t_end=0.5)
    assert run.notes == said
    least, largest = np.linalg.eigvalsh(NET.gram(samples))[[0, -1]]
    assert bool(least <= 1e-13 * largest) == bool(said)


@pytest.mark.parametrize(
    ("train", "options", "said"),
    [
        (gradient_flow, {"method": "euler"}, "method is 'euler'"),
        (gradient_flow, {"t_end": -1.0}, "t_end is -1.0"),
        (gradient_flow, {"tol": 2}, "tol is 2.0"),
        (gradient_flow, {"max_steps": 0}, "max_steps is 0"),
        (gradient_flow, {"t_end": 1.0, "record": [2.0]}, r"must lie in \[0, t_end\]"),
        (gradient_flow, {"loss": "hinge"}, "loss is 'hinge'"),
        (gradient_flow, {"locate_switches": True}, "locate_switches is for a ReLUNetwork"),
        (gradient_flow, {"checkpoint": "a.npz", "checkpoint_seconds": -1}, "checkpoint_seconds is -1.0"),
        (gradient_descent, {"steps": 0}, "steps is 0"),
        (gradient_descent, {"step_size": float("nan")}, "step_size is nan"),
        (gradient_descent, {"record": 0}, "record is 0"),
    ],
)
def test_options(train, options, said):
    with pytest.raises(InputError, match=said):
        train(NET, X, Y, **options)


@pytest.mark.parametrize("train", [gradient_flow, gradient_descent])
def test_unknown_options_are_refused_by_name(train):
    with pytest.raises(TypeError, match="learning_rate"):
        train(NET, X, Y, learning_rate=0.1)


def test_nothing_to_move():
    for train, option in ((gradient_flow, "t_end"), (gradient_descent, "step_size")):
        with pytest.raises(InputError, match=f"pass {option}="):
            train(NET, 0 * X, Y)


def test_a_step_that_diverges_is_said_and_the_run_is_kept():
    run = gradient_descent(NET, X, Y, steps=3000, step_size=1e3, record=1)
    assert run.status == "not-converged"
    assert "the next one diverges" in run.message
    assert "use at most 2/lambda_max" in run.message
    assert 0 < run.steps < 3000
    assert len(run.times) == run.steps + 1
    assert np.isfinite(run.final.A).all()
    assert gradient_descent(NET, X, Y, steps=50).status == "completed"


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_samples_that_are_all_zero_move_nothing(loss):
    net = SoftmaxNetwork.random(width=2, gamma=0.5, seed=1)
    run = gradient_flow(net, np.zeros((1, 2)), [1.0], t_end=1.0, loss=loss, record=2)
    assert run.status == "completed"
    assert np.ptp(run.loss) == 0
    assert all(monitor.holds for monitor in run.monitors)


def test_what_leaves_the_range_of_float64_is_said():
    net = SoftmaxNetwork.random(width=2, gamma=0.5, seed=1)
    X = np.full((1, 2), 1e160)
    with pytest.raises(InputError, match=r"gradient in [AB] has entries beyond float64"):
        net.gradient(X, [1.0])
    with pytest.raises(InputError, match="loss has entries beyond float64"):
        net.loss(X, [1.0])
    for train in (lambda: gradient_flow(net, X, [1.0], t_end=1.0), lambda: gradient_descent(net, X, [1.0])):
        with pytest.raises(InputError, match="samples X has norm"):
            train()
    far = np.eye(2) * 1e200
    for call, what in (
        (lambda: net.gram(far), "Gram matrix H"),
        (lambda: net.with_parameters(B=net.B * 1e200).predict(far), "prediction"),
        (lambda: net.with_parameters(B=net.B * 1e200).loss_slope(far, [1.0, 1.0]), "slope of the loss"),
    ):
        with pytest.raises(InputError, match=f"the {what} has entries beyond float64"):
            call()
