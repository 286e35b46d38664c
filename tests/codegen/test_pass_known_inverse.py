"""A product with an inverse that is formed anyway, on the targets that keep no factorisation: against separate solves."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sympy import Inverse

import deqmath as dm

from .backends import BATCHED, call, parameters, require
from .cases import CASES, A, B, b, i, n, values, w, zi
from .test_array_types import _single

TARGETS = ("array-api", "flint")
EXPRESSIONS = {
    "and_solve": CASES["inverse_and_solve"],
    "and_transposed_solve": Inverse(A) + Inverse(A.T) * b * w.T,
    "transposed_and_solve": Inverse(A.T) + Inverse(A) * b * w.T,
    "and_its_transpose": Inverse(A) + B * Inverse(A.T) * B + Inverse(A).T,
    "and_a_row": Inverse(A.T) + w * (Inverse(A.T) * b).T,
    "kron": dm.kron(Inverse(A), b.T * Inverse(A)),
    "in_a_loop": Inverse(A) + dm.total(dm.diag(zi) * Inverse(A) * dm.diag(zi) * Inverse(A) * b * zi.T, i, n),
}


def _pair(name, target):
    require(target)
    plain = dm.generate({"f": EXPRESSIONS[name]}, target=target, without=("known_inverse",)).load().f
    return dm.generate({"f": EXPRESSIONS[name]}, target=target).load().f, plain


def _systems(function):
    source = inspect.getsource(function)
    return source.count("_solve(") + source.count("_inverse(")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_agrees_with_separate_solves(name, target):
    fast, plain = _pair(name, target)
    assert _systems(fast) == 1 < _systems(plain)
    for batch in ((), *(((3,), (2, 2)) if target in BATCHED else ())):
        arguments = values(parameters(fast), np.random.default_rng(0), batch)
        got, want = call(target, fast, arguments), call(target, plain, arguments)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_one_by_one_and_singular(target):
    fast, plain = _pair("and_transposed_solve", target)
    given = {"A": np.array([[2.0]]), "b": np.array([[3.0]]), "w": np.array([[5.0]])}
    np.testing.assert_allclose(call(target, fast, given), 0.5 + 7.5, rtol=1e-15)
    for function in (fast, plain):
        with pytest.raises(ValueError, match="A is singular"):
            call(target, function, {**given, "A": np.array([[0.0]])})
        with pytest.raises(ValueError, match=r"^A: received"):
            call(target, function, {**given, "A": np.array([[np.inf]])})


def test_single_precision_stays_single():
    fast, plain = _pair("transposed_and_solve", "array-api")
    arguments = values(parameters(fast), np.random.default_rng(0))
    library = require("array-api")
    got = fast(**{k: _single("array-api", library.asarray(v)) for k, v in arguments.items()})
    assert got.dtype == library.float32
    np.testing.assert_allclose(np.asarray(got), call("array-api", plain, arguments), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
def test_the_inverse_of_the_transpose_in_its_place_is_seen(target, monkeypatch):
    fast, plain = _pair("and_transposed_solve", target)
    arguments = values(parameters(fast), np.random.default_rng(0))
    helper = "_inverse" if target == "array-api" else "_solve"
    real = fast.__globals__[helper]
    wrong = {"array-api": lambda M, name: real(M.mT, name), "flint": lambda M, B, name: real(M.transpose(), B, name)}
    monkeypatch.setitem(fast.__globals__, helper, wrong[target])
    assert not np.allclose(call(target, fast, arguments), call(target, plain, arguments))


def test_a_target_with_factors_forms_no_product_with_an_inverse():
    for target in ("numpy", "jax", "torch", "mpmath"):
        body = dm.generate({"f": EXPRESSIONS["and_solve"]}, target=target).source.split("# Below")[0]
        assert body.count("_lu(") == 1
        assert body.count("_lu_solve(") == 2


@pytest.mark.parametrize("target", TARGETS)
def test_no_inverse_is_formed_for_a_solve(target):
    body = dm.generate({"f": CASES["two_solves"]}, target=target).source.split("# Below")[0]
    assert body.count("_solve(") == 2
    assert "_inverse(" not in body
