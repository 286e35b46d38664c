"""Speed of the certified bounds against named rivals: ratios of medians, interleaved in one process.

Run with ``pytest -m benchmark tests/benchmarks/test_bounds_speed.py -s``; each prints one line of the table.
"""

import statistics
import time
import tracemalloc

import flint
import numpy as np
import pytest
from scipy.linalg import eigvalsh, svdvals
from scipy.linalg.lapack import dpotrf

from deqmath.bounds import gram_lambda_min, inverse_quadratic_form, lambda_min, operator_norm
from deqmath.bounds.certificates.cholesky import lower_bound
from deqmath.bounds.certificates.inverse_form import sandwich
from deqmath.bounds.inverse_forms import _prepare
from deqmath.bounds.operators import Dense

pytestmark = pytest.mark.benchmark


def ratio(ours, rival, rounds):
    """Median time of ours over median time of the rival, taken in turns; returns (ratio, ours, rival)."""
    times = ([], [])
    for _ in range(rounds):
        for kept, action in zip(times, (ours, rival), strict=True):
            start = time.perf_counter()
            action()
            kept.append(time.perf_counter() - start)
    mine, other = (statistics.median(t) for t in times)
    return mine / other, mine, other


def report(capsys, what, measured, limit, at_least=False):
    value, mine, other = measured
    if at_least:
        value = 1 / value
    with capsys.disabled():
        sign = ">=" if at_least else "<="
        print(f"\n| {what} | {value:.3g} x | wanted {sign} {limit} x | {mine:.3g} s against {other:.3g} s |")
    assert value >= limit if at_least else value <= limit


def wishart(n, seed=0):
    a = np.random.default_rng(seed).standard_normal((n, n + n // 4))
    h = a @ a.T
    return (h + h.T) / 2


@pytest.mark.parametrize("n", [1000, 2000, 5000])
def test_route_a_against_one_cholesky(capsys, n):
    h = wishart(n)

    def cholesky():
        dpotrf(np.array(h.T, order="F", copy=True), lower=1, clean=0, overwrite_a=1)

    measured = ratio(lambda: lower_bound(h, 1e-3), cholesky, 7 if n < 5000 else 3)
    report(capsys, f"route A, N = {n}, over one Cholesky", measured, 1.15)


@pytest.mark.parametrize(("digits", "limit"), [(20, 0.4), (100, 0.5)])
def test_lambda_min_against_eigvalsh(capsys, digits, limit):
    h = wishart(5000)
    measured = ratio(lambda: lambda_min(h, digits), lambda: eigvalsh(h), 3)
    report(capsys, f"lambda_min, N = 5000, {digits} digits, over eigvalsh", measured, limit)


def test_lambda_min_against_arb(capsys):
    h = wishart(200)

    def arb():
        before = flint.ctx.dps
        flint.ctx.dps = 100
        try:
            flint.acb_mat(flint.arb_mat(h.tolist())).eig(algorithm="approx")
        finally:
            flint.ctx.dps = before

    assert all(lambda_min(h, 100).digits >= 100 for _ in range(3))
    report(
        capsys,
        "lambda_min, N = 200, 100 digits, Arb eig over ours",
        ratio(lambda: lambda_min(h, 100), arb, 1),
        100,
        True,
    )


def test_lambda_min_to_1000_digits(capsys):
    h = wishart(1000)
    start = time.perf_counter()
    bound = lambda_min(h, 1000)
    spent = time.perf_counter() - start
    with capsys.disabled():
        print(f"\n| lambda_min, N = 1000, 1000 digits | {spent:.3g} s | wanted <= 20 s |")
    assert bound.digits >= 1000
    assert spent <= 20


def test_inverse_form_against_one_cholesky(capsys):
    h, y = wishart(5000), np.random.default_rng(1).standard_normal(5000)
    factor, mu = _prepare(h)
    operator = Dense(h)

    def cholesky():
        dpotrf(np.array(h.T, order="F"), lower=1, clean=0, overwrite_a=1)

    measured = ratio(lambda: sandwich(operator, factor, mu, y, 100), cholesky, 3)
    report(capsys, "y'H^-1 y, N = 5000, 100 digits, after the factor, over one Cholesky", measured, 1.5)
    assert inverse_quadratic_form(h[:500, :500].copy(), y[:500], 100).digits >= 100


def test_operator_norm_against_svdvals(capsys):
    a = np.random.default_rng(2).standard_normal((2000, 2000))
    assert operator_norm(a, 9).digits >= 9
    report(
        capsys,
        "operator norm to 1e-9, N = 2000, over svdvals",
        ratio(lambda: operator_norm(a, 9), lambda: svdvals(a), 3),
        0.15,
    )


def test_data_gram_of_ten_thousand(capsys):
    """Time over eigvalsh of the formed matrix; peak memory over that of the formed matrix, the input not counted."""
    n = 10_000
    p = np.random.default_rng(3).standard_normal((n, n + 200))
    tracemalloc.start()
    start = time.perf_counter()
    bound = gram_lambda_min(p, 50)
    mine = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1] / (8 * n * n)
    tracemalloc.stop()
    assert bound.digits >= 50
    h = p @ p.T
    del p
    start = time.perf_counter()
    eigvalsh(h, overwrite_a=True, check_finite=False)
    rival = time.perf_counter() - start
    with capsys.disabled():
        print(f"\n| exact data Gram, N = {n}, 50 digits: peak memory | {peak:.3g} x that of H | wanted <= 3 x |")
    report(capsys, f"exact data Gram, N = {n}, 50 digits, over eigvalsh", (mine / rival, mine, rival), 1.0)
    assert peak <= 3
