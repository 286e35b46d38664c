"""Training the softmax network to 40 digits, against differences of the loss as defined; float64 along the trajectory."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from deqmath.errors import InputError
from deqmath.numeric import (
    MultiprecisionSoftmaxNetwork,
    SoftmaxNetwork,
    gradient_descent,
    multiprecision_softmax_descent,
)

STEPS, ALPHA, M = 5, 2.0**-6, 3
U = 2.0**-53


def problem(outputs, trainable=("A", "B")):
    rng = np.random.default_rng(7)
    net = SoftmaxNetwork.random(width=M, outputs=outputs, gamma=0.75, seed=3, trainable=trainable)
    return net, rng.standard_normal((4, M)), np.sign(rng.standard_normal((4, outputs)))


def loss_as_defined(ctx, A, B, gamma, X, Y, form):
    """Softmax of the columns, one linear solve a sample, the loss of the definition: no formula of the paper."""
    S = ctx.matrix(M, M)
    for j in range(M):
        total = ctx.fsum(ctx.exp(A[i, j]) for i in range(M))
        for i in range(M):
            S[i, j] = ctx.exp(A[i, j]) / total
    value = ctx.zero
    for x, y in zip(X, Y, strict=True):
        f = B * ctx.lu_solve(ctx.eye(M) - gamma * S, ctx.matrix(x.tolist()))
        for k, target in enumerate(y.tolist()):
            value += (f[k] - target) ** 2 / 2 if form == "square" else ctx.log(1 + ctx.exp(-target * f[k]))
    return value


def trajectory_by_differences(net, X, Y, form):
    """Gradient descent with central differences: h = 1e-45 at 120 digits leaves an error of about 1e-75."""
    ctx = mpmath.MPContext()
    ctx.dps = 120
    h, gamma, alpha = ctx.mpf(10) ** -45, ctx.mpf(net.gamma), ctx.mpf(ALPHA)
    P = {"A": ctx.matrix(net.A.tolist()), "B": ctx.matrix(net.B.tolist())}
    losses = []
    for _ in range(STEPS + 1):
        losses.append(loss_as_defined(ctx, P["A"], P["B"], gamma, X, Y, form))
        slopes = {name: P[name].copy() for name in net.trainable}
        for name in net.trainable:
            for i in range(P[name].rows):
                for j in range(P[name].cols):
                    ends = []
                    for sign in (1, -1):
                        moved = {key: value.copy() for key, value in P.items()}
                        moved[name][i, j] += sign * h
                        ends.append(loss_as_defined(ctx, moved["A"], moved["B"], gamma, X, Y, form))
                    slopes[name][i, j] = (ends[0] - ends[1]) / (2 * h)
        last = dict(P)
        P = {name: P[name] - alpha * slopes[name] if name in slopes else P[name] for name in P}
    return ctx, losses, last


@pytest.mark.parametrize(
    ("form", "outputs", "trainable"), [("square", 2, ("A", "B")), ("logistic", 1, ("A", "B")), ("logistic", 1, ("A",))]
)
def test_forty_digits(form, outputs, trainable):
    net, X, Y = problem(outputs, trainable)
    many = MultiprecisionSoftmaxNetwork.from_network(net, digits=50)
    run = multiprecision_softmax_descent(many, X, Y, steps=STEPS, step_size=ALPHA, loss=form)
    ctx, losses, last = trajectory_by_differences(net, X, Y, form)
    assert len(run.loss) == STEPS + 1
    for found, want in zip(run.loss, losses, strict=True):
        assert abs(ctx.convert(found) / want - 1) <= ctx.mpf(10) ** -40
    for name in ("A", "B"):
        pairs = zip(getattr(run.networks[-1], name), last[name], strict=True)
        assert max(abs(ctx.convert(a) - b) for a, b in pairs) <= ctx.mpf(10) ** -40
    assert losses[-1] < losses[0]
    # a step size wrong in its thirtieth digit is seen
    wrong = multiprecision_softmax_descent(
        many, X, Y, steps=STEPS, step_size=ctx.mpf(ALPHA) * (1 + ctx.mpf(10) ** -30), loss=form
    )
    assert abs(ctx.convert(wrong.loss[-1]) / losses[-1] - 1) > ctx.mpf(10) ** -40


@pytest.mark.parametrize("form", ["square", "logistic"])
def test_float64_along_the_trajectory(form):
    net, X, Y = problem(2)
    many = MultiprecisionSoftmaxNetwork.from_network(net, digits=30)
    exact = multiprecision_softmax_descent(many, X, Y, steps=STEPS, step_size=ALPHA, loss=form)
    run = gradient_descent(net, X, Y, steps=STEPS, step_size=ALPHA, loss=form, record=1)
    # every step adds the error of a solve, (m + 8) u cond(U), and the descent map magnifies what came before a little
    tol = 64 * STEPS * (M + 8) * U * (1 + net.gamma) / (1 - net.gamma)
    for k in range(STEPS + 1):
        want = np.array(exact.predictions[k].tolist(), dtype=float)
        assert np.max(np.abs(run.predictions[k] - want)) <= tol * np.max(np.abs(want))
    assert tol < 1e-11


def test_bad_input():
    many = MultiprecisionSoftmaxNetwork([[0, 1], [1, 0]], [[1, 2]], "0.5", digits=20)
    for options, said in (
        ({"steps": 0, "step_size": 1}, "steps is 0"),
        ({"steps": 1, "step_size": -1}, "step_size is -1"),
        ({"steps": 1, "step_size": 1, "loss": "hinge"}, "hinge"),
    ):
        with pytest.raises(InputError, match=said):
            multiprecision_softmax_descent(many, [[1, 0]], [[1]], **options)
