"""The numbers of ``deqmath reproduce``: the proved parts hold float64 values computed another way, and planted slips are seen."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from deqmath.bounds import Bound, BoundRecord, Entry, limit_kernel
from deqmath.bounds.balls import precision
from deqmath.bounds.coupling_width import coupling_width
from deqmath.bounds.generalization_bound import coupling_error
from deqmath.bounds.theorem_chain import Given, closes, evaluate_chain
from deqmath.errors import InputError
from deqmath.numeric import ReLUNetwork
from deqmath.reproduction.limit import Enclosed, complexity, confidence, least_samples
from deqmath.reproduction.risk import bound_of_network, centred_complexity
from deqmath.reproduction.tasks import DELTA, TASKS, Problem, problem
from deqmath.reproduction.training import train


@pytest.fixture(scope="module")
def given():
    return problem(TASKS[1], "true", 32, 0, 8)


def test_the_parts_at_a_finite_width_are_those_of_float64(given):
    found, n = bound_of_network(given), 8
    H, r = np.asarray(given.network.gram(given.X)), given.y - given.network.predict(given.X)
    root = np.sqrt(np.trace(H))
    straight = 2 * np.sqrt(given.y @ np.linalg.solve(H, given.y)) * root / n
    assert found["centred_complexity_from_below"] <= found["centred_complexity"]
    np.testing.assert_allclose(
        [found["complexity"], found["centred_complexity"], found["centred_complexity_from_below"], found["confidence"]],
        [2 * np.sqrt(r @ np.linalg.solve(H, r)) * root / n, straight, straight, 3 * np.sqrt(np.log(2 / DELTA) / 16)],
        rtol=1e-7,
    )
    assert found["risk"] == pytest.approx(found["complexity"] + found["confidence"], rel=1e-12)
    assert found["centred_risk"] == pytest.approx(straight + found["confidence"], rel=1e-7)


def test_the_test_error_is_that_of_the_coupled_flows_limit(given):
    """The limit fits the samples, and moving a label moves the fit: checked by training the linear model itself to its end."""
    few = Problem(given.network, given.X, given.y, given.X, given.y)
    found = bound_of_network(few)
    assert max(found["test_error"], found["centred_test_error"]) < 1e-8
    wrong = Problem(given.network, given.X, given.y, given.X, -given.y)
    assert bound_of_network(wrong)["test_error"] == 1.0  # |g - y| = 2, cut at 1


def test_training_ends_below_one_percent_and_a_finer_tolerance_agrees(given, monkeypatch):
    coarse = train(given)
    assert coarse["status"] == "completed"
    assert coarse["a"]
    assert coarse["c"]
    assert coarse["loss"][-1] < 0.01
    assert coarse["scaled_times"][-1] == pytest.approx(np.log(100))
    monkeypatch.setattr("deqmath.reproduction.training.TOL", 0.02)
    fine = train(given)
    assert coarse["test_error"] == pytest.approx(fine["test_error"], abs=0.01)
    early = np.array(fine["loss"]) > 1e-2
    np.testing.assert_allclose(np.array(coarse["loss"])[early], np.array(fine["loss"])[early], rtol=0.05)


def test_a_wide_network_is_near_the_limit():
    X = TASKS[1].inputs()[:12]
    y = np.resize([1.0, -1.0, 1.0], 12)
    kernel = Enclosed.of(limit_kernel(X, gamma0=0.15, digits=12, phi="identity"))
    whole, square, least = complexity(kernel, np.arange(12), y)
    H = kernel.H
    assert float(square.mid) == pytest.approx(y @ np.linalg.solve(H, y), rel=1e-8)
    assert float(whole.mid) == pytest.approx(2 * np.sqrt(y @ np.linalg.solve(H, y) * np.trace(H)) / 12, rel=1e-8)
    assert 0 < least.lower <= np.linalg.eigvalsh(H)[0] * (1 + 1e-9)
    assert whole.lower < whole.upper < whole.lower * (1 + Fraction(1, 10**6))
    gap = [np.abs(np.asarray(ReLUNetwork.random(width=m, inputs=64, gamma0=0.15, seed=1, phi="identity").gram(X)) - H).max()
           for m in (100, 1600)]  # fmt: skip
    assert gap[1] < gap[0] / 2
    assert gap[1] < 0.1 * H.max()


def test_more_samples_never_make_the_form_smaller_and_the_least_number_is_sharp():
    X, y = TASKS[0].inputs()[:24], TASKS[0].draw("true", 0)[1][:24]
    kernel = Enclosed.of(limit_kernel(X, gamma0=0.15, digits=12, phi="identity"))
    forms = [complexity(kernel, np.arange(n), y[:n])[1] for n in (6, 12, 24)]
    assert forms[0].upper <= forms[1].lower
    assert forms[1].upper <= forms[2].lower
    h = Fraction(float(kernel.H[0, 0]))
    least = least_samples(forms[2], h)
    for n, below in ((least, False), (least + 1, True)):
        assert (2 * np.sqrt(float(forms[2].mid * h) / n) + float(confidence(n)[1]) < 1) == below


def test_random_labels_are_vacuous_in_mean_square_at_every_width():
    """E (2 B sqrt(tr H)/n)^2 >= 4 for signs: tr(H) tr(H^{-1}) >= n^2, exactly evaluated over all 2^6 signs."""
    for width in (16, 200):
        H = np.asarray(problem(TASKS[0], "true", width, 0, 6).network.gram(problem(TASKS[0], "true", width, 0, 6).X))
        signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(6, -1)
        squares = 4 * np.einsum("is,is->s", signs, np.linalg.solve(H, signs)) * np.trace(H) / 36
        assert squares.mean() >= 4
        assert squares.mean() == pytest.approx(4 * np.trace(np.linalg.inv(H)) * np.trace(H) / 36)


def test_too_many_samples_and_a_kernel_that_is_not_definite():
    with pytest.raises(InputError, match="50 are kept"):
        problem(TASKS[0], "true", 12, 0, 340)
    flat = Enclosed(np.ones((3, 3)), Fraction(0))
    assert complexity(flat, np.arange(3), np.ones(3))[0].status == "undecided"
    loose = Enclosed(np.eye(3), Fraction(1, 2))
    assert complexity(loose, np.arange(3), np.ones(3))[0].status == "undecided"


def test_the_width_of_the_coupling_error_is_sharp_and_refuses_nonsense():
    found = coupling_width(3, room=0.25, lambda_0=0.3, gamma0=0.125, c=2)
    assert found.is_exact

    for m, fits in ((int(found.upper), True), (int(found.upper) - 1, False)):
        with precision(192):
            root = flint.arb(m).sqrt()
            gamma, length = flint.arb(0.125) / root, flint.arb(3).sqrt()
            at = Given(m, 3, Fraction(2), gamma, Fraction(0.3), length, flint.arb(1), root)
            values = evaluate_chain(at)
            small = coupling_error(at, values, values["change_gram"]) <= flint.arb(0.25)
        assert (closes(at, values) and small) == fits
    assert coupling_width(3, room=0.25, lambda_0=0.5, gamma0=0.25, c=2).status == "undecided"
    with pytest.raises(InputError, match="needed n >= 1"):
        coupling_width(3, room=0, lambda_0=0.5, gamma0=0.125, c=2)


def test_random_labels_are_drawn_from_the_true_ones_and_do_not_follow_them():
    for task in TASKS[:2]:
        (order, true), (same, drawn) = task.draw("true", 1), task.draw("random", 1)
        assert np.array_equal(order, same)
        assert set(drawn) == set(true)
        assert abs(np.corrcoef(true, drawn)[0, 1]) < 0.2  # four standard deviations of an independent draw


def test_the_ends_of_the_centred_complexity_are_the_far_ones():
    ends = {"leading": (1, 2), "rademacher": (3, 5), "B": (7, 11)}
    parts = tuple(Entry(name, Bound(Fraction(low), Fraction(high))) for name, (low, high) in ends.items())
    found = centred_complexity(BoundRecord("three parts", parts), 4)
    assert float(found.lower) == pytest.approx(2 * 2 * 1 * 3 / 11)
    assert float(found.upper) == pytest.approx(2 * 2 * 2 * 5 / 7)


def test_the_confidence_term():
    low, high = confidence(30)
    assert low <= high
    assert float(low) == pytest.approx(3 * np.sqrt(np.log(2 / DELTA) / 60), rel=1e-14)


def test_the_enclosure_holds_the_kernel_and_every_matrix_within_its_radius():
    found = limit_kernel(TASKS[0].inputs()[:6], gamma0=0.15, digits=12, phi="identity")
    kernel, y = Enclosed.of(found), np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])
    for i, j in np.ndindex(6, 6):
        centre = found.H.centre.fraction(i, j) * found.H.factor
        assert abs(Fraction(float(kernel.H[i, j])) - centre) + found.H.radius <= kernel.radius
    radius = Fraction(1, 10**6)
    whole, square, least = complexity(Enclosed(kernel.H, radius), np.arange(6), y)
    slope = np.linalg.solve(kernel.H, y)  # the form falls fastest in the direction of slope slope^T
    for sign in (1, -1):
        moved = kernel.H + sign * float(radius) * np.sign(np.outer(slope, slope))
        form = y @ np.linalg.solve(moved, y)
        assert square.lower < form < square.upper
        assert whole.lower < 2 * np.sqrt(form * np.trace(moved)) / 6 < whole.upper
        assert least.lower < np.linalg.eigvalsh(moved)[0]
