"""Solves that need few digits: float32 alone reaches them, one float64 sweep verifies, and a flow that uses them leads to the same place."""

from __future__ import annotations

import numpy as np
import pytest
from test_numeric_equilibrium import adjoint_residual, true_residual

from deqmath.errors import NotWellPosedError
from deqmath.numeric import ReLUNetwork, flow, gradient_flow
from deqmath.numeric.equilibrium import solve_adjoint
from deqmath.numeric.etd2 import inside_tolerance
from deqmath.numeric.fixed_point import FixedPoint
from deqmath.numeric.network import DEFAULT_TOL
from deqmath.numeric.recorder import FULL, State, Tolerances, prepare
from deqmath.numeric.strategies import MixedPrecision, mixed


@pytest.fixture
def verified(monkeypatch):
    """The float64 sweeps that were made."""
    made = []
    sweep = FixedPoint.sweep
    monkeypatch.setattr(
        FixedPoint, "sweep", lambda self, *given, **named: (made.append(1), sweep(self, *given, **named))[1]
    )
    return made


def task(gamma0=0.25, width=200, samples=60):
    rng = np.random.default_rng(3)
    net = ReLUNetwork.random(width=width, inputs=8, gamma0=gamma0, seed=1)
    return net, rng.standard_normal((samples, 8)), rng


@pytest.mark.parametrize("tol", [1e-3, 1e-5, 2e-6])
@pytest.mark.parametrize("begin", ["zero", "near", "elsewhere"])
def test_one_float64_sweep_verifies_what_float32_has_solved(tol, begin, verified):
    net, X, rng = task()
    eq = net.equilibrium(X)
    Q = net.adjoint(eq).Q
    mask = np.where(rng.random(eq.Z.shape) < 0.1, rng.random(eq.Z.shape), eq.gates)
    away = {"zero": None, "near": 1e-3, "elsewhere": 1e2}[begin]
    starts = [None if away is None else x + away * rng.standard_normal(x.shape) for x in (eq.Z, Q, Q)]
    for kind, start in zip(("equilibrium", "adjoint", "shares"), starts, strict=True):
        verified.clear()
        if kind == "equilibrium":
            found = net.equilibrium(X, tol=tol, start=start, strategy=MixedPrecision())
            real = true_residual(net, X, found.Z)
        else:
            gates = eq.gates if kind == "adjoint" else mask
            found = solve_adjoint(
                net, eq, start=start, tol=tol, max_sweeps=1000, strategy=MixedPrecision(), mask=None if kind == "adjoint" else mask
            )  # fmt: skip
            real = adjoint_residual(net, gates, found.Q)
        assert found.strategy == "mixed"
        assert real <= found.residual <= tol
        assert len(verified) == 1, kind


def test_float64_takes_over_where_float32_does_not_reach(verified, monkeypatch):
    monkeypatch.setattr(mixed, "_LOOSE", 1e-12)
    net, X, rng = task()
    for start in (None, net.equilibrium(X).Z + 1e-2 * rng.standard_normal((60, 200))):
        verified.clear()
        eq = net.equilibrium(X, tol=1e-11, start=start, strategy=MixedPrecision())
        assert eq.strategy == "mixed"
        assert true_residual(net, X, eq.Z) <= eq.residual <= 1e-11
        assert 2 <= len(verified) <= 3


def test_a_tight_solve_begins_with_a_float64_sweep(verified):
    """Its corrections are relative to a residual in float64."""
    net, X, _ = task()
    eq = net.equilibrium(X)
    verified.clear()
    assert net.equilibrium(X, start=eq.Z, strategy=MixedPrecision()).sweeps == len(verified) == 1


def test_a_start_saves_sweeps():
    net, X, _ = task()
    eq = net.equilibrium(X)
    cold, warm = (net.equilibrium(X, tol=1e-5, start=start, strategy=MixedPrecision()) for start in (None, eq.Z))
    assert warm.sweeps == 2 < cold.sweeps  # one product in float32, and one to verify


def test_z_and_q_have_tolerances_of_their_own():
    net, X, _ = task(samples=100)
    for z, q in ((1e-9, 1e-4), (1e-4, 1e-9)):
        state = State.solve(net, X, np.zeros(100), tol=Tolerances(z, q))
        adjoint = state.J.adjoint
        assert (adjoint.equilibrium.tol, adjoint.tol) == (z, q)
        assert max(z, q) >= max(adjoint.equilibrium.residual, adjoint.residual) > 1e-9


@pytest.mark.parametrize("samples", [1, 15, 16, 17])
def test_the_worst_samples_are_watched(samples, verified):
    """One sample alone starts far away; the estimate that ends the float32 sweeps has to come from it."""
    net, X, rng = task(samples=samples + 20)
    Z = np.array(net.equilibrium(X).Z)
    Z[-1] += 10 * rng.standard_normal(200)
    verified.clear()
    eq = net.equilibrium(X, tol=1e-5, start=Z, strategy=MixedPrecision())
    assert true_residual(net, X, eq.Z) <= 1e-5
    assert len(verified) == 1


def test_what_solves_may_leave():
    """Of r in the worst case a hundredth of the tolerance, of J three thousandths; never less than what is recorded, nor more than 1e-5."""
    net, X, rng = task(width=50, samples=10)
    _, _, state = prepare(net, X, net.predict(X) + 1e-3 * rng.standard_normal(10))
    for tol in (1e-1, 1e-3, 1e-6, 1e-13):
        z, q = inside_tolerance(tol, state)
        outputs = z * np.linalg.norm(state.J.Z) * np.linalg.norm(net.b) / np.sqrt(50)
        assert outputs <= 1.001e-2 * tol * np.linalg.norm(state.residual) or z == DEFAULT_TOL
        assert DEFAULT_TOL <= z <= q <= 1e-5
        assert q <= 3.001e-3 * tol or q in (1e-5, DEFAULT_TOL)
    assert inside_tolerance(1e-1, state).q == 1e-5
    assert inside_tolerance(1e-13, state) == FULL


@pytest.mark.parametrize("width", [40, 200])
def test_a_flow_of_loose_solves_leads_to_the_same_place(width, monkeypatch):
    net, X, rng = task(width=width, samples=20)
    y = net.predict(X) + rng.standard_normal(20)
    ask = {"t_end": 30.0, "record": 3, "tol": 1e-2}
    loose = gradient_flow(net, X, y, **ask)
    monkeypatch.setattr(flow, "inside_tolerance", lambda *_: FULL)
    tight = gradient_flow(net, X, y, **ask)
    fine = gradient_flow(net, X, y, **(ask | {"tol": 1e-4}))
    error = np.max(np.abs(tight.predictions - fine.predictions))
    assert np.max(np.abs(loose.predictions - tight.predictions)) <= 0.3 * error


def test_a_bound_that_tells_nothing_gives_way_to_the_norm():
    """Bounds grow with every step; next to 1 they would send a network of rho = 1/2 to the strategies for rho = 1."""
    net, X, _ = task(samples=100)
    assert net.rho < 0.6
    far = (0.995 / net.gamma - net.operator_norm()) / np.sqrt(200)
    moved = net.with_parameters(A=net.A + far * np.eye(200))
    assert moved.contraction_bound() == moved.rho < 0.8
    assert moved.equilibrium(X).strategy == "mixed"
    near = net.with_parameters(A=net.A + 0.9 * far * np.eye(200))
    assert 0.6 < near.contraction_bound() < 0.99
    assert near.rho < 0.6
    with pytest.raises(NotWellPosedError):
        net.with_parameters(A=net.A * (1.01 / net.rho)).contraction_bound()
