"""Exact products: against exact rationals, over extreme scales, blocks, threads and remainders."""

from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_matrices import exact_matrix, rational
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deqmath.bounds import exact_products, probes
from deqmath.bounds.exact_products import ExactMatrix, exact_matmul, right_bits
from deqmath.bounds.inputs import balanced
from deqmath.bounds.integers import Scaled, combine, gram
from deqmath.errors import DeqmathError, ShapeError


def as_exact(scaled):
    rows = [[scaled.fraction(i, j) for j in range(scaled.values.shape[1])] for i in range(scaled.values.shape[0])]
    return flint.fmpq_mat([[flint.fmpq(v.numerator, v.denominator) for v in row] for row in rows])


moderate = st.floats(min_value=-1e6, max_value=1e6).map(lambda v: v if abs(v) > 1e-250 else 0.0)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 7), st.integers(1, 7), st.integers(1, 3))
def test_product_is_exact(data, m, n, p):
    a = data.draw(arrays(np.float64, (m, n), elements=moderate))
    b = data.draw(arrays(np.float64, (n, p), elements=st.floats(allow_nan=False, allow_infinity=False)))
    assert as_exact(exact_matmul(a, b)) == exact_matrix(a) * exact_matrix(b)


@pytest.mark.parametrize("block", [1, 37, 2**16])
@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (1, 60), (60, 1)])
def test_blocks_and_transposes(monkeypatch, rng, block, shape):
    monkeypatch.setattr(exact_products, "BLOCK_ENTRIES", block)
    a = rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 12, shape)
    x, y = rng.standard_normal((shape[1], 2)), rng.standard_normal((shape[0], 2))
    matrix = ExactMatrix(a)
    assert matrix.remainder == 0
    assert as_exact(matrix.times(Scaled.from_floats(x))) == exact_matrix(a) * exact_matrix(x)
    assert as_exact(matrix.transposed_times(Scaled.from_floats(y))) == exact_matrix(a.T) * exact_matrix(y)


def test_remainder_covers_what_the_slices_leave(rng):
    a = rng.standard_normal((12, 12)) * 2.0 ** rng.integers(-200, 0, (12, 12))
    matrix = ExactMatrix(a, max_slices=3)
    assert matrix.remainder > 0
    kept = as_exact(matrix.times(Scaled.from_floats(np.eye(12))))
    gap = exact_matrix(a) - kept
    squares = sum(gap[i, j] * gap[i, j] for i in range(12) for j in range(12))
    assert squares <= rational(1) * flint.fmpq(matrix.remainder.numerator, matrix.remainder.denominator) ** 2


def test_worst_case_partial_sums_reach_the_limit_exactly():
    n = 4096
    a = np.full((3, n), 2.0**26) * (1 - 2.0**-27)
    x = Scaled(np.full((n, 1), 2 ** right_bits(n) - 1, dtype=object), 0)
    wanted = Fraction(a[0, 0]) * n * (2 ** right_bits(n) - 1)
    assert ExactMatrix(a).times(x).fraction(0, 0) == wanted


def test_one_and_two_threads_give_the_same_integers(rng):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    a, x = rng.standard_normal((300, 300)), Scaled.from_floats(rng.standard_normal((300, 2)))
    results = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            product = ExactMatrix(a).times(x)
        results.append((product.values.tolist(), product.exponent))
    assert results[0] == results[1]


def test_memory_stays_below_one_and_a_half_times_the_input(rng):
    import tracemalloc

    a = rng.standard_normal((1500, 1500))
    x = Scaled.from_floats(rng.standard_normal((1500, 1)))
    tracemalloc.start()
    ExactMatrix(a).times(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert a.nbytes + peak <= 1.5 * a.nbytes


@pytest.mark.parametrize("shape", [(6, 9), (40, 25), (1, 3)])
def test_any_array_namespace_gives_the_same_integers(monkeypatch, rng, shape):
    """The matrix may live elsewhere: only +, - and @ of its namespace touch it."""
    strict = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(exact_products, "DEVICE_BLOCK_ENTRIES", 64)
    a = rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 12, shape)
    x, y = rng.standard_normal((shape[1], 2)), rng.standard_normal((shape[0], 2))
    there = strict.asarray(a)
    assert as_exact(exact_matmul(there, x)) == exact_matrix(a) * exact_matrix(x)
    back = ExactMatrix(there).transposed_times(Scaled.from_floats(y))
    assert as_exact(back) == exact_matrix(a.T) * exact_matrix(y)
    with pytest.raises(ShapeError, match="960 powers"):
        exact_matmul(strict.asarray(a * 2.0**400), x)


