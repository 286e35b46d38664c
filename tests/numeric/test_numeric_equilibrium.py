"""The two solves: residual, status, warm starts, strategies; nothing is ever a silent best-so-far."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric import ReLUNetwork
from deqmath.numeric.arrays import row_norms
from deqmath.numeric.fixed_point import FixedPoint
from deqmath.numeric.strategies import Automatic, MixedPrecision, Picard


def true_residual(net, X, Z) -> float:
    """The definition, written once more: max_i ||relu(gamma A z_i + phi_i) - z_i|| / ||z_i||."""
    P = X @ net.W.T
    P = np.maximum(P, 0) if net.phi == "relu" else P
    step = np.maximum(net.gamma * Z @ net.A.T + P, 0) - Z
    return float(np.max(np.linalg.norm(step, axis=1) / np.maximum(np.linalg.norm(Z, axis=1), 1e-300)))


def adjoint_residual(net, gates, Q) -> float:
    step = gates * (net.b + net.gamma * Q @ net.A) - Q
    return float(np.max(np.linalg.norm(step, axis=1) / np.maximum(np.linalg.norm(Q, axis=1), 1e-300)))


@pytest.mark.parametrize("tol", [1e-6, 1e-10, 1e-14])
@pytest.mark.parametrize("strategy", [Picard(), MixedPrecision(), Automatic()])
@pytest.mark.parametrize("phi", ["relu", "identity"])
def test_the_reported_residual_is_true(strategy, tol, phi):
    net = ReLUNetwork.random(width=80, inputs=6, gamma0=0.3, seed=1, phi=phi)
    X = np.random.default_rng(2).standard_normal((40, 6))
    eq = net.equilibrium(X, tol=tol, strategy=strategy)
    assert eq.status == "converged"
    assert eq.residual <= tol
    assert true_residual(net, X, eq.Z) <= eq.residual + 1e-15 * np.sqrt(net.width)
    assert np.array_equal(eq.Z, np.maximum(eq.U, 0))
    assert np.array_equal(eq.gates, eq.U > 0)
    precise = net.equilibrium(X)
    adjoint = net.adjoint(precise, tol=tol, strategy=strategy)
    assert adjoint.converged
    assert adjoint_residual(net, precise.gates, adjoint.Q) <= adjoint.residual + 1e-15 * np.sqrt(net.width)
    assert np.array_equal(adjoint.Q != 0, precise.gates)


def test_the_rate_is_measured_and_below_rho():
    net = ReLUNetwork.random(width=120, inputs=5, gamma0=0.25, seed=0)
    eq = net.equilibrium(np.random.default_rng(0).standard_normal((20, 5)), strategy=Picard())
    assert 0.1 < eq.rate < net.rho < 0.6
    # the sweeps follow the rate, not rho: within three of log(tol)/log(rate)
    assert abs(eq.sweeps - np.log(1e-14) / np.log(eq.rate)) <= 3


def test_mixed_precision_does_most_sweeps_in_float32(monkeypatch):
    double = []
    plain = FixedPoint.preactivation
    monkeypatch.setattr(FixedPoint, "preactivation", lambda self, x: (double.append(x.dtype), plain(self, x))[1])
    net = ReLUNetwork.random(width=200, inputs=5, gamma0=0.25, seed=0)
    eq = net.equilibrium(np.random.default_rng(0).standard_normal((50, 5)), tol=1e-12, strategy=MixedPrecision())
    assert eq.converged
    assert len(double) <= 3 < eq.sweeps


def test_mixed_precision_falls_back_where_float32_cannot_hold_the_numbers():
    net = ReLUNetwork.random(width=30, inputs=5, gamma0=0.25, seed=0)
    X = 1e-44 * np.random.default_rng(0).standard_normal((4, 5))
    eq = net.equilibrium(X, strategy=MixedPrecision())
    assert eq.strategy == "mixed, then picard"
    assert eq.converged
    assert true_residual(net, X, eq.Z) <= 1e-14


def test_the_default_chooses_by_size():
    def problem(n: int, m: int) -> FixedPoint:
        return FixedPoint(np, np.eye(m), 0.1, np.ones((n, m)), None, 0.5, (n, m))

    assert isinstance(Automatic().choose(problem(4, 16)), Picard)
    assert isinstance(Automatic().choose(problem(100, 256)), MixedPrecision)


def test_warm_start_saves_sweeps_and_changes_nothing(small):
    net, X, _ = small
    cold = net.equilibrium(X)
    warm = net.equilibrium(X, start=cold.Z)
    assert warm.sweeps <= 2 < cold.sweeps
    assert np.max(np.abs(warm.Z - cold.Z)) <= 1e-14 * np.max(cold.Z)
    assert np.array_equal(np.asarray(cold), cold.Z)
    with pytest.raises(ShapeError, match=r"start has shape \(2, 24\); it needs \(n, m\) = \(5, 24\)"):
        net.equilibrium(X, start=cold.Z[:2])


@pytest.mark.parametrize("strategy", [Picard(), MixedPrecision()])
def test_non_convergence_is_a_status_and_is_refused_further_on(small, strategy):
    net, X, y = small
    eq = net.equilibrium(X, max_sweeps=3, strategy=strategy)
    assert eq.status == "not-converged"
    assert not eq.converged
    assert eq.residual > 1e-14
    for use in (net.predict, net.gram, net.adjoint, lambda e: net.gradient(e, y), lambda e: net.loss(e, y)):
        with pytest.raises(NotConvergedError, match=r"equilibrium did not converge: relative residual .* needed 1e-14"):
            use(eq)
    adjoint = net.adjoint(X, max_sweeps=2)
    assert adjoint.status == "not-converged"
    with pytest.raises(NotConvergedError, match="adjoint did not converge"):
        net.gram(adjoint)


def test_a_tolerance_below_round_off_is_not_claimed(small):
    net, X, _ = small
    eq = net.equilibrium(X, tol=1e-30)
    assert eq.status == "not-converged"
    assert eq.sweeps < 100
    assert true_residual(net, X, eq.Z) < 1e-14


def test_an_equilibrium_of_another_network_is_refused(small):
    net, X, _ = small
    with pytest.raises(InputError, match="belongs to another network"):
        net.with_parameters(b=-net.b).predict(net.equilibrium(X))


def test_zero_input_has_the_zero_equilibrium(small):
    net, X, _ = small
    X = X.copy()
    X[2] = 0.0
    eq = net.equilibrium(X)
    assert eq.converged
    assert not eq.Z[2].any()
    assert np.all(row_norms(np, eq.Z)[[0, 1, 3, 4]] > 0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.integers(1, 40), gamma0=st.floats(0.01, 0.3), scale=st.floats(1e-6, 1e6))
def test_homogeneity_and_the_bound_of_the_theory(seed, width, gamma0, scale):
    """Both ReLUs are positively homogeneous, so z(s x) = s z(x); and ||z|| <= ||phi||/(1 - rho) (gg22, well posed)."""
    net = ReLUNetwork.random(width=width, inputs=3, gamma0=gamma0, seed=seed)
    if net.rho >= 0.95:
        return
    X = np.random.default_rng(seed).standard_normal((4, 3))
    Z = net.equilibrium(X).Z
    size = np.linalg.norm(net.injection(X), axis=1)
    assert np.all(np.linalg.norm(Z, axis=1) <= size / (1 - net.rho) * (1 + 1e-12))
    scaled = net.equilibrium(scale * X).Z
    tolerance = 1e-12 * scale * (size[:, None] + np.linalg.norm(net.W)) / (1 - net.rho)
    assert np.all(np.abs(scaled - scale * Z) <= tolerance)
