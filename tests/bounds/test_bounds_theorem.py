"""Theorem 3.1 and 4.1 in numbers: derived constants, least width, jumps, generalisation; each inequality broken once."""

import itertools
from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_networks import exact_equilibrium, exact_gram, random_network

from deqmath.bounds import (
    equilibrium,
    gated_systems,
    generalization,
    generalization_bound,
    least_width,
    network_state,
    operator_norm,
    switches,
    theorem_3_1,
)
from deqmath.bounds.ball_expressions import in_balls
from deqmath.bounds.balls import ball, precision
from deqmath.bounds.equilibria import weights_of
from deqmath.bounds.network_gram import adjoints
from deqmath.bounds.theorem_chain import Given, closes, evaluate_chain, theorem_chain
from deqmath.calculus.norm_calculus import least_singular_value, norm_calculus, telescoped
from deqmath.checking import judge
from deqmath.errors import InputError, UnknownNodeError
from deqmath.model import ReLUModel
from deqmath.numeric import ReLUNetwork
from deqmath.numeric.theorem import Constants

F = Fraction
LINES = theorem_chain().lines


SLOW_LINES = {len(LINES) - 1}  # four factors and four changes: many symbols to draw


@pytest.mark.parametrize(
    "k", [pytest.param(k, marks=pytest.mark.slow) if k in SLOW_LINES else k for k in range(len(LINES))]
)
def test_every_line_stands_and_half_of_it_falls(k):
    line = LINES[k]
    verdict = judge(line.statement)
    assert verdict.status == "verified"
    halved = verdict.recheck(line.statement.bound / 2)  # on the same instances
    assert halved.status == "refuted"
    assert halved.counterexample


@pytest.mark.parametrize("k", [k for k, line in enumerate(LINES) if line.statement.contraction is not None])
def test_dropping_the_neumann_factor_is_refuted(k):
    statement = LINES[k].statement
    rho = statement.contraction  # a trace of it stays, so that the checker gives its symbols values
    verdict = judge(replace(statement, bound=statement.bound * (1 - rho) * (1 + rho / 1000)))
    assert verdict.status == "refuted"


def test_telescoping_two_factors():
    net = ReLUModel()
    verdict = judge(telescoped((net.A, net.z())).lines[0].statement)
    assert verdict.status == "verified"
    assert verdict.recheck(telescoped((net.A, net.z())).bound / 2).status == "refuted"


def test_the_least_singular_value():
    net = ReLUModel()
    assert least_singular_value(net.U()) == 1 - net.gamma * norm_calculus(net.A).bound  # (34)


def test_no_rule_no_bound():
    from deqmath.expressions import vec

    with pytest.raises(UnknownNodeError, match="norm"):
        norm_calculus(vec(ReLUModel().A))


CASES = [(1000, 5, 2.1, 0.2, 0.01, 2.0), (64, 3, 2.5, 0.125, 0.5, 1.5), (10**30, 7, 2.0, 0.05, 1e-3, 4.0)]


def given(m, n, c, gamma0, low, residual):
    root = flint.arb(m).sqrt()
    return Given(m, n, F(c), ball(gamma0) / root, F(low), ball(residual), flint.arb(1), root)


@pytest.mark.parametrize("case", CASES)
def test_the_derived_constants_are_those_written_by_hand(case):
    m, n, c, gamma0, low, residual = case
    hand = Constants(m, n, c, gamma0, low, residual)
    with precision(192):
        values = evaluate_chain(given(*case))
        for name in ("rho", "omega", "change_z", "change_q", "size_z", "size_q", "change_gram"):
            assert float(values[name].mid()) == pytest.approx(getattr(hand, name), rel=1e-12)
        assert closes(given(*case), values) is bool(hand.omega <= c * m**0.5 and hand.change_gram <= low / 2)
    assert evaluate_chain(given(m, n, c, 0.5 / c, low, residual)) is None


@pytest.mark.parametrize(("n", "gamma0", "c", "low"), [(5, 0.2, 2.1, 0.01), (2, 0.05, 2.0, 1.0), (1, 0.01, 1.0, 10.0)])
def test_least_width(n, gamma0, c, low):
    found = least_width(n, delta=0.05, lambda_0=low, gamma0=gamma0, c=c)
    assert found.is_exact
    m = int(found.mid)
    rho = 2 * c * gamma0
    residual = np.sqrt(n) * (1 + c / (1 - rho) * np.sqrt(2 * np.log(2 * n / 0.05)))
    omega = 2 * gamma0 * c * np.sqrt(n) * residual / ((1 - rho) ** 2 * low)
    by_hand = max((omega / c) ** 2, (8 * n * c**2 * gamma0**3 * omega / (low * (1 - rho) ** 5)) ** 2, 1)
    assert m == pytest.approx(np.ceil(by_hand), rel=1e-9)


