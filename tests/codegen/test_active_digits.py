"""mpmath and FLINT: one factorisation for a matrix and its transpose, and gates that balls leave open."""

from __future__ import annotations

import inspect

import mpmath
import numpy as np
import pytest

import deqmath as dm

from .backends import require
from .cases import CASES
from .test_active_on_targets import _given, _pair


def _context(digits=50):
    ctx = mpmath.mp.clone()
    ctx.dps = digits
    return ctx


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_one_factorisation_solves_with_the_matrix_and_its_transpose(size):
    """``A^-1 z (A^-T b)^T`` of matrices whose rows must be exchanged, to nearly all digits."""
    f = dm.generate({"f": CASES["two_solves"]}, target="mpmath").load().f
    body = inspect.getsource(f)
    assert body.count("_lu(") == 1
    assert body.count("_lu_solve(") == 2
    assert body.count("transposed=True") == 1
    ctx = _context()
    A = ctx.matrix(np.roll(np.eye(size), 1, axis=0).tolist()) + ctx.randmatrix(size) / 8
    b, z = ctx.randmatrix(size, 1), ctx.randmatrix(size, 1)
    got = f(A=A, b=b, z=z, ctx=ctx)
    residual = A * got * A - z * b.T  # A x q^T A = z b^T, as A^T q = b
    assert max(abs(x) for x in residual) < ctx.mpf(10) ** -47


def test_the_transposed_solve_is_of_the_transpose(monkeypatch):
    f = dm.generate({"f": CASES["two_solves"]}, target="mpmath").load().f
    ctx = _context()
    A, b, z = ctx.matrix([[0, 2], [3, 1]]), ctx.matrix([[1], [2]]), ctx.matrix([[1], [1]])
    right = f(A=A, b=b, z=z, ctx=ctx)
    real = f.__globals__["_lu_solve"]
    monkeypatch.setitem(f.__globals__, "_lu_solve", lambda c, lu, B, **_: real(c, lu, B))
    assert max(abs(x) for x in f(A=A, b=b, z=z, ctx=ctx) - right) > 0.1


def test_a_singular_matrix_of_several_solves_is_named():
    f = dm.generate({"f": CASES["two_solves"]}, target="mpmath").load().f
    ones = [[1], [1], [1]]
    with pytest.raises(ValueError, match=r"^A is singular"):
        f(A=[[1, 2, 3], [2, 4, 6], [0, 0, 1]], b=ones, z=ones)


@pytest.mark.parametrize("target", ["mpmath", "flint"])
def test_only_the_open_rows_are_solved(target, monkeypatch):
    require(target)
    fast, _ = _pair("left", target)
    helper = {"mpmath": "_lu", "flint": "_solve"}[target]
    sizes, real = [], fast.__globals__[helper]

    def counted(*args):
        M = args[1] if target == "mpmath" else args[0]
        sizes.append(M.rows if target == "mpmath" else M.nrows())
        return real(*args)

    monkeypatch.setitem(fast.__globals__, helper, counted)
    given = _given(fast, "mixed", 9)
    fast(**{k: v.tolist() if np.ndim(v) else v for k, v in given.items()})
    opened = int((given["gamma"] * given["A"] @ given["z"] + given["phi"] > 0).sum())
    assert sizes == [opened]
    assert 1 < opened < 9


def test_a_ball_that_leaves_a_gate_open_is_never_decided():
    flint = require("flint")
    fast, plain = _pair("left", "flint")
    given = {"A": [[0.5, 0.25], [0.125, 0.5]], "b": [[1], [1]], "gamma": 0.5, "z": [[1], [1]]}
    wide = [[flint.arb(0, 1)], [1]]
    for function in (fast, plain):
        with pytest.raises(ValueError, match="undecided"):
            function(**given, phi=wide)
    rows = fast.__globals__["_open_rows"]
    assert rows(flint.arb_mat([[1], [0], [1]])) == [0, 2]
    for x in (flint.arb(0.5, 0.5), flint.arb(1, 1e-30), flint.arb(0, 1e-30), flint.arb(2)):
        with pytest.raises(ValueError, match=r"the gate .* is undecided"):
            rows(flint.arb_mat([[1], [x]]))


def test_balls_of_the_open_rows_hold_the_values_inside():
    """Wide matrices whose gates are decided: the result holds that of every matrix, and is zero, exactly, off S."""
    flint = require("flint")
    fast, plain = _pair("left", "flint")
    given = {k: v.tolist() if np.ndim(v) else v for k, v in _given(fast, "mixed", 6).items()}
    wide = {**given, "A": [[flint.arb(x, 1e-9) for x in row] for row in given["A"]]}
    got, inside, whole = fast(**wide), plain(**given), plain(**wide)
    for k in range(6):
        assert got[k, 0].contains(inside[k, 0])
        assert got[k, 0].overlaps(whole[k, 0])
        assert (got[k, 0] == 0) == (inside[k, 0] == 0)
