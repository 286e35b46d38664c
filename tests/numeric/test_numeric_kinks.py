"""Gates that switch within a step and gates that the flow slides along, against solutions found without the integrator."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from deqmath.data import load
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork, gradient_flow, multiprecision_flow
from deqmath.numeric.checkpoint import Checkpoint
from deqmath.numeric.etd2 import _held, etd2_step
from deqmath.numeric.journey import Journey
from deqmath.numeric.kinks import Kinks, _linear, _mask, _opened, _reached
from deqmath.numeric.recorder import FULL, State, prepare

GAMMA, END = 0.25, 10.0


def two_units(feedback=(0.0, 0.0)):
    """Both open at first; the second is driven to its kink from both sides. Feedback: A_12 and A_22."""
    net = ReLUNetwork(A=[[0, feedback[0]], [-0.499, feedback[1]]], W=[[1], [0.125]], b=[1, 1], gamma=GAMMA)
    return net, [[1.0]], [float(net.predict([[1.0]])[0]) - 0.5]


def sliding_solution(y: float, end: float, feedback=(0.0, 0.0)):
    """A at the end, what stands for the second gate there and the time it comes to its kink, by hand.

    Until ``u_2 = gamma A_21 z_1 + 1/8 = 0`` both gates are open. From then on ``z = (z_1, 0)`` with
    ``z_1 = 1/(1 - gamma A_11)``, only the first column of A moves, and ``u_2`` stays 0 where
    ``q_2 = -gamma A_21 z_1 q_1``, which is the convex combination of the two sides that Filippov asks for.
    """
    phi, b, speed = np.array([1.0, 0.125]), np.ones(2), GAMMA / np.sqrt(2)

    def matrix(a):
        return np.asarray(a).reshape(2, 2)

    def both_open(_, a):
        M = np.eye(2) - GAMMA * matrix(a)
        z, q = np.linalg.solve(M, phi), np.linalg.solve(M.T, b)
        return (-speed * (b @ z / np.sqrt(2) - y) * np.outer(q, z)).ravel()

    def second(_, a):
        return float(np.linalg.solve(np.eye(2) - GAMMA * matrix(a), phi)[1])

    def held(A):
        z = 1 / (1 - GAMMA * A[0, 0])
        ratio = -GAMMA * A[1, 0] * z
        q = 1 / (1 - GAMMA * A[0, 0] - GAMMA * A[1, 0] * ratio)
        return z, q, ratio * q

    def along(_, a):
        z, first, other = held(matrix(a))
        return (-speed * (z / np.sqrt(2) - y) * np.outer([first, other], [z, 0])).ravel()

    second.terminal, second.direction = True, -1
    tight = {"rtol": 1e-12, "atol": 1e-14, "method": "DOP853"}
    one = solve_ivp(both_open, (0, end), [0, feedback[0], -0.499, feedback[1]], events=second, **tight)
    met = float(one.t_events[0][0])
    A = matrix(solve_ivp(along, (met, end), one.y_events[0][0], **tight).y[:, -1])
    _, q, other = held(A)
    return A, other / (1 + GAMMA * (A[0, 1] * q + A[1, 1] * other)), met


def test_a_flow_that_slides_is_of_second_order():
    net, X, y = two_units()
    A, _, met = sliding_solution(y[0], END)
    assert met == pytest.approx(0.0127091306)
    errors, steps = [], []
    for tol in (1e-3, 1e-4, 1e-5):
        run = gradient_flow(net, X, y, t_end=END, tol=tol, record=1)
        errors.append(float(np.max(np.abs(run.final.A - A))))
        steps.append(run.steps)
        assert run.sliding[-1] == 1
    assert errors[0] <= 3e-4
    assert errors[2] <= 3e-6
    assert np.log(errors[0] / errors[2]) / np.log(steps[2] / steps[0]) > 1.7
    assert steps[2] < 150
    reference = gradient_flow(net, X, y, t_end=END, tol=1e-4, record=1, method="rk45")
    assert np.max(np.abs(reference.final.A - A)) > errors[0]  # and it takes 1080 steps for one of 2.4e-5
    assert reference.steps > 5 * steps[0]


@pytest.mark.parametrize("feedback", [(0.0, 0.0), (0.2, 0.8)])
def test_the_share_is_that_of_filippov(feedback, monkeypatch):
    net, X, y = two_units(feedback)
    A, share, _ = sliding_solution(y[0], END, feedback)
    seen = []
    arrive = Journey.arrive

    def watched(self, time, state, *rest):
        seen.append(state)
        return arrive(self, time, state, *rest)

    monkeypatch.setattr(Journey, "arrive", watched)
    run = gradient_flow(net, X, y, t_end=END, tol=1e-5, record=1)
    assert np.max(np.abs(run.final.A - A)) <= 3e-6
    last = seen[-1].sliding
    assert (last.sample.tolist(), last.unit.tolist()) == ([0], [1])
    assert last.share[0] == pytest.approx(share, rel=1e-3)
    assert abs(seen[-1].J.adjoint.equilibrium.U[0, 1]) < 1e-6


def dense_matrix(matrix):
    return np.array([[float(matrix[i, j]) for j in range(matrix.cols)] for i in range(matrix.rows)])


def test_what_is_recorded_of_a_flow_that_slides_has_whole_gates():
    """The count of those that slide too, where the flow was stopped and its last state is solved again."""
    net, X, y = two_units()
    every = gradient_flow(net, X, y, t_end=END, tol=1e-3)
    assert every.sliding[-1] == 1
    for run in (every, gradient_flow(net, X, y, t_end=END, tol=1e-3, record=1, max_steps=every.steps - 1)):
        (value,) = run.final.gram(X)[0]
        assert run.lambda_min[-1] == pytest.approx(value, rel=1e-12)
        assert run.sliding[-1] == 1


@pytest.mark.parametrize("part", [0.3, 0.7])
def test_a_step_over_a_switch_keeps_its_order(part):
    """A gate opens at 6.06 after `part` of the step; Taylor series in many digits tell where the step should lead."""
    X = np.random.default_rng(7).standard_normal((2, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net, y = ReLUNetwork.random(width=4, inputs=3, gamma0=0.2, seed=32), np.array([3.0, -3.0])
    many = MultiprecisionNetwork.from_network(net, digits=20)
    (switch,) = multiprecision_flow(many, X, y, t_end=6.2).switches
    errors = []
    for h in (0.4, 0.1):
        start = float(switch.time) - part * h
        A, want = (
            dense_matrix(n.A) for n in multiprecision_flow(many, X, y, t_end=start + h, record=[start]).networks[1:]
        )
        _, data, state = prepare(net.with_parameters(A=A), X, y)
        found = etd2_step(state, data, h).net.A
        errors.append(float(np.max(np.abs(found - want)) / np.max(np.abs(want - A))))
    assert errors[0] <= 3e-3
    assert errors[0] / errors[1] > 3.3  # 4 times: the error of a step, relative to its length, is of second order


def crowded(trainable=("A",)):
    """Ten gates switch in A alone, three slide in the end."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((6, 4))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=24, inputs=4, gamma0=0.25, seed=5, trainable=trainable)
    return net, X, rng.standard_normal(6)