def test_a_namespace_with_a_lossy_product_is_refused(monkeypatch, rng):
    strict = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(probes, "probe_results", lambda _: {"exact integer GEMM": False})
    probes.require_exact_product.cache_clear()
    with pytest.raises(DeqmathError, match="pass a NumPy array"):
        exact_matmul(strict.asarray(rng.standard_normal((3, 3))), np.ones((3, 1)))
    probes.require_exact_product.cache_clear()


@pytest.mark.parametrize("exponent", [-900, -30, 0, 200])
def test_cut_is_the_nearest_multiple(rng, exponent):
    values = rng.standard_normal(500) * 2.0 ** (exponent + rng.integers(-5, 26, 500))
    piece = exact_products.cut(values, exponent)
    assert np.array_equal(piece, np.ldexp(np.rint(np.ldexp(values, -exponent)), exponent))
    assert np.all(np.abs(values - piece) <= 2.0 ** (exponent - 1))


def test_a_slice_too_wide_loses_bits(monkeypatch, rng):
    """More bits a slice than the rule allows, and sums beyond 2**53 are rounded."""
    n, allowed = 4096, right_bits(4096)
    a = rng.uniform(1, 2, (3, n))
    x = Scaled(np.array([[int(v)] for v in rng.integers(2**20, 2**22, n)], dtype=object), 0)
    wanted = [[sum(Fraction(u) * int(v) for u, v in zip(row, x.values[:, 0], strict=True))] for row in a.tolist()]
    sound = ExactMatrix(a).times(x)
    assert [[sound.fraction(i, 0)] for i in range(3)] == wanted
    monkeypatch.setattr(exact_products, "right_bits", lambda _: allowed + 8)
    false = ExactMatrix(a).times(x)
    assert [[false.fraction(i, 0)] for i in range(3)] != wanted


def test_block_algebra(rng):
    x, y = (Scaled.from_floats(rng.standard_normal((9, 3))) for _ in range(2))
    assert as_exact(gram(x, y)) == as_exact(x).transpose() * as_exact(y)
    assert as_exact(combine(x, gram(x, y))) == as_exact(x) * as_exact(gram(x, y))
    assert as_exact(x.plus(y)) == as_exact(x) + as_exact(y)
    assert as_exact(x.minus(y)) == as_exact(x) - as_exact(y)


@pytest.mark.parametrize("scale", [1e-310, 1e-150, 1.0, 1e150, 1e300])
def test_balanced_is_exact_or_says_what_it_lost(rng, scale):
    a = rng.standard_normal((6, 6)) * scale
    scaled, e, lost = balanced(a)
    assert lost == 0
    assert all(Fraction(u) * Fraction(2) ** e == Fraction(v) for u, v in zip(scaled.ravel(), a.ravel(), strict=True))


def test_balanced_bounds_an_underflow():
    a = np.array([[1e300, 3 * 2.0**-1074]])
    scaled, e, lost = balanced(a)
    slip = Fraction(scaled[0, 1]) - Fraction(a[0, 1]) / Fraction(2) ** e
    assert 0 < abs(slip) <= lost


def test_inner_shapes_are_checked(rng):
    with pytest.raises(ShapeError, match="3 rows"):
        ExactMatrix(rng.standard_normal((2, 3))).times(Scaled.from_floats(np.ones((2, 1))))


def test_probes_pass_here_and_refuse_a_bad_machine(monkeypatch):
    assert all(probes.probe_results().values())
    monkeypatch.setattr(probes, "probe_results", lambda: {"exact integer GEMM": False})
    probes.require_sound_arithmetic.cache_clear()
    with pytest.raises(DeqmathError, match="exact integer GEMM"):
        probes.require_sound_arithmetic()
    probes.require_sound_arithmetic.cache_clear()


@pytest.mark.parametrize("type_", [np.float32, np.float16])
def test_probes_notice_a_lossy_product(type_):
    def lossy(a, b):
        with np.errstate(over="ignore"):
            return (a @ b).astype(type_).astype(float)

    results = probes.probe_results(lossy)
    assert not results["exact integer GEMM"]
    assert not results["exact skinny integer GEMM"]


def test_probes_notice_one_lost_bit():
    results = probes.probe_results(lambda a, b: (a @ b) * (1 + 2.0**-52))
    assert not results["exact integer GEMM"]
