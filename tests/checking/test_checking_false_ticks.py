"""Statements that were once given a wrong tick or a wrong refutation: gates inside gates, branches, signs, kinks."""

from __future__ import annotations

import random

import pytest
from sympy import Identity, Inverse, MatrixSymbol, Rational, Symbol, ZeroMatrix

import deqmath as dm
from deqmath.checking.atoms import Gates
from deqmath.checking.counterexample import hold_assumptions
from deqmath.checking.domains import PRIME, BadPoint, Rationals
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.points import new_point
from deqmath.checking.sign_patterns import ALL_CLOSED, ALL_OPEN, SignPatterns, pattern_of
from deqmath.errors import StepRefuted

m, n = dm.dim("m"), dm.dim("n")
A, B, C, X = (MatrixSymbol(s, m, m) for s in "ABCX")
u, w, z = (MatrixSymbol(s, m, 1) for s in "uwz")
Y = MatrixSymbol("Y", m, n)
P, R = (MatrixSymbol(s, 1, 1) for s in "PR")
gamma = Symbol("gamma", positive=True)
I, O = Identity(m), ZeroMatrix(m, m)
nothing = ZeroMatrix(1, 1)


def nested(depth):
    """relu(S_d relu(... relu(S_0))) of 1 x 1 matrices: 0 wherever the innermost gate is closed."""
    out = None
    for s in (MatrixSymbol(f"S_{k}", 1, 1) for k in range(depth)):
        out = dm.relu(s if out is None else s * out)
    return out, MatrixSymbol("S_0", 1, 1)


# -- gates inside gates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_a_gate_behind_a_closed_gate_is_opened(depth):
    """All zero where the innermost gate is closed, so what the first point shows is not all that can occur."""
    expression, innermost = nested(depth)
    for seed in range(12):
        assert dm.check_equal(expression, nothing, seed=seed).status != "verified"
        assert dm.check_derivative(nothing, expression, innermost, seed=seed).status != "verified"
    if depth == 2:
        assert dm.check_equal(expression, nothing).status == "refuted"
        with pytest.raises(StepRefuted):
            dm.rewriting(expression).then(nothing, because="x").verdict()


def test_only_one_of_the_patterns_inside_shows_the_error():
    """relu(-S relu(P)) differs from 0 only where P is open and S closed."""
    P, S = MatrixSymbol("P", 1, 1), MatrixSymbol("S", 1, 1)
    for seed in range(6):
        assert dm.check_equal(dm.relu(-S * dm.relu(P)), nothing, seed=seed).status == "refuted"


def test_one_pattern_of_thirty_two_is_not_missed():
    """False only where the first gate is open, the second closed, and so on: sampling four patterns would miss it."""
    product = Identity(1)
    for k in range(5):
        gate = dm.gate(MatrixSymbol(f"S_{k}", 1, 1))
        product = product * (gate if k % 2 == 0 else Identity(1) - gate)
    for seed in range(4):
        assert dm.check_equal(product, nothing, seed=seed).status != "verified"


def test_nested_gates_with_a_symbolic_size_are_all_met_at_size_one():
    for seed in range(6):
        verdict = dm.check_equal(dm.relu(B * dm.relu(A * u)), 0 * u, seed=seed)
        assert verdict.status == "refuted"


def test_true_statements_about_nested_gates_stay_verified():
    inner = dm.relu(A * u)
    verdict = dm.check_derivative(dm.gate(B * inner) * B * dm.gate(A * u) * A, dm.relu(B * inner), u)
    assert verdict.status == "verified"
    assert verdict.evidence[0].figures["gate_bits"] > 2
    expression, _ = nested(3)
    verdict = dm.check_equal(dm.relu(expression), expression)
    assert verdict.status == "verified"
    assert "for every pattern of its gates" in verdict.evidence[0].detail


def test_the_patterns_of_a_tree_of_signs_are_all_walked():
    """Sign 1 is asked for if sign 0 is open, sign 2 if sign 1 is closed: four patterns."""

    def run(pattern):
        gates = Gates(*pattern, random.Random(0), PRIME)
        if gates.fresh() and not gates.fresh():
            gates.fresh()
        return tuple(gates.trail)

    for first in (ALL_CLOSED, ALL_OPEN, (0, 0)):
        patterns = SignPatterns()
        patterns.saw(run(first), whole=True)
        for beginning in patterns.unwalked():
            patterns.saw(run(pattern_of(beginning)), whole=True)
        assert patterns.complete
        assert set(patterns.leaves) == {(False,), (True, True), (True, False, False), (True, False, True)}
        assert patterns.longest == 3


