"""Enclosed equilibria against exact rational solutions; every part of the proof broken once."""

import sys
from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_networks import exact_equilibrium, exact_gram, missed, random_network

from deqmath.bounds import equilibria, equilibrium, gated_systems, lambda_min, network_gram, network_lambda_min
from deqmath.bounds.certificates import monotone
from deqmath.errors import InputError, ShapeError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork

GRAM_MODULE = sys.modules["deqmath.bounds.network_gram"]


def wrong_balls(rng, cases=25, digits=1, gamma0=0.4, phi="relu"):
    """Balls that miss the exact equilibrium, and signs that are wrong."""
    balls = signs = 0
    for _ in range(cases):
        net = random_network(rng, gamma0=gamma0, phi=phi)
        X = rng.standard_normal((2, 3))
        found = equilibrium(net, X, digits)
        if found.status == "undecided":
            continue
        for ball, x in zip(found.balls, X.tolist(), strict=True):
            z, u = exact_equilibrium(net, x)
            balls += missed(ball, z)
            signs += any(
                not lost and sign != (value > 0) - (value < 0)
                for value, sign, lost in zip(u, ball.signs.tolist(), ball.undecided.tolist(), strict=True)
            ) or any(value not in ball[k] for k, value in enumerate(z) if not missed(ball, z))
    return balls, signs


@pytest.mark.parametrize("phi", ["relu", "identity"])
@pytest.mark.parametrize("digits", [1, 17, 60, 140])
def test_exact_equilibria_are_inside(rng, digits, phi):
    assert wrong_balls(rng, 8, digits, 0.25, phi) == (0, 0)


def test_the_radius_asked_for_and_all_signs(rng):
    for digits in (3, 40, 333):
        net = random_network(rng, 15)
        found = equilibrium(net, rng.standard_normal((3, 3)), digits)
        assert found.status == "proved"
        assert found.digits >= digits
        assert found.undecided_signs == 0
        assert 0 < found.monotonicity <= 1
        assert "one and only one" in str(found)


def test_against_mpmath_at_twice_the_digits(rng):
    net = random_network(rng, 10)
    X = rng.standard_normal((2, 3))
    oracle = MultiprecisionNetwork.from_network(net, digits=80).equilibrium(X.tolist())
    found = equilibrium(net, X, 40)
    for i in range(2):
        assert (found[i].signs > 0).tolist() == list(oracle.gates[i])
        for k in range(10):
            sign, mantissa, exponent, _ = oracle.Z[i, k]._mpf_
            value = Fraction(int(mantissa)) * Fraction(2) ** int(exponent) * (-1) ** sign
            assert abs(value - found[i].centre.fraction(k, 0)) <= found[i].radius + Fraction(1, 10**75)
            assert Fraction(found[i].decimal(30)[k]) == pytest.approx(float(value), rel=1e-14)


def test_well_posed_where_the_contraction_fails(rng):
    """gamma0 = 0.6: gamma ||A|| is about 1.2, yet I - gamma A is monotone."""
    net = ReLUNetwork.random(width=200, inputs=3, gamma0=0.6, seed=1)
    assert net.rho > 1.1
    found = equilibrium(net, rng.standard_normal((2, 3)), 30)
    assert (found.status, found.undecided_signs) == ("proved", 0)
    assert wrong_balls(rng, 20, 20, 0.6) == (0, 0)


def test_not_well_posed_is_undecided():
    net = ReLUNetwork(A=np.ones((3, 3)), W=np.ones((3, 1)), b=np.ones(3), gamma=0.5)
    found = equilibrium(net, np.ones((1, 1)))
    assert found.status == "undecided"
    assert "monotone" in str(found)
    with pytest.raises(InputError, match="nothing was proved"):
        found[0]
    bound = network_lambda_min(net, np.ones((1, 1)))
    assert bound.status == "undecided"


def test_kinks():
    """u_2 = 0 exactly: proved where z is dyadic, undecided where it is 4/3."""
    exactly = ReLUNetwork(A=[[0.0, 1.0], [1.0, 0.0]], W=[[3.0], [-1.5]], b=[1.0, 1.0], gamma=0.5, phi="identity")
    ball = equilibrium(exactly, np.array([[1.0]]), 30)[0]
    assert (ball.radius, ball.signs.tolist(), ball.undecided.any()) == (0, [1, 0], False)
    thirds = ReLUNetwork(A=[[1.0, 0.0], [3.0, 0.0]], W=[[1.0], [-1.0]], b=[1.0, 1.0], gamma=0.25, phi="identity")
    found = equilibrium(thirds, np.array([[1.0]]), 30)
    ball = found[0]
    assert ball.undecided.tolist() == [False, True]
    assert ball.digits >= 30
    assert Fraction(4, 3) in ball[0]
    assert 0 in ball[1]
    assert "1 of 2 signs" in str(found)
    assert "could not be proved" in network_gram(thirds, np.array([[1.0]])).reason


