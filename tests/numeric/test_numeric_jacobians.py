"""Equations (10) and (11): the formulas, differences of the model, and the reference values, three ways."""

from __future__ import annotations

import numpy as np
import pytest
from solve_bounds import U, relative_solve_error

from deqmath.errors import InputError, KinkError
from deqmath.numeric import (
    ReLUNetwork,
    adjoint_jacobian,
    adjoint_jacobian_by_differences,
    equilibrium_jacobian,
    equilibrium_jacobian_by_differences,
    equilibrium_jvp,
)


def test_formulas_against_reference(oracle):
    net = oracle.network()
    eps = 4 * relative_solve_error(net, 1e-14) + 20 * net.width * U
    for formula, key in ((equilibrium_jacobian, "dz0_dvecA"), (adjoint_jacobian, "dq0_dvecA")):
        want = oracle.output(key)
        assert np.max(np.abs(formula(net, oracle.X[0]) - want)) <= eps * np.linalg.norm(want)


def test_differences_against_reference(oracle):
    # central differences: truncation h^2 gamma^2 |J| and cancellation 1e-14 / h, with h = 1e-5
    net = oracle.network()
    for route, key in (
        (equilibrium_jacobian_by_differences, "dz0_dvecA"),
        (adjoint_jacobian_by_differences, "dq0_dvecA"),
    ):
        assert np.max(np.abs(route(net, oracle.X[0]) - oracle.output(key))) <= 5e-9


@pytest.mark.parametrize(("init", "phi"), [("gaussian", "relu"), ("gaussian", "identity"), ("diagonal", "identity")])
def test_formulas_against_differences(init, phi):
    net = ReLUNetwork.random(width=8, inputs=3, gamma0=0.3, init=init, seed=11, phi=phi)
    x = np.array([0.6, 0.0, 0.8])
    assert np.max(np.abs(equilibrium_jacobian(net, x) - equilibrium_jacobian_by_differences(net, x))) <= 1e-8
    assert np.max(np.abs(adjoint_jacobian(net, x) - adjoint_jacobian_by_differences(net, x))) <= 1e-8


def test_a_wrong_formula_is_seen(oracle):
    """The sign, the transposed response and the row-major layout all differ from the reference."""
    net, want = oracle.network(), oracle.output("dz0_dvecA")
    eq = net.equilibrium(oracle.X[:1])
    D = np.diag(eq.gates[0].astype(float))
    R = np.linalg.solve(np.eye(6) - net.gamma * D @ net.A, D)
    z = eq.Z[0][None, :]
    for planted in (-net.gamma * np.kron(z, R), net.gamma * np.kron(z, R.T), net.gamma * np.kron(R, z)):
        assert np.max(np.abs(planted - want)) > 1e-4


def test_jvp_against_jacobians(small):
    net, X, _ = small
    V = np.random.default_rng(0).standard_normal((24, 24))
    dZ, dQ = equilibrium_jvp(net, X, V)
    flat = V.ravel(order="F")
    for i, x in enumerate(X):
        assert np.allclose(dZ[i], equilibrium_jacobian(net, x) @ flat, rtol=0, atol=1e-12 * np.linalg.norm(dZ[i]))
        assert np.allclose(dQ[i], adjoint_jacobian(net, x) @ flat, rtol=0, atol=1e-12 * np.linalg.norm(dQ[i]))
    with pytest.raises(InputError, match=r"V has shape \(3, 3\); it needs the shape of A"):
        equilibrium_jvp(net, X, np.eye(3))


def test_a_kink_is_refused():
    """u = 0 at the base point: moving A_11 up opens the gate, moving it down keeps it shut."""
    net = ReLUNetwork(A=[[0.0, 1.0], [0.0, 0.0]], W=[[-0.5], [1.0]], b=[1.0, 1.0], gamma=0.5, phi="identity")
    with pytest.raises(KinkError, match="a gate switches within"):
        equilibrium_jacobian_by_differences(net, [1.0])


def test_a_diagonal_start_with_relu_injection_is_at_a_kink():
    """A finding: where W x < 0 the injection is 0, a diagonal A feeds nothing else in, and u = 0 exactly.

    Formula (10) takes the gate as shut and says 0; moving an off-diagonal entry up opens it, so that z has no
    derivative in vec(A) there.
    """
    net = ReLUNetwork.random(width=8, inputs=3, gamma0=0.3, init="diagonal", seed=11)
    eq = net.equilibrium([[0.6, 0.0, 0.8]])
    assert np.any(np.asarray(eq.U) == 0.0)
    with pytest.raises(KinkError):
        equilibrium_jacobian_by_differences(net, [0.6, 0.0, 0.8])


def test_width_is_limited():
    net = ReLUNetwork.random(width=129, inputs=1, gamma0=0.1)
    with pytest.raises(InputError, match="use equilibrium_jvp"):
        equilibrium_jacobian(net, [1.0])
