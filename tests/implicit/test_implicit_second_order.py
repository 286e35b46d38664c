"""Second derivatives through an equilibrium, judged by second-order dual numbers of the model itself."""

from __future__ import annotations

import pytest
from implicit_cases import CASES, A, M, Q, X, gamma, m, w, z
from sympy import Trace, tanh

import deqmath as dm
from deqmath.checking import check_second_derivative
from deqmath.errors import ShapeError
from deqmath.expressions.smooth import smooth

SMALL = [c for c in CASES if c.name not in ("samples as columns", "tanh of a matrix")]


@pytest.mark.parametrize("case", SMALL, ids=lambda c: c.name)
def test_the_jacobian_of_the_implicit_jacobian(case):
    parameter = case.parameters[-1]
    first = dm.implicit_jacobian(case.residual, case.unknown, parameter)
    second = dm.jacobian(first.result, parameter, implicit={case.unknown: case.residual})
    good = check_second_derivative(second.result, case.unknown, parameter, implicit={case.unknown: case.residual})
    assert good.status == "verified"


@pytest.mark.parametrize("activation", [tanh, smooth("sigma")], ids=["tanh", "any smooth sigma"])
def test_the_moving_gate_counts(activation):
    """Without the terms in which the gate's argument moves, the second derivative is wrong."""
    residual = z - dm.elementwise(activation, gamma * A * z + w)
    gradient = dm.gradient(M("b", m, 1).T * z, A, implicit={z: residual}).result
    full = dm.jacobian(gradient, A, implicit={z: residual}).result
    frozen = dm.jacobian(gradient, A).result  # z held fixed
    f = M("b", m, 1).T * z
    assert check_second_derivative(full, f, A, implicit={z: residual}).status == "verified"
    assert check_second_derivative(frozen, f, A, implicit={z: residual}).status == "refuted"
    assert dm.check_equal(full, full.T, assuming=dm.equation(residual, z)).status == "verified"


def test_without_equations_it_is_the_plain_hessian():
    f = Trace(X.T * A * X * Q)
    gradient = dm.gradient(f, X).result
    assert check_second_derivative(dm.jacobian(gradient, X).result, f, X).status == "verified"
    assert check_second_derivative(dm.jacobian(gradient, A).result, f, X).status == "refuted"


def test_a_scalar_parameter():
    residual = z - dm.elementwise(tanh, gamma * A * z + w)
    first = dm.implicit_jacobian(residual, z, gamma).result
    second = dm.jacobian(first, gamma, implicit={z: residual}).result
    assert check_second_derivative(second, z, gamma, implicit={z: residual}).status == "verified"


def test_the_shape_is_checked():
    with pytest.raises(ShapeError, match="second derivative"):
        check_second_derivative(A, z, A)
