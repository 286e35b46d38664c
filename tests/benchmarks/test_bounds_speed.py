"""Speed of the certified bounds against named rivals: least times, taken in turns in one process.

Run with ``OPENBLAS_NUM_THREADS=1 pytest -m benchmark tests/benchmarks/test_bounds_speed.py -s``, and again with 2; each
prints a line of the table in docs/speed.md.
"""

import time
import tracemalloc

import flint
import numpy as np
import pytest
from bounds_measure import figure, row, turns
from scipy.linalg import eigvalsh, svdvals
from scipy.linalg.lapack import dpotrf

from deqmath.bounds import gram_lambda_min, inverse_quadratic_form, lambda_min, operator_norm
from deqmath.bounds.certificates.cholesky import lower_bound
from deqmath.bounds.certificates.inverse_form import sandwich
from deqmath.bounds.inverse_forms import prepared_factor
from deqmath.bounds.operators import Dense

pytestmark = pytest.mark.benchmark


def wishart(n, seed=0):
    a = np.random.default_rng(seed).standard_normal((n, n + n // 4))
    h = a @ a.T
    return (h + h.T) / 2


def cholesky(h):
    dpotrf(np.array(h.T, order="F", copy=True), lower=1, clean=0, overwrite_a=1)


@pytest.mark.parametrize("n", [1000, 2000, 5000])
def test_route_a_against_one_cholesky(capsys, n):
    h = wishart(n)
    times = turns(lambda: lower_bound(h, 1e-3), lambda: cholesky(h), 11 if n < 5000 else 4)
    row(capsys, f"route A, N = {n}", "one Cholesky", times, 1.15)


@pytest.mark.parametrize(("digits", "limit"), [(20, 0.4), (100, 0.5)])
def test_lambda_min_against_eigvalsh(capsys, digits, limit):
    h = wishart(5000)
    assert lambda_min(h, digits).digits >= digits
    times = turns(lambda: lambda_min(h, digits), lambda: eigvalsh(h), 2)
    row(capsys, f"lambda_min, N = 5000, {digits} digits", "eigvalsh", times, limit)


def test_lambda_min_against_arb(capsys):
    h = wishart(200)

    def arb():
        before = flint.ctx.dps
        flint.ctx.dps = 100
        try:
            flint.acb_mat(flint.arb_mat(h.tolist())).eig(algorithm="approx")
        finally:
            flint.ctx.dps = before

    assert lambda_min(h, 100).digits >= 100
    ours = min(turns(lambda: lambda_min(h, 100), lambda: None, 5)[0] for _ in range(2))
    row(capsys, "lambda_min, N = 200, 100 digits", "Arb eig", (ours, turns(arb, lambda: None, 1)[0]), 100, faster=True)


def test_lambda_min_to_1000_digits(capsys):
    h = wishart(1000)
    start = time.perf_counter()
    bound = lambda_min(h, 1000)
    spent = time.perf_counter() - start
    assert bound.digits >= 1000
    figure(capsys, "lambda_min, N = 1000, 1000 digits", spent, "s", 20)


def test_inverse_form_against_one_cholesky(capsys):
    h, y = wishart(5000), np.random.default_rng(1).standard_normal(5000)
    factor, mu = prepared_factor(h)
    operator = Dense(h)
    times = turns(lambda: sandwich(operator, factor, mu, y, 100), lambda: cholesky(h), 4)
    assert inverse_quadratic_form(h[:500, :500].copy(), y[:500], 100).digits >= 100
    row(capsys, "y'H^-1 y, N = 5000, 100 digits, after the factor", "one Cholesky", times, 1.5)


def test_operator_norm_against_svdvals(capsys):
    a = np.random.default_rng(2).standard_normal((2000, 2000))
    assert operator_norm(a, 9).digits >= 9
    times = turns(lambda: operator_norm(a, 9), lambda: svdvals(a), 4)
    row(capsys, "operator norm to 1e-9, N = 2000", "svdvals", times, 0.15)


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
    figure(capsys, f"exact data Gram, N = {n}, 50 digits, peak memory over that of H", peak, "x", 3)
    row(capsys, f"exact data Gram, N = {n}, 50 digits", "eigvalsh of the formed matrix", (mine, rival), 1.0)
