"""Bad input: the message names the argument, what was received and what was needed."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import EulerGamma, Function, GoldenRatio, Inverse, MatrixSymbol, Symbol, cos, pi, sin

import deqmath as dm
from deqmath.errors import InputError, ShapeError, UnknownNodeError

from .cases import CASES, A, B, Z, b, gamma, i, m, n, z


@pytest.fixture(scope="module")
def jvp():
    return dm.generate({"jvp": CASES["jvp10"]}).load().jvp


def _arguments(**changed):
    rng = np.random.default_rng(0)
    plain = {
        "A": rng.random((3, 3)),
        "V": rng.random((3, 3)),
        "gamma": 0.1,
        "phi": rng.random((3, 1)),
        "z": rng.random((3, 1)),
    }
    return plain | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"z": np.ones((4, 1))}, r"z and A disagree on m: received z of shape \(4, 1\) and A of shape \(3, 3\)"),
        ({"z": np.ones((3, 2))}, r"z: received shape \(3, 2\); it needs \(m, 1\)"),
        ({"z": np.ones(3)}, r"z: received shape \(3,\); it needs \(m, 1\).*pass z\[:, None\]"),
        ({"A": np.ones((3, 4))}, r"A: received shape \(3, 4\); it needs \(m, m\), a square matrix"),
        ({"z": [[1.0], [1.0, 2.0]]}, "z: received nested lists of unequal lengths"),
        ({"A": np.zeros((0, 0))}, r"A: received shape \(0, 0\).*m at least 1"),
        ({"phi": np.array([[1.0], [np.nan], [0.0]])}, r"phi: received nan at index \(1, 0\); it needs finite numbers"),
        ({"gamma": np.inf}, "gamma: received inf"),
        ({"z": np.ones((3, 1)) * 1j}, "z: received dtype complex128"),
        ({"z": np.ones((3, 1), dtype=object)}, "z: received dtype object"),
        ({"z": "abc"}, "z: received a str"),
        ({"z": np.ma.masked_array(np.ones((3, 1)))}, "z: received a MaskedArray"),
        (
            {"z": np.ones((2, 3, 1)), "V": np.ones((5, 3, 3))},
            r"batch axes do not broadcast: received V \(5,\), z \(2,\)",
        ),
    ],
)
def test_a_bad_argument_is_named(jvp, changed, message):
    with pytest.raises(ValueError, match=message):
        jvp(**_arguments(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"gamma": 1},
        {"gamma": np.float64(0.1)},
        {"z": [[1.0], [2.0], [3.0]]},
        {"V": np.ones((2, 3, 3))},
        {"phi": np.ones((3, 1), dtype=np.float32)},
        {"A": np.ones((3, 3), dtype=">f8")},
        {"A": np.ones((3, 4))},
        {"A": np.ones(3)},
        {"A": np.zeros((0, 0)), "V": np.zeros((0, 0)), "phi": np.ones((0, 1)), "z": np.ones((0, 1))},
        {"phi": np.ones((3, 2))},
        {"z": np.ma.masked_array(np.ones((3, 1)))},
        {"gamma": np.nan},
    ],
)
def test_only_plain_arguments_pass_without_the_general_checks(monkeypatch, changed):
    jvp = dm.generate({"jvp": CASES["jvp10"]}).load().jvp

    def general(*_):
        raise AssertionError

    monkeypatch.setitem(jvp.__globals__, "_matrix", general)
    assert jvp(**_arguments()).shape == (3, 1)
    with pytest.raises(AssertionError):
        jvp(**_arguments(**changed))


def test_a_singular_matrix_is_named(jvp):
    ones = np.ones((3, 1))
    with pytest.raises(np.linalg.LinAlgError, match="I - gamma D A is singular"):
        jvp(A=np.eye(3), V=np.eye(3), gamma=1.0, phi=ones, z=ones)
    twice = dm.generate({"x": CASES["two_solves"]}).load().x
    with pytest.raises(ValueError, match="A is singular"):
        twice(A=np.zeros((3, 3)), b=ones, z=ones)


def test_numbers_whose_sum_overflows_are_finite():
    f = dm.generate({"f": A * z}).load().f
    np.testing.assert_allclose(f(A=np.full((2, 2), 1.5e308), z=np.zeros((2, 1))), 0.0)
    with pytest.raises(ValueError, match=r"A: received inf at index \(0, 1\)"):
        f(A=np.array([[1.0, np.inf], [-np.inf, 1.0]]), z=np.zeros((2, 1)))


def test_dtypes(jvp):
    assert jvp(**_arguments(A=np.eye(3).tolist(), z=[[1], [2], [3]])).dtype == np.float64
    with pytest.raises(ValueError, match="A: received dtype int64; it needs real numbers, float64 or float32"):
        jvp(**_arguments(A=np.eye(3, dtype=int)))
    single = {k: np.float32(v) for k, v in _arguments().items() if k != "gamma"}
    assert jvp(**single, gamma=0.1).dtype == np.float32


def test_dimensions_that_no_argument_carries_are_arguments():
    f = dm.generate({"f": A * z / n}).load().f
    np.testing.assert_allclose(f(A=np.eye(2), n=4, z=np.ones((2, 1))), 0.25)
    with pytest.raises(ValueError, match="n: received 0; it needs an integer of at least 1"):
        f(A=np.eye(2), n=0, z=np.ones((2, 1)))


def test_a_column_asked_for_by_number():
    k = Symbol("k", integer=True)
    f = dm.generate({"f": A * dm.column(Z, k)}).load().f
    np.testing.assert_allclose(f(A=np.eye(2), Z=np.arange(6.0).reshape(2, 3), k=2), [[2.0], [5.0]])
    with pytest.raises(ValueError, match="k: received 3; it needs an integer of at least 0 and at most 2"):
        f(A=np.eye(2), Z=np.ones((2, 3)), k=3)


def test_names_python_reserves():
    f = dm.generate({"f": Symbol("lambda") * A}).load().f
    np.testing.assert_allclose(f(A=[[1.0]], lambda_=2.0), [[2.0]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: dm.generate({"f": A}, target="fortran"),
            InputError,
            "the targets are numpy, array-api, cupy, jax, torch, mpmath, flint",
        ),
        (lambda: dm.generate({}), InputError, "needs names and expressions"),
        (lambda: dm.generate({"not a name": A}), InputError, "Python identifier"),
        (lambda: dm.generate({"f": "A*b"}), InputError, "needs a SymPy expression"),
        (lambda: dm.generate({"f": A * b}, arguments=["A"]), InputError, "leaves out b"),
        (lambda: dm.generate({"f": A * b}, arguments=["A", "b", "q"]), InputError, "no expression holds q"),
        (lambda: dm.generate({"f": A}, without=["magic"]), InputError, "the passes are"),
        (lambda: dm.generate({"f": A}, outputs={"f": ["x", "y"]}), InputError, "2 output names"),
        (lambda: dm.generate({"f": Symbol("A") * A}), InputError, "distinct names"),
        (lambda: dm.generate({"f": gamma * Symbol("gamma", positive=True) * A}), InputError, "distinct names"),
        (lambda: dm.generate({"f": A * MatrixSymbol("q", n, 1)}), ShapeError, "A, m x m, and q, n x 1"),
        (lambda: dm.generate({"f": A * MatrixSymbol("A", m, 1)}), InputError, "one shape a name"),
        (lambda: dm.generate({"f": dm.elementwise(Function("g"), A)}), InputError, "undefined function"),
        (lambda: dm.generate({"f": A ** Symbol("k")}), InputError, "integer exponent"),
        (lambda: dm.generate({"f": (z.T * b)[0, 0] * A}), UnknownNodeError, "codegen rule"),
    ],
)
def test_what_generate_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_unknown_node_is_named():
    from sympy import MatrixExpr

    class Mystery(MatrixExpr):
        shape = (m, m)

    with pytest.raises(UnknownNodeError, match="codegen rule for the node Mystery"):
        dm.generate({"f": Mystery() * A + Inverse(B)})


def test_entrywise_functions_take_parameters_but_not_the_sample():
    f = dm.generate({"f": dm.elementwise(lambda t: sin(gamma * t) + cos(t), A)}).load().f
    np.testing.assert_allclose(f(A=[[2.0]], gamma=0.5), np.sin(1.0) + np.cos(2.0))
    with pytest.raises(InputError, match="changes with the sample"):
        dm.generate({"f": dm.total(dm.elementwise(lambda t: t * i, dm.column(Z, i)), i, n)})


def test_a_matrix_of_any_name_reaches_the_checked_products():
    X = MatrixSymbol("X", m, n)
    x = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(dm.generate({"f": X.T * X}).load().f(x), x.T @ x)


def test_names_as_python_reads_them():
    square = MatrixSymbol("x²", m, m)
    assert np.array_equal(dm.generate({"f": 2 * square}).load().f(x2=np.eye(2)), 2 * np.eye(2))
    with pytest.raises(InputError, match="print as a_b"):
        dm.generate({"f": Symbol("a-b") * Symbol("aXb") * Symbol("a_b") * A})
    with pytest.raises(InputError, match="no leading underscore"):
        dm.generate({"f": Symbol("_solve") * A})
    with pytest.raises(InputError, match="Python reads as"):
        dm.generate({"\N{MICRO SIGN}": A})


def test_constants_of_mathematics():
    for c in (pi, GoldenRatio, EulerGamma):
        assert np.allclose(dm.generate({"f": c * A}).load().f(np.eye(2)), float(c) * np.eye(2))
