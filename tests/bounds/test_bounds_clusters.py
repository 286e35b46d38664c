"""Clusters of any width: multiple rational eigenvalues exactly, nearly equal ones by exact forms, and what breaks them."""

from fractions import Fraction

import numpy as np
import pytest
from bounds_matrices import mp_eigenvalues, planted_hadamard

from deqmath.bounds import eigenvalue, lambda_bounds, lambda_max, lambda_min
from deqmath.bounds.candidates import low_eigenpairs
from deqmath.bounds.certificates import wide_block
from deqmath.bounds.certificates.deflation import prove_gap
from deqmath.bounds.certificates.kernel import exact_eigenvalue, integer_echelon, simplest_between, worth_trying
from deqmath.bounds.certificates.wide_block import wide_enclosure
from deqmath.bounds.integers import Scaled
from deqmath.bounds.operators import Dense

F = Fraction


def duplicated(rng, distinct, samples):
    x = rng.standard_normal((distinct, distinct + 5))
    gram = x @ x.T
    gram = (gram + gram.T) / 2
    order = np.concatenate([np.arange(distinct), rng.integers(0, distinct, samples - distinct)])
    return gram[np.ix_(order, order)]


@pytest.mark.parametrize(("distinct", "samples"), [(20, 22), (20, 60), (40, 200)])
def test_duplicate_samples_give_zero_exactly(rng, distinct, samples):
    bound = lambda_min(duplicated(rng, distinct, samples), digits=20)
    assert bound.lower == bound.upper == 0


@pytest.mark.parametrize(("n", "rank"), [(60, 3), (300, 5)])
def test_identity_and_low_rank_of_integers(rng, n, rank):
    u = rng.integers(-5, 6, (n, rank)).astype(float)
    bound = lambda_min(3 * np.eye(n) + u @ u.T, digits=30)
    assert bound.lower == bound.upper == 3
    assert lambda_max(-(u @ u.T), digits=30).upper == 0


@pytest.mark.parametrize("counts", [(1, 63), (24, 40), (25, 39), (40, 24), (63, 1)])
def test_hadamard_spectra(counts):
    h = planted_hadamard(np.repeat([0.5, 7.0], counts))
    low, high = lambda_min(h, 40), lambda_max(h, 40)
    assert low.lower == low.upper == F(1, 2)
    assert high.lower == high.upper == 7


def nearly_equal(rng, n=60, rank=4):
    u = rng.standard_normal((n, rank))
    h = np.eye(n) + u @ u.T
    return (h + h.T) / 2


def test_wide_cluster_that_is_not_exact(rng, monkeypatch):
    h = nearly_equal(rng)
    truth = mp_eigenvalues(h, 60)[0]
    bound = lambda_min(h, digits=30)
    assert bound.lower <= truth <= bound.upper
    assert bound.digits >= 30
    monkeypatch.setattr(eigenvalue, "MOST_ROWS", 0)  # as where the characteristic polynomial would take too long
    bound = lambda_min(h, digits=30)
    assert bound.lower <= truth <= bound.upper
    assert bound.certificate["details"]["cluster"] > 24
    assert bound.digits >= 16


def test_repeated_rows_of_an_indefinite_matrix(rng, monkeypatch):
    """Zero is the answer only when the distinct rows are proved definite."""
    h = rng.standard_normal((8, 8))
    order = np.array([0, 1, 2, 3, 4, 5, 6, 7, 7, 0])
    h = (h + h.T)[np.ix_(order, order)]
    assert not lambda_bounds._repeats_a_definite(h)
    assert lambda_min(h, 10).upper < 0
    monkeypatch.setattr(lambda_bounds, "lower_bound", lambda *_: F(1))
    assert lambda_min(h, 10).lower == 0


def test_singular_indefinite_matrices_are_not_called_zero(rng):
    h = duplicated(rng, 20, 60)
    level = float(np.linalg.eigvalsh(h)[-20:][0])
    first, second = np.eye(60)[[0]], np.ones((60, 1))
    for spoilt in (h - 2.0 * level * np.outer(first, first) * 4, h - second @ second.T * level):
        bound = lambda_min((spoilt + spoilt.T) / 2, 10)
        assert bound.upper < 0


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(F(-1), F(2), F(0)), (F(31, 10), F(32, 10), F(16, 5)), (F(5, 2), F(7, 2), F(3)), (F(-7, 2), F(-10, 3), F(-7, 2))],
)
def test_simplest_fraction(low, high, wanted):
    assert simplest_between(low, high) == wanted