def test_a_way_that_fails_before_its_end_is_left_and_the_others_are_walked():
    patterns = SignPatterns()
    patterns.saw((False, False), whole=True)
    found = []
    for beginning in patterns.unwalked():
        found.append(beginning)
        patterns.saw(beginning[:1], whole=False)
    assert sorted(found) == [(False, True), (True,)]
    assert list(patterns.leaves) == [(False, False)]


def test_the_words_say_at_which_sizes_patterns_were_sampled():
    verdict = dm.check_equal(dm.gate(u) + dm.gate(-u), I)
    detail = verdict.evidence[0].detail
    assert verdict.evidence[0].figures["gate_patterns"] == {"m=5": 4}
    assert "under a pattern of its gates that was tried there < 2^" in detail
    assert "every pattern at m=1; m=2; m=3, 4 sampled patterns at m=5" in detail
    small = dm.check_equal(dm.gate(u) + dm.gate(-u), I, level="quick").evidence[0]
    assert small.figures["gate_patterns"] == "all"
    assert "for every pattern of its gates" in small.detail
    assert "under a pattern" not in small.detail


def test_the_chance_counts_the_signs_of_the_pattern_that_has_most():
    """Where the first points have the inner gates closed, the outer ones are still counted."""
    expression, _ = nested(5)
    verdict = dm.check_equal(dm.relu(expression), expression)
    assert verdict.evidence[0].figures["gate_bits"] == 5
    assert verdict.evidence[0].figures["log2_chance_of_error"] <= -100


# -- equations with more than one branch of solutions ------------------------------------------------------------

