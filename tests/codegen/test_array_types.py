"""Array type in, array type out; dtype kept; what is refused, with the argument named."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import deqmath as dm

from .backends import BATCHED, convert, parameters, require
from .cases import CASES, values

NAMES = ("A", "V", "gamma", "phi", "z")


def _arguments(target):
    given = values(NAMES, np.random.default_rng(0))
    return {k: float(v) if k == "gamma" else convert(target, v) for k, v in given.items()}


def _jvp(target):
    require(target)
    return dm.generate({"jvp": CASES["jvp10"]}, target=target).load().jvp


def _single(target, x):
    library = require(target)
    return {
        "numpy": lambda: x.astype(np.float32),
        "array-api": lambda: library.astype(x, library.float32),
        "jax": lambda: x.astype("float32"),
        "torch": lambda: x.float(),
    }[target]()


@pytest.mark.parametrize("target", BATCHED)
def test_the_type_and_the_dtype_stay(target):
    jvp, given = _jvp(target), _arguments(target)
    double = jvp(**given)
    assert type(double) is type(given["A"])
    assert double.dtype == given["A"].dtype
    single = jvp(**{k: v if k == "gamma" else _single(target, v) for k, v in given.items()})
    assert single.dtype == _single(target, given["A"]).dtype != double.dtype


@pytest.mark.parametrize("target", BATCHED)
def test_integers_nan_and_other_types_are_refused_by_name(target):
    jvp, given = _jvp(target), _arguments(target)
    whole = np.ones((4, 1), dtype=int)
    whole = require("array-api").asarray(whole) if target == "array-api" else whole
    if target in ("jax", "torch"):
        whole = require(target).numpy.asarray(whole) if target == "jax" else require(target).from_numpy(whole)
    with pytest.raises(ValueError, match=r"^z: received dtype .*int64"):
        jvp(**{**given, "z": whole})
    with pytest.raises(ValueError, match=r"^z: received nan"):
        jvp(**{**given, "z": given["z"] * float("nan")})
    other = np.ones((4, 1)) if target != "numpy" else {1.0}
    with pytest.raises(ValueError, match=r"^z: received an? "):
        jvp(**{**given, "z": other})


@pytest.mark.parametrize("target", BATCHED)
def test_a_singular_matrix_is_named(target):
    solve = dm.generate({"x": CASES["two_solves"]}, target=target)
    require(target)
    ones = convert(target, np.ones((3, 1)))
    with pytest.raises(ValueError, match="A is singular"):
        solve.load().x(A=convert(target, np.zeros((3, 3))), b=ones, z=ones)


def test_a_ball_that_holds_zero_leaves_a_gate_undecided():
    flint = require("flint")
    module = dm.generate({"gated": CASES["sum_of_gates"]}, target="flint").load()
    wide = [[flint.arb(0, 1e-3)], [flint.arb(1)]]
    eye = [[1, 0], [0, 1]]
    given = {"A": eye, "Phi": wide, "Z": [[0], [0]], "gamma": 1, "phi": [[1], [1]], "n": 1}
    with pytest.raises(module.Undecided, match="undecided"):
        module.gated(**{k: given[k] for k in parameters(module.gated)})
    relu = dm.generate({"r": dm.relu(CASES["plain_argument"])}, target="flint").load().r([[flint.arb(0, 1e-3)]])
    assert relu[0, 0].contains(0)
    assert relu[0, 0].contains(1e-4)


def test_the_precision_of_the_caller_comes_back():
    flint = require("flint")
    before = flint.ctx.prec
    wide = dm.generate({"x": CASES["solve_twice"]}, target="flint").load().x(A=[[3]], z=[[1]], prec=400)
    assert flint.ctx.prec == before
    assert wide[0, 0].rad() < flint.arb(2) ** -380


def test_torch_compile_gives_the_same():
    torch = require("torch")
    if sys.platform == "win32":
        pytest.skip("torch.compile needs a compiler")
    jvp, given = _jvp("torch"), _arguments("torch")
    compiled = torch.compile(jvp, backend="eager", fullgraph=True)
    np.testing.assert_allclose(compiled(**given), jvp(**given), rtol=1e-12)