@pytest.mark.parametrize(("trainable", "error"), [(("A",), 1.5e-3), (("A", "W", "b"), 6e-3), (("W",), 6e-3)])
def test_a_flow_with_switches_against_rk45(trainable, error):
    """RK45 errs by up to 7e-4, 8e-4 and 9e-4 itself at this tolerance; where W is trained below a ReLU etd2 is of first order too."""
    net, X, y = crowded(trainable)
    found, want = (
        gradient_flow(net, X, y, t_end=20.0, record=4, method=method, tol=tol)
        for method, tol in (("etd2", 1e-3), ("rk45", 1e-4))
    )
    assert want.switches[-1] >= 5
    assert np.max(np.abs(found.predictions - want.predictions)) <= error


def test_a_flow_with_switches_is_of_second_order():
    net, X, y = crowded()
    fine = gradient_flow(net, X, y, t_end=20.0, record=4, tol=1e-6)
    assert fine.sliding[-1] == 3
    errors, steps = [], []
    for tol in (1e-3, 1e-5):
        run = gradient_flow(net, X, y, t_end=20.0, record=4, tol=tol)
        errors.append(float(np.max(np.abs(run.predictions - fine.predictions))))
        steps.append(run.steps)
    assert np.log(errors[0] / errors[1]) / np.log(steps[1] / steps[0]) > 1.7
    assert errors[0] <= 3e-4


