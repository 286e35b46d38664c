"""The slacks are needed: shrink one, or turn an inequality round, and a false bound appears.

Each case runs the same search twice: with the code as it is no enclosure misses the truth; with one term of a proof
altered at least one does. So a wrong slack cannot pass these tests unnoticed.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from bounds_matrices import exact_inertia_is_definite, exact_matrix, mp_eigenvalues, nearly_indefinite, planted_hadamard

from deqmath.bounds import eigenvalue, inverse_forms, norm_bounds
from deqmath.bounds.certificates import cholesky, deflation, inverse_form, lehmann, operator_norm
from deqmath.bounds.eigenvalue import smallest_eigenvalue
from deqmath.bounds.inverse_forms import inverse_quadratic_form
from deqmath.bounds.operators import Dense, FactorGram
from deqmath.errors import UndecidedError

F = Fraction


def false_route_a():
    """Lower bounds by one Cholesky that exceed the planted eigenvalue."""
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(60):
        n = int(2 ** rng.integers(2, 7))
        d = rng.integers(1, 60, n).astype(float)
        h = planted_hadamard(d, check=False)
        for excess in (1e-16, 4e-16, 1e-15, 4e-15, 1e-14):
            low = cholesky.lower_bound(h, float(d.min()) * (1 + excess))
            wrong += low is not None and low > d.min()
    return wrong


def false_definite():
    """Indefinite matrices called positive definite by one factorisation of H itself."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(150):
        h = nearly_indefinite(rng, int(rng.integers(2, 7)), int(rng.integers(0, 6)), 1)
        low = cholesky.lower_bound(h, 0.0)
        wrong += low is not None and low >= 0 and not exact_inertia_is_definite(h)
    return wrong


@pytest.mark.parametrize(
    ("search", "factor"),
    [(false_route_a, F(0)), (false_route_a, F(-1)), (false_route_a, F(1, 1000)), (false_definite, F(0))],
)
def test_slack_of_route_a(monkeypatch, search, factor):
    assert search() == 0
    sound, sound_shift = cholesky.cholesky_slack, cholesky.shifted
    monkeypatch.setattr(cholesky, "cholesky_slack", lambda *a: factor * sound(*a))
    monkeypatch.setattr(cholesky, "shifted", lambda *a: (sound_shift(*a)[0], factor * sound_shift(*a)[1]))
    assert search() > 0


def false_enclosures(digits=6, starts=40):
    """Enclosures of planted smallest eigenvalues that miss, over clusters and single ones."""
    rng, wrong = np.random.default_rng(3), 0
    for case in range(starts):
        base = [3.0, 3.0] if case % 2 else [3.0]
        d = np.array(base + list(rng.integers(4, 60, 16 - len(base)).astype(float)))
        found = smallest_eigenvalue(Dense(planted_hadamard(d, check=False)), digits)
        wrong += not (found.lower is None or found.lower <= 3 <= found.upper)
    return wrong


def test_temple_and_lehmann_terms(monkeypatch):
    """Start from spoilt vectors, so that the residual term carries weight, and alter it."""
    monkeypatch.setattr(deflation, "NEAR", 0.25)
    start = eigenvalue.Block.start
    noise = np.random.default_rng(4)

    def spoilt(operator, vectors):
        return start(operator, vectors + 1e-3 * noise.standard_normal(vectors.shape))

    monkeypatch.setattr(eigenvalue.Block, "start", spoilt)
    assert false_enclosures(1) == 0
    temple = lehmann.BlockForms._temple

    def halved(self, nu):
        low, high = temple(self, nu)
        return (None if low is None else high - (high - low) / 10**6), high

    with monkeypatch.context() as patch:
        patch.setattr(lehmann.BlockForms, "_temple", halved)
        assert false_enclosures(1) > 0
    with monkeypatch.context() as patch:
        patch.setattr(lehmann.BlockForms, "proves", lambda *_: True)
        patch.setattr(lehmann, "round_down", lambda v, grid: v + F(2) ** (grid + 17))
        assert false_enclosures(1) > 0
    with monkeypatch.context() as patch:
        patch.setattr(lehmann.BlockForms, "rayleigh", lambda self, _: F(self.a1[0][0], self.a0[0][0]) * F(9, 10))
        assert false_enclosures(1) > 0


def test_a_gap_that_is_not_there(monkeypatch):
    """Claim nu above the true lambda_{p+1}: Temple's bound then misses."""

    def one_vector(operator, pairs, p):
        mixed = pairs.vectors[:, :1] + 0.2 * pairs.vectors[:, 1:2]
        proved = deflation.prove_gap(operator, pairs, p)
        return proved and replace(proved, vectors=mixed, nu=F(60))

    assert false_enclosures() == 0
    monkeypatch.setattr(eigenvalue, "prove_gap", one_vector)
    monkeypatch.setattr(eigenvalue, "cluster_sizes", lambda *_: [1])
    monkeypatch.setattr(eigenvalue.Block, "refine", lambda self, *_: (self, False))
    d = np.array([3.0, 4.0, 70.0, 80.0])
    found = smallest_eigenvalue(Dense(planted_hadamard(d)), 3)
    assert found.lower > 3


