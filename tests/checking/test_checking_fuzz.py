"""Random expressions: the engine's Jacobian always passes the checker, a planted error never does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sympy import Identity, Inverse, MatrixSymbol, Symbol, cos, exp, sin, tanh

import deqmath as dm
from deqmath.checking import mutants

m = dm.dim("m")
A, B, X = (MatrixSymbol(s, m, m) for s in "ABX")
z, w = MatrixSymbol("z", m, 1), MatrixSymbol("w", m, 1)
gamma = Symbol("gamma", real=True)
FUNCTIONS = (tanh, sin, lambda t: t**2 + cos(t), exp)


def squares(depth: int):
    """Strategies for m x m expressions."""
    leaf = st.sampled_from([A, B, X, gamma * A, Identity(m) + A])
    if depth == 0:
        return leaf
    inner, thin = squares(depth - 1), columns(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: dm.hadamard(*p)),
        inner.map(lambda p: p.T),
        inner.map(lambda p: Inverse(Identity(m) - gamma * p * B)),
        thin.map(dm.gate),
        thin.map(dm.diag),
        st.tuples(thin, thin).map(lambda p: p[0] * p[1].T),
    )


def columns(depth: int):
    """Strategies for m x 1 expressions."""
    leaf = st.sampled_from([z, w, A * z, A * z + w])
    if depth == 0:
        return leaf
    inner, square = columns(depth - 1), squares(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(square, inner).map(lambda p: p[0] * p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        inner.map(dm.relu),
        st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda p: dm.elementwise(*p)),
    )


EXPRESSIONS = st.one_of(squares(2), columns(3))
WRT = st.sampled_from([A, X, z, gamma])


def _planted(result):
    """A few planted errors, as one makes them: of the right shape."""
    return [e for e in mutants(result, dm.proves_equal) if e.expression.shape == result.shape][:3]


def _agrees(expr, wrt):
    assume(expr.has(wrt))
    derived = dm.jacobian(expr, wrt)
    verdict = dm.check_derivative(derived.result, expr, wrt)
    assert verdict.status != "refuted", (expr, wrt, verdict.counterexample)
    return derived, verdict


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS, WRT)
def test_the_jacobian_passes_and_a_planted_error_does_not(expr, wrt):
    derived, verdict = _agrees(expr, wrt)
    assert verdict.status == "verified"
    for mutant in _planted(derived.result):
        assert dm.check_derivative(mutant.expression, expr, wrt).status != "verified", mutant.description


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS, WRT)
def test_a_thousand_random_expressions(expr, wrt):
    derived, verdict = _agrees(expr, wrt)
    assert verdict.status == "verified"
    for mutant in _planted(derived.result):
        assert dm.check_derivative(mutant.expression, expr, wrt).status != "verified", mutant.description
