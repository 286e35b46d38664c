"""Indefinite by less than float64 can see: never certified positive."""

import numpy as np
import pytest
from bounds_matrices import exact_inertia_is_definite, nearly_indefinite, planted_hadamard

from deqmath.bounds import is_positive_definite, lambda_min
from deqmath.bounds.certificates.cholesky import factor_residual_norm, factorise, lower_bound, shifted
from deqmath.errors import UndecidedError


def verdict(h):
    try:
        return is_positive_definite(h)
    except UndecidedError:
        return None


def run_cases(seed, count):
    """Random matrices whose exact inertia is known; returns (cases, false certificates, undecided)."""
    rng = np.random.default_rng(seed)
    wrong = undecided = 0
    for case in range(count):
        n, depth, ulps = int(rng.integers(2, 9)), int(rng.integers(0, 12)), int(rng.integers(-2, 3))
        if case % 2:
            ulps = 1
        h = nearly_indefinite(rng, n, depth, ulps)
        truth = exact_inertia_is_definite(h)
        said, low = verdict(h), lambda_min(h, 3)
        undecided += said is None
        wrong += said is not None and said != truth
        wrong += (low.lower > 0 and not truth) or (low.upper <= 0 and truth)
    return count, wrong, undecided


def test_indefinite_by_a_hair_is_never_certified():
    cases, wrong, undecided = run_cases(7, 400)
    assert wrong == 0
    assert undecided <= cases // 4


@pytest.mark.slow
def test_ten_thousand_near_indefinite_cases(capsys):
    cases, wrong, undecided = run_cases(11, 10_000)
    with capsys.disabled():
        print(f"\n{cases} nearly indefinite matrices: {wrong} false certificates, {undecided} undecided")
    assert wrong == 0


def test_the_cases_reach_below_1e_17_of_the_norm():
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(20):
        h = nearly_indefinite(rng, 6, 4, 1)
        assert not exact_inertia_is_definite(h)
        low = lambda_min(h, 3)
        assert low.upper < 0
        shares.append(-float(low.mid) / np.linalg.norm(h, 2))
    assert 0 < np.median(shares) < 1e-17


def test_route_a_never_exceeds_a_planted_eigenvalue():
    rng = np.random.default_rng(5)
    for _ in range(200):
        n = int(2 ** rng.integers(1, 6))
        d = rng.integers(1, 60, n).astype(float)
        shift = float(d.min() + rng.choice([-1e-3, -1e-9, -1e-13, 0.0, 1e-15, 1e-14, 1e-12]))
        low = lower_bound(planted_hadamard(d), shift)
        assert low is None or low <= d.min()


def test_route_a_is_tight():
    d = np.arange(1.0, 65.0)
    low = lower_bound(planted_hadamard(d), 1.0 - 1e-9)
    assert 1 - low < 2e-9


@pytest.mark.parametrize("spoiler", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (5, 2), (7, 7), (7, 0)])
def test_route_a_stops_at_nan_and_infinity(spoiler, place):
    h = 4 * np.eye(8) + 0.1
    h[place] = h[place[::-1]] = spoiler
    with np.errstate(invalid="ignore"):
        assert lower_bound(h, 0.0) is None


def test_a_posteriori_bound_covers_the_factor():
    rng = np.random.default_rng(9)
    for n in (1, 5, 70, 130):
        d = rng.standard_normal((n, n + 3))
        h = d @ d.T
        h = (h + h.T) / 2
        a, _ = shifted(h, 0.0)
        done = factorise(a)
        bound = factor_residual_norm(h, done.factor)
        measured = np.linalg.norm(np.tril(done.factor) @ np.tril(done.factor).T - h, 2)
        assert 0 <= bound <= 100 * done.slack
        assert measured <= float(bound) + float(done.slack)


def test_a_posteriori_route_never_exceeds_a_planted_eigenvalue():
    rng = np.random.default_rng(6)
    for _ in range(20):
        d = rng.integers(1, 60, 16).astype(float)
        for share in (0.999, 1 - 1e-12, 1.0, 1 + 1e-15, 1 + 1e-14):
            low = lower_bound(planted_hadamard(d), share * d.min(), known_blas=False)
            assert low is None or low <= d.min()
            assert low is not None or share > 0.999


@pytest.mark.parametrize(
    ("h", "truth"),
    [
        (np.eye(3), True),
        (np.zeros((2, 2)), False),
        (-np.eye(2), False),
        (np.array([[1.0, 1.0], [1.0, 1.0]]), None),
        (np.array([[2.0**-1074]]), True),
        (np.array([[1e300, 1.0], [1.0, 1e-290]]), True),
    ],
)
def test_small_verdicts(h, truth):
    assert verdict(h) in ((None, False) if truth is None else (truth,))