@pytest.mark.parametrize("offset", [2.0**-52, -(2.0**-52), 2.0**-200, -(2.0**-200)])
def test_signs_far_below_float64(offset):
    """u_2 = offset, invisible in float64 next to the terms it is the sum of."""
    net = ReLUNetwork(A=[[0.0, 0.0], [1.0, 0.0]], W=[[1.0, 0.0], [-0.5, 1.0]], b=[1.0, 1.0], gamma=0.5, phi="identity")
    ball = equilibrium(net, np.array([[1.0, offset]]), 20)[0]
    assert ball.signs.tolist() == [1, 1 if offset > 0 else -1]
    assert not ball.undecided.any()


@pytest.mark.parametrize("scale", [1e-150, 1e150, 5e-324])
def test_scales(scale, rng):
    net = random_network(rng, 6)
    found = equilibrium(net, np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]]) * scale, 30)
    z, _ = exact_equilibrium(net, [scale, -2.0 * scale, 0.5 * scale]) if scale > 1e-300 else (None, None)
    assert z is None or not missed(found[0], z)
    assert found[1].radius == 0
    assert found[1].signs.tolist() == [0] * 6
    balanced = ReLUNetwork(A=net.A * 2.0**600, W=net.W, b=net.b, gamma=net.gamma * 2.0**-600)
    again = equilibrium(balanced, np.array([[1.0, -2.0, 0.5]]), 30)
    assert not missed(again[0], exact_equilibrium(net, [1.0, -2.0, 0.5])[0])


def test_bad_input(rng):
    net = random_network(rng, 4)
    with pytest.raises(ShapeError, match="rows are samples"):
        equilibrium(net, np.ones((2, 5)))
    with pytest.raises(InputError, match="finite"):
        equilibrium(net, np.array([[np.nan, 1.0, 1.0]]))
    with pytest.raises(InputError, match="digits"):
        equilibrium(net, np.ones((1, 3)), 0)
    huge = ReLUNetwork(A=np.full((2, 2), 1e300), W=np.ones((2, 1)), b=np.ones(2), gamma=1e300)
    with pytest.raises(InputError, match="too far apart"):
        equilibrium(huge, np.ones((1, 1)))


# --- the proof, broken ---------------------------------------------------------------------------------------------


@pytest.fixture
def coarse(monkeypatch):
    """Steps of four bits and no second look, so that the radius carries weight."""
    monkeypatch.setattr(gated_systems, "STEP_BITS", 4)
    monkeypatch.setattr(equilibria, "GUARD_BITS", 0)
    monkeypatch.setattr(equilibria, "MOST_ROUNDS", 1)
    return monkeypatch


def test_the_monotone_constant_is_needed(coarse):
    assert wrong_balls(np.random.default_rng(1)) == (0, 0)
    coarse.setattr(equilibria, "monotone_constant", lambda *a: 100 * (monotone.monotone_constant(*a) or 0) or None)
    assert wrong_balls(np.random.default_rng(1))[0] > 0


def test_the_factor_of_the_nonlinear_ball_is_needed(coarse):
    """With open signs the ball is (2 + gamma ||A||)/c ||F(z) - z||; a thousandth of it misses."""
    coarse.setattr(gated_systems, "STEP_BITS", 2)
    sound = equilibria._Chunk.__init__

    def shrunk(self, *arguments):
        sound(self, *arguments)
        self.stretch /= 1000

    def open_signs(self, *_):
        return np.zeros(self.weights.width, dtype=np.int8), np.ones(self.weights.width, dtype=bool)

    coarse.setattr(equilibria._Chunk, "_signs", open_signs)
    assert wrong_balls(np.random.default_rng(2))[0] == 0
    coarse.setattr(equilibria._Chunk, "__init__", shrunk)
    assert wrong_balls(np.random.default_rng(2))[0] > 0


def test_the_margin_of_the_signs_is_needed(coarse):
    """Decide signs by the computed pre-activation alone, from gates that are wrong: false signs appear."""
    coarse.setattr(gated_systems, "STEP_BITS", 1)
    coarse.setattr(gated_systems, "MOST_STALLS", 0)
    sound = equilibria._Chunk._signs

    def without(self, u, shut, floats, error, *_):
        return sound(self, u, shut, floats, error, Fraction(0), Fraction(0))

    assert wrong_balls(np.random.default_rng(3), 60)[1] == 0
    coarse.setattr(equilibria._Chunk, "_signs", without)
    assert wrong_balls(np.random.default_rng(3), 60)[1] > 0


def test_the_symmetric_part_and_its_rounding():
    a = np.array([[0.0, 2.0], [0.0, 0.0]])
    assert monotone.monotone_constant(a, 0.999) is not None
    assert monotone.monotone_constant(a, 1.001) is None
    assert monotone.monotone_constant(a, 1.0) is None  # singular symmetric part
    rng = np.random.default_rng(4)
    for _ in range(30):
        b, gamma = rng.standard_normal((6, 6)), float(rng.uniform(0.05, 0.5))
        formed, error = monotone.symmetric_part(b, gamma)
        gaps = (
            Fraction(formed[i, j]) - (i == j) + Fraction(gamma) * (Fraction(b[i, j]) + Fraction(b[j, i])) / 2
            for i in range(6)
            for j in range(6)
        )
        size = sum((g * g for g in gaps), Fraction(0))
        assert 0 < size <= error**2


