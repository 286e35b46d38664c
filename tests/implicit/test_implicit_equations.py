"""One implicit equation: every derivative verified line by line, every planted error refuted."""

from __future__ import annotations

import pytest
from implicit_cases import CASES, A, B, C, M, Q, W, X, Z, each_parameter, gamma, m, n, w, x, z
from sympy import Identity, S, Symbol, tanh

import deqmath as dm
from deqmath.errors import InputError, ShapeError, SingularError


@pytest.mark.parametrize(("case", "parameter"), each_parameter())
def test_the_jacobian_is_verified_and_its_double_is_refuted(case, parameter):
    derived = dm.implicit_jacobian(case.residual, case.unknown, parameter)
    rows = case.unknown.shape[0] * case.unknown.shape[1]
    columns = parameter.shape[0] * parameter.shape[1] if hasattr(parameter, "shape") else 1
    assert tuple(derived.result.shape) == (rows, columns)
    assert derived.verdict().status == "verified"
    wrong = dm.check_implicit_derivative(2 * derived.result, case.residual, case.unknown, parameter)
    assert wrong.status == "refuted"
    assert wrong.counterexample is not None


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_assumptions_name_the_matrix_and_the_equation(case):
    derived = dm.implicit_jacobian(case.residual, case.unknown, case.parameters[0])
    kinds = {a.kind for a in derived.assumptions}
    assert {"invertible", "equation"} <= kinds
    assert ("no-kink" in kinds) == ("relu" in dm.text(case.residual))


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.unknown.shape[1] == 1 and c.name != "normalised"], ids=lambda c: c.name
)
def test_the_forward_form_gives_the_same_jacobian(case):
    parameter = case.parameters[0]
    forward = dm.implicit_differential(case.residual, case.unknown, parameter)
    assert forward.verdict().status == "verified"


def test_a_matrix_unknown_has_no_forward_form_and_the_error_says_what_to_ask():
    with pytest.raises(InputError, match="implicit_jacobian"):
        dm.implicit_differential(X - A * X * A.T - Q, X, A)


def test_a_formula_that_uses_the_equation_is_verified():
    """diag(1 - z o z) for diag(tanh'(u)): true on the solution set only."""
    residual = z - dm.elementwise(tanh, gamma * A * z + w)
    slope = dm.diag(dm.elementwise(lambda t: 1 - t**2, z))
    R = (Identity(m) - gamma * slope * A).I * slope
    candidate = gamma * dm.kron(z.T, R)
    assert dm.check_implicit_derivative(candidate, residual, z, A).status == "verified"
    other = dm.diag(dm.elementwise(lambda t: 1 + t**2, z))
    wrong = gamma * dm.kron(z.T, (Identity(m) - gamma * other * A).I * other)
    assert dm.check_implicit_derivative(wrong, residual, z, A).status == "refuted"


@pytest.mark.parametrize(
    ("residual", "unknown"),
    [
        (w * w.T * z - M("v", m, 1), z),
        (A * X - X * A + Q, X),
        (X * A - A * X + C, X),
        ((w * w.T - w * w.T) * z + z * 0 + w, z),
    ],
    ids=["rank one", "commutator", "commutator, other sign", "zero"],
)
def test_a_singular_equation_is_refused(residual, unknown):
    with pytest.raises((SingularError, InputError), match=r"singular|determine|contain"):
        dm.implicit_jacobian(residual, unknown, w if residual.has(w) else A)


def test_the_singular_message_names_the_matrix_and_the_sizes():
    with pytest.raises(SingularError, match=r"singular at every point tried \(m = 2\)"):
        dm.implicit_jacobian(A * X - X * A + Q, X, A)


def test_shapes_are_named():
    with pytest.raises(ShapeError, match="one equation per unknown"):
        dm.implicit_jacobian(W * x, Z, A)


def test_an_equation_of_one_column_that_holds_others_is_refused():
    i, j = Symbol("i", integer=True), Symbol("j", integer=True)
    residual = dm.column(Z, i) - B * dm.column(Z, j) - w
    with pytest.raises(InputError, match="give Z as the unknown"):
        dm.implicit_jacobian(residual, dm.column(Z, i), B)


def test_an_unknown_of_another_kind_is_refused():
    with pytest.raises(InputError, match="MatrixSymbol"):
        dm.implicit_jacobian(z - w, S.One, w)


@pytest.mark.parametrize("parameter", [A, M("Phi", m, n)])
def test_columns_of_samples_agree_with_one_sample(parameter):
    """At n = 1 the matrix equation's Jacobian is the column equation's."""
    Phi = M("Phi", m, n)
    whole = dm.implicit_jacobian(Z - dm.relu(gamma * A * Z + Phi), Z, parameter).result
    one = whole.subs(n, 1)
    phi, zz = M("Phi", m, 1), M("Z", m, 1)
    by = A if parameter == A else phi
    column = dm.implicit_jacobian(zz - dm.relu(gamma * A * zz + phi), zz, by).result
    assert (
        dm.check_equal(one, column, assuming=dm.equation(zz - dm.relu(gamma * A * zz + phi), zz)).status == "verified"
    )


def test_sizes_that_differ_are_tried():
    derived = dm.implicit_jacobian(z - dm.relu(gamma * A * z + W * x), z, W)
    sizes = (
        dm.check_implicit_derivative(derived.result, z - dm.relu(gamma * A * z + W * x), z, W)
        .evidence[0]
        .figures["sizes"]
    )
    assert any(s["m"] != s["d"] for s in sizes)
