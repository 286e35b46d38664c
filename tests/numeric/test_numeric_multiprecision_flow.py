"""Gradient flow to 50 digits: its own equation by differences, fewer digits against more, float64 against it."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork, gradient_flow, multiprecision_flow

END, RECORD = 6.5, (3.0, 6.2)


def task(seed: int, size: float):
    X = np.random.default_rng(7).standard_normal((2, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return ReLUNetwork.random(width=4, inputs=3, gamma0=0.2, seed=seed), X, np.array([size, -size])


@pytest.fixture(scope="module")
def crossing():
    """One gate opens at t = 6.06."""
    net, X, y = task(32, 3.0)
    tiny = "1e-18"
    many = MultiprecisionNetwork.from_network(net, digits=50)
    ctx = many.context
    times = [3, 3 + ctx.mpf(tiny), 3 + 2 * ctx.mpf(tiny), ctx.mpf("6.2")]
    return net, X, y, many, multiprecision_flow(many, X, y, t_end=END, record=times)


def test_the_loss_falls_at_the_rate_of_the_energy_identity(crossing):
    """``dL/dt = -r^T H r`` to 33 digits, from three losses 1e-18 apart: H and r know nothing of the series."""
    _, X, y, many, flow = crossing
    ctx = many.context
    h = flow.times[2] - flow.times[1]
    slope = (flow.loss[3] - flow.loss[1]) / (2 * h)
    middle = flow.networks[2]
    r = middle.predict(X) - ctx.matrix(y.tolist())
    want = -(r.T * middle.gram(X) * r)[0]
    assert abs(slope / want - 1) < ctx.mpf(10) ** -33


def test_the_switch(crossing):
    _, X, _, _, flow = crossing
    (switch,) = flow.switches
    assert (switch.sample, switch.unit, switch.opened) == (0, 1, True)
    assert float(switch.time) == pytest.approx(6.06078058, abs=1e-8)
    before, after = flow.networks[0].equilibrium(X).gates, flow.networks[-1].equilibrium(X).gates
    assert [(i, k) for i in range(2) for k in range(4) if before[i][k] != after[i][k]] == [(0, 1)]


def test_fewer_digits_agree_with_more(crossing):
    net, X, y, many, flow = crossing
    fewer = multiprecision_flow(MultiprecisionNetwork.from_network(net, digits=30), X, y, t_end=END)
    ctx = many.context
    assert abs(ctx.mpf(fewer.loss[-1]) - flow.loss[-1]) <= ctx.mpf(10) ** -30 * flow.loss[0]
    assert abs(ctx.mpf(fewer.switches[0].time) - flow.switches[0].time) <= ctx.mpf(10) ** -28


def test_float64_follows(crossing):
    """Before the switch RK45 keeps its order; across it RK45 keeps its tolerance, and etd2 its order."""
    net, X, y, _, flow = crossing
    want = np.array([float(flow.loss[k]) for k in (0, 1, 4, 5)])
    fine = gradient_flow(net, X, y, t_end=END, method="rk45", tol=1e-9, record=RECORD)
    assert np.max(np.abs(fine.loss[:2] - want[:2])) <= 1e-9 * want[0]
    assert np.max(np.abs(fine.loss - want)) <= 1e-7 * want[0]
    errors = [
        np.max(np.abs(gradient_flow(net, X, y, t_end=END, tol=tol, record=RECORD).loss - want))
        for tol in (1e-2, 1e-4, 1e-6)
    ]
    assert errors[1] < errors[0] / 10
    assert errors[1] <= 1e-5 * want[0]
    assert errors[2] < errors[1] / 50
    assert errors[2] <= 1e-9 * want[0]


def test_a_flow_that_slides_along_a_kink_is_refused():
    net, X, y = task(15, 3.0)
    with pytest.raises(NotConvergedError, match=r"slides along the kink of unit 3 of sample 0 from t = 0\.8719"):
        multiprecision_flow(MultiprecisionNetwork.from_network(net, digits=12), X, y, t_end=2)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_kink_is_slid_along_or_crossed(sign):
    """Two units, the second open by 0.00025: with b = (1, 1) both sides point to the kink, with b = (1, -1) it closes."""
    net = MultiprecisionNetwork([[0, 0], ["-0.499", 0]], [[1], ["0.125"]], [1, sign], "0.25", digits=12)
    y = [net.predict([[1]])[0] - sign * net.number("0.005", "y")]
    if sign == 1:
        with pytest.raises(NotConvergedError, match="slides along the kink of unit 1 of sample 0"):
            multiprecision_flow(net, [[1]], y, t_end=10)
        return
    assert [(s.unit, s.opened) for s in multiprecision_flow(net, [[1]], y, t_end=10).switches] == [(1, False)]


@pytest.mark.slow
def test_small_networks_that_switch_mostly_slide():
    """The count in docs/findings.md: 40 networks, 17 with a switch, of which 16 slide along its kink."""
    found = []
    for seed in range(40):
        net, X, y = task(seed, 3.0)
        try:
            flow = multiprecision_flow(MultiprecisionNetwork.from_network(net, digits=10), X, y, t_end=6)
            found.append("crosses" if flow.switches else "none")
        except NotConvergedError as error:
            found.append("slides" if "slides" in str(error) else "other")
    assert {word: found.count(word) for word in ("slides", "crosses", "none")} == {
        "slides": 16,
        "crosses": 1,
        "none": 23,
    }


def test_refusals():
    net = MultiprecisionNetwork([[0, 1], [1, 0]], [[1], [2]], [1, 1], "0.25", digits=12)
    with pytest.raises(InputError, match="increasing times"):
        multiprecision_flow(net, [[1]], [1], t_end=0)
    with pytest.raises(InputError, match="increasing times"):
        multiprecision_flow(net, [[1]], [1], t_end=1, record=[2])
    with pytest.raises(ShapeError, match="y has 2 entries"):
        multiprecision_flow(net, [[1]], [1, 2], t_end=1)
    both = MultiprecisionNetwork([[0]], [[1]], [1], "0.25", digits=12, trainable=("A", "W"))
    with pytest.raises(InputError, match="trainable"):
        multiprecision_flow(both, [[1]], [1], t_end=1)