@pytest.mark.slow
def test_a_flow_with_switches_against_a_fine_rk45():
    """RK45 switches the gates that slide back and forth: once in a while it lets an error of up to 7e-4 pass, at any tolerance.

    So of three runs of it the one in the middle counts, entry by entry.
    """
    net, X, y = crowded()
    ask = {"t_end": 20.0, "record": 4}
    found = gradient_flow(net, X, y, tol=1e-4, **ask)
    wanted = [gradient_flow(net, X, y, method="rk45", tol=tol, **ask) for tol in (3e-6, 2e-6, 1e-6)]
    assert min(run.steps for run in wanted) > 20 * found.steps
    want = np.median([run.predictions for run in wanted], axis=0)
    assert np.max(np.abs(found.predictions - want)) <= 1e-4


def flat_state(trainable):
    """A = 0, so that u answers to A and W alone, and by exactly what the formula says."""
    rng = np.random.default_rng(1)
    net = ReLUNetwork(
        A=np.zeros((5, 5)), W=rng.standard_normal((5, 3)), b=rng.choice([-1.0, 1.0], 5), gamma=0.3, trainable=trainable
    )
    X = rng.standard_normal((4, 3))
    y = net.predict(X) + rng.standard_normal(4)
    return net, X, State.solve(net, X, y)


@pytest.mark.parametrize("trainable", [("A",), ("W",), ("A", "W"), ("A", "W", "b")])
def test_what_a_share_changes_of_u(trainable):
    """``du = -k f da`` against the model itself, whose rows of A and W are moved along what the share adds to the gradient."""
    net, X, state = flat_state(trainable)
    eq, weights, h = state.J.adjoint.equilibrium, state.residual, 1e-3
    other = net.with_parameters(W=-np.asarray(net.W)).equilibrium(X)  # every gate switches
    kinks = Kinks.of_step(state, other, h * weights)
    assert len(kinks.unit) == 20
    for entry in range(20):
        i, j = int(kinks.sample[entry]), int(kinks.unit[entry])
        q = np.zeros((4, 5))
        q[i, j] = net.b[j]  # what an open gate has more than a closed one
        step = {n: d for n, d in state.J.with_adjoint(q).pullback(h * weights).items() if n != "b"}
        moved = net.with_parameters(**{n: getattr(net, n) - d for n, d in step.items()})
        phi = np.maximum(X @ np.asarray(net.W).T, 0.0)
        slope = np.asarray(X @ np.asarray(net.W).T > 0, dtype=float)
        change = moved.gamma * eq.Z @ moved.A.T + slope * (X @ (np.asarray(moved.W) - net.W).T) + phi - eq.U
        alone = Kinks(state, kinks.weights, *(a[[*range(20)]] for a in (
            kinks.sample, kinks.unit, kinks.before, kinks.least, kinks.most, kinks.drive, kinks.force, kinks.share, kinks.loop, kinks.predicted, kinks.left
        )))  # fmt: skip
        for gates, k in alone._blocks(np.arange(20)):
            for row, block in zip(gates, k, strict=True):
                row = row[row >= 0]
                if entry in row:
                    column = block[: len(row), list(row).index(entry)] * kinks.force[entry]
                    assert -column == pytest.approx(change[kinks.sample[row], j], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("trainable", "inside"), [(("A",), 50), (("W",), 30), (("A", "W"), 30)])
