"""Every case on every target against the naive evaluator, one sample and in batches."""

from __future__ import annotations

import numpy as np
import pytest

import deqmath as dm

from .backends import BATCHED, call, parameters, require
from .cases import CASES, DIMS, values
from .reference import evaluate

#: NumPy and mpmath have test files of their own.
OTHERS = ("array-api", "jax", "torch", "flint")


def _load(name, target):
    require(target)
    return getattr(dm.generate({name: CASES[name]}, target=target).load(), name)


@pytest.mark.parametrize("target", OTHERS)
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_naive_evaluator(name, target):
    function = _load(name, target)
    arguments = values(parameters(function), np.random.default_rng(1))
    want = evaluate(CASES[name], arguments, DIMS)
    got = call(target, function, arguments)
    assert np.shape(got) == np.shape(want)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("target", [t for t in OTHERS if t in BATCHED])
@pytest.mark.parametrize("name", CASES)
def test_a_batch_agrees_with_numpy(name, target):
    function, reference = _load(name, target), _load(name, "numpy")
    single = values(parameters(function), np.random.default_rng(3))
    several = values(parameters(function), np.random.default_rng(4), (2, 3))
    keys = [k for k, v in several.items() if np.ndim(v)]
    for some in [keys, *([k] for k in keys)]:
        arguments = {**single, **{k: several[k] for k in some}}
        np.testing.assert_allclose(call(target, function, arguments), reference(**arguments), rtol=1e-9, atol=1e-10)
