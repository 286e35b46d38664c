"""lambda_min and lambda_max: planted exact spectra, containment against mpmath, hard matrices, threads."""

from fractions import Fraction

import numpy as np
import pytest
from bounds_matrices import (
    contains,
    exact_inertia_is_definite,
    mp_eigenvalues,
    planted_hadamard,
    planted_reflection,
    wishart,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deqmath.bounds import lambda_max, lambda_min

F = Fraction


def check(h, smallest, largest, digits, reached=True):
    low, high = lambda_min(h, digits), lambda_max(h, digits)
    assert contains(low, F(smallest))
    assert contains(high, F(largest))
    assert low.status == high.status == "proved"
    if reached:
        assert low.digits >= digits
        assert high.digits >= digits
    return low, high


@pytest.mark.parametrize("digits", [1, 9, 30, 100, 300])
@pytest.mark.parametrize("n", [2, 8, 32])
def test_planted_spectra(rng, n, digits):
    d = rng.choice(np.arange(1, 200), n, replace=False).astype(float)
    check(planted_hadamard(d), d.min(), d.max(), digits)
    check(planted_reflection(d, rng), d.min(), d.max(), digits)
    check(planted_reflection(d - 100, rng), d.min() - 100, d.max() - 100, digits, reached=0.0 not in d - 100)


@pytest.mark.parametrize("n", [64, 512])
def test_planted_spectra_beyond_the_dense_start(rng, n):
    d = rng.choice(np.arange(1, 4 * n), n, replace=False).astype(float)
    check(planted_hadamard(d, check=n < 100), d.min(), d.max(), 40)
    check(planted_hadamard(d - n, check=n < 100), d.min() - n, d.max() - n, 40)


@pytest.mark.parametrize("multiplicity", [2, 3, 5])
@pytest.mark.parametrize("gap", [0.0, 2.0**-44, 2.0**-30, 2.0**-12])
def test_clusters_and_duplicates(rng, multiplicity, gap):
    d = np.concatenate([1.0 + gap * np.arange(multiplicity), 2.0 + rng.integers(0, 6, 8 - multiplicity)])
    check(planted_hadamard(d), 1.0, d.max(), 40)
    d = np.concatenate([d, np.full(56, 7.0)])
    low = lambda_min(planted_hadamard(d), 40)
    assert contains(low, F(1))
    assert low.digits >= 40


@pytest.mark.parametrize("zeros", [1, 2, 7])
@pytest.mark.parametrize("n", [8, 64])
def test_exactly_singular(rng, n, zeros):
    d = np.concatenate([np.zeros(zeros), rng.integers(1, 50, n - zeros)])
    for h in (planted_hadamard(d), planted_reflection(d, rng)):
        low = lambda_min(h, 20)
        assert contains(low, F(0))
        assert low.width <= F(1, 10**20)
        assert low.digits == 0 or low.is_exact


@pytest.mark.parametrize("exponent", [-200, 0, 200])
@pytest.mark.parametrize("zeros", [2, 3])
def test_a_singular_cluster_ends_at_every_scale(zeros, exponent):
    """Once endless: the width asked for was below the precision of the candidates."""
    h = np.ldexp(planted_hadamard([0.0] * zeros + [3.0] * (8 - zeros)), exponent)
    for digits in (1, 6, 40):
        low = lambda_min(h, digits)
        assert contains(low, F(0))
        assert low.width <= F(2) ** exponent / 10 ** (digits + 20)


@pytest.mark.parametrize("n", [40, 64, 128])
def test_large_multiplicity_falls_back_to_one_cholesky(rng, n):
    base = rng.integers(-4, 5, (n, 6)).astype(float)
    h = base @ base.T
    low = lambda_min(h, 20)
    assert contains(low, F(0))
    assert low.width <= F(1, 10**8)


def test_duplicate_rows(rng):
    rows = rng.integers(-9, 10, (12, 40)).astype(float)
    data = np.vstack([rows, rows[:2]])
    low = lambda_min(data @ data.T, 15)
    assert contains(low, F(0))
    assert low.width <= F(1, 10**15)


@pytest.mark.parametrize("digits", [15, 40])
@pytest.mark.parametrize("seed", range(12))
def test_containment_against_mpmath(seed, digits):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    h = wishart(n, rng) - (seed % 3) * 3.0 * np.eye(n)
    values = mp_eigenvalues(h, 2 * digits + 20)
    low, high = lambda_min(h, digits), lambda_max(h, digits)
    assert contains(low, values[0], 2 * digits + 10)
    assert contains(high, values[-1], 2 * digits + 10)
    assert min(low.digits, high.digits) >= digits


@pytest.mark.parametrize("exponent", [-1070, -1022, -500, -150, 150, 500, 1000])
def test_scales_and_subnormals(rng, exponent):
    d = np.array([3.0, 5.0, 6.0, 11.0])
    h = np.ldexp(planted_reflection(d * 4, rng), exponent)
    scale = F(2) ** (exponent + 2)
    low, high = lambda_min(h, 25), lambda_max(h, 25)
    assert contains(low, 3 * scale)
    assert contains(high, 11 * scale)
    assert min(low.digits, high.digits) >= 25


def test_dynamic_range_beyond_the_slices():
    h = np.array([[2.0, 2.0**-900], [2.0**-900, 1.0]])
    low = lambda_min(h, 12)
    assert contains(low, mp_eigenvalues(h, 600)[0], 550)
    assert low.digits >= 12


@pytest.mark.parametrize("n", [3, 6, 9, 12])
def test_condition_numbers_near_and_beyond_the_precision(n):
    h = 1.0 / (np.arange(n)[:, None] + np.arange(n) + 1.0)
    low = lambda_min(h, 20)
    assert contains(low, mp_eigenvalues(h, 80)[0], 60)
    assert low.digits >= 20


def test_condition_1e16():
    d = np.array([2.0**-46, 1, 2, 2, 3, 4, 5, 5])
    low, _ = check(planted_hadamard(d), 2.0**-46, 5, 30)
    assert low.lower > 0


def test_zero_rows_and_diagonals():
    h = np.zeros((6, 6))
    assert lambda_min(h).is_exact
    h[:3, :3] = planted_hadamard([1.0, 2.0, 3.0, 4.0])[:3, :3]
    assert contains(lambda_min(h, 12), F(0))
    assert lambda_min(np.diag([3.0, -2.0, 0.5])).lower == -2
    assert lambda_max(np.diag([3.0, -2.0, 0.5])).upper == 3
    assert lambda_min(np.array([[-7.25]])).lower == F(-29, 4)


def test_fortran_order_views_and_read_only(rng):
    h = wishart(12, rng)
    wanted = lambda_min(h, 30)
    big = np.zeros((24, 24))
    big[::2, ::2] = h
    frozen = h.copy()
    frozen.flags.writeable = False
    before = h.copy()
    for same in (np.asfortranarray(h), big[::2, ::2], frozen, h[::-1, ::-1]):
        other = lambda_min(same, 30)
        assert max(wanted.lower, other.lower) <= min(wanted.upper, other.upper)
    assert np.array_equal(h, before)


def test_two_threads_agree_with_one(rng):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    h = wishart(150, rng)
    bounds = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            bounds.append(lambda_min(h, 40))
    assert max(b.lower for b in bounds) <= min(b.upper for b in bounds)
    assert all(b.digits >= 40 for b in bounds)


small_integers = arrays(np.float64, (4, 4), elements=st.integers(-6, 6).map(float))


@settings(max_examples=60, deadline=None)
@given(small_integers, st.integers(-40, 40), st.integers(1, 40))
def test_random_integer_matrices(a, exponent, digits):
    h = np.ldexp(a + a.T, exponent)
    values = mp_eigenvalues(h, 120)
    low, high = lambda_min(h, digits), lambda_max(h, digits)
    slip = F(1, 10**100) * F(2) ** exponent
    assert low.lower <= values[0] + slip
    assert values[0] - slip <= low.upper
    assert high.lower <= values[-1] + slip
    assert values[-1] - slip <= high.upper


@settings(max_examples=40, deadline=None)
@given(small_integers, st.integers(0, 3))
def test_the_sign_is_never_wrong(a, depth):
    d = np.diag(2.0 ** -np.arange(0, 4 * depth + 1, max(depth, 1))[:4]) if depth else np.eye(4)
    h = d @ (a @ a.T) @ d
    low = lambda_min(h, 5)
    if low.lower > 0:
        assert exact_inertia_is_definite(h)
    if low.upper <= 0:
        assert not exact_inertia_is_definite(h)


@pytest.mark.parametrize("digits", [1000, 3000])
def test_thousands_of_digits(digits):
    """(7 - sqrt 5)/2 has the continued fraction of the golden ratio: no number needs more terms for its digits."""
    h = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    bound = lambda_min(h, digits)
    assert bound.digits >= digits
    for end, sign in ((bound.lower, -1), (bound.upper, 1)):  # 2 end - 5 against -sqrt 5
        assert ((5 - 2 * end) ** 2 - 5) * sign <= 0
