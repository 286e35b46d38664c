"""Scalars of generated NumPy: a formula that Python's floats cannot hold warns, as one of arrays does, and stays real."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import MatrixSymbol, Rational, Symbol, exp, sqrt

import deqmath as dm

from .cases import A, Z, c, gamma, m, z

ONE = {"A": np.eye(3), "z": np.ones((3, 1))}
BEYOND = {
    "square": (gamma**2 * A * z, {"gamma": 1e200}),
    "square_beside_a_dimension": (gamma**2 / m * A * z, {"gamma": -1e200}),
    "quotient": (A * z / gamma, {"gamma": 0.0}),
    "quotient_of_a_subnormal_number": (A * z / gamma**2, {"gamma": 1e-310}),
    "quotient_by_a_difference": (c / (1 - gamma) * A * z, {"gamma": 1.0, "c": 0.5}),
    "cube_root": (c ** Rational(1, 3) * A * z, {"c": -8.0}),
    "power_of_two_scalars": (c**gamma * A * z, {"c": -0.5, "gamma": 0.5}),
    "inside_a_map": (dm.elementwise(lambda t: t + c**3, A * z), {"c": 1e200}),
    "a_scalar_alone": (gamma**-2, {"gamma": 0.0}),
}


@pytest.mark.parametrize("name", BEYOND)
def test_a_warning_and_no_error_as_for_one_number_a_sample(name):
    expr, scalars = BEYOND[name]
    f = dm.generate({"f": expr}).load().f
    matrices = {k: v for k, v in ONE.items() if expr.has(MatrixSymbol(k, *{"A": (m, m), "z": (m, 1)}[k]))}
    with pytest.warns(RuntimeWarning):
        got = f(**matrices, **scalars)
    with pytest.warns(RuntimeWarning):
        want = f(**matrices, **{k: np.array([x]) for k, x in scalars.items()})[0]
    assert np.asarray(got).dtype == np.float64
    np.testing.assert_array_equal(got, want)
    assert not np.isfinite(got).any()


def test_powers_keep_their_values_and_text():
    code = dm.generate({"f": c**2 / (1 - gamma) ** 3 * A * z + 1 / (1 + exp(gamma)) * z - sqrt(gamma) * z})
    x, y = 0.3, 0.7
    want = ONE["A"] @ ONE["z"] * (y**2 / (1 - x) ** 3) + ONE["z"] * (1 / (1 + np.exp(x)) - x**0.5)
    np.testing.assert_allclose(code.load().f(**ONE, gamma=x, c=y), want, rtol=1e-14)
    assert "scipy.special.expit(-gamma)" in code.source
    assert "np.sqrt(gamma)" in code.source


def test_powers_of_dimensions_and_of_arrays_are_written_plainly():
    k = Symbol("k", integer=True, positive=True)
    source = dm.generate({"f": m**2 * dm.elementwise(lambda t: t**2, A * z), "g": 2**k * A}).source
    assert "_power" not in source


def test_results_share_no_memory_with_one_another():
    """Two results that are one value, or one the other transposed, are two arrays."""
    pairs = {
        "same": (A * z, A * z),
        "transposed": (A * Z, (A * Z).T),
        "of_an_argument": (A, A.T),
        "stacked": (z, dm.vec(z)),
        "of_a_view": (dm.vec(A * Z).T, dm.vec(A * Z), A * Z),
    }
    module = dm.generate(pairs).load()
    given = {"A": np.eye(3), "z": np.ones((3, 1)), "Z": np.ones((3, 2))}
    for name in pairs:
        f = getattr(module, name)
        chosen = {k: given[k] for k in f.__code__.co_varnames[: f.__code__.co_argcount]}
        for arguments in (chosen, {k: np.stack([v, v]) for k, v in chosen.items()}):
            first, *others = f(**arguments)
            assert not any(np.shares_memory(first, other) for other in others)
            before = [other.copy() for other in others]
            first += 1.0
            np.testing.assert_array_equal(others[-1], before[-1])
            assert not np.shares_memory(others[0], others[-1]) or len(others) == 1
