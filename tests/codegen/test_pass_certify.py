"""Arguments that are certified by a product instead of a scan: one bad entry anywhere is found and named."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import deqmath as dm

from .cases import CASES, A, B, Q, Z, b, z

NAMES = ["jvp10", "jvp11", "vjp11", "gram", "chain", "quadratic", "two_solves", "powers"]


def _arguments(function, batch=()):
    shapes = {"A": (7, 7), "B": (7, 7), "V": (7, 7), "Z": (7, 5), "Q": (7, 5), "F": (3, 7)}
    rng = np.random.default_rng(3)
    out = {k: rng.standard_normal((*batch, *shapes.get(k, (7, 1)))) for k in inspect.signature(function).parameters}
    return out | ({"gamma": 0.1} if "gamma" in out else {})


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_one_bad_entry_anywhere_is_found_and_named(name, bad, batch):
    """Also where it meets a zero of the vector, and without a warning of NumPy before the error."""
    f = getattr(dm.generate({name: CASES[name]}).load(), name)
    arguments = _arguments(f, batch)
    arguments |= {"z": np.zeros_like(arguments["z"])} if name == "jvp10" else {}
    for key, value in arguments.items():
        for index in np.ndindex(np.shape(value)):
            spoiled = np.array(value)
            spoiled[index] = bad
            with pytest.raises(ValueError, match=rf"^{key}: received") as error:
                f(**{**arguments, key: spoiled})
            assert not index or str(index) in str(error.value)


def test_matrices_that_meet_a_column_are_not_scanned():
    source = inspect.getsource(dm.generate({"f": CASES["jvp11"]}).load().f)
    assert "_finite(b=b, phi=phi)" in source
    assert source.count("_checked(") == 2


@pytest.mark.parametrize("expr", [A * B, Z * Q.T, dm.relu(A) * B, dm.total(A * dm.gate(z) * B, dm.dim("i"), 2)])
def test_a_matrix_that_meets_no_column_is_scanned(expr):
    assert "_finite(A=A" in (source := dm.generate({"f": expr}).source) or "_finite(Q=Q, Z=Z)" in source


def test_a_matrix_is_not_certified_by_a_product_with_something_it_made():
    """``relu(A b)`` hides what is negative and infinite: only ``A b`` itself shows it."""
    f = dm.generate({"f": A * dm.relu(A * b)}).load().f
    bad = np.eye(2)
    bad[0, 0] = -np.inf
    with pytest.raises(ValueError, match=r"A: received -inf at index \(0, 0\)"):
        f(A=bad, b=np.ones((2, 1)))


def test_a_product_that_overflows_is_a_warning_and_no_error():
    f = dm.generate({"f": A * b}).load().f
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert np.isinf(f(A=np.full((2, 2), 1e200), b=np.full((2, 1), 1e200))).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(f(A=np.eye(2) * 1e200, b=np.ones((2, 1))), 1e200)
