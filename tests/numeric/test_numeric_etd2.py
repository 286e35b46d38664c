"""The exponential integrator's step against the same step with dense matrix functions."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork
from deqmath.numeric.etd2 import etd2_step
from deqmath.numeric.phi_functions import phi_functions
from deqmath.numeric.recorder import prepare


@pytest.mark.parametrize("z", [0.0, -1e-12, -1e-3, -0.5, -0.999, -1.0, -1.001, -5.0, -40.0, -1e4, 0.7])
def test_phi_functions_against_many_digits(z):
    ctx = mpmath.MPContext()
    ctx.dps = 60
    x = ctx.mpf(z)
    one = ctx.expm1(x) / x if z else ctx.one
    three = (ctx.exp(x) - 1 - x - x**2 / 2) / x**3 if z else ctx.one / 6
    found = phi_functions(np.array([z]))
    assert float(found[0][0]) == pytest.approx(float(one), rel=1e-15)
    assert float(found[1][0]) == pytest.approx(float(three), rel=2e-14)


@pytest.mark.parametrize("h", [0.5, 20.0, 300.0])
def test_the_step_against_dense_matrix_functions(h):
    """``P2 = P1 + h phi_2(hL)(J^T r_lin - J1^T r1)`` with the m^2 x m^2 matrix L = -J^T J itself."""
    rng = np.random.default_rng(4)
    X = rng.standard_normal((3, 3))
    net = ReLUNetwork.random(width=10, inputs=3, gamma0=0.2, seed=4)
    _, data, state = prepare(net, X, net.predict(X) + 0.1 * rng.standard_normal(3))

    def dense(s):
        return np.array([s.J.pullback(e)["A"].ravel() for e in np.eye(3)])

    J, r = dense(state), state.residual
    w, V = np.linalg.eigh(J.T @ J)
    w = np.maximum(w, 0.0)
    wide = np.where(h * w < 1e-6, 1.0, h * w)
    phi_1 = (V * np.where(h * w < 1e-6, 1 - h * w / 2, -np.expm1(-wide) / wide)) @ V.T
    phi_2 = (V * np.where(h * w < 1e-6, 0.5 - h * w / 6, (np.exp(-wide) - 1 + wide) / wide**2)) @ V.T
    first = net.A.ravel() - h * phi_1 @ (J.T @ r)
    half = prepare(net.with_parameters(A=first.reshape(10, 10)), X, state.y)[2]
    wH, VH = np.linalg.eigh(state.gram)
    r_lin = (VH * np.exp(-h * wH)) @ VH.T @ r
    change = h * phi_2 @ (J.T @ r_lin - dense(half).T @ half.residual)
    trial = etd2_step(state, data, h)
    assert np.max(np.abs(trial.net.A.ravel() - first - change)) <= 1e-8 * np.linalg.norm(change)
    assert trial.difference == pytest.approx(np.linalg.norm(change), rel=1e-8)
