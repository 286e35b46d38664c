"""Counterexamples run, whatever the symbols are called."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import MatrixSymbol, Symbol

import deqmath as dm
from deqmath.expressions.python_source import variable

m = dm.dim("m")
B = MatrixSymbol("B", m, m)
NAMES = [
    "lambda",
    "x'",
    "\\gamma",
    "z_{i}",
    "print",
    "dm",
    "at",
    "λ",
    "a b",
    'q"t',
    "2x",
    "A\n",
    "__debug__",
    "\ud800",
    "²",
]
#: Names that could become one variable: by what is left out of them, by their codes, or as Python reads them.
PAIRS = [
    ("lambda", "lambda_"),
    ("x'", "x_u27_"),
    ("x'", "x_u27_c_"),
    ("µ", "μ"),
    ("x²", "x2"),
    ("é", "e\u0301"),
    ("dm", "dm_"),
    ("", "x"),
    ("2x", "_u32_xc_"),
    ("a_b'", "a'b"),
    ("2'", "_u32_'"),
]


def printed(script):
    """What a counterexample prints, a value a line."""
    lines = []
    exec(script, {"print": lambda *values: lines.append(values)})  # noqa: S102 - it is our own
    return lines


@pytest.mark.parametrize("name", NAMES)
def test_a_counterexample_runs_whatever_a_matrix_is_called(name):
    A = MatrixSymbol(name, m, m)
    for lhs, rhs in ((A * B, B * A), (dm.relu(A), A), (A.T * B, A * B), (sp.Inverse(A) * B, B)):
        verdict = dm.check_equal(lhs, rhs)
        assert verdict.status == "refuted"
        left, right = printed(verdict.counterexample)
        assert left != right
    verdict = dm.check_derivative(2 * dm.jacobian(A * B, B).result, A * B, B)
    left, right = printed(verdict.counterexample)
    assert left != right


@pytest.mark.parametrize("name", NAMES)
def test_a_counterexample_runs_whatever_a_scalar_and_a_dimension_are_called(name):
    n = Symbol(name, integer=True, positive=True)
    M, c = MatrixSymbol("M", n, n), Symbol(f"{name} ", real=True)
    left, right = printed(dm.check_equal(c * M, M).counterexample)
    assert left != right
    assert (dm.check_equal(M.T * M, M.T * M * n)).status == "refuted"


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_two_symbols_share_a_variable(one, other):
    assert variable(one) != variable(other)
    A, C = MatrixSymbol(one, m, m), MatrixSymbol(other, m, m)
    left, right = printed(dm.check_equal(A * C, C * A).counterexample)
    assert left != right
