"""The Neumann series both ways: closed form, partial sums, remainder, condition, tail."""

from __future__ import annotations

import pytest
from sympy import Identity, MatrixSymbol, Symbol

import deqmath as dm
from deqmath.errors import InputError, ShapeError

m = dm.dim("m")
A, B, phi = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m), MatrixSymbol("phi", m, 1)
gamma = Symbol("gamma", positive=True)
eye = Identity(m)


@pytest.mark.parametrize("terms", [1, 2, 5])
def test_partial_sum_and_remainder_make_the_closed_form_for_all_dimensions(terms):
    s = dm.neumann(gamma * A, phi, terms=terms)
    assert dm.proves_equal(s.partial_sum + s.remainder, s.closed_form)
    assert dm.check_equal(s.partial_sum, s.closed_form).status == "refuted"


@pytest.mark.parametrize("M", [gamma * A, A * B, A + B], ids=str)
def test_there_and_back(M):
    s = dm.expand_resolvent((eye - M).I * phi)
    assert dm.proves_equal(s.M, M)
    assert dm.proves_equal(s.closed_form, (eye - M).I * phi)
    assert s.condition.kind == "contraction"


def test_a_factor_stays_with_the_right_side():
    s = dm.expand_resolvent(3 * (eye - A).I * B)
    assert dm.proves_equal(s.rhs, 3 * B)


@pytest.mark.parametrize("expr", [A, A.I, A * phi, (eye - A).I + B], ids=str)
def test_what_is_no_resolvent_is_refused(expr):
    with pytest.raises(InputError, match="resolvent"):
        dm.expand_resolvent(expr)


def test_the_tail_bound():
    rho, r = Symbol("rho"), Symbol("r")
    assert dm.neumann(A, phi, terms=3).tail_bound(rho, r) == rho**3 * r / (1 - rho)


def test_bad_input():
    with pytest.raises(ShapeError, match="square"):
        dm.neumann(phi)
    with pytest.raises(ShapeError, match="rows"):
        dm.neumann(A, MatrixSymbol("v", dm.dim("n"), 1))
    with pytest.raises(InputError, match="terms=0"):
        dm.neumann(A, phi, terms=0)
