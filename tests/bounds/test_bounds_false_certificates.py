"""Certificates that were false once: the coupling error on a kink, Gram matrices of balanced networks, signs of small entries."""

import copy
from fractions import Fraction as F
from functools import cache

import numpy as np
import pytest
from bounds_networks import exact_adjoint, exact_equilibrium, exact_gram

from deqmath import bounds
from deqmath.bounds import check_certificate
from deqmath.bounds.certificates.monotone import monotone_constant
from deqmath.bounds.equilibria import length, row_norms, weights_of
from deqmath.bounds.gram import Gram
from deqmath.bounds.integers import Scaled
from deqmath.bounds.network_state import network_state
from deqmath.bounds.recheck import reading
from deqmath.bounds.recheck.reading import FalseCertificateError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork, multiprecision_flow

COUPLINGS = ("change_u", "coupling", "coupling_off_kinks", "coupling_at_samples")
POWERS = sorted({s * k for k in (0, 100, 299, 300, 301, 310, 500) for s in (1, -1)})
A = np.array([[1.0, 0.5], [0.25, -1.0]])


def uppers(record):
    return {name: float(record[name].upper) for name in COUPLINGS}


class Coupled:
    """f - g at the end of the flow in many digits: A moves along the kernel's own directions, Newton's way."""

    def __init__(self, net, X, y, digits=40):
        self.net, self.X = net, X
        self.start = MultiprecisionNetwork.from_network(net, digits=digits)
        ctx = self.ctx = self.start.context
        gap = ctx.matrix([ctx.mpf(float(v)) for v in y]) - self.start.predict(X)
        self.gap = gap
        self.states = self._states(self.start)
        self.weights = ctx.lu_solve(self.start.gram(X), gap)
        moved = self.start
        for _ in range(4):
            left = ctx.matrix([ctx.mpf(float(v)) for v in y]) - moved.predict(X)
            share = ctx.lu_solve(moved.gram(X), left)
            change = ctx.zeros(net.width)
            for (z, q), c in zip(self._states(moved), share, strict=True):
                change += moved.gamma / ctx.sqrt(net.width) * c * (q * z.T)
            moved = copy.copy(moved)
            moved.A = moved.A + change
        self.end = moved

    def _states(self, many):
        return [(column(many.equilibrium([x]).Z), column(many.adjoint([x]))) for x in self.X.tolist()]

    def apart(self, x):
        ctx = self.ctx
        z, q = column(self.start.equilibrium(x).Z), column(self.start.adjoint(x))
        row = [self.start.gamma**2 / self.net.width * (z.T * zi)[0] * (q.T * qi)[0] for zi, qi in self.states]
        coupled = sum((k * c for k, c in zip(row, self.weights, strict=True)), ctx.mpf(0))
        return float(abs(self.end.predict(x)[0] - self.start.predict(x)[0] - coupled))


def column(matrix):
    """The only sample, as a column."""
    return matrix.T if matrix.rows == 1 else matrix


@cache
def issue():
    net, X = ReLUNetwork.random(width=16, inputs=3, gamma0=0.1, seed=0), np.eye(3)[:2]
    return net, X, np.asarray(net.predict(X)).ravel() + 1e-12 * np.array([1.0, -1.0])


@cache
def issue_in_many_digits():
    return Coupled(*issue())


@cache
def record_of_issue():
    return bounds.generalization(*issue())


def test_the_coupling_error_of_a_random_network_at_an_input_beside_a_kink():
    """Unit 2 has u = 1.2e-18 at x: the true difference was 12 times the bound that was claimed there."""
    X, record, found = issue()[1], record_of_issue(), issue_in_many_digits()
    ctx = found.ctx
    x = [
        [
            ctx.mpf(v)
            for v in (
                "0.537812235716775550327980256012",
                "-0.211623228334009235592669546539",
                "0.816072060753715084388641903976",
            )
        ]
    ]
    assert sum(v * v for v in x[0]) <= 1
    apart, top = found.apart(x), uppers(record)
    assert apart == pytest.approx(1.34e-13, rel=0.01)
    assert top["coupling_off_kinks"] < apart <= top["coupling"]
    u = found.start.equilibrium(x).U
    assert min(abs(v) for v in u) < top["change_u"]
    for sample in X.tolist():
        assert found.apart([sample]) <= top["coupling_at_samples"]
    assert check_certificate(record.certificate).status == "proved"


def test_off_kinks_the_second_order_bound_holds_at_inputs_that_are_no_samples(rng):
    top, found, seen = uppers(record_of_issue()), issue_in_many_digits(), 0
    for x in rng.standard_normal((6, 3)):
        x = (x / np.linalg.norm(x) * 0.999).tolist()
        margin = min(abs(v) for v in found.start.equilibrium([x]).U)
        if margin > top["change_u"]:
            seen += 1
            assert found.apart([x]) <= top["coupling_off_kinks"]
    assert seen >= 3


