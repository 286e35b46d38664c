"""Entrywise products in the memory of a matrix made for them: same values, and nothing else is overwritten."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sympy import Identity, Inverse

import deqmath as dm

from .cases import CASES, A, B, Q, Z, gamma, i, m, n

EXPRESSIONS = {
    "gram": CASES["gram"],
    "three": dm.hadamard(A * B, B * A, A),
    "scaled": gamma * dm.hadamard(A * B, A),
    "twice": dm.hadamard(A * B, A) + A * B,
    "results": (A * B, dm.hadamard(A * B, A), gamma * dm.hadamard(Z * Q.T, A)),
    "result_again": (gamma * dm.hadamard(A * B, A), dm.hadamard(A * B, A)),
    "product_again": (gamma * (A * B), A * B, dm.hadamard(A * B, B)),
    "factors": Inverse(Identity(m) - gamma * A.T) * B * Inverse(Identity(m) - gamma * A) * B,
    "matrix_again": Inverse(Identity(m) + A * B) * B * Inverse(Identity(m) + A * B).T * (Identity(m) + A * B),
    "term_again": Inverse(Identity(m) + A * B) * B * Inverse(Identity(m) + A * B).T * (A * B),
    "term_and_result": (gamma * A * B, Inverse(Identity(m) + gamma * A * B) * B),
    "in_a_sum": dm.total(dm.hadamard(A * B, dm.column(Z, i) * dm.column(Z, i).T), i, n),
}


def _arguments(function, batch=()):
    rng = np.random.default_rng(1)
    names = inspect.signature(function).parameters
    shapes = {"Z": (4, 3), "Q": (4, 3)}
    return {k: 0.3 if k == "gamma" else rng.standard_normal((*batch, *shapes.get(k, (4, 4)))) for k in names}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_agrees_with_the_reference_path_and_changes_no_argument(name):
    expr = EXPRESSIONS[name]
    fast = dm.generate({"f": expr}).load().f
    plain = dm.generate({"f": expr}, without=("in_place",)).load().f
    assert "_entrywise" not in inspect.getsource(plain)
    single, batch = _arguments(fast), _arguments(fast, (2,))
    mixed = [{**single, k: batch[k]} for k in single if k != "gamma"]
    halves = [{k: v if k == "gamma" else np.float32(v) for k, v in single.items()}]
    halves += [{**single, k: np.float32(single[k])} for k in single if k != "gamma"]
    for given in (single, batch, *mixed, *halves):
        before = {k: np.copy(v) for k, v in given.items()}
        for got, want in zip(np.atleast_1d(fast(**given)), np.atleast_1d(plain(**given)), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
        assert all(np.array_equal(before[k], given[k]) for k in given)


def test_a_matrix_made_for_one_use_is_reused():
    source = inspect.getsource(dm.generate({"f": EXPRESSIONS["gram"]}).load().f)
    assert source.count("_entrywise(p, p2, _power(gamma, 2) / m)") == source.count("_entrywise(") == 1


def test_a_matrix_made_to_be_factored_is_overwritten_by_its_factors():
    source = inspect.getsource(dm.generate({"f": EXPRESSIONS["factors"]}).load().f)
    assert source.count("in_place=True") == 1
    assert "in_place" not in inspect.getsource(dm.generate({"f": EXPRESSIONS["matrix_again"]}).load().f)


@pytest.mark.parametrize("name", ["twice", "in_a_sum"])
def test_a_matrix_used_again_keeps_its_numbers(name):
    assert "_entrywise" not in inspect.getsource(dm.generate({"f": EXPRESSIONS[name]}).load().f)
