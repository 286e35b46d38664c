"""The float64 trainer against the 60-digit reference values, to tolerances from conditioning."""

from __future__ import annotations

import numpy as np
import pytest
from solve_bounds import U, relative_solve_error


def close(found: np.ndarray, want: np.ndarray, tolerance: float | np.ndarray) -> None:
    assert found.shape == want.shape
    worst = float(np.max(np.abs(found - want) / tolerance))
    assert worst <= 1.0, f"{worst:.3g} times the tolerance"


def z_tolerance(net, eq):
    return relative_solve_error(net, eq.residual) * np.linalg.norm(eq.Z, axis=1, keepdims=True)


def q_tolerance(net, adjoint):
    # the scale of q is ||D b||, and ||b|| = sqrt m bounds it
    return relative_solve_error(net, adjoint.residual) * np.sqrt(net.width) / (1 - net.rho)


def test_equilibrium(oracle):
    net = oracle.network()
    eq = net.equilibrium(oracle.X)
    assert eq.converged
    close(eq.Z, oracle.output("Z").T, z_tolerance(net, eq))
    close(eq.U, oracle.output("U").T, 2 * z_tolerance(net, eq) + 4 * U)
    assert np.array_equal(eq.gates, oracle.output("U").T > 0)


def test_adjoint(oracle):
    net = oracle.network()
    adjoint = net.adjoint(oracle.X)
    assert adjoint.converged
    close(adjoint.Q, oracle.output("Q").T, q_tolerance(net, adjoint))


def product_tolerance(net, J):
    """Relative error of a product of a z, a q and a few inner products: first order, times 4."""
    eps = relative_solve_error(net, max(J.adjoint.residual, J.adjoint.equilibrium.residual))
    return 4 * eps + (net.width + 10) * U


def test_prediction_and_gradient(oracle):
    net = oracle.network()
    J = net.linearisation(oracle.X)
    eps = product_tolerance(net, J)
    norms = np.linalg.norm(J.Z, axis=1)
    close(net.predict(oracle.X), oracle.output("yhat")[:, 0], eps * norms)
    weight = np.abs(J.predictions - oracle.y) + eps * norms
    size = net.gamma / np.sqrt(net.width) * float(np.sum(weight * np.linalg.norm(J.Q, axis=1) * norms))
    close(net.gradient(oracle.X, oracle.y), oracle.output("loss_gradient_A"), 2 * eps * size)


@pytest.mark.parametrize(
    ("trainable", "key"),
    [(("A",), "gram_A"), (("W",), "gram_W"), (("b",), "gram_b"), (("A", "W", "b"), "gram_all")],
)
def test_gram(oracle, trainable, key):
    net = oracle.network(*trainable)
    want = oracle.output(key)
    # |H_ij| <= sqrt(H_ii H_jj): an error relative to that holds where the inner products cancel, too
    scale = np.sqrt(np.outer(np.diag(want), np.diag(want)))
    close(net.gram(oracle.X), want, 2 * product_tolerance(net, net.linearisation(oracle.X)) * scale)


def test_norm(oracle):
    net = oracle.network()
    want = oracle.output("norm_A")
    assert abs(net.operator_norm() - want) <= 4 * net.width * U * want
    assert net.rho == net.gamma * net.operator_norm()


def test_eigenvalues_of_gram(oracle):
    net = oracle.network()
    want = np.array([float(x) for x in oracle.raw["outputs"]["eigenvalues_gram_A"]])
    slack = 2 * product_tolerance(net, net.linearisation(oracle.X)) * want.sum()  # Weyl
    assert np.max(np.abs(np.linalg.eigvalsh(net.gram(oracle.X)) - want)) <= slack


def test_tolerances_are_tight_enough_to_refute(oracle):
    """Planted errors in sign, transpose, factor and gate are all seen, by a wide margin."""
    net = oracle.network()
    J = net.linearisation(oracle.X)
    want_Q, want_Z, want_G = oracle.output("Q").T, oracle.output("Z").T, oracle.output("loss_gradient_A")
    r, root = (J.predictions - oracle.y)[:, None], np.sqrt(net.width)
    wrong = {
        "Z": [
            net.with_parameters(A=net.A.T).equilibrium(oracle.X).Z,
            net.with_parameters(A=-net.A).equilibrium(oracle.X).Z,
        ],
        "Q": [net.with_parameters(A=net.A.T).adjoint(oracle.X).Q, J.Q + 1e-12, -J.Q],
        "G": [net.gradient(oracle.X, oracle.y).T, net.gradient(oracle.X, -oracle.y), (r * J.Q).T @ J.Z / root],
    }
    for Z in wrong["Z"]:
        with pytest.raises(AssertionError):
            close(Z, want_Z, z_tolerance(net, J.adjoint.equilibrium))
    for Q in wrong["Q"]:
        with pytest.raises(AssertionError):
            close(Q, want_Q, q_tolerance(net, J.adjoint))
    for G in wrong["G"]:
        with pytest.raises(AssertionError):
            close(G, want_G, 1e-10)
    with pytest.raises(AssertionError):
        close(J.gram() * (1 + 1e-11), oracle.output("gram_A"), 2e-13 * np.abs(J.gram()).max())
