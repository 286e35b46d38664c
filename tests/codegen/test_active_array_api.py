"""The Array API standard: the open rows of a gate in the libraries that allow them, and all rows in those that do not."""

from __future__ import annotations

import numpy as np
import pytest

from .backends import convert, require
from .test_active_on_targets import _given, _pair
from .test_pass_active import EXPRESSIONS, PHI


def _sizes_solved(function, monkeypatch):
    """The sizes of the systems that a generated function solves from now on."""
    sizes, real = [], function.__globals__["_solve"]
    monkeypatch.setitem(
        function.__globals__, "_solve", lambda M, B, name: sizes.append(M.shape[-1]) or real(M, B, name)
    )
    return sizes


def _opened(given):
    return int((given["gamma"] * given["A"] @ given["z"] + given["phi"] > 0).sum())


@pytest.mark.parametrize("gates", PHI)
def test_numpy_and_the_strict_library_solve_on_the_open_rows(gates, monkeypatch):
    strict = require("array-api")
    fast, plain = _pair("two_right_hand_sides", "array-api")
    given = _given(fast, gates, 9)
    want, sizes = plain(**given), _sizes_solved(fast, monkeypatch)
    for xp in (np, strict):
        got = fast(**{k: v if np.ndim(v) == 0 else xp.asarray(v) for k, v in given.items()})
        assert type(got) is type(xp.asarray(given["A"]))
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-9, atol=1e-11)
    k = _opened(given)
    assert sizes == [k] * 4 * (k > 0)
    assert k in {"mixed": range(1, 9), "all_open": (9,), "all_closed": (0,)}[gates]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_library_without_shapes_that_depend_on_values(name, monkeypatch):
    """Array API Strict refuses such functions where it is told to; the text then solves for all rows at once."""
    strict = require("array-api")
    fast, plain = _pair(name, "array-api")
    given = _given(fast, "mixed")
    want, sizes = plain(**given), _sizes_solved(fast, monkeypatch)
    arrays = {k: convert("array-api", v) for k, v in given.items()}
    with strict.ArrayAPIStrictFlags(data_dependent_shapes=False):
        got = fast(**arrays)
    assert set(sizes) == {6}
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-9, atol=1e-11)


def test_arrays_of_jax_whose_shapes_are_static():
    jax = require("jax")
    fast, plain = _pair("jvp11", "array-api")
    given = _given(fast, "mixed", batch=(3,))
    want = plain(**given)
    got = fast(**{k: v if np.ndim(v) == 0 else jax.numpy.asarray(v) for k, v in given.items()})
    assert isinstance(got, jax.Array)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-9, atol=1e-11)
    one = _given(fast, "mixed")
    got = fast(**{k: v if np.ndim(v) == 0 else jax.numpy.asarray(v) for k, v in one.items()})
    np.testing.assert_allclose(np.asarray(got), plain(**one), rtol=1e-9, atol=1e-11)
