"""Bounds about networks: targets of the wrong shape, and messages that name the call they are about."""

from __future__ import annotations

import re

import numpy as np
import pytest

import deqmath as dm
from deqmath.errors import InputError, ShapeError

X, y = np.eye(2), np.array([1.0, -1.0])
THEOREMS = {
    "theorem_3_1": lambda net, X, y: dm.bounds.theorem_3_1(net, X, y, delta=0.05),
    "generalization": lambda net, X, y: dm.bounds.generalization(net, X, y, delta=0.05),
}
OF_SAMPLES = {
    **{name: lambda net, X, f=f: f(net, X, y) for name, f in THEOREMS.items()},
    "network_gram": dm.bounds.network_gram,
    "network_lambda_min": dm.bounds.network_lambda_min,
    "equilibrium": dm.bounds.equilibrium,
}


@pytest.fixture(scope="module")
def net():
    return dm.ReLUNetwork.random(width=12, inputs=2, gamma0=0.1, seed=0)


@pytest.mark.parametrize("name", THEOREMS)
def test_targets_are_one_number_a_sample(net, name):
    with pytest.raises(ShapeError) as caught:
        THEOREMS[name](net, X, y[:, None])
    message = str(caught.value)
    assert "y has shape (2, 1); needed (2,), one number for each of the 2 rows of X" in message
    assert f"dm.bounds.{name}(net, X, y.ravel(), delta=0.05)" in message
    assert THEOREMS[name](net, X, y[:, None].ravel()).as_json()
    with pytest.raises(ShapeError, match=r"y has shape \(3,\); needed \(2,\)"):
        THEOREMS[name](net, X, np.ones(3))
    with pytest.raises(InputError, match=f"y is list.*{name}"):
        THEOREMS[name](net, X, [1.0, -1.0])


@pytest.mark.parametrize("name", OF_SAMPLES)
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (np.ones((2, 1)), "X has shape (2, 1); needed (n, 2), rows are samples: "),
        (np.ones(2), "X has shape (2,); needed two axes"),
        (np.eye(2, dtype=int), "X has dtype int64"),
        ([[1.0, 0.0]], "X is a list"),
    ],
)
def test_messages_about_samples_name_their_own_call(net, name, wrong, says):
    with pytest.raises(InputError) as caught:
        OF_SAMPLES[name](net, wrong)
    assert says in str(caught.value)
    assert re.findall(r"dm\.bounds\.(\w+)", str(caught.value)) == [name]


@pytest.mark.parametrize("name", [*OF_SAMPLES, "well_posed"])
def test_messages_about_the_network_name_their_own_call(name):
    class Single:
        A, W, b, gamma, phi = np.zeros((3, 3), np.float32), np.ones((3, 2)), np.ones(3), 0.1, "relu"

    with pytest.raises(InputError, match=r"net\.A has dtype float32") as caught:
        dm.bounds.well_posed(Single()) if name == "well_posed" else OF_SAMPLES[name](Single(), X)
    assert re.findall(r"dm\.bounds\.(\w+)", str(caught.value)) == [name]


def test_a_ragged_matrix_is_refused_in_our_own_words():
    with pytest.raises(
        InputError, match=r"H is a list; needed a float64 NumPy array: dm\.bounds\.inverse_quadratic_form"
    ):
        dm.bounds.inverse_quadratic_form([[1, 0], [2]], y)


@pytest.mark.parametrize("name", [*OF_SAMPLES, "well_posed"])
def test_a_network_of_another_model_is_refused_by_name(name):
    other = dm.SoftmaxNetwork.random(width=3, gamma=0.5, seed=0)
    needed = rf"net is a SoftmaxNetwork; needed a ReLUNetwork, .* as in dm\.bounds\.{name}\("
    with pytest.raises(InputError, match=needed):
        dm.bounds.well_posed(other) if name == "well_posed" else OF_SAMPLES[name](other, X)
