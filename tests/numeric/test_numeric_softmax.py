"""The softmax network: the 60-digit reference, mpmath, finite differences, the theory's bounds, and refusals."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import array_api_strict
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deqmath.errors import InputError, NotConvergedError, NotWellPosedError, ShapeError
from deqmath.numeric import MultiprecisionSoftmaxNetwork, SoftmaxNetwork

U = 2.0**-53


@pytest.fixture(scope="module")
def reference():
    path = Path(__file__).parents[1] / "oracles" / "small_networks.json"
    raw = json.loads(path.read_text())["softmax"]
    inputs = {
        name: [[Fraction(x) for x in row] for row in value] for name, value in raw["inputs"].items() if name != "gamma"
    }
    return inputs, raw["outputs"]


def rows(value):
    return np.array([[float(x) for x in row] for row in value])


def problem(reference):
    inputs, _ = reference
    net = SoftmaxNetwork(A=rows(inputs["A"]), B=rows(inputs["B"]), gamma=0.7)
    return net, rows(inputs["Phi"]).T, rows(inputs["Y"]).T


def relative_error(net) -> float:
    """Forward error of a solve with U, times 8: (m + 8) u cond_1(U), cond_1(U) <= (1 + gamma)/(1 - gamma)."""
    return 8 * (net.width + 8) * U * (1 + net.gamma) / (1 - net.gamma)


def test_against_the_reference_in_float64(reference):
    net, X, Y = problem(reference)
    out, eps = reference[1], relative_error(problem(reference)[0])
    size = np.linalg.norm(net.Wbar)
    assert np.max(np.abs(net.Wbar - rows(out["Wbar"]))) <= eps * size
    assert net.loss(X, Y) == pytest.approx(float(out["loss"]), rel=20 * eps)
    gradient = net.gradient(X, Y)
    scale = np.linalg.norm(X) ** 2 * (1 + size) ** 2 / (1 - net.gamma)
    assert np.max(np.abs(gradient["A"] - rows(out["dL_dA"]))) <= eps * scale
    assert np.max(np.abs(gradient["B"] - rows(out["dL_dB"]))) <= eps * scale
    flow = -net.dynamics(net.loss_slope(X, Y))
    assert np.max(np.abs(flow - rows(out["dWbar_dt_under_flow"]))) <= eps * scale * (1 + size) / (1 - net.gamma)
    # tight enough to see planted errors
    assert eps * scale < 1e-11
    assert np.max(np.abs(gradient["A"].T - rows(out["dL_dA"]))) > 1e-3


def test_against_the_reference_to_fifty_digits(reference):
    inputs, out = reference
    net = MultiprecisionSoftmaxNetwork(inputs["A"], inputs["B"], Fraction(7, 10), digits=50)
    ctx = net.context
    X, Y = net.matrix(inputs["Phi"]).T, net.matrix(inputs["Y"]).T
    gradient = net.gradient(X, Y)
    pairs = [
        (net.Wbar, out["Wbar"]),
        (ctx.matrix([[net.loss(X, Y)]]), [[out["loss"]]]),
        (gradient["A"], out["dL_dA"]),
        (gradient["B"], out["dL_dB"]),
        (-net.dynamics(net.loss_slope(X, Y)), out["dWbar_dt_under_flow"]),
    ]
    for found, raw in pairs:
        want = ctx.matrix([[ctx.mpf(x) for x in row] for row in raw])
        scale = max(abs(x) for x in want)
        assert max(abs(x - y) for x, y in zip(found, want, strict=True)) <= scale * ctx.mpf(10) ** -50


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_gradient_against_differences_and_multiprecision(loss, outputs):
    net = SoftmaxNetwork.random(width=6, outputs=outputs, gamma=0.6, seed=4)
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((5, 6)), np.sign(rng.standard_normal((5, outputs)))
    gradient = net.gradient(X, Y, loss=loss)
    h = 1e-6
    for name in ("A", "B"):
        direction = rng.standard_normal(getattr(net, name).shape)
        ends = [
            net.with_parameters(**{name: getattr(net, name) + s * h * direction}).loss(X, Y, loss=loss) for s in (1, -1)
        ]
        assert np.sum(gradient[name] * direction) == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-8)
    many = MultiprecisionSoftmaxNetwork.from_network(net, digits=25)
    exact = many.gradient(X, Y, loss=loss)
    assert net.loss(X, Y, loss=loss) == pytest.approx(float(many.loss(X, Y, loss=loss)), rel=1e-13)
    for name, found in gradient.items():
        assert np.max(np.abs(found - np.array(exact[name].tolist(), dtype=float))) <= 1e-13 * np.max(np.abs(found))


@pytest.mark.parametrize("trainable", [("A", "B"), ("A",), ("B",)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_dynamics_and_gram_are_the_chain_rule(trainable, outputs):
    """dWbar/dt by differences of Wbar along the gradient; H = J J^T from differences of the predictions."""
    net = SoftmaxNetwork.random(width=4, outputs=outputs, gamma=0.7, seed=1, trainable=trainable)
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((3, 4)), rng.standard_normal((3, outputs))
    found = net.gradient(X, Y)
    gradient = found if isinstance(found, dict) else {trainable[0]: found}

    def moved(h):
        return net.with_parameters(**{name: getattr(net, name) - h * g for name, g in gradient.items()})

    h = 1e-6
    G = net.loss_slope(X, Y)
    assert np.allclose(net.dynamics(G), (moved(-h).Wbar - moved(h).Wbar) / (2 * h), rtol=1e-6, atol=1e-7)
    D = net.dynamics_matrix()
    assert np.allclose(D @ G.T.ravel(), net.dynamics(G).T.ravel(), rtol=1e-12, atol=1e-12)
    J = []
    for name in trainable:
        P = getattr(net, name)
        for index in np.ndindex(P.shape):
            bump = np.zeros(P.shape)
            bump[index] = h
            up, down = (net.with_parameters(**{name: P + s * bump}).predict(X).ravel() for s in (1, -1))
            J.append((up - down) / (2 * h))
    J = np.array(J).T
    assert np.allclose(net.gram(X), J @ J.T, rtol=1e-6, atol=1e-7)
    # H is D_t seen through the data: f = Wbar phi
    K = np.kron(X, np.eye(outputs))
    assert np.allclose(net.gram(X), K @ D @ K.T, rtol=1e-11, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    width=st.integers(1, 8),
    outputs=st.integers(1, 3),
    gamma=st.floats(0.01, 0.95),
    scale=st.floats(0.01, 300.0),
)
def test_the_rate_bound_holds_for_every_width(seed, width, outputs, gamma, scale):
    """``lambda_min(D_t) >= 1/(m (1 + gamma)^2)``, the columns of S sum to 1, and z is bounded by ||phi||_1/(1 - gamma)."""
    net = SoftmaxNetwork.random(width=width, outputs=outputs, gamma=gamma, seed=seed)
    net = net.with_parameters(A=scale * net.A)
    assert np.allclose(net.S.sum(axis=0), 1.0, rtol=0, atol=1e-14 * width)
    D = net.dynamics_matrix()
    w = np.linalg.eigvalsh(0.5 * (D + D.T))
    assert np.max(np.abs(D - D.T)) <= 1e-11 * np.max(np.abs(D))
    assert w[0] >= net.rate_bound - 1e-12 * w[-1]
    eq = net.equilibrium(np.random.default_rng(seed).standard_normal((3, width)))
    assert eq.converged
    assert np.asarray(eq).shape == (3, width)


def test_large_weights_do_not_overflow():
    net = SoftmaxNetwork(A=[[1e300, -1e300], [-1e300, 1e300]], B=[[1.0, 2.0]], gamma=0.5)
    assert np.array_equal(net.S, np.eye(2))
    assert net.predict([[1.0, 1.0]]) == pytest.approx([6.0], rel=1e-15)
    far = net.with_parameters(B=[[1e4, 0.0]])
    assert far.loss([[1.0, 0.0]], [1.0], loss="logistic") == 0.0
    assert far.loss([[1.0, 0.0]], [-1.0], loss="logistic") == pytest.approx(2e4, rel=1e-15)


def test_stays_in_the_namespace_of_the_input():
    net = SoftmaxNetwork.random(width=5, outputs=2, gamma=0.5, seed=0)
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((4, 5)), np.sign(rng.standard_normal((4, 2)))
    Xs, Ys = array_api_strict.asarray(X), array_api_strict.asarray(Y)
    strict = type(Xs)
    pairs = [(net.predict(Xs), net.predict(X)), (net.gram(Xs), net.gram(X))]
    for loss in ("square", "logistic"):
        found = net.gradient(Xs, Ys, loss=loss)
        pairs += [(found[name], net.gradient(X, Y, loss=loss)[name]) for name in ("A", "B")]
        assert net.loss(Xs, Ys, loss=loss) == pytest.approx(net.loss(X, Y, loss=loss), rel=1e-14)
    for found, want in pairs:
        assert isinstance(found, strict)
        assert np.allclose(np.asarray(found), want, rtol=1e-13, atol=1e-13)


def test_one_output_takes_and_gives_vectors():
    net = SoftmaxNetwork.random(width=3, inputs=3, gamma=0.4, seed=2)
    X = np.eye(3)
    assert net.predict(X).shape == (3,)
    assert net.loss(X, [1.0, 2.0, 3.0]) == net.loss(X, [[1.0], [2.0], [3.0]])
    assert isinstance(net.gradient(X, np.ones(3)), dict)
    only = SoftmaxNetwork(A=net.A, B=net.B, gamma=0.4, trainable=("B",))
    assert np.array_equal(only.gradient(X, np.ones(3)), net.gradient(X, np.ones(3))["B"])


def test_refusals():
    net = SoftmaxNetwork.random(width=3, gamma=0.4, seed=2)
    cases = [
        (ShapeError, r"X has shape \(2, 4\) and A has shape \(3, 3\)", lambda: net.predict(np.ones((2, 4)))),
        (ShapeError, r"X needs shape \(n, 3\) with n >= 1", lambda: net.predict(np.ones((0, 3)))),
        (InputError, r"X holds nan at index \[0, 1\]", lambda: net.predict([[0.0, np.nan, 1.0]])),
        (ShapeError, r"y has shape \(2, 1\)", lambda: net.loss(np.eye(3), [1.0, 2.0])),
        (InputError, "loss is 'hinge'; it needs one of 'square', 'logistic'", lambda: net.loss(np.eye(3), np.ones(3), loss="hinge")),
        (InputError, "needs targets y of -1 and", lambda: net.loss(np.eye(3), np.zeros(3), loss="logistic")),
        (NotWellPosedError, "needs 0 < gamma < 1", lambda: SoftmaxNetwork(A=[[0.0]], B=[[1.0]], gamma=1.0)),
        (ShapeError, r"they need \(m, m\) and \(p, m\)", lambda: SoftmaxNetwork(A=np.eye(3), B=np.ones((1, 2)), gamma=0.5)),
        (InputError, "inputs is 4, but the inputs", lambda: SoftmaxNetwork.random(width=3, inputs=4)),
        (InputError, 'some of "A", "B"', lambda: SoftmaxNetwork(A=[[0.0]], B=[[1.0]], gamma=0.5, trainable=("W",))),
        (InputError, "W is no parameter", lambda: net.with_parameters(W=1)),
        (ShapeError, "V has shape", lambda: net.dynamics(np.eye(3))),
        (InputError, "belongs to another network", lambda: net.with_parameters(B=2 * net.B).predict(net.equilibrium(np.eye(3)))),
        (NotConvergedError, "solved to a relative residual", lambda: net.predict(net.equilibrium(np.eye(3) + 0.1, tol=1e-20))),
        (TypeError, "beta", lambda: SoftmaxNetwork.random(width=3, beta=1)),
    ]  # fmt: skip
    for error, message, call in cases:
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("scale", [1, 30, 100])
def test_the_gram_matrix_keeps_its_digits_where_the_weights_are_nearly_one_unit(scale, outputs):
    """``s_j o (w - <s_j, w>)`` is round-off in the entry where s_j is nearly 1, if it is computed as it stands."""
    rng, m, n = np.random.default_rng(0), 5, 3
    A, B = scale * rng.standard_normal((m, m)), rng.standard_normal((outputs, m))
    net, X = SoftmaxNetwork(A=A, B=B, gamma=0.7, trainable=("A",)), rng.standard_normal((n, m))
    with mpmath.workdps(80):
        S = mpmath.matrix(m, m)
        for j in range(m):
            powers = [mpmath.exp(mpmath.mpf(float(a))) for a in A[:, j]]
            for i in range(m):
                S[i, j] = powers[i] / sum(powers)
        inverse = (mpmath.eye(m) - mpmath.mpf(0.7) * S) ** -1
        Z, Wbar = (inverse * mpmath.matrix(X.T.tolist())).T, mpmath.matrix(B.tolist()) * inverse
        moves = {}
        for j in range(m):
            for k in range(outputs):
                mean = sum(S[i, j] * Wbar[k, i] for i in range(m))
                moves[j, k] = [S[i, j] * (Wbar[k, i] - mean) for i in range(m)]
        want = np.zeros((n * outputs, n * outputs))
        for row in range(n * outputs):
            for column in range(n * outputs):
                (i, k), (i2, k2) = divmod(row, outputs), divmod(column, outputs)
                terms = [Z[i, j] * Z[i2, j] * mpmath.fdot(moves[j, k], moves[j, k2]) for j in range(m)]
                want[row, column] = float(mpmath.mpf(0.7) ** 2 * sum(terms))
    assert np.max(np.abs(net.gram(X) - want)) <= 1e-13 * np.max(np.abs(want))
