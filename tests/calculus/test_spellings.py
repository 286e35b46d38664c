"""Other spellings of the same thing: entries of products, which SymPy writes as sums, adjoints, powers entry by entry."""

from __future__ import annotations

import pytest
from sympy import Identity, MatrixSymbol, Rational, Sum, Symbol, Trace, log, sqrt
from sympy.matrices.expressions import HadamardPower

import deqmath as dm
from deqmath.expressions.plain import plain

m, n = dm.dim("m"), dm.dim("n")
A, B, M = (MatrixSymbol(s, m, m) for s in "ABM")
x, a = MatrixSymbol("x", m, 1), MatrixSymbol("a", m, 1)
X = MatrixSymbol("X", m, n)
I, i = Identity(m), Symbol("i")


def e(k):
    return dm.column(I, k)


CASES = {
    "entry of a quadratic form": (sqrt((x.T * A * x)[0, 0]), x, (A + A.T) * x / (2 * sqrt(Trace(x.T * A * x)))),
    "squared distance": (((x - a).T * (x - a))[0, 0], x, 2 * (x - a)),
    "its logarithm": (log((x.T * A * x)[0, 0]), x, (A + A.T) * x / Trace(x.T * A * x)),
    "entry of a product": ((A * M * B)[1, 2], M, A.T * e(1) * e(2).T * B.T),
    "trace as a sum": (Trace(A * M).rewrite(Sum), M, A.T),
    "trace of an adjoint": (Trace(M.adjoint() * M), M, 2 * M),
    "two entries": (M[0, 1] * M[1, 0], M, M[0, 1] * e(1) * e(0).T + M[1, 0] * e(0) * e(1).T),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gradient(name):
    scalar, by, stated = CASES[name]
    found = dm.gradient(scalar, by).result
    assert dm.check_derivative(found, scalar, by).status == "verified"
    assert dm.check_equal(found, stated).status == "verified"
    assert dm.check_derivative(2 * found, scalar, by).status == "refuted"


@pytest.mark.parametrize("power", [Rational(1, 2), Rational(-1, 2), Rational(-3), Symbol("s")])
def test_a_power_entry_by_entry_that_is_no_natural_number(power):
    found = dm.jacobian(HadamardPower(x, power), x).result
    assert dm.check_derivative(found, HadamardPower(x, power), x).status == "verified"
    assert dm.check_equal(found, power * dm.diag(HadamardPower(x, power - 1))).status == "verified"
    wrong = dm.diag(HadamardPower(x, power - 1))
    assert dm.check_derivative(wrong, HadamardPower(x, power), x).status == "refuted"


def test_sizes_are_raised_to_what_is_named():
    assert dm.check_equal(dm.column(X, 4), X * dm.column(Identity(n), 4)).status == "verified"
    refuted = dm.check_equal(dm.column(X, 4), dm.column(X, 3))
    assert refuted.evidence[0].figures["sizes"]["n"] >= 5


def test_a_sum_that_is_no_product_stays():
    for total in (Sum(x[i, 0] ** 3, (i, 0, m - 1)), Sum(x[i, 0] ** 2, (i, 0, m - 2)), Sum(i * x[i, 0], (i, 0, m - 1))):
        assert plain(total) == total


def test_a_transpose_inverted_is_one_superscript_in_latex():
    assert dm.latex(A.T.I) == "{A^{\\mathsf{T}}}^{-1}"


def test_the_negative_of_a_trace_is_printed_as_a_trace():
    assert dm.text(-Trace(A * B) * x) == "-tr(A B) x"