def test_least_width_refuses_and_is_undecided():
    assert least_width(3, delta=0.1, lambda_0=1, gamma0=0.25, c=2).status == "undecided"
    for bad in ({"delta": 0}, {"lambda_0": 0}, {"gamma0": -1}, {"c": 0}):
        with pytest.raises(InputError, match="needed"):
            least_width(3, **({"delta": 0.1, "lambda_0": 1, "gamma0": 0.1, "c": 2} | bad))


def test_expressions_in_balls():
    import sympy as sp

    x = sp.Symbol("x")
    with precision(100):
        value = in_balls(sp.sqrt(x) / (1 - x) + sp.Max(x, 2) - sp.Abs(-x) + sp.Rational(1, 3), {x: ball(F(1, 4))})
        assert value.overlaps(ball(F(1, 2) / F(3, 4) + 2 - F(1, 4) + F(1, 3)))
        for expr in (sp.Symbol("y"), sp.sin(x)):
            with pytest.raises(InputError, match="cannot evaluate"):
                in_balls(expr, {x: ball(1)})


# --- switches ------------------------------------------------------------------------------------------------------


def brute(costs, gains, budget):
    sets = itertools.chain.from_iterable(itertools.combinations(range(len(costs)), k) for k in range(len(costs) + 1))
    return max(sum(gains[k] ** 2 for k in s) for s in sets if sum(costs[k] ** 2 for k in s) <= budget**2) ** 0.5


def test_greedy_is_above_every_set_and_needs_its_fraction(rng):
    tight = 0
    for _ in range(60):
        costs, gains = rng.random(7), rng.random(7)
        budget = float(rng.random() * 1.5)
        best = brute(costs.tolist(), gains.tolist(), budget)
        found = float(switches.greedy(costs, gains, F(budget)))
        assert found >= best * (1 - 1e-12)
        tight += found < 1.02 * best
    assert tight > 0
    assert switches.greedy(np.zeros(2), np.array([3.0, 4.0]), F(0)) >= 5


def moved_adjoints(rng):
    """``(measured, smooth bound, bound with jumps)`` of ||q_1 - q_0|| for random moves of A."""
    for _ in range(40):
        net, x = random_network(rng, 12, gamma0=0.2), rng.standard_normal((1, 3))
        E = rng.standard_normal((12, 12)) * rng.choice([1e-3, 0.1, 0.5])
        moved = ReLUNetwork(A=net.A + E, W=net.W, b=net.b, gamma=net.gamma)
        norm_e = float(operator_norm(E).upper) + 1e-12
        rho = net.gamma * float(operator_norm(moved.A).upper)
        if rho >= 0.95:
            continue
        first, second = (n.equilibrium(x) for n in (net, moved))
        q0, q1 = np.asarray(net.adjoint(first).Q)[0], np.asarray(moved.adjoint(second).Q)[0]
        z0 = float(np.linalg.norm(first.Z))
        budget = net.gamma * (rho / net.gamma * net.gamma * norm_e * z0 / (1 - rho) + norm_e * z0)
        found, w = equilibrium(net, x, 30), weights_of(net)
        phi = np.maximum(net.W @ x[0], 0)
        jump = float(switches.jump_bound(w, found[0], adjoints(w, found, 30)[0], phi, F(budget)))
        smooth = net.gamma * norm_e * float(np.linalg.norm(q0)) / (1 - rho)
        yield float(np.linalg.norm(q1 - q0)), smooth, smooth + jump / (1 - rho)


def test_13_needs_its_jumps(rng):
    """The smooth bound alone, which is what (13) of the paper integrates, is violated; with the jumps it is not."""
    cases = list(moved_adjoints(rng))
    assert len(cases) > 20
    assert all(measured <= whole * (1 + 1e-9) for measured, _, whole in cases)
    assert any(measured > 1.5 * smooth for measured, smooth, _ in cases)


# --- the records ---------------------------------------------------------------------------------------------------


def problem(rng, gamma0=0.15):
    net = random_network(rng, 24, gamma0=gamma0)
    X = rng.standard_normal((4, 3))
    return net, X / np.linalg.norm(X, axis=1, keepdims=True), rng.choice([-1.0, 1.0], 4)


def test_theorem_3_1_holds_what_float64_gives(rng):
    net, X, y = problem(rng)
    record = theorem_3_1(net, X, y)
    assert float(record["lambda_0"].mid) == pytest.approx(np.linalg.eigvalsh(net.gram(X))[0], rel=1e-6)
    assert float(record["residual"].mid) == pytest.approx(np.linalg.norm(net.predict(X) - y), rel=1e-12)
    assert np.linalg.norm(net.equilibrium(X).Z, axis=1).max() <= record["size_z"].upper
    assert np.linalg.norm(net.adjoint(X).Q, axis=1).max() <= record["size_q"].upper
    assert np.trace(net.gram(X)) <= record["trace"].upper
    assert record["change_gram_with_jumps"].lower > record["change_gram"].lower
    assert record["least_width"].is_exact
    assert "VACUOUS" in record.notes[0]
    assert "omega" in str(record)
    assert record.as_json()["bounds"]["omega"]["because"]
    with pytest.raises(InputError, match="holds no"):
        record["nothing"]