def test_shares_are_settled_where_u_is_zero_or_they_are_at_an_end(trainable, inside):
    """Complementarity, for blocks of units of all sizes, at random."""
    rng = np.random.default_rng(0)
    net = ReLUNetwork.random(width=40, inputs=6, gamma0=0.25, seed=2, trainable=trainable)
    X = rng.standard_normal((30, 6))
    state = State.solve(net, X, net.predict(X) + rng.standard_normal(30))
    unit, sample = np.nonzero(rng.random((40, 30)) < np.linspace(0.02, 0.8, 40)[:, None])
    size = len(unit)
    least, most = np.sort(rng.random((2, size)), axis=0)
    force = 0.3 * rng.standard_normal(size)
    start = rng.random(size)
    kinks = Kinks(state, np.ones(30), sample, unit, start, least, most, force, force, start, *np.zeros((3, size)))

    def fall(change):
        found = np.zeros(size)
        for gates, k in kinks._blocks(np.arange(size)):
            for row, block in zip(gates, k, strict=True):
                row = row[row >= 0]
                found[row] = block[: len(row), : len(row)] @ (force[row] * change[row])
        return found

    scale = np.max(kinks._own) * np.max(force)
    v = fall(least + rng.random(size) * (most - least) - start) + 0.02 * scale * rng.standard_normal(size)
    share, left = kinks._settled(v, start, start)
    u = v - fall(share - start)
    assert left == pytest.approx(u, abs=1e-9 * scale)
    drawn = force > 0
    low, high = share <= least + 1e-9, share >= most - 1e-9
    assert np.all((share >= least - 1e-12) & (share <= most + 1e-12))
    assert np.max(np.abs(u[drawn & ~low & ~high])) <= 1e-7 * scale
    assert np.max(u[drawn & low & ~high]) <= 1e-7 * scale
    assert np.min(u[drawn & high & ~low]) >= -1e-7 * scale
    assert np.count_nonzero(drawn & ~low & ~high) > inside
    assert share[~drawn] == pytest.approx(np.clip(start, least, most)[~drawn])


def test_what_crosses_has_the_share_of_its_time_whatever_it_had_before():
    """Found anew at the end of a step it may be less or more; it never counts as sliding."""
    rng = np.random.default_rng(5)
    net = ReLUNetwork.random(width=30, inputs=5, gamma0=0.25, seed=3)
    X = rng.standard_normal((20, 5))
    state = State.solve(net, X, net.predict(X) + rng.standard_normal(20))
    other = net.with_parameters(W=net.W + 0.5 * rng.standard_normal(net.W.shape)).equilibrium(X)
    kinks = Kinks.of_step(state, other, 8.0 * state.residual)
    crosses, u = kinks.force <= 0, state.J.adjoint.equilibrium.U[kinks.sample, kinks.unit]
    v = other.U[kinks.sample, kinks.unit] * rng.uniform(0.3, 3.0, len(u))
    found = kinks.settled(v)
    diagonal = net.gamma**2 * np.sum(state.J.Z[kinks.sample] ** 2, axis=1)
    free = v + diagonal * kinks.force * (kinks.share - kinks.before)
    times = _reached(u, kinks._on_side(other.U[kinks.sample, kinks.unit]), kinks._on_side(free))
    want = np.where(u > 0, times, 1 - times)
    assert found.share[crosses] == pytest.approx(want[crosses])
    for opens in (True, False):
        change = (found.share - kinks.share)[crosses & ((u <= 0) == opens)]
        assert np.any(change > 0.05)
        assert np.any(change < -0.05)
    for some in (kinks, found):
        held = some.sliding.put(np.zeros((20, 30)))[some.sample, some.unit] > 0
        assert held.any()
        assert not np.any(held & crosses)


def test_a_share_is_an_average_over_time():
    """Q with the mask of a share is the mean of Q with the gate open and closed, for one gate of a sample, loops included."""
    net = ReLUNetwork.random(width=12, inputs=3, gamma0=0.05, seed=4)
    X = np.random.default_rng(1).standard_normal((3, 3))
    state = State.solve(net, X, np.zeros(3))
    eq, unit = state.J.adjoint.equilibrium, np.array([4])
    loop = state.J.loops(unit)[:, 0]

    def q(value):
        mask = np.asarray(eq.gates, dtype=float)
        mask[:, 4] = value
        return State.of(eq, state.y, None, FULL, mask).J.Q

    share = np.array([0.2, 0.5, 0.9])
    mean = share[:, None] * q(1.0) + (1 - share)[:, None] * q(0.0)
    assert q(_mask(share, loop)) == pytest.approx(mean, abs=1e-5)
    assert np.max(np.abs(q(share) - mean)) > 1e-4  # what leaving the loops out would cost
    assert _linear(_mask(share, loop), loop) == pytest.approx(share)
    for mask in (0.0, 0.3, 1.0):
        J = state.J.with_adjoint(q(mask))
        assert J.driven(unit)[:, 0] * _opened(mask, loop) == pytest.approx(q(1.0)[:, 4], abs=5e-5)