def at_rest(units):
    return ReLUNetwork(
        A=np.zeros((2 * units, 2 * units)),
        W=np.repeat(np.eye(2), units, axis=0),
        b=np.ones(2 * units),
        gamma=0.05 / units,
    )


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-8])
@pytest.mark.parametrize("units", [1, 8])
def test_the_coupling_error_on_a_kink_is_of_the_first_order(size, units):
    """A = 0, half of the units on their kinks at x: they open at t = 0+, and half of the motion is left over at any width."""
    net = at_rest(units)
    X, x = np.array([[0.8, 0.6]]), np.array([[0.8, -0.6]])
    y = np.asarray(net.predict(X)) + size
    record = bounds.generalization(net, X, y)
    rate = float(np.asarray(net.gram(X))[0, 0])
    if units == 1:
        start = MultiprecisionNetwork.from_network(net, digits=30)
        moved = float(
            multiprecision_flow(start, X, y, t_end=20 / rate).networks[-1].predict(x)[0] - start.predict(x)[0]
        )
        apart = abs(moved - float(np.asarray(net.kernel(x, X))[0, 0]) / rate * float(y[0] - start.predict(X)[0]))
    else:
        apart = Coupled(net, X, y).apart(x.tolist())
    assert apart > 0.3 * size
    top = uppers(record)
    assert apart <= top["coupling"] <= 15 * apart
    assert top["coupling_off_kinks"] < (apart if size < 1e-2 else 10 * apart)
    again = check_certificate(record.certificate)
    assert {name: again[name].upper for name in COUPLINGS} == {name: record[name].upper for name in COUPLINGS}


@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize("factor", [F(99, 100), F(1, 50_000)])
@pytest.mark.parametrize("random", [True, False])
def test_a_smaller_coupling_error_is_refused(name, factor, random):
    net = at_rest(1)
    target = np.asarray(net.predict(np.array([[0.8, 0.6]]))) + 1e-4
    record = record_of_issue() if random else bounds.generalization(net, np.array([[0.8, 0.6]]), target)
    claimed = record.certificate["claims"]
    forged = copy.deepcopy(record.certificate)
    forged["claims"][name] = {**claimed[name], "upper": str(record[name].upper * factor)}
    forged["digest"] = reading.digest(forged)
    with pytest.raises(FalseCertificateError, match=name):
        check_certificate(forged)


def test_a_certificate_of_the_old_statement_is_refused():
    record = record_of_issue()
    old = copy.deepcopy(record.certificate)
    old["statement"] = old["statement"].replace("where gradient flow", "gradient flow")
    old["digest"] = reading.digest(old)
    with pytest.raises(ValueError, match="statement"):
        check_certificate(old)


def test_the_couplings_against_the_proof_by_hand():
    """The formulas of the docstring in float64."""
    net, X, y = issue()
    theorem, top = bounds.theorem_3_1(net, X, y), uppers(record_of_issue())
    known = {name: float(theorem[name].upper) for name in ("rho", "size_z", "size_q", "change_z", "change_q", "jump_q")}
    low, r, n, h = float(theorem["lambda_0"].lower), float(theorem["residual"].upper), 2, net.gamma**2 / 16
    s, a, rho = known["size_z"], known["size_q"], known["rho"]
    change = float(theorem["change_gram_with_jumps"].upper)
    largest = known["change_q"] + 4 / (1 - rho / 2) / (1 - rho)  # ||b|| = 4
    for name, at_x in (("coupling", min(largest, 2 * a)), ("coupling_off_kinks", known["change_q"])):
        moved = known["change_q"] + known["jump_q"] + at_x
        row = h * (2 * s * a**2 * known["change_z"] + s**2 * a * moved)
        whole = 2 * np.sqrt(n) * r * (row / low + h * s**2 * a**2 * change / low**2)
        assert top[name] == pytest.approx(whole, rel=1e-6)
    assert top["coupling_at_samples"] == pytest.approx(change * r / (2 * low), rel=1e-6)


# The network's own gamma, wherever gamma stands without A.


def scaled(k, what):
    s, A_, W, b, gamma, X = 2.0**k, A, np.eye(2), np.ones(2), 0.25, np.array([[1.0, 0.5], [0.25, 1.0]])
    if what == "A":
        A_, gamma = A * s, 0.25 / s
    elif what == "b":
        b = b * s
    elif what == "W":
        W = W * s
    else:
        X = X * s
    return ReLUNetwork(A=A_, W=W, b=b, gamma=gamma), X