def test_theorem_3_1_undecided(rng):
    net, X, y = problem(rng, 0.3)
    record = theorem_3_1(net, X, y)
    assert not record.proved
    assert record["omega"].status == "undecided"
    assert "2 c gamma0" in record.notes[0]
    twice = np.vstack([X[:1], X[:1]])
    assert "lambda_min" in theorem_3_1(net, twice, y[:2]).notes[0]
    with pytest.raises(InputError, match="delta"):
        theorem_3_1(net, X, y, delta=1.0)


def exact_forms(net, X, y):
    """``(y' H^-1 y, (y-u)' H^-1 (y-u) m-scaled pieces)`` in exact rationals; the second only as a float."""
    H = flint.fmpq_mat([[flint.fmpq(v.numerator, v.denominator) for v in row] for row in exact_gram(net, X)])
    right = flint.fmpq_mat([[flint.fmpq(int(v))] for v in y])
    value = (right.transpose() * H.solve(right))[0, 0]
    return F(int(value.p), int(value.q))


def misses(seed, cases=3):
    rng, wrong = np.random.default_rng(seed), 0
    for _ in range(cases):
        net, X, y = problem(rng)
        record = generalization(net, X, y)
        if record["leading"].status == "undecided":
            continue
        exact = exact_forms(net, X, y) / len(y)
        wrong += not record["leading"].lower ** 2 <= exact <= record["leading"].upper ** 2
    return wrong


def test_generalization_against_exact_rationals():
    assert misses(11) == 0


def test_the_gap_between_h_and_its_centre_is_needed(monkeypatch):
    monkeypatch.setattr(gated_systems, "STEP_BITS", 4)
    monkeypatch.setattr(network_state, "GUARD_DIGITS", -9)
    assert misses(12, 2) == 0
    monkeypatch.setattr(generalization_bound, "gap_to_centre", lambda state: F(0))  # noqa: ARG005
    assert misses(12, 2) > 0


def test_generalization_terms(rng):
    net, X, y = problem(rng)
    record = generalization(net, X, y, delta=0.1)
    H, r = net.gram(X), y - net.predict(X)
    size = np.sqrt(r @ np.linalg.solve(H, r))
    assert float(record["B"].mid) == pytest.approx(size, rel=1e-6)
    assert float(record["rademacher"].mid) == pytest.approx(size * np.sqrt(np.trace(H)) / 4, rel=1e-6)
    assert float(record["confidence"].mid) == pytest.approx(3 * np.sqrt(np.log(20) / 8), rel=1e-12)
    assert record["coupling"].status == "undecided"
    assert "VACUOUS" in record.notes[0]
    u = [sum(F(b) * v for b, v in zip(net.b.tolist(), exact_equilibrium(net, x)[0], strict=True)) for x in X.tolist()]
    assert [float(v) / np.sqrt(24) for v in u] == pytest.approx(net.predict(X).tolist(), rel=1e-10)
    assert generalization(random_network(rng, 5, gamma0=0.2), np.vstack([X[:1]] * 2), y[:2])["B"].status == "undecided"


def test_the_coupling_error_is_the_integral():
    """(23) and (24) integrated numerically at one point."""
    case = (10**40, 4, 2.0, 0.1, 0.3, 1.7)
    with precision(192):
        start = given(*case)
        values = evaluate_chain(start)
        assert closes(start, values)
        change = values["change_gram"]
        found = float(generalization_bound.coupling_error(start, values, change).mid())
    low, r, d = 0.3, 1.7, float(change.mid())
    s = np.linspace(0, 200, 400_001)
    tracking = d * r * (2 / low) * (np.exp(-low * s / 2) - np.exp(-low * s))
    size = np.sqrt(4) * float(values["gram_entry"].mid())
    inside = d / np.sqrt(4) * r * np.exp(-low * s / 2) + size * tracking
    assert found == pytest.approx(np.trapezoid(inside, s), rel=1e-5)


@pytest.mark.parametrize("delta", [0, 1, F(3, 2), float("nan"), "0.05", None])
def test_delta_is_a_probability(delta):
    net = random_network(np.random.default_rng(6), 14, gamma0=0.12)
    for call in (theorem_3_1, generalization):
        with pytest.raises(InputError, match="probability"):
            call(net, np.eye(3), np.zeros(3), delta=delta)


def test_samples_whose_squares_overflow():
    """A bound of the jumps needs float64 norms; where they overflow every unit counts as switching."""
    net = random_network(np.random.default_rng(6), 14, gamma0=0.12)
    found = theorem_3_1(net, 2.0**600 * np.eye(3), np.ones(3))
    assert found["change_gram_with_jumps"].status == "proved"
    assert found["change_gram_with_jumps"].upper > found["change_gram"].upper