def test_a_gate_that_no_longer_slides_goes_where_u_goes():
    """Where the residual changes its sign a kink lets go on both sides: the gate has the share of the side that u ends on."""
    net, X, y = two_units()
    state = gradient_state(net, X, y)
    assert state.sliding is not None
    eq = state.J.adjoint.equilibrium
    for lift, share in ((1e-4, 1.0), (-1e-4, 0.0)):
        end = replace(eq, U=np.asarray(eq.U) + np.array([[0.0, lift]]), gates=np.array([[True, lift > 0]]))
        kinks = Kinks.of_step(state, end, -0.1 * state.residual)
        assert kinks.force[0] < 0
        assert kinks.share.tolist() == [share]
        assert kinks.sliding is None
    kinks = Kinks.of_step(state, eq, 0.1 * state.residual)
    assert kinks.force[0] > 0
    assert 0 < kinks.share[0] < 1


@pytest.mark.parametrize("away", [3e-6, -3e-6])
def test_the_end_of_a_step_is_brought_back_to_the_kink(away):
    """What is left of u there is what z and the other units answer, and the share tells by how much it was missed."""
    net, X, y = two_units()
    state = gradient_state(net, X, y)
    eq = state.J.adjoint.equilibrium
    kinks = Kinks.of_step(state, eq, 0.1 * state.residual)
    moved = replace(eq, U=np.asarray(eq.U) * [[1.0, 0.0]] + [[0.0, away]])
    half = replace(state, J=replace(state.J, adjoint=replace(state.J.adjoint, equilibrium=moved)))
    found, change = _held(kinks, half, {"A": np.zeros((2, 2))})
    left = away + net.gamma * float(np.asarray(eq.Z)[0] @ change["A"][1])
    assert abs(left) <= 0.05 * abs(away)
    assert (found.share[0] > kinks.share[0]) == (away > 0)
    assert 0 < found.share[0] < 1


@pytest.mark.parametrize("trainable", [("A",), ("W",), ("A", "W", "b")])
def test_u_at_the_end_is_that_of_the_network_there(trainable, monkeypatch):
    """What the shares are found anew for, against the model at the end of the step."""
    net, X, state = flat_state(trainable)
    other = net.with_parameters(W=-np.asarray(net.W)).equilibrium(X)  # every gate switches
    kinks = Kinks.of_step(state, other, 1e-3 * state.residual)
    rng = np.random.default_rng(4)
    change = {name: 1e-7 * rng.standard_normal(getattr(net, name).shape) for name in trainable}
    end = net.with_parameters(**{name: getattr(net, name) + d for name, d in change.items()}).equilibrium(X)
    seen = []
    settled = Kinks.settled
    monkeypatch.setattr(Kinks, "settled", lambda self, v: (seen.append(v), settled(self, v))[1])
    _held(kinks, state, change)
    moved, before = end.U[kinks.sample, kinks.unit], state.J.adjoint.equilibrium.U[kinks.sample, kinks.unit]
    assert seen[0] - before == pytest.approx(moved - before, rel=1e-4, abs=1e-12)
    assert np.max(np.abs(moved - before)) > 1e-8


def gradient_state(net, X, y):
    """A state of the flow that slides."""
    seen = []

    def keep(self, state, *rest):
        seen.append(state)
        return save(self, state, *rest)

    save = Checkpoint.save
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(Checkpoint, "save", keep)
        gradient_flow(net, X, y, t_end=1.0, tol=1e-3, record=1, checkpoint=f"{folder}/run.npz", checkpoint_seconds=0)
    return next(state for state in reversed(seen) if state.sliding is not None)


def test_a_step_that_is_too_short_to_reach_the_kink_goes_on_sliding():
    """A recorded time just after a step: u is a little off its kink and cannot come back to it in so short a time."""
    net, X, y = two_units()
    state = gradient_state(net, X, y)
    eq = state.J.adjoint.equilibrium
    u = float(eq.U[0, 1])
    kinks = Kinks.of_step(state, eq, 1e-9 * abs(u) * state.residual)
    assert kinks.share.tolist() == [float(u > 0)]
    assert kinks.sliding.share == pytest.approx(state.sliding.share)
    beyond = replace(eq, U=np.asarray(eq.U) * np.array([[1.0, 2.0]]))  # away from it: the flow leaves the kink
    assert Kinks.of_step(state, beyond, 1e-9 * abs(u) * state.residual).sliding is None


