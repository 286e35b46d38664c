"""Solves on the open rows of a gate beside NumPy: against whole factorisations and exact values, on every target."""

from __future__ import annotations

import inspect
from functools import cache

import numpy as np
import pytest

import deqmath as dm
from deqmath.claims.agreement import compare

from .backends import BATCHED, call, require
from .cases import CASES
from .test_pass_active import EXPRESSIONS, PHI

TARGETS = ("array-api", "torch", "mpmath", "flint")
TOGETHER = tuple(t for t in TARGETS if t in BATCHED)
NAMES = tuple(EXPRESSIONS)


@cache
def _pair(name, target):
    expr = EXPRESSIONS.get(name, CASES.get(name))
    plain = dm.generate({"f": expr}, target=target, without=("active",)).load().f
    return dm.generate({"f": expr}, target=target).load().f, plain


def _given(function, gates, size=6, batch=()):
    rng, arguments = np.random.default_rng(5), {}
    for name in inspect.signature(function).parameters:
        if name not in ("ctx", "prec"):
            wide = size if name in "ABV" else 1
            arguments[name] = 0.2 if name in ("gamma", "c") else rng.standard_normal((*batch, size, wide))
    if PHI[gates] is not None:
        arguments["phi"][:] = PHI[gates]
    return arguments


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("gates", PHI)
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_factorisation_of_the_whole_matrix(name, gates, target):
    require(target)
    fast, plain = _pair(name, target)
    assert "_active_solve(" in inspect.getsource(fast)
    assert "_active" not in inspect.getsource(plain)
    shapes = [(6, ()), (1, ()), *(((6, (3,)), (6, (2, 2))) if target in BATCHED else ())]
    for size, batch in shapes:
        arguments = _given(fast, gates, size, batch)
        got, want = call(target, fast, arguments), call(target, plain, arguments)
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("target", TARGETS)
def test_agrees_with_exact_evaluation(target):
    require(target)
    for seed in range(3):
        assert all(a.digits >= a.needed for a in compare(EXPRESSIONS, [target], seed))


@pytest.mark.parametrize("target", TARGETS)
def test_closed_rows_are_exactly_zero(target):
    require(target)
    fast, _ = _pair("left", target)
    for batch in [(), *([(3,)] if target in BATCHED else [])]:
        arguments = _given(fast, "mixed", 7, batch)
        closed = 0.2 * arguments["A"] @ arguments["z"] + arguments["phi"] <= 0
        assert 0 < closed.sum() < closed.size
        got = call(target, fast, arguments)
        np.testing.assert_array_equal(got[closed], 0.0)
        assert np.all(got[~closed] != 0.0)


@pytest.mark.parametrize("target", TOGETHER)
@pytest.mark.parametrize("shared", ["AV", "b", "AVzphi", "AVbzphi", ""])
def test_each_sample_of_a_batch_is_the_sample_alone(shared, target):
    """Whatever the samples share: a matrix, a right-hand side, a gate, or all but the scalar."""
    require(target)
    fast, _ = _pair("jvp11", target)
    drawn, one = _given(fast, "mixed", batch=(4,)), _given(fast, "mixed")
    drawn["gamma"] = 0.1 + 0.1 * np.random.default_rng(0).random(4)
    arguments = {k: one[k] if k in shared or (k == "phi" and "phi" in shared) else v for k, v in drawn.items()}
    together = call(target, fast, arguments)
    for k in range(4):
        alone = {n: v if v is one[n] else v[k] for n, v in arguments.items()}
        np.testing.assert_allclose(together[k], call(target, fast, alone), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_the_singular_matrix_is_named_where_it_is_open(target):
    require(target)
    fast, _ = _pair("left", target)
    ones = np.ones((3, 1))
    given = {"A": np.eye(3), "b": ones, "gamma": 1.0, "phi": ones, "z": ones}
    with pytest.raises(ValueError, match="I - gamma D A is singular"):
        call(target, fast, given)
    if target in BATCHED:
        with pytest.raises(ValueError, match="I - gamma D A is singular"):
            call(target, fast, {**given, "phi": np.stack([-2 * ones, ones])})
    np.testing.assert_array_equal(call(target, fast, {**given, "phi": -2 * ones}), 0.0)  # nothing is open


@pytest.mark.parametrize("target", TARGETS)
def test_numbers_that_are_not_finite_are_named(target):
    require(target)
    fast, _ = _pair("left", target)
    given = _given(fast, "mixed")
    for key in ("A", "b", "phi"):
        for number in (np.nan, np.inf, -np.inf):
            bad = given[key].copy()
            bad[0, 0] = number
            with pytest.raises(ValueError, match=f"^{key}: received "):
                call(target, fast, {**given, key: bad})


@pytest.mark.parametrize("target", TOGETHER)
@pytest.mark.parametrize("gates", PHI)
def test_single_precision_stays_single(gates, target):
    library = require(target)
    fast, plain = _pair("jvp11", target)
    for batch in ((), (3,)):
        arguments = _given(fast, gates, batch=batch)
        want = call(target, plain, arguments)
        single = {k: library.asarray(np.asarray(v, dtype=np.float32)) for k, v in arguments.items()}
        got = fast(**single)
        assert got.dtype == library.float32
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
def test_planted_errors_in_the_identity_are_seen(target, monkeypatch):
    """The comparison above fails for ``(I - s X)_SS``, for X^T, and for rows that are not the open ones."""
    require(target)
    fast, plain = _pair("two_right_hand_sides", target)
    arguments = _given(fast, "mixed", 9)
    want = call(target, plain, arguments)
    space, seen = fast.__globals__, []
    factor, solve = space["_active_lu"], space["_active_solve"]
    at = next(k for k, p in enumerate(inspect.signature(factor).parameters) if p == "s")

    def opposite(*given):
        return factor(*given[:at], -given[at], *given[at + 1 :])

    def of_the_transpose(*given, transposed=False):
        return solve(*given, transposed=not transposed)

    def exchanged(*given):
        d = given[at - 2]
        return factor(*given[: at - 2], 1 - d if hasattr(d, "dtype") else d * 0 + _ones_like(d) - d, *given[at - 1 :])

    for name, wrong in {"_active_lu": opposite, "_active_solve": of_the_transpose}.items():
        with monkeypatch.context() as planted:
            planted.setitem(space, name, wrong)
            seen.append(not np.allclose(call(target, fast, arguments), want, rtol=1e-6, atol=1e-8))
    with monkeypatch.context() as planted:
        planted.setitem(space, "_active_lu", exchanged)
        seen.append(not np.allclose(call(target, fast, arguments), want, rtol=1e-6, atol=1e-8))
    assert seen == [True, True, True]


def _ones_like(d):
    """A column of ones, of mpmath or of balls."""
    return type(d)([[1] for _ in range(d.nrows())]) if hasattr(d, "nrows") else d.ctx.ones(d.rows, 1)
