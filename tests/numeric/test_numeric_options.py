"""Options that mean nothing are refused by name, before anything is computed; sizes beyond float64, too."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError, ShapeError
from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, find_fixed_point, gradient_flow
from deqmath.numeric.strategies import ActiveSet, Anderson, MixedPrecision, Picard

NET = ReLUNetwork.random(width=8, inputs=2, gamma0=0.2, seed=0)
X, Y = np.eye(2), np.array([1.0, -1.0])


@pytest.mark.parametrize("strategy", ["picard", 0, Picard, False])
def test_what_is_no_strategy(strategy):
    with pytest.raises(InputError, match=r"strategy is .*; it needs an object of deqmath\.numeric\.strategies"):
        NET.equilibrium(X, strategy=strategy)
    with pytest.raises(InputError, match="strategy is"):
        NET.adjoint(X, strategy=strategy)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Anderson(history=0), "history"),
        (lambda: Anderson(history=1.5), "history"),
        (lambda: MixedPrecision(history=-1), "history"),
        (lambda: MixedPrecision(accelerate_above=float("nan")), "accelerate_above"),
        (lambda: Picard(accelerate_above="0.3"), "accelerate_above"),
        (lambda: Picard(accelerate_above=-0.1), "accelerate_above"),
        (lambda: ActiveSet(most=0), "most"),
    ],
)
def test_settings_of_strategies(make, name):
    with pytest.raises(InputError, match=f"{name} is"):
        make()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("locate_switches", "no"),
        ("split_adjoint", 1),
        ("checkpoint", 3),
        ("checkpoint_seconds", False),
        ("record", ["a"]),
        ("record", [1j]),
        ("record", 0.5),
    ],
)
def test_options_of_a_flow(name, value):
    with pytest.raises(InputError, match=f"{name} is"):
        gradient_flow(NET, X, Y, t_end=1.0, **{name: value})


def test_maps_that_cannot_be_iterated():
    with pytest.raises(InputError, match="map is 3; it needs a function"):
        find_fixed_point(3, np.ones(2))
    with pytest.raises(InputError, match="rows is 'no'; it needs True or False"):
        find_fixed_point(np.cos, np.ones((2, 2)), rows="no")
    # or every residual would be zero, and anything converged
    for start in (np.ones(2), np.ones((2, 2))):
        with pytest.raises(InputError, match="the map changed its argument"):
            find_fixed_point(lambda x: np.cos(x, out=x), start)


def test_products_beyond_float64():
    with pytest.raises(InputError, match=r"the injection X W\^T has entries beyond float64"):
        NET.equilibrium([[1e308, 1e308]])
    softmax = SoftmaxNetwork.random(width=3, gamma=0.9, seed=0)
    with pytest.raises(InputError, match="the equilibrium Z has entries beyond float64"):
        softmax.equilibrium(np.full((1, 3), 1e308))


def test_weights_and_directions_of_another_shape():
    """A single number would be spread over all samples, and give a product that looks right."""
    J = NET.linearisation(X)
    for wrong in (np.ones(1), np.ones(3), np.ones((2, 1))):
        with pytest.raises(ShapeError, match="so w needs"):
            J.pullback(wrong)
    with pytest.raises(ShapeError, match="so v needs"):
        J.gram_product(np.ones(1))
    for wrong in (np.ones((1, 8)), np.ones(8), 1.0):
        with pytest.raises(ShapeError, match=r"it needs that of A, \(8, 8\)"):
            J.pushforward({"A": wrong})


def test_samples_that_make_the_gram_matrix_singular_are_named():
    rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.0], [-3.0, 0.0]]
    said = " ".join(gradient_flow(NET, rows, np.ones(6), t_end=0.1).notes)
    assert "duplicate samples [(0, 2)]" in said
    assert "parallel samples [(0, 3), (0, 5)]" in said
    assert "zero samples [4]" in said
