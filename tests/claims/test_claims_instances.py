"""Inequalities on instances, coverage and growth: each must be able to fail, and its planted errors must be refuted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from sympy import MatrixSymbol

import deqmath as dm
from deqmath.claims.coverage import clopper_pearson, fails_at_most, occurs_with
from deqmath.claims.exponent import exponent_interval
from deqmath.claims.growth import grows_slower_than
from deqmath.claims.instances import Pair, Tightened, holds_on
from deqmath.claims.mutate import mutate
from deqmath.claims.quadrature import integral_matches
from deqmath.claims.search import climbed
from deqmath.errors import InputError

F = Fraction


def refuted_mutants(verdict):
    counts = mutate([verdict], "a test:1")
    assert counts.planted == counts.refuted > 0, counts
    return counts.planted


def test_an_inequality_that_holds_is_verified_with_its_closest_instance():
    verdict = holds_on([Pair(1.0, 4.0, "far"), Pair(3.0, 4.0, "near")], "x ≤ y")
    assert verdict.status == "verified"
    assert "0.75 (near)" in verdict.evidence[0].detail
    assert verdict.evidence[0].figures["loose"] is False
    assert refuted_mutants(verdict) == 3


def test_one_violated_instance_refutes_with_its_script():
    verdict = holds_on([Pair(F(1), F(4), "a"), Pair(F(5), F(4), "b", "print(5)")], "x ≤ y", kind="certified")
    assert (verdict.status, verdict.evidence[0].kind) == ("refuted", "certified")
    assert verdict.counterexample.startswith("print(5)\n# x ≤ y fails at b")


def test_proved_ends_are_compared_exactly():
    tiny = F(1, 10**40)
    assert holds_on([Pair(F(1), F(1), "equal")], "x ≤ y", kind="certified").status == "verified"
    assert holds_on([Pair(1 + tiny, F(1), "above")], "x ≤ y", kind="certified").status == "refuted"
    assert holds_on([Pair(1.0 + 1e-12, 1.0, "above")], "x ≤ y", tolerance=1e-9).status == "verified"
    assert holds_on([Pair(1.0 + 1e-8, 1.0, "above")], "x ≤ y", tolerance=1e-9).status == "refuted"


def test_a_right_side_of_zero_holds_only_for_zero():
    assert holds_on([Pair(0.0, 0.0, "a")], "x ≤ y").status == "verified"
    assert holds_on([Pair(1e-300, 0.0, "a")], "x ≤ y").status == "refuted"


@pytest.mark.parametrize(("ratio", "loose"), [(0.02, False), (0.0099, True)])
def test_a_bound_that_nothing_comes_near_is_marked_loose(ratio, loose):
    evidence = holds_on([Pair(ratio, 1.0, "a")], "x ≤ y").evidence[0]
    assert evidence.figures["loose"] is loose
    assert ("loose" in evidence.detail) is loose


def test_a_halved_bound_is_planted_only_where_an_instance_could_see_it():
    names = {ratio: [m.name for m in Tightened(closest=ratio).mutants()] for ratio in (0.4, 0.6)}
    assert names == {0.4: ["tightened", "direction"], 0.6: ["tightened", "factor", "direction"]}


def test_no_instance_is_an_error():
    with pytest.raises(InputError, match="needed at least one"):
        holds_on([], "x ≤ y")


# --- coverage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "draws"), [(0, 1000), (3, 1000), (1000, 1000), (50, 2000)])
def test_the_interval_is_that_of_the_exact_binomial_test(failures, draws):
    low, high = clopper_pearson(failures, draws, 0.95)
    known = stats.binomtest(failures, draws).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((known.low, known.high))


@pytest.mark.parametrize(
    ("share", "status"), [(0.0, "verified"), (0.02, "verified"), (0.05, "undecided"), (0.1, "refuted")]
)
def test_a_probability_is_judged_by_its_whole_interval(share, status):
    draws = 2000
    ratios = np.where(np.arange(draws) < share * draws, 1.5, np.linspace(0.2, 0.9, draws))
    verdict = fails_at_most(ratios, 0.05, "u ≤ 1")
    assert verdict.status == status
    assert verdict.evidence[0].figures["failures"] == round(share * draws)
    if status == "verified":
        assert refuted_mutants(verdict) == 1


@pytest.mark.parametrize("ratios", [np.ones(999), np.ones((1000, 2)), np.full(1000, np.nan)])
def test_too_few_draws_are_refused(ratios):
    with pytest.raises(InputError, match="1000 finite ones or more"):
        fails_at_most(ratios, 0.05, "u ≤ 1")


# --- growth ------------------------------------------------------------------------------------------------


def test_growth_is_judged_by_its_interval():
    widths = np.repeat([50, 100, 200, 400], 10)
    values = widths**0.3 * np.exp(0.05 * np.random.default_rng(0).standard_normal(40))
    slow = grows_slower_than(widths, values, F(1, 2), "x")
    assert slow.status == "verified"
    assert refuted_mutants(slow) == 1
    assert grows_slower_than(widths, values, F(1, 5), "x").status == "refuted"
    assert grows_slower_than(widths, values, F(3, 10), "x").status == "undecided"


# --- quadrature --------------------------------------------------------------------------------------------


def test_a_quadrature_agrees_and_a_wrong_integrand_does_not():
    A, v = MatrixSymbol("A", 2, 2), MatrixSymbol("v", 2, 1)
    nodes, weights = np.polynomial.legendre.leggauss(4)
    matrix = np.array([[1.0, 2.0], [0.0, 3.0]])
    values = [{"A": matrix, "v": np.array([[t**2], [1.0]])} for t in nodes]
    exact = matrix @ np.array([[2 / 3], [2.0]])  # the integral of (t^2, 1) over [-1, 1]
    verdict = integral_matches(A * v, values, weights, exact, tolerance=1e-14, what="a test")
    assert verdict.status == "verified"
    for wrong in (-A * v, A.T * v, 2 * A * v, A * A * v):
        assert verdict.recheck(wrong).status == "refuted"
    assert dm.Verdict is type(verdict)


def test_an_exponent_is_that_of_least_squares():
    rng = np.random.default_rng(5)
    widths, values = [16, 32, 64, 128, 256], np.exp(rng.standard_normal(5))
    fit = stats.linregress(np.log(widths), np.log(values))
    half = stats.t.ppf(0.995, 3) * fit.stderr
    np.testing.assert_allclose(
        exponent_interval(widths, values), (fit.slope, fit.slope - half, fit.slope + half), rtol=1e-9
    )


def test_the_interval_over_data_sets_is_that_of_their_slopes():
    widths, slopes = np.array([10.0, 20.0, 80.0]), np.array([0.1, 0.3, 0.2, 0.5])
    table = np.array([1.0, 7.0, 0.1, 30.0])[:, None] * widths ** slopes[:, None]  # factors of a data set cancel
    low, high = stats.t.interval(0.99, 3, loc=slopes.mean(), scale=stats.sem(slopes))
    np.testing.assert_allclose(exponent_interval(widths, table), (slopes.mean(), low, high), rtol=1e-9)


def test_the_interval_over_data_sets_contains_the_exponent_as_often_as_it_says():
    rng, inside = np.random.default_rng(6), 0
    for _ in range(1000):
        shared = rng.standard_normal((8, 1))
        noise = shared + 0.3 * rng.standard_normal((8, 3))
        _, low, high = exponent_interval([1, 4, 16], np.exp(0.25 * np.log([1, 4, 16]) + noise), confidence=0.9)
        inside += low <= 0.25 <= high
    lower, upper = clopper_pearson(inside, 1000)
    assert lower <= 0.9 <= upper


def test_a_probability_is_verified_inside_its_interval_and_refuted_outside():
    draws = np.random.default_rng(0).random(4000) < 0.25
    verdict = occurs_with(draws, F(1, 4), "x < 1/4")
    assert verdict.status == "verified"
    assert refuted_mutants(verdict) == 2
    assert occurs_with(draws, F(1, 3), "x < 1/4").status == "refuted"
    assert occurs_with(np.zeros(1000), F(1, 100), "never").status == "refuted"
    with pytest.raises(InputError, match="1000 finite ones or more"):
        occurs_with(draws[:999], F(1, 4), "x")


@pytest.mark.parametrize("sides", [(float("nan"), 1.0), (1.0, float("nan"))])
def test_a_side_that_is_no_number_is_refused(sides):
    with pytest.raises(InputError, match="the sides at lost are"):
        holds_on([Pair(0.5, 1.0, "fine"), Pair(*sides, "lost")], "x ≤ y", tolerance=1e-9)


@pytest.mark.parametrize("tolerance", [0.0, 1e-9])
def test_below_zero_the_order_counts_not_the_ratio(tolerance):
    fine = Pair(0.5, 1.0, "fine")
    assert holds_on([fine, Pair(-1.0, -2.0, "wrong")], "x ≤ y", tolerance=tolerance).status == "refuted"
    assert holds_on([fine, Pair(-2.0, -1.0, "right")], "x ≤ y", tolerance=tolerance).status == "verified"


def test_a_climb_comes_close_to_equality_and_over_a_false_bound():
    def sides(v, factor=1.0):
        return Pair(abs(float(v[:3] @ v[3:])), factor * float(np.linalg.norm(v[:3]) * np.linalg.norm(v[3:])), "v")

    starts = np.random.default_rng(1).standard_normal((3, 6))
    assert max(sides(v).ratio for v in starts) < 0.9
    found = climbed(sides, starts, np.random.default_rng(0))
    assert [pair.ratio for pair in found[::2]] == [sides(v).ratio for v in starts]
    assert max(pair.ratio for pair in found) > 0.999
    assert holds_on(found, "Cauchy and Schwarz", tolerance=1e-12).status == "verified"
    false = climbed(lambda v: sides(v, 0.95), starts, np.random.default_rng(0))
    assert holds_on(false, "0.95 of it", tolerance=1e-12).status == "refuted"


def test_a_climb_skips_points_where_the_hypotheses_fail():
    found = climbed(lambda v: Pair(float(v[0]), 1.0, "v") if 0 < v[0] < 1 else None, [np.array([5.0]), np.array([0.5])],
                    np.random.default_rng(0))  # fmt: skip
    assert 0.99 < max(pair.ratio for pair in found) < 1
    assert not climbed(lambda _: None, [np.zeros(2)], np.random.default_rng(0))
