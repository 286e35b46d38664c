"""operator_norm: planted singular values, containment against mpmath, scales, shapes."""

from fractions import Fraction

import numpy as np
import pytest
from bounds_matrices import mp_eigenvalues, planted_hadamard, sylvester
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deqmath.bounds import check_certificate, operator_norm
from deqmath.bounds.norm_bounds import cheap_norm_bounds

F = Fraction


@pytest.mark.parametrize("digits", [3, 9, 40, 120])
@pytest.mark.parametrize("n", [2, 16, 64])
def test_planted_singular_values(rng, n, digits):
    signs = rng.choice([-1.0, 1.0], n)
    d = rng.choice(np.arange(1, 300), n, replace=False) * signs
    a = planted_hadamard(d)[rng.permutation(n)]
    bound = operator_norm(a, digits)
    assert F(np.abs(d).max()) in bound
    assert bound.digits >= digits


@pytest.mark.parametrize("shape", [(8, 3), (3, 8), (1, 8), (8, 1), (8, 8)])
@pytest.mark.parametrize("repeated", [False, True])
def test_rectangles_and_repeated_values(rng, shape, repeated):
    m, n = shape
    q = sylvester(3)[:m] if m <= n else sylvester(3)[:, :n]
    weights = np.ones(min(m, n)) if repeated else rng.permutation(np.arange(1.0, min(m, n) + 1))
    a = weights[:, None] * q if m <= n else q * weights
    bound = operator_norm(np.ascontiguousarray(a[:m, :n]), 30)
    squared = bound.lower**2, bound.upper**2
    assert squared[0] <= 8 * F(weights.max()) ** 2 <= squared[1]
    assert bound.digits >= 30


@pytest.mark.parametrize("digits", [9, 30])
@pytest.mark.parametrize("seed", range(10))
def test_containment_against_mpmath(seed, digits):
    rng = np.random.default_rng(seed)
    m, n = (int(v) for v in rng.integers(1, 8, 2))
    a = rng.standard_normal((m, n)) * 10.0 ** rng.integers(-3, 4)
    bound = operator_norm(a, digits)
    top = mp_eigenvalues(np.block([[np.zeros((m, m)), a], [a.T, np.zeros((n, n))]]), 2 * digits + 30)[-1]
    slip = top / 10 ** (2 * digits)
    assert bound.lower <= top + slip
    assert top - slip <= bound.upper
    assert bound.digits >= digits


@pytest.mark.parametrize("exponent", [-1060, -900, -150, 150, 900, 1010])
def test_scales(exponent):
    a = np.ldexp(planted_hadamard([1.0, 2.0, 3.0, 7.0]), exponent)
    bound = operator_norm(a, 20)
    assert 7 * F(2) ** exponent in bound
    assert bound.digits >= 20


def test_large_random_matrix_needs_no_exact_product(rng):
    a = rng.standard_normal((400, 380))
    bound = operator_norm(a, 9)
    assert bound.certificate["method"] == "shifted Cholesky of the Gram matrix"
    assert bound.digits >= 9
    assert bound.lower <= F(np.linalg.norm(a, 2)) * (1 + F(1, 10**12))
    assert bound.upper >= F(np.linalg.norm(a, 2)) * (1 - F(1, 10**12))


def test_zero_matrix_and_one_entry():
    assert operator_norm(np.zeros((3, 4))).is_exact
    bound = operator_norm(np.array([[-3.0]]), 20)
    assert F(3) in bound


def test_cheap_bounds_are_bounds_but_wide(rng):
    a = rng.standard_normal((300, 300))
    sharp = operator_norm(a, 9)
    mixed, frobenius = cheap_norm_bounds(a)
    assert sharp.lower <= min(mixed, frobenius)
    assert frobenius > 5 * sharp.upper


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (3, 4), elements=st.integers(-9, 9).map(float)), st.integers(1, 30))
def test_random_integer_matrices(a, digits):
    bound = operator_norm(a, digits)
    top = mp_eigenvalues(a @ a.T, 90)[-1]
    slip = F(1, 10**80)
    assert bound.lower**2 <= top + slip
    assert top - slip <= bound.upper**2
    assert bound.digits >= digits or not a.any()


def test_graded_to_the_end_of_the_range():
    """Entries from 2**-200 to 2**298: the squares of the Gram matrix must not overflow."""
    rng = np.random.default_rng(9)
    d = 2.0 ** np.array([149, -100, 20, 0])
    a = d[:, None] * rng.standard_normal((4, 4)) * d
    bound = operator_norm(a, 40)
    assert bound.digits >= 40
    assert check_certificate(bound.certificate).status == "proved"


def test_the_zero_matrix_has_a_certificate():
    assert check_certificate(operator_norm(np.zeros((2, 3))).certificate).is_exact
