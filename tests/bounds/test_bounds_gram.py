"""``Gram``: extreme eigenvalues, condition and inverse forms of exact factors, against exact rationals and mpmath."""

from fractions import Fraction

import flint
import numpy as np
import pytest
from bounds_matrices import exact_matrix, mp_eigenvalues

from deqmath.bounds import repeated_rows
from deqmath.bounds.gram import Gram
from deqmath.errors import InputError, ShapeError
from deqmath.stages import listening

F = Fraction


def exact_gram(p, q=None):
    first = exact_matrix(p) * exact_matrix(p.T)
    if q is None:
        return first
    second, n = exact_matrix(q) * exact_matrix(q.T), p.shape[0]
    return flint.fmpq_mat([[first[i, j] * second[i, j] for j in range(n)] for i in range(n)])


def fraction(value):
    return F(int(value.p), int(value.q))


@pytest.fixture(params=[False, True], ids=["gram", "hadamard"])
def factors(request, rng):
    p = rng.standard_normal((9, 12))
    return (p, rng.standard_normal((9, 3))) if request.param else (p,)


@pytest.mark.parametrize("digits", [6, 40])
def test_extremes_enclose_those_of_the_exact_matrix(factors, digits):
    whole = exact_gram(*factors)
    level = exact_like(whole)
    gram = Gram(*factors)
    low, high, ratio = gram.lambda_min(digits), gram.lambda_max(digits), gram.condition_number(digits)
    assert low.lower <= level[0] <= low.upper
    assert high.lower <= level[-1] <= high.upper
    assert ratio.lower <= level[-1] / level[0] <= ratio.upper
    assert min(low.digits, high.digits, ratio.digits) >= digits
    assert gram.operator_norm(digits).upper == high.upper


def exact_like(whole):
    """Eigenvalues of a rational matrix by mpmath at 90 digits."""
    import mpmath

    context = mpmath.mp.clone()
    context.dps = 90
    n = whole.nrows()
    rows = [[context.mpf(int(whole[i, j].p)) / int(whole[i, j].q) for j in range(n)] for i in range(n)]
    values = context.eigsy(context.matrix(rows), eigvals_only=True)
    return sorted(F(int(v * context.mpf(2) ** 280), 2**280) for v in values)


def test_inverse_form(factors, rng):
    y = rng.standard_normal(9)
    right = exact_matrix(y.reshape(-1, 1))
    truth = fraction((right.transpose() * exact_gram(*factors).solve(right))[0, 0])
    bound = Gram(*factors).inverse_quadratic_form(y, 50)
    assert bound.lower <= truth <= bound.upper
    assert bound.digits >= 50


def test_progress_is_told(factors):
    told = []
    with listening(lambda *step: told.append(step)):
        Gram(*factors).lambda_min(60)
        Gram(*factors).inverse_quadratic_form(np.ones(9), 60)
    stages = {name for name, _, _ in told}
    assert {"eigenvectors in float64", "gap above the smallest eigenvalues", "digits"} <= stages
    assert all(0 <= done <= total or total == 0 for _, done, total in told)


def test_scales(rng):
    p = rng.standard_normal((5, 7))
    plain, huge = Gram(p).lambda_max(20), Gram(p * 2.0**400).lambda_max(20)
    assert plain.lower * 2**800 <= huge.upper
    assert huge.lower <= plain.upper * 2**800


@pytest.mark.parametrize(
    ("p", "singular"),
    [
        ([[1.0, 0.1], [0.3, 0.03]], False),  # 0.3 and 0.03 are not 0.3 times 1 and 0.1 as float64 numbers
        ([[1.0, 0.5], [-3.0, -1.5]], True),
        ([[1.0, 2.0], [0.0, 0.0]], True),
        ([[1e200, 7e200], [1e-200, 7e-200]], False),
        ([[2.0**200, 3 * 2.0**200], [2.0**-200, 3 * 2.0**-200]], True),
    ],
)
def test_parallel_samples(p, singular):
    p = np.array(p)
    assert (repeated_rows.parallel_rows(p) is not None) == singular
    assert (exact_gram(p).det() == 0) == singular
    if singular:
        assert Gram(p).lambda_min().upper == 0
        assert Gram(p).condition_number().status == "undecided"
        assert Gram(p).inverse_quadratic_form(np.ones(2)).status == "undecided"


def test_samples_parallel_in_one_factor_only(rng):
    p, q = rng.standard_normal((4, 6)), rng.standard_normal((4, 2))
    p[3] = -2 * p[1]
    assert Gram(p).lambda_min().upper == 0
    assert Gram(p, q).lambda_min().lower > 0
    q[3] = q[1] * 0.5
    assert Gram(p, q).lambda_min().upper == 0


def test_false_parallels_are_refused(monkeypatch):
    """The exact comparison decides: without it rows that agree to 2**-41 pass for parallel."""
    p = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-50]])
    assert repeated_rows.parallel_rows(p) is None
    assert Gram(p).lambda_min(10).lower > 0
    monkeypatch.setattr(repeated_rows, "_are_parallel", lambda *_: True)
    assert repeated_rows.parallel_rows(p) == (0, 1)


def test_distinct_rows(rng):
    a = rng.standard_normal((6, 4))
    order = np.array([2, 0, 2, 5, 0, 1, 2])
    assert repeated_rows.distinct_rows(a[order]).tolist() == [0, 1, 3, 5]
    assert repeated_rows.distinct_rows(a).size == 6


def test_dense_and_factored_agree(rng):
    p = rng.integers(-9, 10, (6, 8)).astype(float)
    truth = mp_eigenvalues(p @ p.T, 60)  # integers: the product is exact
    assert Gram(p).lambda_min(30).lower <= truth[0] <= Gram(p).lambda_min(30).upper


def test_bad_factors(rng):
    with pytest.raises(ShapeError, match="same number of rows"):
        Gram(rng.standard_normal((3, 2)), rng.standard_normal((4, 2)))
    with pytest.raises(InputError, match="float64"):
        Gram([[1.0]])
    with pytest.raises(ShapeError, match="shape"):
        Gram(rng.standard_normal((3, 4))).inverse_quadratic_form(np.ones(4))
