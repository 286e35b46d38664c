"""``y + s M x`` in one call: the same values as without the pass, for every layout, dtype and batch."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Trace

import deqmath as dm

from .cases import CASES, A, V, b, gamma, phi, z

EXPRESSIONS = {
    "plus": phi + gamma * A * z,
    "minus": b - gamma * A.T * z,
    "one": phi + A * z,
    "trace": phi + Trace(V) * A * z,
    "both": phi + gamma * A * z + dm.hadamard(V * b, phi - V.T * z),
    "jvp10": CASES["jvp10"],
    "jvp11": CASES["jvp11"],
}


def _arguments(size, seed=0):
    rng = np.random.default_rng(seed)
    columns = {k: rng.standard_normal((size, 1)) for k in ("b", "phi", "z", "w")}
    return columns | {"A": rng.standard_normal((size, size)), "V": rng.standard_normal((size, size)), "gamma": 0.25}


def _called(function, arguments):
    return function(**{k: arguments[k] for k in function.__code__.co_varnames[: function.__code__.co_argcount]})


@pytest.mark.parametrize("size", [1, 2, 7, 40])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_same_as_without_the_pass(name, size):
    fast = dm.generate({"f": EXPRESSIONS[name]}).load().f
    slow = dm.generate({"f": EXPRESSIONS[name]}, without=("gemv", "certify")).load().f
    given = _arguments(size)
    layouts = [
        given,
        {k: np.asfortranarray(v) if np.ndim(v) else v for k, v in given.items()},
        {k: np.repeat(v, 2, axis=-1)[..., ::2] if np.ndim(v) else v for k, v in given.items()},
        {k: v[::-1].copy()[::-1] if np.ndim(v) else v for k, v in given.items()},
        {k: np.stack([v, 2 * v]) if np.ndim(v) else v for k, v in given.items()},
        given | {"z": np.stack([given["z"], -given["z"]])},
        given | {"b": np.stack([given["b"], -given["b"]])},
        given | {"phi": np.stack([given["phi"], -given["phi"]])},
        given | {"gamma": np.array([0.1, -0.2])},
        given | {"gamma": 0.0},
        given | {"gamma": -0.0},
        given | {"gamma": 1e-310},
    ]
    for arguments in layouts:
        before = {k: np.copy(v) for k, v in arguments.items()}
        got, want = _called(fast, arguments), _called(slow, arguments)
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)
        assert all(np.array_equal(before[k], arguments[k]) for k in arguments)
    halves = {k: np.float32(v) if np.ndim(v) else v for k, v in given.items()}
    assert _called(fast, halves).dtype == np.float32
    np.testing.assert_allclose(_called(fast, halves), _called(slow, halves), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("weight", [0.25, 0.0])
def test_a_bad_entry_is_named_though_nothing_multiplies_it(bad, weight):
    """BLAS leaves the matrix alone where s = 0; zeros of z and phi hide nothing either."""
    f = dm.generate({"f": EXPRESSIONS["plus"]}).load().f
    arguments = _arguments(3) | {"gamma": weight, "phi": np.zeros((3, 1)), "z": np.zeros((3, 1))}
    arguments["A"][1, 2] = bad
    with pytest.raises(ValueError, match=r"^A: received (nan|inf) at index \(1, 2\)"):
        _called(f, arguments)  # and no warning, which would be an error


def test_the_text_is_one_call():
    source = dm.generate({"f": EXPRESSIONS["plus"]}).source
    assert "p = _gemv(A, z, gamma, phi)  # p = phi + gamma A z" in source
    assert "_gemv" not in dm.generate({"f": EXPRESSIONS["plus"]}, target="cupy").source


def test_the_flops_are_those_of_the_product_and_the_sum():
    with_pass, without = (dm.generate({"f": EXPRESSIONS["plus"]}, without=w).flops["f"] for w in ((), ("gemv",)))
    assert with_pass == without