def test_simplest_fraction_is_simplest(rng):
    for _ in range(200):
        low = F(int(rng.integers(1, 4000)), int(rng.integers(1, 300)))
        high = low + F(1, int(rng.integers(1, 400)))
        found = simplest_between(low, high)
        assert low <= found <= high
        for d in range(1, found.denominator):
            assert -(-low * d // 1) > high * d // 1, (low, high, found, d)


def test_chance_is_not_worth_trying():
    assert not worth_trying((F(1, 3) + F(1, 1000), F(1, 3) + F(2, 1000)))
    assert worth_trying((F(1, 3) - F(1, 10**20), F(1, 3) + F(1, 10**20)))
    assert not worth_trying((F(1), F(1)))


def lowest(h, p):
    operator = Dense(h)
    pairs = low_eigenpairs(operator, h.shape[0])
    return operator, prove_gap(operator, pairs, p)


def test_exact_eigenspace_needs_every_hypothesis():
    """Break one hypothesis after another: each alone must stop the proof."""
    h = planted_hadamard(np.repeat([3.0, 3.5, 7.0], [5, 5, 22]))
    operator, gap = lowest(h, 10)
    near = (F(3) - F(1, 10**12), F(3) + F(1, 10**12))
    assert exact_eigenvalue(operator, gap.vectors[:, :5], gap.nu, near) == 3
    assert exact_eigenvalue(operator, gap.vectors, gap.nu, near) is None  # ten columns are no eigenspace of 3
    assert exact_eigenvalue(operator, gap.vectors[:, :5], F(3), near) is None  # no gap above 3
    assert exact_eigenvalue(operator, gap.vectors[:, :5], gap.nu, (F(4), F(4))) is None
    operator.remainder = F(1, 2**80)
    assert exact_eigenvalue(operator, gap.vectors[:, :5], gap.nu, near) is None


def test_a_kernel_that_is_believed_without_the_product_is_wrong(monkeypatch):
    """Indefinite by 2**-40: zero would be wrong, and only the exact product says so."""
    d = np.repeat([0.0, 2.0], [30, 34])
    d[0] = -(2.0**-40)
    h = planted_hadamard(d)
    sound = lambda_min(h, 10)
    assert sound.lower <= F(-1, 2**40) <= sound.upper < 0
    monkeypatch.setattr(Dense, "apply", lambda _, block: Scaled(block.values * 0, 0))
    operator, gap = lowest(h, 30)
    assert exact_eigenvalue(operator, gap.vectors, gap.nu, (F(-1, 2**30), F(1, 2**30))) == 0


def test_echelon_rows_are_independent(rng):
    u = rng.integers(-5, 6, (30, 3)).astype(float)
    vectors = np.linalg.svd(u)[0][:, 3:]
    found = integer_echelon(vectors)
    whole = np.array(found.values.tolist(), dtype=float)
    assert np.linalg.matrix_rank(whole) == 27
    assert not np.any(u.T @ whole)
    assert integer_echelon(rng.standard_normal((30, 4))) is None


def test_wide_forms_must_be_definite(monkeypatch, rng):
    h = nearly_equal(rng)
    truth = mp_eigenvalues(h, 60)[0]
    operator, gap = lowest(h, 56)
    x = Scaled.rounded(gap.vectors, 44)
    sound = wide_enclosure(x, operator.apply(x), gap.nu, F(1))
    assert sound[0] <= truth <= sound[1]
    with monkeypatch.context() as patch:
        patch.setattr(wide_block, "_is_definite", lambda *_: True)
        patch.setattr(wide_block, "round_down", lambda v, grid: v + F(2) ** (grid + 10))
        assert wide_enclosure(x, operator.apply(x), gap.nu, F(1))[0] > truth


def test_wide_forms_decide_the_sign():
    """A singular form is not definite, and an indefinite one is not."""
    forms = tuple(Scaled(np.array(m, dtype=object), 0) for m in ([[1, 0], [0, 1]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]))
    assert wide_block._is_definite(forms, F(1), F(-1))
    assert not wide_block._is_definite(forms, F(1), F(0))
    assert not wide_block._is_definite(forms, F(1), F(1, 2))


def test_route_a_is_still_there(rng, monkeypatch):
    monkeypatch.setattr(eigenvalue, "_find_gap", lambda *_: None)
    h = nearly_equal(rng)
    bound = lambda_min(h, 10)
    assert bound.lower <= mp_eigenvalues(h, 40)[0] <= bound.upper
    assert bound.certificate["method"].startswith("one Cholesky")


def test_progress_is_told(rng):
    told = []
    a = rng.standard_normal((40, 50))
    h = a @ a.T
    eigenvalue.smallest_eigenvalue(Dense((h + h.T) / 2), 60, lambda *step: told.append(step))
    stages = [stage for stage, _, _ in told]
    assert stages[0] == "eigenvectors in float64"
    assert "digits" in stages
    assert all(0 <= done <= total for _, done, total in told)
