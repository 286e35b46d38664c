"""Generated mpmath: 40 digits against exact rational arithmetic, and every case against NumPy."""

from __future__ import annotations

import inspect
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import deqmath as dm

from .cases import CASES, DIMS, values
from .reference import evaluate


def _context(digits):
    ctx = mpmath.mp.clone()
    ctx.dps = digits
    return ctx


def _array(value):
    return np.array(value.tolist(), dtype=float) if hasattr(value, "rows") else float(value)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_naive_evaluator(name):
    function = getattr(dm.generate({name: CASES[name]}, target="mpmath").load(), name)
    names = [k for k in inspect.signature(function).parameters if k != "ctx"]
    arguments = values(names, np.random.default_rng(7))
    got = _array(function(**arguments, ctx=_context(20)))
    np.testing.assert_allclose(got, evaluate(CASES[name], arguments, DIMS), rtol=1e-9, atol=1e-10)


def _fractions(rng, rows, cols):
    return [[Fraction(int(rng.integers(-9, 10)), 10) for _ in range(cols)] for _ in range(rows)]


def _exact_jvp(A, V, gamma, phi, z):
    """(10) applied to vec V in exact rationals: solve (I - gamma D A) x = gamma D V z by elimination."""
    k = len(A)
    u = [gamma * sum(A[i][j] * z[j][0] for j in range(k)) + phi[i][0] for i in range(k)]
    rows = []
    for i in range(k):
        d = 1 if u[i] > 0 else 0
        right = gamma * d * sum(V[i][j] * z[j][0] for j in range(k))
        rows.append([(1 if i == j else 0) - gamma * d * A[i][j] for j in range(k)] + [right])
    for i in range(k):
        pivot = next(r for r in range(i, k) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for r in range(k):
            if r != i:
                rows[r] = [x - rows[r][i] * y for x, y in zip(rows[r], rows[i], strict=True)]
    return [row[-1] for row in rows]


def test_forty_digits_against_exact_rationals():
    jvp = dm.generate({"jvp": CASES["jvp10"]}, target="mpmath").load().jvp
    rng, ctx = np.random.default_rng(3), _context(45)
    for _ in range(3):
        A, V = _fractions(rng, 5, 5), _fractions(rng, 5, 5)
        phi, z = _fractions(rng, 5, 1), _fractions(rng, 5, 1)
        gamma = Fraction(3, 10)
        got = jvp(A=A, V=V, gamma=gamma, phi=phi, z=z, ctx=ctx)
        for x, want in zip(got, _exact_jvp(A, V, gamma, phi, z), strict=True):
            exact = ctx.mpf(want.numerator) / want.denominator
            assert abs(x - exact) <= ctx.mpf(10) ** -40 * max(1, abs(exact))


def test_the_identity_is_never_the_imaginary_unit():
    for name in ("jvp10", "jacobian10", "only_inverse", "kron_sum"):
        source = dm.generate({name: CASES[name]}, target="mpmath").source
        assert "1j" not in source
        assert "ctx.j" not in source


def test_the_precision_is_the_callers():
    f = dm.generate({"f": CASES["scalar_of_dims"]}, target="mpmath").load()
    assert "dps" not in inspect.getsource(f)
    before = mpmath.mp.dps
    value = f.f(c=1, m=2, ctx=_context(50))
    assert mpmath.mp.dps == before
    assert mpmath.nstr(value - 4, 30) == "1.41421356237309504880168872421"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"z": [[1], [2], [3]]}, r"z and A disagree on m: received z of shape \(3, 1\) and A of shape \(2, 2\)"),
        ({"z": [1, 2]}, r"z: received a list; it needs \(m, 1\)"),
        ({"z": [[1], [float("nan")]]}, "z: received nan; it needs finite numbers"),
        ({"z": [[1], [1j]]}, "z: received the complex number"),
        ({"z": [[1], ["one"]]}, "z: received 'one'"),
        ({"A": [[1, 2], [3]]}, r"A: received rows of lengths \[2, 1\]"),
        ({"A": [[1, 0], [0, 1]]}, "I - gamma D A is singular"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    jvp = dm.generate({"jvp": CASES["jvp10"]}, target="mpmath").load().jvp
    plain = {"A": [[0, 1], [0, 0]], "V": [[1, 0], [0, 1]], "gamma": 1, "phi": [[5], [5]], "z": [[1], [1]]}
    with pytest.raises(ValueError, match=message):
        jvp(**(plain | changed), ctx=_context(20))
