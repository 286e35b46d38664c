"""Small matrices of any range or clustering: what float64 leaves open, the characteristic polynomial settles."""

from fractions import Fraction
from itertools import pairwise

import flint
import numpy as np
import pytest

from deqmath import bounds
from deqmath.bounds.certificates import characteristic
from deqmath.bounds.integers import Scaled


def fraction(value):
    return flint.fmpq(Fraction(value).numerator, Fraction(value).denominator)


def shifted(matrix, level):
    """``matrix - level I`` in exact rationals."""
    n = matrix.shape[0]
    entries = [fraction(float(v)) for v in matrix.ravel()]
    out = flint.fmpq_mat(n, n, entries)
    for i in range(n):
        out[i, i] = out[i, i] - fraction(level)
    return out


def negative_pivots(matrix):
    """How many eigenvalues are at most zero: changes of sign of the leading minors of ``matrix - eps I``, eps -> 0+."""
    n, signs = matrix.nrows(), [1]
    for k in range(1, n + 1):
        minor = flint.fmpq_mat([[matrix[i, j] for j in range(k)] for i in range(k)]).charpoly()
        # det(M - eps I) = (-1)^k p(eps); the lowest coefficient that is not zero has its sign for small eps > 0
        lowest = next(c for c in minor.coeffs() if c != 0)
        signs.append((-1) ** k * (1 if lowest > 0 else -1))
    return sum(a != b for a, b in pairwise(signs))


def assert_smallest(matrix, bound):
    """No eigenvalue below the lower end; at least one up to the upper (counted as ``< upper + eps``)."""
    assert bound.status == "proved"
    not_above = negative_pivots(shifted(matrix, bound.lower))
    not_below = negative_pivots(-1 * shifted(matrix, bound.lower))
    assert not_below == matrix.shape[0], f"{not_above} eigenvalues are at most the lower end, some below it"
    assert negative_pivots(shifted(matrix, bound.upper)) >= 1


def symmetric(a):
    return np.tril(a) + np.tril(a, -1).T


def cases():
    rng = np.random.default_rng(7)
    d = 2.0 ** rng.integers(-200, 201, size=6)
    yield "graded over 2**800", symmetric(d[:, None] * rng.normal(size=(6, 6)) * d)
    q = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    yield "all eigenvalues within 1e-12", symmetric((q * (1 + 1e-12 * rng.normal(size=5))) @ q.T)
    x = rng.normal(size=(4, 1))
    yield "nearly rank one", symmetric(x @ x.T)
    p = rng.integers(-3, 4, size=(7, 4)).astype(float)
    yield "singular", p @ p.T
    e = 10.0 ** rng.integers(-150, 150, size=5)
    yield "diagonal of 300 orders", symmetric(np.diag(e) + 0.1 * np.sqrt(e[:, None] * e) * rng.uniform(-1, 1, (5, 5)))


@pytest.mark.parametrize("digits", [1, 60])
@pytest.mark.parametrize("matrix", [m for _, m in cases()], ids=[name for name, _ in cases()])
def test_small_matrices_reach_every_digit_asked_for(matrix, digits):
    low, high = bounds.lambda_min(matrix, digits), bounds.lambda_max(matrix, digits)
    assert low.digits >= digits
    assert high.digits >= digits
    assert_smallest(matrix, low)
    assert_smallest(-matrix, high.scaled(Fraction(-1)))
    assert bounds.check_certificate(low.certificate).status == "proved"


def test_a_singular_integer_matrix_has_exactly_zero():
    p = np.random.default_rng(3).integers(-3, 4, size=(12, 11)).astype(float)
    h = p @ p.T
    assert bounds.lambda_min(h).lower == bounds.lambda_min(h).upper == 0
    assert bounds.is_positive_definite(h) is False


def test_the_signs_decide_exactly_at_a_root():
    p = flint.fmpz_poly([2, 1]) * flint.fmpz_poly([-3, 1]) ** 2
    below, at, above = Fraction(-2) - Fraction(1, 10**30), Fraction(-2), Fraction(-2) + Fraction(1, 10**30)
    assert characteristic.none_below(p, below)
    assert characteristic.none_below(p, at)
    assert not characteristic.none_below(p, above)
    assert not characteristic.reaches(p, below)
    assert characteristic.reaches(p, at)
    assert characteristic.reaches(p, above)


def test_large_ones_are_left_alone():
    assert not characteristic.is_small(Scaled(np.full((100, 100), 2**2000, dtype=object), 0))
    assert not characteristic.is_small(Scaled(np.ones((201, 201), dtype=object), 0))


@pytest.mark.parametrize("shape", ["factor", "two factors"])
def test_gram_matrices_of_graded_factors(shape):
    rng = np.random.default_rng(11)
    p = (2.0 ** rng.integers(-60, 61, size=5))[:, None] * rng.normal(size=(5, 6))
    gram = bounds.Gram(p) if shape == "factor" else bounds.Gram(p, rng.normal(size=(5, 3)))
    y = rng.normal(size=5)
    assert gram.lambda_min(40).digits >= 40
    form = gram.inverse_quadratic_form(y, 40)
    assert form.digits >= 40
    exact = [[sum(Fraction(a) * Fraction(b) for a, b in zip(u, v, strict=True)) for v in p] for u in p]
    if shape != "factor":
        other = [[sum(Fraction(a) * Fraction(b) for a, b in zip(u, v, strict=True)) for v in gram.Q] for u in gram.Q]
        exact = [[a * b for a, b in zip(r, s, strict=True)] for r, s in zip(exact, other, strict=True)]
    h = flint.fmpq_mat(5, 5, [fraction(v) for row in exact for v in row])
    right = flint.fmpq_mat(5, 1, [fraction(float(v)) for v in y])
    value = (right.transpose() * h.solve(right))[0, 0]
    assert form.lower <= Fraction(int(value.p), int(value.q)) <= form.upper
    assert bounds.check_certificate(form.certificate).status == "proved"


@pytest.mark.parametrize("digits", [3, 40])
def test_resolvent_norm_to_as_many_digits_as_asked(digits):
    rng = np.random.default_rng(5)
    a, gates, gamma = rng.normal(size=(6, 6)), np.array([1.0, 0, 1, 1, 0, 1]), 0.3
    bound = bounds.resolvent_norm(a, gamma, gates, digits)
    assert bound.digits >= digits
    m = [
        [Fraction(int(i == j)) - Fraction(gamma) * Fraction(gates[i]) * Fraction(a[i, j]) for j in range(6)]
        for i in range(6)
    ]
    product = [[sum(x * y for x, y in zip(u, v, strict=True)) for v in m] for u in m]
    square = np.array(product, dtype=object)
    found = bounds.lambda_min(square, digits + 2)
    assert 1 / bound.upper**2 <= found.upper
    assert found.lower <= 1 / bound.lower**2
    assert bounds.check_certificate(bound.certificate).status == "proved"


def test_resolvent_norm_of_what_float64_cannot_hold():
    huge = bounds.resolvent_norm(1e300 * np.ones((3, 3)), 1.0, np.ones(3), digits=15)
    assert 1 in huge
    assert huge.digits >= 15


def test_condition_number_of_a_numpy_matrix():
    with pytest.warns(PendingDeprecationWarning):
        h = np.matrix([[2.0, 1.0], [1.0, 3.0]])
    bound = bounds.condition_number(h)
    assert bounds.check_certificate(bound.certificate).status == "proved"