BRANCHES = {
    "generalised inverse": (X * A, I, [dm.equation(A * X * A - A, X)]),
    "generalised inverse, unknown A": (X * A, I, [dm.equation(A * X * A - A, A)]),
    "divisors of zero": (B * A, O, [dm.equation(A * B, A)]),
    "cancelling": (A, X, [dm.equation(A * B - X * B, A)]),
    "commuting with the square": (A * B, B * A, [dm.equation(A * A * B - B * A * A, B)]),
    "a factor that may be 0": (X, A, [dm.equation(A * A - X * A, A)]),
    "a number that may be 0": (P, R, [dm.equation(P * P - R * P, P)]),
    "a scalar that may be 0": (z, 0 * z, [dm.equation(Symbol("t") * z, z)]),
    "two coefficients": (A, O, [dm.equation(B * A * C, A)]),
    "coefficients on a variety": (X, X.T, [dm.equation(A * X + X * A - B, X), dm.symmetric(A), dm.symmetric(B)]),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_what_holds_on_the_generic_branch_only_is_refuted(name):
    left, right, hypotheses = BRANCHES[name]
    for seed in range(3):
        verdict = dm.check_equal(left, right, assuming=hypotheses, seed=seed)
        assert verdict.status == "refuted"
    at: dict = {}
    exec(verdict.counterexample.replace("print(", "(lambda *_: None)("), at)  # noqa: S102 - the script it printed
    for h in hypotheses:
        assert all(e == 0 for e in dm.evaluate(h.expr, at["at"]))
    assert dm.evaluate(left, at["at"]) != dm.evaluate(right, at["at"])


def test_a_derivative_under_a_hypothesis_with_branches_is_not_verified():
    """d tr(X^T B A) = B A dX, and B A = 0 only for generic B."""
    from sympy import Trace

    form = dm.one() * Trace(X.T * B * A)
    held = [dm.equation(A * B, A)]
    assert dm.check_derivative(O, form, X, assuming=held).status == "refuted"
    assert dm.check_derivative(B * A, form, X, assuming=held).status == "verified"


def test_a_stated_inverse_excludes_the_other_branches():
    cancelling = dm.equation(A * B - X * B, A)
    verdict = dm.check_equal(A, X, assuming=[cancelling, dm.invertible(B)])
    assert verdict.status == "verified"
    assert not any("generic" in a for a in verdict.assumptions)


def test_a_hypothesis_about_something_else_excludes_nothing():
    cancelling = dm.equation(A * B - X * B, A)
    assert dm.check_equal(A, X, assuming=[cancelling, dm.invertible(C)]).status == "refuted"
    affine = dm.equation(z - gamma * A * z - w, z)
    verdict = dm.check_equal(z, gamma * A * z + w, assuming=[affine, dm.invertible(I + gamma * A)])
    assert any("generic" in a for a in verdict.assumptions)


def test_what_a_verified_statement_needs_of_the_coefficients_is_named():
    affine = dm.equation(z - gamma * A * z - w, z)
    solved = Inverse(I - gamma * A) * w
    verdict = dm.check_equal(z, solved, assuming=affine)
    assert verdict.status == "verified"
    (named,) = verdict.assumptions[1:]
    assert named == "for generic A, γ, w: z is the only solution of -w - γ A z + z = 0"
    assert named in verdict.evidence[0].detail
    stated = dm.check_equal(z, solved, assuming=[affine, dm.invertible(I - gamma * A)])
    assert stated.status == "verified"
    assert not any("generic" in a for a in stated.assumptions)


def test_a_hypothesis_with_an_index_of_its_own_is_not_met_and_does_not_crash():
    i = Symbol("i", integer=True)
    other = dm.invertible(I + dm.diag(dm.column(Y, i)))
    affine = dm.equation(z - gamma * A * z - w, z)
    verdict = dm.check_equal(z, gamma * A * z + w, assuming=[affine, other])
    assert any("generic" in a for a in verdict.assumptions)
    assert dm.check_equal(B * A, O, assuming=[dm.equation(A * B, A), other]).status != "refuted"


def test_the_derivative_of_a_gated_equation_is_recognised_in_a_stated_inverse():
    layer = dm.equation(z - dm.relu(gamma * A * z + w), z)
    gate = dm.gate(gamma * A * z + w)
    for M in (I - gamma * gate * A, I - gamma * A * gate):
        verdict = dm.check_equal(z, gate * (gamma * A * z + w), assuming=[layer, dm.invertible(M)])
        assert verdict.status == "verified"
        assert not any("generic" in a for a in verdict.assumptions)


def test_free_solutions_are_said_to_be_generic():
    verdict = dm.check_equal((A + B) ** 2, A**2 + 2 * A * B + B**2, assuming=dm.equation(A * B - B * A, A))
    assert verdict.status == "verified"
    assert any("A, B are generic among the solutions of" in a for a in verdict.assumptions)


@pytest.mark.parametrize(
    "hypothesis",
    [dm.equation(A - B * C, A), dm.equation(2 * A + B, A), dm.symmetric(A), dm.idempotent(A), dm.orthogonal(A)],
    ids=str,
)
def test_definitions_and_parametrised_matrices_need_no_remark(hypothesis):
    verdict = dm.check_equal(A * Inverse(C), A * Inverse(C), assuming=hypothesis)
    assert verdict.status == "verified"
    assert not any("generic" in a for a in verdict.assumptions)


# -- what symbols are declared to be -----------------------------------------------------------------------------


def _one(x):
    return x * Identity(1)


p = Symbol("p", nonpositive=True)
t = Symbol("t", integer=True)
even, odd = Symbol("e", even=True), Symbol("o", odd=True)
step = dm.gate
TRUE_BY_DECLARATION = {
    "nonpositive": lambda: dm.check_equal(dm.relu(_one(p)), nothing),
    "integer": lambda: dm.check_equal(step(_one(t - Rational(1, 2))), step(_one(t))),
    "even": lambda: dm.check_equal(step(_one(even - 1)), step(_one(even))),
    "odd": lambda: dm.check_equal(step(_one(odd * odd - Rational(1, 2))), _one(1)),
    "prime": lambda: dm.check_equal(step(_one(Symbol("q", prime=True) - 1)), _one(1)),
    "zero": lambda: dm.check_equal(_one(Symbol("o", zero=True)), nothing),
    "imaginary": lambda: dm.check_equal(dm.relu(_one(1 + Symbol("j", imaginary=True) ** 2)), nothing),
    "irrational": lambda: dm.check_equal(step(_one(Symbol("r", irrational=True) ** 2)), step(_one(1 + 0 * t))),
}


@pytest.mark.parametrize("name", TRUE_BY_DECLARATION)
def test_what_is_true_by_declaration_is_not_refuted(name):
    verdict = TRUE_BY_DECLARATION[name]()
    assert verdict.status != "refuted"
    assert verdict.counterexample is None


@pytest.mark.parametrize(
    ("symbol", "values"),
    [
        (p, {-3, -2, -1}),
        (t, {-3, -2, -1, 1, 2, 3, 0}),
        (even, {-6, -4, -2, 0, 2, 4, 6}),
        (odd, {-5, -3, -1, 1, 3, 5, 7}),
        (Symbol("c", positive=True), {1, 2, 3}),
        (Symbol("d", negative=True), {-1, -2, -3}),
        (Symbol("q", prime=True), {2, 3}),
        (Symbol("o", zero=True), {0}),
    ],
    ids=str,
)
def test_scalars_are_drawn_as_they_are_declared(symbol, values):
    rng, seen, whole = random.Random(0), set(), Rationals(3)
    for _ in range(60):
        point = new_point(whole, {}, rng)
        point.value_of(symbol, {})
        try:
            hold_assumptions(point, [symbol])
        except BadPoint:
            continue
        value = point.symbols[symbol].mat[0, 0]
        assert value.q == 1
        seen.add(int(value.p))
    assert seen
    assert seen <= values
    assert len(seen) > 1 or len(values) == 1


def test_a_sign_is_turned_and_not_thrown_away():
    for symbol, drawn, held in ((p, 3, -3), (Symbol("c", positive=True), -2, 2), (odd, 1, 3), (even, -1, -2)):
        point = new_point(Rationals(3), {}, random.Random(0))
        point.symbols[symbol] = FieldMatrix(point.domain, point.domain.integers(1, 1, [drawn]))
        hold_assumptions(point, [symbol])
        assert point.symbols[symbol].mat[0, 0] == held


def test_fractions_are_drawn_whole_for_integers():
    point = new_point(Rationals(8, 8), {}, random.Random(0))
    point.symbols[t] = FieldMatrix(point.domain, point.domain.matrix(1, 1, [point.domain.number(3, 8)]))
    hold_assumptions(point, [t])
    assert point.symbols[t].mat[0, 0].q == 1


def test_false_statements_about_declared_symbols_are_still_refuted():
    assert dm.check_equal(dm.relu(_one(p)), _one(p)).status == "refuted"
    assert dm.check_equal(step(_one(t - 2)), step(_one(t))).status == "refuted"
    assert dm.check_equal(step(_one(odd)), _one(1)).status == "refuted"


# -- kinks -------------------------------------------------------------------------------------------------------


def test_a_tick_that_fails_at_the_kink_says_off_the_kinks():
    verdict = dm.check_equal(dm.gate(-u), I - dm.gate(u))
    assert verdict.status == "verified"
    assert "off the kinks" in verdict.evidence[0].detail
    assert any("off the kinks" in a and "u" in a for a in verdict.assumptions)
    assert dm.evaluate(dm.gate(-u), {u: [[0]]}) != dm.evaluate(I - dm.gate(u), {u: [[0]]})


def test_a_stated_no_kink_takes_the_place_of_the_remark():
    verdict = dm.check_equal(dm.gate(-u), I - dm.gate(u), assuming=dm.no_kink(u))
    assert "off the kinks" not in verdict.evidence[0].detail
    assert verdict.assumptions == ("no entry of u is 0",)
    other = dm.check_equal(dm.gate(-u), I - dm.gate(u), assuming=dm.no_kink(w))
    assert "off the kinks" in other.evidence[0].detail


def test_a_derivative_of_relu_is_off_the_kinks_and_an_identity_of_relu_holds_at_them():
    derivative = dm.check_derivative(dm.gate(A * u) * A, dm.relu(A * u), u)
    assert "off the kinks" in derivative.evidence[0].detail
    identity = dm.check_equal(dm.relu(u) - dm.relu(-u), u)
    assert identity.status == "verified"
    assert "kinks" not in identity.evidence[0].detail
    assert "kinks" not in dm.check_equal(A * Inverse(A), I).evidence[0].detail


# -- equations that are not square -------------------------------------------------------------------------------


def test_fewer_equations_than_unknowns_end_in_words():
    verdict = dm.check_equal(u, ZeroMatrix(m, 1), assuming=[dm.equation(u.T * u, u)])
    assert verdict.status == "undecided"
    assert "no exact point could be made at which the equations assumed hold" in verdict.evidence[0].detail


def test_more_or_fewer_equations_than_unknowns_end_in_words():
    frame = dm.equation(Y.T * Y - Identity(n), Y)
    assert dm.check_equal(Y * Y.T, I, assuming=[frame]).status in ("undecided", "refuted")
    assert dm.check_equal(Y * Y.T * Y, Y, assuming=[frame]).status in ("undecided", "verified")


def test_a_solution_that_is_not_determined_has_no_derivative():
    verdict = dm.check_derivative(dm.kron(u.T, w.T) * 0, dm.one() * (u.T * w), A, implicit={u: u.T * A * u})
    assert verdict.status == "undecided"
    assert "unknowns" in verdict.evidence[0].detail
