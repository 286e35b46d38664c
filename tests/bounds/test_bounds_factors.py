"""Matrices given by factors: Gram, Hadamard of Grams, singular values, condition, resolvent."""

from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_matrices import exact_matrix, mp_eigenvalues, planted_hadamard, to_fraction, wishart
from mpmath import MPContext

from deqmath.bounds import (
    condition_number,
    gram_lambda_min,
    hadamard_gram_lambda_min,
    lambda_max,
    lambda_min,
    operator_norm,
    resolvent_norm,
    sigma_min,
)
from deqmath.errors import InputError, ShapeError

F = Fraction


def mp_smallest(exact, digits):
    """The smallest eigenvalue of a symmetric fmpq matrix from a private mpmath context."""
    context = MPContext()
    context.dps = digits + 20
    rows = [[context.mpf(int(v.p)) / int(v.q) for v in row] for row in exact.tolist()]
    return to_fraction(context.eigsy(context.matrix(rows), eigvals_only=True)[0])


def holds(bound, value, digits):
    slip = abs(value) / 10**digits
    return bound.lower <= value + slip and value - slip <= bound.upper


@pytest.mark.parametrize("digits", [9, 40])
@pytest.mark.parametrize("shape", [(1, 4), (4, 4), (5, 9)])
def test_gram_of_a_factor_is_exact(rng, shape, digits):
    p = rng.standard_normal(shape)
    exact = exact_matrix(p) * exact_matrix(p.T)
    bound = gram_lambda_min(p, digits)
    assert holds(bound, mp_smallest(exact, 2 * digits + 20), 2 * digits)
    assert bound.digits >= digits


def test_rounding_the_gram_first_gives_another_number(rng):
    p = rng.standard_normal((6, 6))
    p[5] = p[4] * (1 + 1e-6)
    product = p @ p.T
    formed, exact = lambda_min((product + product.T) / 2, 25), gram_lambda_min(p, 25)
    assert exact.upper < formed.lower or formed.upper < exact.lower


def test_fewer_columns_than_rows_is_exactly_singular(rng):
    assert gram_lambda_min(rng.standard_normal((7, 3))).upper == 0
    assert gram_lambda_min(np.zeros((2, 5))).is_exact


def test_gram_at_iterative_size(rng):
    p = rng.standard_normal((400, 450))
    bound = gram_lambda_min(p, 30)
    assert bound.digits >= 30
    assert abs(float(bound.mid) / np.linalg.svd(p, compute_uv=False)[-1] ** 2 - 1) < 1e-10


@pytest.mark.parametrize("digits", [9, 40])
def test_hadamard_of_two_grams(rng, digits):
    p, q = rng.standard_normal((6, 3)), rng.standard_normal((6, 4)) * 1e30
    first, second = exact_matrix(p) * exact_matrix(p.T), exact_matrix(q) * exact_matrix(q.T)
    exact = exact_matrix(np.zeros((6, 6)))
    for i in range(6):
        for j in range(6):
            exact[i, j] = first[i, j] * second[i, j]
    bound = hadamard_gram_lambda_min(p, q, digits)
    assert holds(bound, mp_smallest(exact, 2 * digits + 30), 2 * digits)
    assert bound.digits >= digits


def test_schur_product_lower_bound(rng):
    """(25): ``lambda_min(M o Q) >= lambda_min(M) min_i Q_ii``."""
    p, q = rng.standard_normal((20, 25)), rng.standard_normal((20, 4))
    product, plain = hadamard_gram_lambda_min(p, q, 12), gram_lambda_min(p, 12)
    assert product.lower >= plain.upper * F(float((q * q).sum(axis=1).min())) * F(999, 1000)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (1, 1)])
def test_sigma_min(rng, shape):
    a = rng.standard_normal(shape)
    bound = sigma_min(a, 20)
    m, n = shape
    top = min(m, n)
    values = mp_eigenvalues(np.block([[np.zeros((m, m)), a], [a.T, np.zeros((n, n))]]), 70)
    assert holds(bound, sorted(values)[-top], 50)
    assert bound.digits >= 20


def test_condition_number():
    bound = condition_number(planted_hadamard([2.0, 3.0, 5.0, 8.0]), 20)
    assert F(4) in bound
    assert bound.digits >= 20
    assert condition_number(planted_hadamard([0.0, 3.0, 5.0, 8.0])).status == "undecided"


@pytest.mark.parametrize("m", [1, 6, 60])
def test_resolvent_norm_beats_the_neumann_bound(rng, m):
    a = rng.standard_normal((m, m))
    active = (rng.standard_normal(m) > 0).astype(float)
    gamma = 0.5 / float(operator_norm(a).upper)
    bound = resolvent_norm(a, gamma, active)
    direct = np.linalg.norm(np.linalg.inv(np.eye(m) - gamma * active[:, None] * a), 2)
    assert F(direct * (1 - 1e-12)) <= bound.upper
    assert bound.lower <= F(direct * (1 + 1e-12))
    assert bound.upper <= F(2) * (1 + F(1, 10**6))


def test_singular_resolvent_is_undecided():
    bound = resolvent_norm(np.eye(3), 1.0, np.ones(3))
    assert bound.status == "undecided"
    assert "invertible" in bound.reason


def test_errors(rng):
    with pytest.raises(ShapeError, match="same number of rows"):
        hadamard_gram_lambda_min(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(ShapeError, match="square"):
        resolvent_norm(np.ones((2, 3)), 0.1, np.ones(2))
    with pytest.raises(InputError, match="gamma"):
        resolvent_norm(wishart(2, rng), np.nan, np.ones(2))
    with pytest.raises(InputError):
        gram_lambda_min(np.array([[np.nan]]))


@pytest.mark.parametrize("digits", [10, 60])
def test_rational_matrices_are_taken_as_they_stand(digits):
    hilbert = flint.fmpq_mat([[flint.fmpq(1, i + j + 1) for j in range(8)] for i in range(8)])
    low, high = lambda_min(hilbert, digits), lambda_max(hilbert, digits)
    assert holds(low, mp_smallest(hilbert, 2 * digits + 40), 2 * digits)
    assert holds(high, -mp_smallest(hilbert * -1, 2 * digits + 40), 2 * digits)
    assert min(low.digits, high.digits) >= digits
    rounded = lambda_min(1.0 / (np.arange(8)[:, None] + np.arange(8) + 1.0), 20)
    assert rounded.upper < low.lower or low.upper < rounded.lower


def test_rational_matrices_refused_and_zero():
    assert lambda_min(flint.fmpq_mat(3, 3)).is_exact
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        lambda_min(flint.fmpq_mat(2, 3))
    with pytest.raises(InputError, match="transpose"):
        lambda_min(flint.fmpq_mat([[1, 2], [3, 4]]))
    with pytest.raises(InputError, match="at most 256"):
        lambda_max(flint.fmpq_mat(300, 300))