def holds_lambda_min(bound, H):
    """Whether the smallest eigenvalue of an exact 2 x 2 matrix lies between the ends: below both signs of ``|H - t|``."""

    def below(t):  # t <= lambda_min
        first = H[0][0] - t
        return first >= 0 and first * (H[1][1] - t) >= H[0][1] ** 2

    return below(bound.lower) and not below(bound.upper + abs(bound.upper) / 10**30)


CASES = [("A", k) for k in POWERS] + [(w, k) for w in ("b", "W", "X") for k in (-500, -301, -300, 299, 301, 500)]


@pytest.mark.parametrize(("what", "k"), CASES)
def test_scaled_networks_against_exact_rationals(what, k):
    net, X = scaled(k, what)
    H = exact_gram(net, X)
    found = bounds.network_gram(net, X)
    assert all(found.entry(i, j).lower <= H[i][j] <= found.entry(i, j).upper for i in range(2) for j in range(2))
    least = bounds.network_lambda_min(net, X)
    assert holds_lambda_min(least, H)
    assert least.digits >= 15
    assert check_certificate(least.certificate).status == "proved"
    if abs(k) not in (0, 301, 500):
        return
    y = np.array([0.5, -0.25])
    theorem, terms = bounds.theorem_3_1(net, X, y), bounds.generalization(net, X, y)
    assert holds_lambda_min(theorem["lambda_0"], H)
    det = H[0][0] * H[1][1] - H[0][1] ** 2
    form = (H[1][1] * F(y[0]) ** 2 - 2 * H[0][1] * F(y[0]) * F(y[1]) + H[0][0] * F(y[1]) ** 2) / det / 2
    assert terms["leading"].lower ** 2 <= form <= terms["leading"].upper ** 2
    if what == "A":
        assert_constants(theorem, net, X, y)
    for record in (theorem, terms):
        assert check_certificate(record.certificate).proved


def assert_constants(theorem, net, X, y):
    """Residual, c and rho with the original A and gamma; exact equilibria and adjoints lie within the sizes."""
    gap = F(0)
    for x, target in zip(X.tolist(), y.tolist(), strict=True):
        z, u = exact_equilibrium(net, x)
        f = sum(z) / F(np.sqrt(2.0))
        gap += (f - F(target)) ** 2
        if theorem["size_z"].status == "proved":
            assert sum(v**2 for v in z) <= theorem["size_z"].upper ** 2
            assert sum(v**2 for v in exact_adjoint(net, u)) <= theorem["size_q"].upper ** 2
    assert float(theorem["residual"].mid) ** 2 == pytest.approx(float(gap), rel=1e-12)
    norm = float(bounds.operator_norm(net.A / 2.0 ** np.frexp(abs(net.A).max())[1]).upper)
    size = max(norm * 2.0 ** np.frexp(abs(net.A).max())[1], float(bounds.operator_norm(net.W).upper))
    assert float(theorem["c"].upper) == pytest.approx(size / np.sqrt(2), rel=1e-8)
    assert float(theorem["gamma0"].mid) == pytest.approx(net.gamma * np.sqrt(2), rel=1e-12)


def test_the_weights_hold_both_gammas():
    net, _ = scaled(301, "A")
    weights = weights_of(net)
    assert weights.network_gamma == F(net.gamma)
    assert weights.gamma * F(float(weights.a[0, 0])) == F(net.gamma) * F(float(net.A[0, 0]))


# Entries far below the largest have digits of their own.


@pytest.mark.parametrize(("phi", "a", "w"), [("identity", 2.0**-63, -(2.0**-70)), ("relu", -(2.0**-60), 2.0**-61)])
def test_the_sign_of_a_small_preactivation(phi, a, w):
    """It was proved shut: the injection had been rounded to 2**-60 of its largest entry."""
    net = ReLUNetwork(A=np.array([[0, 0], [a, 0]]), W=np.array([[1.0], [w]]), b=np.ones(2), gamma=0.25, phi=phi)
    found = bounds.equilibrium(net, np.ones((1, 1)))
    exact = F(a) / 4 + F(w)
    assert exact > 0
    assert found[0].signs.tolist() == [1, 1]
    assert exact in found[0][1]
    assert (
        check_certificate(found.certificate).proved if hasattr(check_certificate(found.certificate), "proved") else True
    )