def test_when_u_comes_to_zero():
    """The first root of ``u + (p - u) t + (f - p) t^2`` in (0, 1]; 1 where there is none."""
    rng = np.random.default_rng(2)
    u, predicted, found = rng.standard_normal((3, 400))
    times = _reached(u, predicted, found)
    inside = 0
    for a, p, f, t in zip(u, predicted, found, times, strict=True):
        roots = np.roots([f - p, p - a, a])
        real = sorted(r.real for r in roots if abs(r.imag) < 1e-12 and 0 < r.real <= 1)
        assert t == pytest.approx(real[0] if real else 1.0, rel=1e-6)
        inside += bool(real)
    assert 100 < inside < 300


@pytest.mark.parametrize("seed", [1, 2])
def test_many_switches_of_a_unit_in_a_step_are_seen_by_the_step_size(seed):
    """Thirty samples in three dimensions: the first gate of a unit to switch moves the times of the others."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=16, inputs=3, gamma0=0.25, seed=seed)
    y = 2 * np.random.default_rng(seed).standard_normal(30)

    def end(tol):
        return gradient_flow(net, X, y, t_end=2.0, tol=tol, record=1)

    fine = end(1e-6)
    assert fine.switches[-1] >= 20
    errors = [float(np.max(np.abs(end(tol).final.A - fine.final.A))) for tol in (1e-2, 1e-3, 1e-4)]
    assert errors[2] < 0.2 * errors[0]
    assert errors[2] <= 3e-4


def test_adjoints_with_shares_are_solved_in_float32_too():
    """Corrections are divided by the share before the gates are applied, and a start is not multiplied by it twice."""
    net = ReLUNetwork.random(width=256, inputs=8, gamma0=0.25, seed=0)
    X = np.random.default_rng(0).standard_normal((80, 8))
    state = State.solve(net, X, np.zeros(80))
    eq = state.J.adjoint.equilibrium
    mask = np.where(np.random.default_rng(1).random((80, 256)) < 0.1, 0.3, np.asarray(eq.gates, dtype=float))
    cold, warm = (State.of(eq, state.y, start, FULL, mask).J.adjoint for start in (None, state.J.Q))
    assert cold.strategy == warm.strategy == "mixed"
    want = mask * (net.b + net.gamma * cold.Q @ net.A)
    assert np.max(np.abs(cold.Q - want)) <= 1e-12
    again = State.of(eq, state.y, cold.Q, FULL, mask).J.adjoint
    assert again.sweeps <= 2


def test_a_flow_far_beyond_round_off_ends():
    """Where r has fallen to round-off the steps do not follow it further down."""
    net = ReLUNetwork.random(width=32, inputs=3, gamma0=0.25, seed=1)
    run = gradient_flow(net, np.eye(3), [1.0, -1.0, 0.5], t_end=1e6, tol=1e-2, record=1)
    assert run.status == "completed"
    assert run.loss[-1] < 1e-24
    assert run.steps + run.rejected < 150


@pytest.mark.parametrize("tol", [0.02, 0.005])
def test_round_off_does_not_decide_how_a_flow_goes_on(tol):
    """Networks 1e-9 apart, whose gates switch and slide hundreds of times, end as near to each other."""
    data = load("digits", samples=30, classes=(3, 8))
    net = ReLUNetwork.random(width=64, inputs=64, gamma0=0.25, seed=0)
    noise = 1e-9 * np.random.default_rng(0).standard_normal((3, 64, 64))
    nets = [net, *(net.with_parameters(A=net.A + d) for d in noise)]
    runs = [gradient_flow(near, data.X, data.y, t_end=100.0, tol=tol, record=2) for near in nets]
    assert len({run.steps for run in runs}) == 1
    for run in runs[1:]:
        assert run.predictions == pytest.approx(runs[0].predictions, abs=1e-7)
