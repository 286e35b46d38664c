"""Generated NumPy against the naive evaluator, one sample and in batches, with and without passes."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import deqmath as dm
from deqmath.codegen.passes import PIPELINE

from .cases import CASES, DIMS, values
from .reference import evaluate


def _load(name, **options):
    return getattr(dm.generate({name: CASES[name]}, **options).load(), name)


def _names(function):
    return list(inspect.signature(function).parameters)


def _close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_naive_evaluator(name):
    function = _load(name)
    arguments = values(_names(function), np.random.default_rng(1))
    want = evaluate(CASES[name], arguments, DIMS)
    got = function(**arguments)
    assert np.shape(got) == np.shape(want)
    _close(got, want)


@pytest.mark.parametrize("name", CASES)
def test_a_batch_agrees_with_a_loop_over_samples(name):
    function = _load(name)
    arguments = values(_names(function), np.random.default_rng(2), (2, 3))
    arrays = {k for k, v in arguments.items() if np.ndim(v)}
    got = function(**arguments)
    for k in np.ndindex(2, 3) if arrays else ():
        _close(got[k], function(**{a: v[k] if a in arrays else v for a, v in arguments.items()}))


@pytest.mark.parametrize("name", CASES)
def test_a_batch_in_any_one_argument(name):
    function = _load(name)
    single = values(_names(function), np.random.default_rng(3))
    several = values(_names(function), np.random.default_rng(4), (2,))
    for key in (k for k, v in several.items() if np.ndim(v)):
        got = function(**{**single, key: several[key]})
        for k in range(2):
            _close(got[k], function(**{**single, key: several[key][k]}))


@pytest.mark.parametrize("left_out", [*PIPELINE, tuple(PIPELINE)])
def test_every_pass_can_be_left_out(left_out):
    without = (left_out,) if isinstance(left_out, str) else left_out
    chosen = CASES if len(without) > 1 else dict(list(CASES.items())[:28])
    module = dm.generate(chosen, without=without).load()
    for name, expr in chosen.items():
        function = getattr(module, name)
        arguments = values(_names(function), np.random.default_rng(5))
        _close(function(**arguments), evaluate(expr, arguments, DIMS))