def test_definiteness_decides_the_sign():
    one, two = [[2, 1], [1, 1]], [[1, 2], [2, 1]]
    assert lehmann.is_positive_definite_integer(one)
    assert not lehmann.is_positive_definite_integer(two)
    assert not lehmann.is_positive_definite_integer([[1, 1], [1, 1]])
    assert not lehmann.is_positive_definite_integer([[0]])
    assert not lehmann.is_positive_definite_integer([[5, 0, 0], [0, 1, 0], [0, 0, -1]])


def test_remainder_of_the_slices():
    """With two slices for a wide range of entries the remainder is what keeps the enclosure true."""
    h = np.array([[1.0, 2.0**-70], [2.0**-70, 1.0 - 2.0**-52]])
    h[0, 1] = h[1, 0] = 1.5 * 2.0**-62
    truth = mp_eigenvalues(h, 120)[0]
    sound = smallest_eigenvalue(Dense(h, max_slices=2), 60)
    assert sound.lower <= truth <= sound.upper
    operator = Dense(h, max_slices=2)
    assert operator.remainder > 0
    operator.remainder = F(0)
    found = smallest_eigenvalue(operator, 60)
    assert not found.lower <= truth <= found.upper


def false_norms():
    """Quick norms of planted matrices that miss the largest singular value."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(40):
        n = int(2 ** rng.integers(2, 6))
        d = rng.integers(1, 60, n).astype(float)
        a = planted_hadamard(d, check=False)
        lower, upper, _ = operator_norm.quick_norm(a, *norm_bounds.lower_gram(a))
        wrong += not lower <= d.max() <= upper
    return wrong


def test_terms_of_the_norm(monkeypatch):
    assert false_norms() == 0

    def turned_round(done, level, error):
        return operator_norm.sqrt_up(F(level[0]) - F(level[0]) / 10**11 - done.slack - error)

    with monkeypatch.context() as patch:
        patch.setattr(operator_norm, "_upper", turned_round)
        assert false_norms() > 0
    with monkeypatch.context() as patch:
        patch.setattr(operator_norm, "gamma", lambda k: -64 * cholesky.gamma(k))
        assert false_norms() > 0


def test_error_of_the_rounded_gram():
    """The formed Gram matrix is off by more than nothing and by less than its bound."""
    rng = np.random.default_rng(6)
    a = rng.standard_normal((60, 9))
    operator = FactorGram(a)
    exact, formed = exact_matrix(a.T) * exact_matrix(a), exact_matrix(operator.float_matrix)
    squares = sum((exact[i, j] - formed[i, j]) ** 2 for i in range(9) for j in range(9))
    size = F(int(squares.p), int(squares.q))
    assert 0 < size <= operator.approximation_error**2


def false_forms():
    rng, wrong = np.random.default_rng(7), 0
    for _ in range(20):
        d = np.array([2.0**-20, 1.0, 2.0, 4.0])
        h = planted_hadamard(d)
        y = rng.standard_normal(4)
        right = exact_matrix(y.reshape(-1, 1))
        truth = (right.transpose() * exact_matrix(h).solve(right))[0, 0]
        bound = inverse_quadratic_form(h, y, 1)
        wrong += not bound.lower <= F(int(truth.p), int(truth.q)) <= bound.upper
    return wrong


def test_residual_term_of_the_inverse_form(monkeypatch):
    sound = inverse_form.sandwich

    def one_pass_with(factor):
        def altered(operator, chol, mu, y, digits):
            return sound(operator, chol, mu * factor, y, digits)

        return altered

    monkeypatch.setattr(inverse_form, "CORRECTION_BITS", 6)
    assert false_forms() == 0
    monkeypatch.setattr(inverse_forms, "sandwich", one_pass_with(10**40))
    assert false_forms() > 0


def test_undecided_is_raised_not_guessed(monkeypatch):
    from deqmath.bounds import is_positive_definite, lambda_bounds
    from deqmath.bounds.bound import Bound

    monkeypatch.setattr(lambda_bounds, "lower_bound", lambda *_: None)
    monkeypatch.setattr(lambda_bounds, "_extreme", lambda *_: Bound(F(-1), F(1)))
    with pytest.raises(UndecidedError, match="undecided"):
        is_positive_definite(np.array([[2.0, 1.0], [1.0, 2.0]]))
