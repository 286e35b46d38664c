"""The motion of q split into smooth part and jumps: the parts are computed apart and sum up."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError
from deqmath.numeric import ReLUNetwork, gradient_flow
from deqmath.numeric.motion import AdjointMotion, _Line

SWITCHES = 5


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, 4))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return ReLUNetwork.random(width=30, inputs=4, gamma0=0.2, seed=1), X, 3 * np.sign(rng.standard_normal(5))


@pytest.fixture(scope="module")
def run(task):
    return gradient_flow(*task, t_end=4.0, tol=3e-3, split_adjoint=True)


def allowed(net: ReLUNetwork, motion: AdjointMotion) -> float:
    """Round-off and the trainer's tolerance in q, amplified by the adjoint's condition, once a switch and at the ends."""
    size = np.linalg.norm(net.b) / (1 - net.rho)
    return 1e-13 * size * (len(motion.sizes) + 2) / (1 - net.rho)


def test_the_parts_sum_up(task, run):
    net, X, _ = task
    motion = run.adjoint_motion
    assert len(motion.switches) == len(motion.sizes) > SWITCHES
    assert motion.gap <= allowed(net, motion) < 1e-8
    want = run.final.adjoint(X).Q - net.adjoint(X).Q
    assert np.max(np.abs(motion.total - want)) <= allowed(net, motion)
    # neither part alone is the motion, and the lengths bound the norms
    for part, length in ((motion.smooth, motion.smooth_length), (motion.jumps, motion.jump_length)):
        assert np.max(np.linalg.norm(part, axis=1)) > 1e-2
        assert np.all(np.linalg.norm(part, axis=1) <= length * (1 + 1e-9))
    assert motion.jump_length.sum() == pytest.approx(motion.sizes.sum(), rel=1e-9)


def test_the_switches_lead_from_the_first_gates_to_the_last(task, run):
    net, X, _ = task
    gates, switches = np.array(net.equilibrium(X).gates), run.adjoint_motion.switches
    assert np.all(np.diff(switches.time) >= 0)
    for sample, unit, opened in zip(switches.sample, switches.unit, switches.opened, strict=True):
        assert gates[sample, unit] != opened
        gates[sample, unit] = opened
    assert np.array_equal(gates, run.final.equilibrium(X).gates)


def test_a_jump_is_the_rank_one_formula(task):
    """Opening unit k changes v = b + gamma A^T q by ``gamma (I - gamma A^T D+)^{-1} A^T e_k v_k``."""
    net, X, _ = task
    eq = net.equilibrium(X)
    gates = np.array(eq.gates)[:1]
    k = int(np.flatnonzero(~gates[0])[0])
    more = gates.copy()
    more[0, k] = True
    line = _Line.__new__(_Line)
    line.gamma, line.b, line.A, line.V = net.gamma, net.b, net.A, np.zeros_like(net.A)
    rows, s = np.arange(1), np.zeros(1)
    before, after = line.adjoint(rows, s, gates)[0], line.adjoint(rows, s, more)[0]
    v = net.b + net.gamma * net.A.T @ before
    D = np.diag(more[0].astype(float))
    dv = net.gamma * np.linalg.solve(np.eye(30) - net.gamma * net.A.T @ D, net.A.T[:, k]) * v[k]
    want = more[0] * (v + dv) - gates[0] * v
    assert after - before == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("wrong", ["sign", "transpose", "factor", "no jumps"])
def test_a_planted_error_breaks_the_sum(task, wrong, monkeypatch):
    net, X, y = task
    right = _Line.adjoint_slope

    def slope(self, s, gates, q):
        if wrong == "transpose":
            return self._solve(self.gamma * (q @ self.V.T), s, gates, None, True)
        return right(self, s, gates, q) * {"sign": -1.0, "factor": 1.001, "no jumps": 1.0}[wrong]

    monkeypatch.setattr(_Line, "adjoint_slope", slope)
    motion = gradient_flow(net, X, y, t_end=1.0, tol=3e-3, split_adjoint=True).adjoint_motion
    if wrong == "no jumps":
        motion.jumps[:] = 0
    assert motion.gap > 100 * allowed(net, motion)


def test_refusals(task, tmp_path):
    net, X, y = task
    with pytest.raises(InputError, match="split_adjoint=True needs"):
        gradient_flow(net, X, y, t_end=1.0, split_adjoint=True, checkpoint=tmp_path / "c.npz")
    both = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=("A", "W"))
    with pytest.raises(InputError, match="split_adjoint=True needs"):
        gradient_flow(both, X, y, t_end=1.0, split_adjoint=True)
