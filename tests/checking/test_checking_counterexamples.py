"""Printed counterexamples run as they stand and show what their comments say."""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction

import pytest
from sympy import (
    Identity,
    Inverse,
    Lambda,
    MatrixSymbol,
    Rational,
    Symbol,
    Trace,
    erf,
    exp,
    log,
    sin,
    sqrt,
    tanh,
)

import deqmath as dm
from deqmath.checking import check_second_derivative
from deqmath.expressions.smooth import smooth

m, n = dm.dim("m"), dm.dim("n")
A, B, C, X = (MatrixSymbol(s, m, m) for s in "ABCX")
z, w, phi = (MatrixSymbol(s, m, 1) for s in ("z", "w", "phi"))
Z, Y = MatrixSymbol("Z", m, n), MatrixSymbol("Y", m, n)
gamma = Symbol("gamma", positive=True)
i, j = Symbol("i", integer=True), Symbol("j", integer=True)
t = Symbol("t", real=True)
eye = Identity(m)
relu_residual = z - dm.relu(gamma * A * z + phi)
tanh_residual = z - dm.elementwise(tanh, gamma * A * z + phi)
riccati = A.T * X + X * A - X * B * X + C

WRONG = {
    "order": lambda: dm.check_equal(A * B, B * A),
    "transpose": lambda: dm.check_equal(A * z, A.T * z),
    "inverse": lambda: dm.check_equal(Inverse(A + B), Inverse(A) + Inverse(B)),
    "trace": lambda: dm.check_equal(dm.one() * Trace(A * B * C), dm.one() * Trace(A * C * B)),
    "hadamard": lambda: dm.check_equal(dm.hadamard(A, B), A * B),
    "vec": lambda: dm.check_equal(dm.vec(A * X * B), dm.kron(B, A) * dm.vec(X)),
    "commutation": lambda: dm.check_equal(dm.commutation(m, n) * dm.vec(Z), dm.vec(Z)),
    "gate dropped": lambda: dm.check_equal(dm.gate(z) * z, z),
    "gate of a sum": lambda: dm.check_equal(dm.relu(z + w), dm.relu(z) + dm.relu(w)),
    "step": lambda: dm.check_derivative(dm.kron(Identity(n), eye), dm.relu(Z), Z),
    "fraction": lambda: dm.check_equal(Rational(1, 3) * A, Rational(1, 2) * A),
    "root": lambda: dm.check_equal(sqrt(m) * z, z),
    "exponential": lambda: dm.check_equal(dm.elementwise(exp, z + w), dm.elementwise(exp, z) + dm.elementwise(exp, w)),
    "error function": lambda: dm.check_equal(dm.elementwise(erf, z + w), dm.elementwise(erf, z) + dm.elementwise(erf, w)),
    "logarithm of a square": lambda: dm.check_equal(dm.elementwise(lambda s: log(1 + s**2), z), dm.elementwise(lambda s: 2 * log(1 + s**2), z)),
    "powers": lambda: dm.check_equal(dm.elementwise(Lambda(t, (t - 1) ** 3), z), dm.elementwise(Lambda(t, (-t + 1) ** 3), z)),
    "column": lambda: dm.check_equal(dm.column(Z, i), dm.column(Z, j)),
    "total": lambda: dm.check_equal(dm.total(dm.column(Z, i) * dm.column(Z, i).T, i, n), Z * Y.T),
    "jacobian": lambda: dm.check_derivative(dm.kron(A, eye), A * X, X),
    "gradient": lambda: dm.check_derivative(A, dm.one() * Trace(A * X), X),
    "scalar parameter": lambda: dm.check_derivative(-Inverse(eye - gamma * A) * z, Inverse(eye - gamma * A) * z, gamma),
    "implicit relu": lambda: dm.check_implicit_derivative(dm.kron(z.T, eye), relu_residual, z, A),
    "implicit tanh": lambda: dm.check_implicit_derivative(gamma * dm.kron(z.T, eye), tanh_residual, z, A),
    "implicit sine": lambda: dm.check_implicit_derivative(dm.kron(z.T, eye), z - dm.elementwise(sin, A * z + phi), z, A),
    "riccati": lambda: dm.check_implicit_derivative(dm.kron(X, X.T), riccati, X, B),
    "equation used": lambda: dm.check_equal(A * z, z, assuming=dm.equation(z - A * z - w, z)),
    "samples": lambda: dm.check_derivative(
        gamma * dm.kron(dm.column(Z, i).T, eye), dm.column(Z, i), A,
        implicit={dm.column(Z, i): dm.column(Z, i) - dm.relu(gamma * A * dm.column(Z, i) + phi)},
    ),
    "second derivative": lambda: check_second_derivative(dm.kron(A, A), z.T * A * A * z, A),
    "second, implicit": lambda: check_second_derivative(
        dm.kron(A, A), w.T * z, A, implicit={z: z - dm.elementwise(tanh, A * z + phi)}
    ),
    "any smooth activation": lambda: dm.check_derivative(dm.diag(dm.elementwise(smooth("sigma"), z)), dm.elementwise(smooth("sigma"), z), z),
    "differential": lambda: dm.check_directional_derivative(A * B, A * X, {X: A * A}),
    "block": lambda: dm.check_equal(A * (B + C), A * B + C * A),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_script_runs_and_shows_what_it_says(name):
    verdict = WRONG[name]()
    assert verdict.status == "refuted"
    script = verdict.counterexample
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(script, name, "exec"), {})  # noqa: S102 - running it is the test
    printed = [_numbers(part) for part in shown.getvalue().split("Matrix(")[1:]]
    comments = [_numbers(line.split("  # ")[1]) for line in script.splitlines() if line.startswith("print(")]
    assert len(printed) == len(comments) == 2
    for got, said in zip(printed, comments, strict=True):
        assert got == pytest.approx(said, rel=1e-7, abs=1e-12)
    assert comments[0] != comments[1]


def _numbers(text: str) -> list[float]:
    from fractions import Fraction

    cleaned = "".join(c if c in "0123456789+-./e" else " " for c in text)
    return [float(Fraction(p)) for p in cleaned.split() if any(c.isdigit() for c in p)]


def test_counterexamples_are_small():
    """Sizes 1 or 2 and, where the field allows it, entries of magnitude at most 2."""
    verdict = dm.check_equal(A * B, B * A)
    assert verdict.evidence[0].figures["sizes"] == {"m": 2}
    values = verdict.counterexample.split("at = {")[1].split("}")[0]
    assert sum(c == "1" for c in values) <= 4
    assert set("".join(values.split("m: 2")[1])) <= set("AB:[], 01-\n ")


@pytest.mark.parametrize("name", ["implicit relu", "riccati", "equation used"])
def test_unknowns_have_no_fractions_where_that_is_possible(name):
    values = WRONG[name]().counterexample.split("at = {")[1].split("}")[0]
    assert "/" not in values


@pytest.mark.parametrize(("number", "status"), [(0, "verified"), (1, "refuted"), (Fraction(1, 2), "refuted")])
def test_a_side_may_be_a_number(number, status):
    assert dm.check_equal(Trace(A * B - B * A), number).status == status


@pytest.mark.parametrize("number", [True, 0.5, "0"])
def test_a_side_is_no_text_float_or_truth_value(number):
    with pytest.raises(dm.InputError, match=repr(number)):
        dm.check_equal(Trace(A), number)
