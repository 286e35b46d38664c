"""What must be refused, and that the message says what was received, needed and works."""

import numpy as np
import pytest

from deqmath import bounds
from deqmath.errors import InputError, ShapeError

GOOD = np.array([[2.0, 1.0], [1.0, 3.0]])
SYMMETRIC_ONLY = [bounds.lambda_min, bounds.lambda_max, bounds.is_positive_definite]
ALL = [*SYMMETRIC_ONLY, bounds.operator_norm, lambda h: bounds.inverse_quadratic_form(h, np.ones(2))]


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([[1.0]], InputError, "list"),
        (None, InputError, "NoneType"),
        (GOOD.astype(np.float32), InputError, "float32.*astype"),
        (GOOD.astype(complex), InputError, "complex128"),
        (np.ones(3), ShapeError, r"\(3,\)"),
        (np.ones((2, 2, 2)), ShapeError, r"\(2, 2, 2\)"),
        (np.zeros((0, 0)), ShapeError, "empty"),
        (np.zeros((0, 3)), ShapeError, "empty"),
        (np.array([[np.nan, 0.0], [0.0, 1.0]]), InputError, r"\[0, 0\] is nan"),
        (np.array([[1.0, np.inf], [np.inf, 1.0]]), InputError, r"\[0, 1\] is inf"),
        (np.array([[1.0, 0.0], [0.0, -np.inf]]), InputError, r"\[1, 1\] is -inf"),
    ],
)
def test_refused_everywhere(function, value, error, words):
    with pytest.raises(error, match=words) as caught:
        function(value)
    assert "needed" in str(caught.value)


@pytest.mark.parametrize("function", ALL[2:])
def test_integers_are_exact_only_for_extreme_eigenvalues(function):
    assert bounds.lambda_min(np.eye(2, dtype=int)).lower == 1
    with pytest.raises(InputError, match=r"int64.*astype"):
        function(np.eye(2, dtype=int))


@pytest.mark.parametrize("function", SYMMETRIC_ONLY)
def test_symmetry_is_required_exactly(function):
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        function(np.ones((2, 3)))
    big = np.eye(600)
    big[500, 7] = 2.0**-1074
    with pytest.raises(InputError, match=r"H\[500, 7\] = 5e-324 but H\[7, 500\] = 0.0.*H\.T\) / 2"):
        function(big)


@pytest.mark.parametrize("digits", [0, -1, 2.5, "9", True, None, 10**9])
def test_digits(digits):
    for call in (
        lambda: bounds.lambda_min(GOOD, digits),
        lambda: bounds.lambda_max(GOOD, digits),
        lambda: bounds.operator_norm(GOOD, digits),
        lambda: bounds.inverse_quadratic_form(GOOD, np.ones(2), digits),
    ):
        with pytest.raises(InputError, match=r"digits = .*needed an integer"):
            call()


@pytest.mark.parametrize("y", [np.ones(3), np.ones((1, 2)), np.ones(2, dtype=int), [1.0, 2.0], np.array([np.nan, 1.0])])
def test_vector(y):
    with pytest.raises(InputError, match="y"):
        bounds.inverse_quadratic_form(GOOD, y)


def test_nothing_is_left_in_the_callers_arrays(rng):
    h, y = GOOD * 1e200, rng.standard_normal(2)
    before = h.copy(), y.copy()
    bounds.lambda_min(h, 40)
    bounds.operator_norm(h, 40)
    bounds.inverse_quadratic_form(h, y, 40)
    assert np.array_equal(h, before[0])
    assert np.array_equal(y, before[1])


def test_subclasses_of_arrays():
    """A mask must not be lost; numpy's old matrix class holds the same numbers."""
    h = np.array([[2.0, 1.0], [1.0, 3.0]])
    masked = np.ma.masked_array(h, mask=[[False, False], [False, True]])
    for call in (bounds.lambda_min, bounds.operator_norm, lambda v: bounds.inverse_quadratic_form(h, v[:, 0])):
        with pytest.raises(InputError, match="MaskedArray"):
            call(masked)
    assert bounds.lambda_min(h.view(np.matrix)).lower == bounds.lambda_min(h).lower
