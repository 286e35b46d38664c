"""Arguments that are certified by a product instead of a scan: one bad entry anywhere is found and named."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sympy import Identity, Inverse, sqrt, tanh

import deqmath as dm

from .cases import CASES, A, B, Q, V, Z, b, gamma, m, z

NAMES = [
    "jvp10", "jvp11", "vjp11", "gram", "chain", "quadratic", "two_solves", "powers", "flow6", "per_sample_relu",
    "matrix_product", "scaled_product", "sum_of_products", "needed_before", "hidden", "rows_and_columns",
]  # fmt: skip
EXPRESSIONS = CASES | {
    "matrix_product": A * B,
    "scaled_product": gamma * dm.diag(b) * A * B * dm.diag(z),
    "sum_of_products": dm.hadamard(A * B, B * A) - gamma * A.T * A,
    "needed_before": A * Inverse(Identity(m) + A * A.T / 100) * B,
    "hidden": dm.relu(A) * B,
    "rows_and_columns": b * z.T * A,
}


def _arguments(function, batch=()):
    shapes = {"A": (7, 7), "B": (7, 7), "V": (7, 7), "Z": (7, 5), "Q": (7, 5), "F": (3, 7), "r": (5, 1), "Phi": (7, 5)}
    rng = np.random.default_rng(3)
    out = {k: rng.standard_normal((*batch, *shapes.get(k, (7, 1)))) for k in inspect.signature(function).parameters}
    return out | ({"gamma": 0.1} if "gamma" in out else {})


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_one_bad_entry_anywhere_is_found_and_named(name, bad, batch):
    """Also where it meets a zero of the vector, and without a warning of NumPy before the error."""
    f = getattr(dm.generate({name: EXPRESSIONS[name]}).load(), name)
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
    assert "_finite" not in source
    assert "_shown_by(u, b, A=A, z=z, phi=phi, b=b)" in source
    assert "_shown_by(p, V=V)" in source


def test_two_columns_are_looked_at_together():
    """``A z`` and ``V z``: neither needs the other, and one scalar product shows both."""
    source = inspect.getsource(dm.generate({"f": CASES["jvp10"]}).load().f)
    assert source.count("_shown_by(") == source.count("_shown_by(u, p, A=A, z=z, phi=phi, V=V)") == 1


def test_a_column_that_needs_another_argument_first_is_not_looked_at_with_it():
    """In ``A tanh(V b) + V z`` the matrix V is used before ``V z`` could show it."""
    expr = A * dm.elementwise(tanh, V * b) + V * z
    f = dm.generate({"f": expr}).load().f
    arguments = _arguments(f)
    np.testing.assert_allclose(
        f(**arguments), arguments["A"] @ np.tanh(arguments["V"] @ arguments["b"]) + arguments["V"] @ arguments["z"]
    )
    for key, value in arguments.items():
        spoiled = np.array(value)
        spoiled[0, 0] = np.inf
        with pytest.raises(ValueError, match=rf"^{key}: received inf"):
            f(**{**arguments, key: spoiled})


def test_a_matrix_that_reaches_no_result_unchanged_is_scanned():
    assert "_finite(A=A)" in dm.generate({"f": dm.relu(A) * B}).source
    assert "_finite(B=B)" in dm.generate({"f": EXPRESSIONS["needed_before"]}).source


@pytest.mark.parametrize("expr", [A * B, Z * Q.T, 2 * A * B + Z * Q.T])
def test_a_product_is_looked_at_in_its_first_row_and_column(expr):
    source = inspect.getsource(dm.generate({"f": expr}).load().f)
    assert "_finite" not in source
    assert "[..., 0, :], " in source
    assert "[..., :, 0], " in source


def test_what_is_not_a_number_by_itself_still_warns():
    """Only the operations that show an argument are silent: the square root of a negative number is not."""
    f = dm.generate({"f": sqrt(gamma) * A * B}).load().f
    with pytest.warns(RuntimeWarning, match="invalid value encountered in sqrt"):
        assert np.isnan(f(A=np.eye(2), B=np.eye(2), gamma=-1.0)).all()


def test_an_overflow_in_one_entry_is_a_warning_and_no_error():
    f = dm.generate({"f": A * B}).load().f
    big = np.diag([1.0, 1e200])
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert np.isinf(f(A=big, B=big)[1, 1])


def test_bad_entries_are_found_without_the_pass_too():
    f = dm.generate({"f": A * B}, without=("certify",)).load().f
    with pytest.raises(ValueError, match=r"B: received nan at index \(1, 0\)"):
        f(A=np.eye(2), B=np.array([[1.0, 0.0], [np.nan, 1.0]]))


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


def test_what_is_plain_is_looked_at_without_a_call():
    """The helper that names arguments is reached only where a product is not finite, or an argument is not plain."""
    f = dm.generate({"f": CASES["jvp10"]}).load().f
    source = inspect.getsource(f)
    line = "    if not (plain and math.isfinite(np.vdot(u, p))):\n        _shown_by(u, p, A=A, z=z, phi=phi, V=V)\n"
    assert line in source
    calls = []
    f.__globals__["_shown_by"] = lambda *_, **shown: calls.append(set(shown))
    arguments = _arguments(f)
    f(**arguments)
    assert calls == []
    f(**arguments | {"V": np.where(np.eye(7) > 0, np.nan, arguments["V"])})
    f(**_arguments(f, (2,)))
    assert calls == [{"A", "z", "phi", "V"}] * 2
