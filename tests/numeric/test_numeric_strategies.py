"""Every strategy finds the same equilibrium; the choice follows the measured rate; parts change nothing."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from test_numeric_equilibrium import adjoint_residual, true_residual

from deqmath.errors import InputError, NotConvergedError
from deqmath.numeric import ReLUNetwork, closed_forms, parts
from deqmath.numeric.strategies import ActiveSet, Anderson, Automatic, MixedPrecision, Neumann, Picard


def slow_network(width: int, rate: float, seed: int = 0, gates: str = "mixed") -> tuple[ReLUNetwork, np.ndarray]:
    """A network with one large eigenvalue, as training makes them: gamma (A + a positive rank-one matrix)."""
    rng = np.random.default_rng(seed)
    A = 0.05 * rng.standard_normal((width, width)) / np.sqrt(width)
    u = np.abs(rng.standard_normal(width))
    u /= np.linalg.norm(u)
    A = A + np.outer(u, u)
    W = np.abs(rng.standard_normal((width, 4))) if gates == "open" else rng.standard_normal((width, 4))
    X = np.abs(rng.standard_normal((12, 4)))
    net = ReLUNetwork(A=np.abs(A) if gates == "open" else A, W=W, b=np.sign(rng.standard_normal(width)), gamma=1.0)
    gamma = rate / np.linalg.norm(net.A, 2)
    return ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=gamma), X


STRATEGIES = [
    Anderson(), Anderson(history=2), ActiveSet(), Automatic(), Picard(0.35), MixedPrecision(0.35), MixedPrecision()
]  # fmt: skip


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("rate", [0.3, 0.9])
def test_every_strategy_finds_the_equilibrium(strategy, rate):
    net, X = slow_network(60, rate)
    want = net.equilibrium(X, strategy=Picard())
    eq = net.equilibrium(X, tol=1e-13, strategy=strategy)
    assert eq.converged
    assert true_residual(net, X, eq.Z) <= 1e-13 + 1e-15 * np.sqrt(60)
    assert np.max(np.abs(eq.Z - want.Z)) <= 1e-12 / (1 - rate) * np.max(want.Z)
    adjoint = net.adjoint(want, tol=1e-13, strategy=strategy)
    assert adjoint.converged
    assert adjoint_residual(net, want.gates, adjoint.Q) <= 1e-13 + 1e-15 * np.sqrt(60)


def test_anderson_saves_sweeps_where_few_eigenvalues_are_large():
    net, X = slow_network(300, 0.8)
    plain, fast = (net.equilibrium(X, tol=1e-12, strategy=s) for s in (Picard(), Anderson()))
    assert fast.sweeps <= 0.35 * plain.sweeps
    assert fast.strategy == "anderson"


def test_the_choice_follows_the_measured_rate():
    fresh = ReLUNetwork.random(width=256, inputs=4, gamma0=0.25, seed=0)
    X = np.abs(np.random.default_rng(0).standard_normal((100, 4)))
    assert fresh.equilibrium(X).strategy == "mixed"
    trained, _ = slow_network(256, 0.7)
    eq = trained.equilibrium(X)
    assert eq.strategy == "mixed with anderson"
    assert eq.sweeps < trained.equilibrium(X, strategy=Picard()).sweeps / 2
    small, X = slow_network(40, 0.7)
    assert small.equilibrium(X).strategy == "picard, then anderson"
    assert small.equilibrium(X, tol=1e-2).strategy == "picard"


def test_what_is_hard_is_left_to_newton():
    """A cyclic shift has its spectrum on a circle: no history helps, and 150 sweeps do not even go round once."""
    A = np.roll(np.eye(200), 1, axis=0)
    A[0, 5] = -1e-3
    net = ReLUNetwork(A=A, W=np.linspace(1.0, 2.0, 200)[:, None], b=np.ones(200), gamma=0.99)
    X = np.array([[1.0], [2.0]])
    eq = net.equilibrium(X, tol=1e-12)
    assert eq.converged
    assert eq.strategy.endswith("newton")
    assert true_residual(net, X, eq.Z) <= 1e-12
    adjoint = net.adjoint(eq, tol=1e-12)
    assert adjoint.converged


def test_neumann_where_all_gates_are_open():
    net, X = slow_network(30, 0.9, gates="open")
    eq = net.equilibrium(X)
    assert eq.strategy == "neumann"
    assert eq.sweeps <= 3
    assert eq.gates.all()
    want = np.linalg.solve(np.eye(30) - net.gamma * net.A, net.injection(X).T).T
    assert np.allclose(eq.Z, want, rtol=1e-13)
    assert net.adjoint(eq).strategy == "neumann"
    mixed, X = slow_network(30, 0.9)
    with pytest.raises(InputError, match="needs every gate open"):
        mixed.equilibrium(X, strategy=Neumann())


def test_strategies_stay_in_their_namespace():
    net, X = slow_network(24, 0.8)
    Xs = array_api_strict.asarray(X)
    for strategy in (*STRATEGIES, Neumann()):
        if isinstance(strategy, Neumann):
            net, _ = slow_network(24, 0.8, gates="open")
        eq = net.equilibrium(Xs, tol=1e-13, strategy=strategy)
        assert type(eq.Z) is type(Xs)
        assert np.allclose(np.asarray(eq.Z), net.equilibrium(X).Z, rtol=1e-11, atol=1e-12)
    quick, whole = net.predict_corrected(Xs, sweeps=60), net.predict(X)
    assert np.allclose(np.asarray(quick.values), whole, rtol=1e-10)


@pytest.mark.parametrize("threads", [1, 2, 5, 100])
def test_threads_and_blocks_change_nothing(threads, monkeypatch):
    net = ReLUNetwork.random(width=40, inputs=3, gamma0=0.25, seed=0, trainable=("A", "W", "b"))
    X = np.random.default_rng(0).standard_normal((23, 3))
    want, H = net.equilibrium(X), net.gram(X)
    cross = net.kernel(X, X[:9])
    monkeypatch.setattr(parts, "_BLOCK", 7)
    monkeypatch.setattr(closed_forms, "_BLOCK", 7)
    eq = net.equilibrium(X, threads=threads)
    adjoint = net.adjoint(eq, threads=threads)
    assert eq.converged
    assert adjoint.converged
    assert np.allclose(eq.Z, want.Z, rtol=1e-13, atol=1e-13)
    assert np.array_equal(eq.gates, want.gates)
    assert np.allclose(net.gram(adjoint), H, rtol=1e-12)
    assert np.array_equal(net.gram(adjoint), net.gram(adjoint).T)
    assert np.allclose(net.kernel(adjoint, X[:9]), cross, rtol=1e-12)
    with pytest.raises(InputError, match="threads is 0"):
        net.equilibrium(X, threads=0)


def test_matrix_free_gram():
    net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.25, seed=0, trainable=("A", "W", "b"))
    rng = np.random.default_rng(0)
    J = net.linearisation(rng.standard_normal((11, 3)))
    V = rng.standard_normal((11, 4))
    assert np.allclose(J.gram_product(V), J.gram() @ V, rtol=1e-11, atol=1e-11)
    assert np.allclose(J.gram_product(V[:, 0]), J.gram() @ V[:, 0], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("phi", ["relu", "identity"])
def test_the_corrected_prediction_squares_the_error(phi):
    net = ReLUNetwork.random(width=300, inputs=6, gamma0=0.25, seed=1, phi=phi)
    X = np.random.default_rng(2).standard_normal((40, 6))
    yhat = net.predict(X)
    errors = []
    for k in (1, 2, 4, 8):
        quick = net.predict_corrected(X, sweeps=k)
        assert quick.sweeps == 2 * k + 1
        error = np.abs(quick.values - yhat)
        assert np.all(error <= quick.error + 1e-13 * np.max(np.abs(yhat)))
        errors.append(np.max(error))
    plain = np.abs(net.equilibrium(X, max_sweeps=8, strategy=Picard()).Z @ net.b / np.sqrt(300) - yhat).max()
    assert errors[3] < 1e-5 * plain
    assert errors[0] > errors[1] > errors[2] > errors[3]
    with pytest.raises(InputError, match="sweeps is 0"):
        net.predict_corrected(X, sweeps=0)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e18, 1e200])
def test_mixed_precision_where_float32_does_not_reach(scale):
    """Asked for by name, it is not the default that keeps it from numbers whose squares float32 cannot hold."""
    X = scale * np.random.default_rng(0).standard_normal((3, 2))
    net = ReLUNetwork.random(width=9, inputs=2, gamma0=0.25, seed=0, phi="identity")
    eq = net.equilibrium(X, strategy=MixedPrecision())
    assert eq.converged
    assert np.allclose(eq.Z, net.equilibrium(X, strategy=Picard()).Z, rtol=1e-12, atol=0)


def test_mixed_precision_without_recurrence():
    """A = 0: the contraction factor is 0."""
    net = ReLUNetwork(A=np.zeros((3, 3)), W=np.ones((3, 1)), b=np.ones(3), gamma=0.5)
    eq = net.equilibrium([[2.0]], strategy=MixedPrecision())
    assert (eq.status, eq.Z.tolist()) == ("converged", [[2.0, 2.0, 2.0]])
    assert net.adjoint(eq, strategy=MixedPrecision()).Q.tolist() == [[1.0, 1.0, 1.0]]


def test_samples_with_nothing_to_solve_are_left_in_peace():
    """A zero sample is solved from the start: it asks for no sweep, and no acceleration is weighed by it."""
    net = ReLUNetwork.random(width=40, inputs=3, gamma0=0.45, seed=0)
    X = np.vstack([np.eye(3), np.zeros(3)])
    for start in (None, np.zeros((4, 40))):
        eq = net.equilibrium(X, strategy=MixedPrecision(0.01), start=start)
        assert eq.converged
        assert not eq.Z[3].any()
        assert np.allclose(eq.Z, net.equilibrium(X, strategy=Picard()).Z, atol=1e-11)


@pytest.mark.parametrize("rho", [0.99, 0.999, 0.999999])
def test_sweeps_that_end_just_above_the_tolerance_go_on(rho):
    """The first strategy is cut off after 150 sweeps, at a residual of some 5e-14 for one seed in forty: not the end of it."""
    strategies = set()
    for seed in range(28, 32):
        rng = np.random.default_rng(seed)
        A = np.diag(rng.standard_normal(90))
        W, b = rng.standard_normal((90, 1)), rng.choice([-1.0, 1.0], 90)
        net = ReLUNetwork(A=A, W=W, b=b, gamma=rho / np.linalg.norm(A, 2))
        X = rng.standard_normal((7, 1))
        eq = net.equilibrium(X)
        assert eq.converged
        assert np.isfinite(net.gradient(X, np.ones(7))).all()
        strategies.add(eq.strategy)
        short = net.equilibrium(X, max_sweeps=150)
        assert short.sweeps <= 150
        assert net.equilibrium(X, tol=1e-18).status == "not-converged"
    assert rho > 0.99 or "picard, then anderson, then picard" in strategies


@pytest.mark.parametrize("most", range(1, 8))
def test_newton_takes_no_more_sweeps_than_it_may(most):
    for seed in range(4):
        net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.45, seed=seed)
        eq = net.equilibrium(np.eye(3), max_sweeps=most, strategy=ActiveSet())
        assert eq.sweeps <= most
        assert eq.converged == (true_residual(net, np.eye(3), eq.Z) <= 1e-14)


def test_what_did_not_converge_names_the_call_that_gives_more():
    net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.45, seed=0)
    eq = net.equilibrium(np.eye(3))
    for found, call in (
        (net.equilibrium(np.eye(3), max_sweeps=3), "equilibrium"),
        (net.adjoint(eq, max_sweeps=3), "adjoint"),
    ):
        with pytest.raises(NotConvergedError, match=rf"the {call} did not converge.*as in net\.{call}\(X, tol=1e-10"):
            net.linearisation(found) if call == "adjoint" else net.adjoint(found)
    assert np.isfinite(net.gradient(net.adjoint(eq, tol=1e-10), np.ones(3))).all()
