"""The mpmath network: the reference to 50 digits, the float64 trainer, and nothing global touched."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solve_bounds import relative_solve_error

from deqmath.errors import InputError, NotWellPosedError, ShapeError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork

DIGITS = 50


@pytest.fixture(scope="module")
def net(oracle):
    def make(*trainable: str) -> MultiprecisionNetwork:
        b = [row[0] for row in oracle.rational("b")]
        options = {"digits": DIGITS, "trainable": trainable or ("A",)}
        return MultiprecisionNetwork(oracle.rational("A"), oracle.rational("W"), b, Fraction(1, 20), **options)

    return make


def digits_of_agreement(found, want_rows, context) -> float:
    """-log10 of the largest error relative to the largest entry."""
    want = context.matrix([[context.mpf(x) for x in row] for row in want_rows])
    assert (found.rows, found.cols) == (want.rows, want.cols)
    scale = max(abs(x) for x in want)
    worst = max(abs(x - y) for x, y in zip(found, want, strict=True)) / scale
    return 999.0 if worst == 0 else -float(context.log10(worst))


def test_every_output_to_fifty_digits(oracle, net):
    plain = net()
    ctx, out = plain.context, oracle.raw["outputs"]
    X = plain.unit_rows(oracle.rational("X_before_normalising"))
    y = [row[0] for row in oracle.rational("y")]
    eq = plain.equilibrium(X)
    x0 = X[0, :]
    pairs = [
        (eq.Z.T, out["Z"]),
        (eq.U.T, out["U"]),
        (plain.adjoint(X).T, out["Q"]),
        (plain.predict(X), out["yhat"]),
        (plain.gradient(X, y), out["loss_gradient_A"]),
        (plain.gram(X), out["gram_A"]),
        (net("W").gram(X), out["gram_W"]),
        (net("b").gram(X), out["gram_b"]),
        (net("A", "W", "b").gram(X), out["gram_all"]),
        (plain.equilibrium_jacobian(x0), out["dz0_dvecA"]),
        (plain.adjoint_jacobian(x0), out["dq0_dvecA"]),
        (ctx.matrix([[plain.norm]]), [[out["norm_A"]]]),
    ]
    agreement = [digits_of_agreement(found, want, ctx) for found, want in pairs]
    assert min(agreement) >= DIGITS
    assert eq.residual <= ctx.mpf(10) ** -DIGITS


def test_a_planted_error_at_the_45th_digit_is_seen(oracle, net):
    plain = net()
    X = plain.unit_rows(oracle.rational("X_before_normalising"))
    Z = plain.equilibrium(X).Z.T * (1 + plain.context.mpf(10) ** -45)
    assert digits_of_agreement(Z, oracle.raw["outputs"]["Z"], plain.context) < DIGITS


def test_the_global_context_is_untouched(oracle, net):
    before = (mpmath.mp.dps, mpmath.mp.prec)
    plain = net()
    plain.gram(plain.unit_rows(oracle.rational("X_before_normalising")))
    assert (mpmath.mp.dps, mpmath.mp.prec) == before
    assert plain.context is not mpmath.mp


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), phi=st.sampled_from(["relu", "identity"]), width=st.integers(1, 7))
def test_float64_against_multiprecision(seed, phi, width):
    """Same numbers, two programs: Z, Q, gradients and Gram agree to a tolerance from conditioning."""
    net = ReLUNetwork.random(width=width, inputs=2, gamma0=0.2, seed=seed, phi=phi, trainable=("A", "W", "b"))
    if net.rho >= 0.9:
        net = ReLUNetwork(A=0.5 * net.A / net.rho, W=net.W, b=net.b, gamma=net.gamma, phi=phi, trainable=net.trainable)
    X = np.random.default_rng(seed).standard_normal((3, 2))
    y = [0.5, -0.5, 1.0]
    many = MultiprecisionNetwork.from_network(net, digits=25)
    J = net.linearisation(X)
    eps = 50 * relative_solve_error(net, 1e-14) * (1 + np.linalg.norm(X))
    scale = {"z": np.linalg.norm(net.injection(X)) / (1 - net.rho), "q": np.sqrt(width) / (1 - net.rho)}

    def floats(matrix):
        return np.array(matrix.tolist(), dtype=float)

    assert np.max(np.abs(J.Z - floats(many.equilibrium(X).Z))) <= eps * scale["z"]
    assert np.max(np.abs(J.Q - floats(many.adjoint(X)))) <= eps * scale["q"]
    size = 1 + scale["z"] + np.linalg.norm(X)
    exact = many.gradient(X, y)
    for name, found in net.gradient(X, y).items():
        want = floats(exact[name])
        assert np.max(np.abs(found - want.reshape(found.shape))) <= eps * size**2 * scale["q"]
    assert np.max(np.abs(net.gram(X) - floats(many.gram(X)))) <= eps * size**2 * scale["q"] ** 2


def test_bad_input(net):
    plain = net()
    with pytest.raises(ShapeError, match="X has 2 columns but W has shape"):
        plain.equilibrium([[1, 2]])
    with pytest.raises(InputError, match="needs a finite number"):
        plain.equilibrium([[float("nan"), 0, 0]])
    with pytest.raises(InputError, match="needs a real number"):
        plain.equilibrium([["__import__('os')", 0, 0]])
    with pytest.raises(InputError, match="needs a real number"):
        MultiprecisionNetwork([[1j]], [[1]], [1], 1)
    with pytest.raises(ShapeError, match=r"rows of lengths \[2, 1\]"):
        MultiprecisionNetwork([[1, 2], [3]], [[1], [1]], [1, 1], 1)
    with pytest.raises(ShapeError, match="they need"):
        MultiprecisionNetwork([[1, 2], [3, 4]], [[1]], [1, 1], 1)
    with pytest.raises(ShapeError, match="at least one"):
        plain.equilibrium([])
    with pytest.raises(ShapeError, match="y has 1 entries but X has 2 rows"):
        plain.gradient([[1, 0, 0], [0, 1, 0]], [1])
    with pytest.raises(InputError, match="gamma is 0"):
        MultiprecisionNetwork([[1]], [[1]], [1], 0)
    with pytest.raises(NotWellPosedError, match=r"rho = gamma \|\|A\|\|_2 = 2.0"):
        MultiprecisionNetwork([[2]], [[1]], [1], 1).equilibrium([[1]])
    with pytest.raises(InputError, match="row 1 of X is zero"):
        plain.unit_rows([[1, 0], [0, 0]])
    with pytest.raises(InputError, match="digits is 0"):
        MultiprecisionNetwork([[1]], [[1]], [1], 1, digits=0)
