"""inverse_quadratic_form against exact rational solves."""

from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_matrices import exact_matrix, nearly_indefinite, planted_hadamard, wishart

from deqmath.bounds import check_certificate, inverse_quadratic_form


def exact_form(h, y):
    right = exact_matrix(y.reshape(-1, 1))
    value = (right.transpose() * exact_matrix(h).solve(right))[0, 0]
    assert isinstance(value, flint.fmpq)
    return Fraction(int(value.p), int(value.q))


@pytest.mark.parametrize("digits", [1, 15, 60, 200])
@pytest.mark.parametrize("n", [1, 4, 25])
def test_against_exact_solves(rng, n, digits):
    h, y = wishart(n, rng), rng.standard_normal(n)
    bound = inverse_quadratic_form(h, y, digits)
    assert exact_form(h, y) in bound
    assert bound.digits >= digits


@pytest.mark.parametrize("exponent", [-1000, -150, 150, 900])
def test_scales(rng, exponent):
    h, y = np.ldexp(planted_hadamard([1.0, 2.0, 5.0, 9.0]), exponent), np.ldexp(rng.standard_normal(4), exponent // 2)
    bound = inverse_quadratic_form(h, y, 25)
    assert exact_form(h, y) in bound
    assert bound.digits >= 25


@pytest.mark.parametrize("n", [4, 8, 11, 12])
def test_condition_beyond_the_precision(n):
    h = 1.0 / (np.arange(n)[:, None] + np.arange(n) + 1.0)
    bound = inverse_quadratic_form(h, np.ones(n), 20)
    assert exact_form(h, np.ones(n)) in bound
    assert bound.digits >= 20


def test_not_positive_definite_is_undecided(rng):
    for h in (np.diag([1.0, -1.0]), np.zeros((2, 2)), nearly_indefinite(rng, 5, 2, 1), np.ones((3, 3))):
        for y in (np.ones(len(h)), np.zeros(len(h))):
            bound = inverse_quadratic_form(h, y, 10)
            assert bound.status == "undecided"
            assert "positive definite" in bound.reason


def test_zero_vector_and_column(rng):
    h = wishart(5, rng)
    assert inverse_quadratic_form(h, np.zeros(5)).is_exact
    y = rng.standard_normal(5)
    assert exact_form(h, y) in inverse_quadratic_form(h, y.reshape(5, 1), 20)


def test_iterative_size(rng):
    d = rng.integers(1, 5, 512).astype(float)
    y = np.zeros(512)
    y[0] = 1.0
    bound = inverse_quadratic_form(planted_hadamard(d, check=False), y, 50)
    assert sum(Fraction(1, int(v)) for v in d) / 512 in bound
    assert bound.digits >= 50


@pytest.mark.parametrize("digits", [3, 40])
def test_conditions_that_float64_cannot_factorise(rng, digits):
    """Planted exact spectra of condition 2**70, 1 + 2**-52 on the diagonal, and entries 2**-1070 beside 1."""
    nearly_one = np.ones((9, 9)) + 2.0**-52 * np.eye(9)
    far = np.array([[1.0, 2.0**-1070], [2.0**-1070, 3.0]])
    d = 2.0 ** np.array([-35, 35, 0, 10])
    graded = d[:, None] * wishart(4, rng) * d
    for h in (nearly_one, far, (graded + graded.T) / 2):
        for y in (rng.standard_normal(len(h)), np.zeros(len(h))):
            bound = inverse_quadratic_form(h, y, digits)
            assert exact_form(h, y) in bound
            assert bound.digits >= digits
            assert check_certificate(bound.certificate).status == "proved"
