"""Bad and unusual arguments on every target: one clear error that names the argument, or the right value."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Float, I, Identity, Integer, Inverse, MatAdd, Matrix, MatrixSymbol, Rational, Trace, oo

import deqmath as dm
from deqmath.codegen.layout import WIDTH
from deqmath.codegen.targets import TARGETS
from deqmath.errors import InputError

from .backends import BATCHED, LIBRARIES, back, require
from .cases import A, Z, gamma, m, z

EXPRESSIONS = {
    "solve": Inverse(Identity(m) - gamma * dm.gate(gamma * A * z + z) * A) * z,
    "gram": Z.T * Z,
    "line": gamma * A * z,
    "trace": gamma * Trace(A),
}


def _make(target, values, kind="float64"):
    """An array of the target, of a NumPy dtype by name; lists for the libraries of numbers."""
    values = np.asarray(values).astype(kind)
    if target == "torch":
        return require(target).from_numpy(values.copy())
    if target == "jax":
        return require(target).numpy.asarray(values)
    if target == "array-api":
        return require(target).asarray(values)
    return values.tolist() if target in ("mpmath", "flint") else values


@pytest.fixture(scope="module", params=LIBRARIES)
def loaded(request):
    require(request.param)
    return request.param, dm.generate(EXPRESSIONS, target=request.param, name="probe").load()


def _given(target, **changed):
    rng = np.random.default_rng(0)
    plain = {
        "A": _make(target, np.eye(3) + 0.2 * rng.standard_normal((3, 3))),
        "z": _make(target, rng.standard_normal((3, 1))),
    }
    return {**plain, "gamma": 0.25, **changed}


@pytest.mark.parametrize("value", [True, "3", None, 1j, float("nan"), float("inf"), object(), [0.5, "a"]])
def test_what_is_no_finite_real_number_is_refused_by_name(loaded, value):
    target, module = loaded
    with pytest.raises(ValueError, match=r"^gamma: received "):
        module.line(**_given(target, gamma=value))


@pytest.mark.parametrize("kind", ["bool", "complex128", "int64"])
def test_matrices_of_other_kinds(loaded, kind):
    target, module = loaded
    wrong = _make(target, np.ones((3, 3)), kind)
    if target in ("mpmath", "flint") and kind == "int64":  # exact there
        assert back(module.line(**_given(target, A=wrong))).shape == (3, 1)
        return
    with pytest.raises(ValueError, match=r"^A: received "):
        module.line(**_given(target, A=wrong))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_matrices_that_are_not_finite(loaded, value):
    target, module = loaded
    with pytest.raises(ValueError, match=r"^A: received (nan|inf)"):
        module.solve(**_given(target, A=_make(target, np.full((3, 3), value))))


def test_a_matrix_that_is_not_square_says_so(loaded):
    target, module = loaded
    with pytest.raises(ValueError, match=r"^A: received shape \(3, 4\); it needs \(m, m\), a square matrix"):
        module.line(**_given(target, A=_make(target, np.ones((3, 4)))))
    with pytest.raises(ValueError, match=r"^z and A disagree on m: .*\(4, 1\).*\(3, 3\)"):
        module.line(**_given(target, z=_make(target, np.ones((4, 1)))))


@pytest.mark.parametrize("shape", [(), (3,), (0, 0)])
def test_matrices_of_no_matrix_shape(loaded, shape):
    target, module = loaded
    with pytest.raises(ValueError, match=r"^A: received "):
        module.line(**_given(target, A=_make(target, np.ones(shape))))


def test_no_samples_are_refused(loaded):
    target, module = loaded
    with pytest.raises(ValueError, match=r"^Z: received "):
        module.gram(Z=_make(target, np.ones((3, 0))))


def test_an_empty_batch_gives_an_empty_batch(loaded):
    target, module = loaded
    if target not in BATCHED:
        pytest.skip("no batch axes")
    none = _make(target, np.ones((0, 3, 3)))
    assert tuple(module.solve(**_given(target, A=none)).shape) == (0, 3, 1)
    assert tuple(module.trace(A=none, gamma=0.5).shape) == (0,)
    assert tuple(module.gram(Z=none).shape) == (0, 3, 3)


def test_single_and_double_precision_mix_as_in_the_library(loaded):
    target, module = loaded
    if target not in BATCHED:
        pytest.skip("no dtypes")
    given = _given(target)
    want = back(module.solve(**given))
    single = _make(target, back(given["z"]), "float32")
    got = module.solve(**{**given, "z": single})
    assert got.dtype == given["A"].dtype
    np.testing.assert_allclose(back(got), want, rtol=1e-5)


@pytest.mark.parametrize("number", [2, np.float64(0.25)])
def test_numbers_of_python_and_numpy_are_scalars(loaded, number):
    target, module = loaded
    want = back(module.line(**_given(target, gamma=float(number))))
    np.testing.assert_array_equal(back(module.line(**_given(target, gamma=number))), want)


def test_arrays_of_another_library_are_refused(loaded):
    target, module = loaded
    if target not in ("array-api", "jax", "torch"):
        pytest.skip("NumPy arrays are taken as numbers")
    with pytest.raises(ValueError, match=r"^z: received an? .*(ndarray|numpy)"):
        module.line(**_given(target, z=np.ones((3, 1))))


def test_views_and_read_only_arrays_work_and_stay_as_they_are():
    module = dm.generate(EXPRESSIONS, name="probe").load()
    rng = np.random.default_rng(2)
    big = np.eye(6) + 0.1 * rng.standard_normal((6, 6))
    for A0 in (big[::2, ::2], big[:3, :3].T, big[::-2, ::-2], np.broadcast_to(big[:3, :3], (2, 3, 3))):
        z0 = np.asfortranarray(rng.standard_normal((6, 1)))[::2]
        A0.flags.writeable = z0.flags.writeable = False
        before = A0.copy(), z0.copy()
        for name in ("solve", "line"):
            function = getattr(module, name)
            got = function(A=A0, gamma=0.25, z=z0)
            np.testing.assert_allclose(got, function(A=before[0].copy(), gamma=0.25, z=before[1].copy()), rtol=1e-13)
            assert got.flags.writeable
        assert np.array_equal(A0, before[0])
        assert np.array_equal(z0, before[1])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("factor", [Integer(10) ** 400, Rational(1, Integer(10) ** 400), Float("1e-400", 20)])
def test_numbers_beyond_float64(target, factor):
    expr = factor * A
    if target in ("mpmath", "flint"):
        got = dm.generate({"f": expr}, target=target).load().f([[3]])[0, 0]
        assert 2.9 < got / (10**400 if factor > 1 else type(got)(1) / 10**400) < 3.1
    else:
        with pytest.raises(InputError, match=r"about 10\^-?400, which float64 cannot hold"):
            dm.generate({"f": expr}, target=target)


@pytest.mark.parametrize("target", LIBRARIES)
@pytest.mark.parametrize("factor", [Integer(10) ** 30, Rational(10**40, 3), Float("0.1", 30), Rational(-1, 3 * 10**20)])
def test_numbers_with_more_digits_than_a_float(target, factor):
    require(target)
    f = dm.generate({"f": factor * A}, target=target).load().f
    np.testing.assert_allclose(back(f(_make(target, [[3.0]]))), [[3 * float(factor)]], rtol=1e-15)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("factor", [I, oo, -oo])
def test_numbers_that_are_not_real_and_finite(target, factor):
    with pytest.raises(InputError, match="not real and finite"):
        dm.generate({"f": factor * A}, target=target)


def test_a_ball_holds_the_number_that_a_float_is():
    flint = require("flint")
    tenth = Float("0.1", 40)
    exact = flint.fmpq(int(Rational(tenth).p), int(Rational(tenth).q))
    ball = dm.generate({"f": tenth * A}, target="flint").load().f([[1]], prec=60)[0, 0]
    with flint.ctx.workprec(400):
        assert ball.contains(exact)
    assert 0 < ball.rad() < 1e-17


@pytest.mark.parametrize("target", TARGETS)
def test_no_line_is_too_long(target):
    many = [MatrixSymbol(f"a_matrix_with_a_long_name_{k}", m, m) for k in range(9)]
    code = dm.generate({"total": MatAdd(*many), "entries": Matrix([[10**12] * 20])}, target=target, name="wide")
    for text in (code.source, code.test_source):
        compile(text, "wide.py", "exec")
        assert [line for line in text.splitlines() if len(line) > WIDTH] == []