@pytest.mark.parametrize("phi", ["identity", "relu"])
def test_jumps_at_a_sample_much_smaller_than_the_others(phi):
    """Its pre-activations were rounded to 2**-60 of the larger sample's, so that no unit of it counted as switching."""
    net = ReLUNetwork.random(width=6, inputs=2, gamma0=0.1, seed=3, phi=phi)
    X = np.array([[1.0, 0.5], [-(2.0**-66), 2.0**-66]])
    state = network_state(net, X, np.zeros(2), "call")
    inner = [[sum(F(w) * F(v) for w, v in zip(row, x, strict=True)) for x in X.tolist()] for row in net.W.tolist()]
    for k, row in enumerate(inner):
        for i, value in enumerate(row):
            true = max(value, F(0)) if phi == "relu" else value
            assert abs(F(float(state.injection()[k, i])) - true) <= abs(true) / 2**50
    y = np.asarray(net.predict(X)).ravel() + np.array([1e-19, 0.0])
    assert check_certificate(bounds.theorem_3_1(net, X, y).certificate).proved


def test_numbers_near_their_own_size():
    values = np.array([[2**200 + 1, 3], [-(2**70) - 1, 0]], dtype=object)
    found = Scaled(values, -100).near()
    for (i, j), v in np.ndenumerate(values):
        assert abs(F(float(found[i, j])) - F(int(v)) / 2**100) <= F(abs(int(v))) / 2**152
    assert np.isinf(Scaled(values, 2000).near()[0, 0])
    assert Scaled(values, -3000).near()[0, 0] == 0.0


def test_norms_whose_squares_underflow_or_overflow(rng):
    rows = rng.standard_normal((600, 4))
    sizes = np.ldexp(1.0, rng.integers(-900, 900, 600))
    assert row_norms(rows * sizes[:, None]) == pytest.approx(np.linalg.norm(rows, axis=1) * sizes, rel=1e-14)
    assert length(np.full(4, 2.0**-700)) == 2.0**-699
    assert row_norms(np.zeros((2, 3))).tolist() == [0.0, 0.0]


def test_what_underflows_when_a_is_balanced_counts_against_monotonicity():
    a = np.zeros((2, 2))
    assert F(1, 2) <= monotone_constant(a, 1.0, F(1, 8)) <= F(7, 8)
    assert F(1, 8) <= monotone_constant(a, 1.0, F(3, 4)) <= F(1, 4)
    assert monotone_constant(a, 4.0, F(1, 4)) is None


# Squares of float64 numbers that overflow (an OverflowError once) or underflow.


@pytest.mark.parametrize("power", [-1000, -600, -290, -257, 250, 256, 270, 299, 600, 1000])
def test_grams_of_large_and_small_factors(power):
    base = np.array([[1.0, 0.125], [1.0, 0.25]])
    P, s = base * 2.0**power, F(2) ** power
    H = [[s**2 * sum(F(u) * F(v) for u, v in zip(x, y, strict=True)) for y in base.tolist()] for x in base.tolist()]
    assert holds_lambda_min(bounds.gram_lambda_min(P, 20), H)
    smallest = bounds.sigma_min(P, 12)
    assert smallest.lower**2 <= bounds.gram_lambda_min(P, 20).upper
    assert smallest.upper**2 >= bounds.gram_lambda_min(P, 20).lower > 0
    assert smallest.digits >= 12
    assert check_certificate(smallest.certificate).status == "proved"
    exact = bounds.condition_number(base @ base.T, 9)
    assert Gram(P).condition_number(9).lower <= exact.upper
    one = Gram(P).inverse_quadratic_form(np.array([1.0, 0.0]), 12)
    assert H[1][1] / (H[0][0] * H[1][1] - H[0][1] ** 2) in one


def test_sigma_min_of_columns_whose_squares_overflow():
    column_of = np.array([[-6.41957725e83], [-9.08338118e83], [-3.84430474e83]])
    found = bounds.sigma_min(column_of)
    square = sum(F(float(v)) ** 2 for v in column_of[:, 0])
    assert found.lower**2 <= square <= found.upper**2


def test_the_error_of_a_small_gram_matrix_does_not_underflow():
    """Its Frobenius norm was zero in float64: the entries are below 2**-540."""
    made = Gram(np.array([[1.0, 0.5], [0.25, 1.0]]) * 2.0**-280)._operator(15, 1)
    assert abs(made.operator.float_matrix).max() > 2.0**-200


def test_resolvents_whose_inverse_is_large():
    for small in (1e-160, 1e-200):
        found = bounds.resolvent_norm(np.array([[1.0, small], [small, 1.0]]), 1.0, np.ones(2))
        assert 1 / F(small) in found


@pytest.mark.parametrize("gamma", [1e100, 1e160, 1e200, 1e260])
def test_a_large_gamma_is_undecided_not_an_overflow(gamma):
    net = ReLUNetwork(A=A, W=np.eye(2), b=np.ones(2), gamma=gamma)
    assert bounds.equilibrium(net, np.eye(2)).status == "undecided"
    assert bounds.well_posed(net)["monotonicity"].status == "undecided"