# --- the Gram matrix -----------------------------------------------------------------------------------------------


def wrong_entries(rng, cases=6, digits=1):
    wrong = 0
    for _ in range(cases):
        net = random_network(rng, 7)
        X = rng.standard_normal((3, 3))
        H, found = exact_gram(net, X), network_gram(net, X, digits)
        if found.status == "proved":
            wrong += sum(H[i][j] not in found.entry(i, j) for i in range(3) for j in range(3))
    return wrong


@pytest.mark.parametrize("digits", [1, 25, 80])
def test_the_exact_gram_matrix_is_inside(rng, digits):
    assert wrong_entries(rng, 4, digits) == 0


def test_radii_of_the_adjoints_are_needed(monkeypatch):
    monkeypatch.setattr(gated_systems, "STEP_BITS", 4)
    assert wrong_entries(np.random.default_rng(5)) == 0
    sound = GRAM_MODULE._inner_products
    monkeypatch.setattr(GRAM_MODULE, "_inner_products", lambda v: sound([(c, r / 1000) for c, r in v]))
    assert wrong_entries(np.random.default_rng(5)) > 0


def proves_false(rng, digits=2):
    """lambda_min bounds of the true Gram that miss; the truth has 60 digits."""
    wrong = 0
    for _ in range(6):
        net = random_network(rng, 7)
        X = rng.standard_normal((3, 3))
        truth = network_lambda_min(net, X, 60)
        assert truth.digits >= 60
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gated_systems, "STEP_BITS", 4)
            patch.setattr(GRAM_MODULE, "MOST_TRIES", 1)
            found = network_lambda_min(net, X, digits)
        wrong += not (found.lower is None or found.lower <= truth.lower) or not truth.upper <= found.upper
    return wrong


def test_weyl_is_needed(monkeypatch):
    monkeypatch.setattr(GRAM_MODULE, "GUARD_DIGITS", 0)
    assert proves_false(np.random.default_rng(6)) == 0
    sound = GRAM_MODULE._inner_products
    monkeypatch.setattr(GRAM_MODULE, "_inner_products", lambda v: (sound(v)[0], Fraction(0)))
    assert proves_false(np.random.default_rng(6)) > 0


def test_lambda_min_of_the_true_gram(rng):
    net, X = random_network(rng, 24), rng.standard_normal((4, 3))
    exact = flint.fmpq_mat([[flint.fmpq(v.numerator, v.denominator) for v in row] for row in exact_gram(net, X)])
    oracle, found = lambda_min(exact, 60), network_lambda_min(net, X, 30)
    assert found.digits >= 30
    assert found.lower <= oracle.lower <= oracle.upper <= found.upper
    H = net.gram(X)
    assert np.linalg.eigvalsh(H)[0] == pytest.approx(float(found.mid), rel=1e-6)


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-530, 2.0**530, 2.0**1000])
def test_inputs_of_any_scale(rng, scale):
    """The map is homogeneous: at 1e-301 .. 1e+301 float64 and the proof find the same equilibria, scaled."""
    net = random_network(rng, 12)
    X = rng.standard_normal((3, 3))
    X[2] = 0.0
    plain, scaled = (net.equilibrium(Z) for Z in (X, X * scale))
    assert np.abs(scaled.Z / scale - plain.Z).max() <= 1e-13 * np.abs(plain.Z).max()
    first, second = (equilibrium(net, Z, 20) for Z in (X, X * scale))
    assert (second.status, second.undecided_signs) == ("proved", 0)
    for one, other in zip(first.balls, second.balls, strict=True):
        assert np.array_equal(one.signs, other.signs)
        assert other[0].lower <= one[0].upper * Fraction(scale)
        assert one[0].lower * Fraction(scale) <= other[0].upper


@pytest.mark.parametrize("scale", [1e-200, 1e-155, 1.0, 1e155, 1e200])
@pytest.mark.parametrize("name", ["numpy", "strict"])
def test_norms_of_any_scale(scale, name):
    from deqmath.numeric.arrays import frobenius, namespace, row_norms

    xs = np if name == "numpy" else pytest.importorskip("array_api_strict")
    x = xs.asarray(np.array([[3.0, 4.0], [0.0, 0.0], [-5.0, 12.0]]) * scale)
    xp = namespace(x)
    assert np.asarray(row_norms(xp, x)) / scale == pytest.approx([5.0, 0.0, 13.0], rel=1e-15)
    assert frobenius(xp, x) / scale == pytest.approx(np.sqrt(194), rel=1e-15)
