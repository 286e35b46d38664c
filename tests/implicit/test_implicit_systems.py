"""Systems of implicit equations: block elimination, coupled and chained, forward, vec and adjoint forms."""

from __future__ import annotations

import pytest
from implicit_cases import CASES, A, C, M, Phi, Q, X, Z, gamma, m, n, w, z
from sympy import Trace, tanh

import deqmath as dm
from deqmath.derivation import adjoint_gradient
from deqmath.errors import InputError, ShapeError, SingularError

k = dm.dim("k")
a, s, b, x = M("a", m, 1), M("s", k, 1), M("b", k, 1), M("x", m, 1)
A1, B1, C1, D1 = M("A", m, m), M("B", m, k), M("C", k, m), M("D", k, k)
COUPLED = {
    a: a - dm.relu(A1 * a + B1 * s + x),
    s: s - dm.elementwise(tanh, C1 * a + D1 * s),
}
CHAINED = {
    s: s - dm.elementwise(tanh, C1 * a + D1 * s),
    a: a - dm.elementwise(tanh, A1 * a + x),
}


def _slow(*values):
    return [pytest.param(v, marks=pytest.mark.slow) for v in values]


@pytest.mark.parametrize("parameter", [D1, *_slow(A1, B1, C1, x)], ids=str)
@pytest.mark.parametrize("of", [None, a, *_slow(s)], ids=["stacked", "first", "second"])
def test_two_coupled_layers(parameter, of):
    derived = dm.implicit_jacobian(list(COUPLED.values()), list(COUPLED), parameter, of=of)
    columns = parameter.shape[0] * parameter.shape[1]
    rows = {None: m + k, a: m, s: k}[of]
    assert tuple(derived.result.shape) == (rows, columns)
    assert derived.verdict().status == "verified"
    assert sum(h.kind == "invertible" for h in derived.assumptions) == 2, "a pivot and its Schur complement"


def test_the_schur_complement_is_a_line():
    derived = dm.implicit_jacobian(list(COUPLED.values()), list(COUPLED), A1, of=a)
    assert any(step.label.text == "S" for step in derived.steps)


def test_a_wrong_block_is_refuted():
    derived = dm.implicit_jacobian(list(COUPLED.values()), list(COUPLED), A1, of=a)
    alone = dm.implicit_jacobian(COUPLED[a], a, A1).result  # s held fixed
    right = dm.check_derivative(derived.result, a, A1, implicit=COUPLED)
    wrong = dm.check_derivative(alone, a, A1, implicit=COUPLED)
    assert (right.status, wrong.status) == ("verified", "refuted")


def test_the_forward_form_of_a_system():
    derived = dm.implicit_differential(list(COUPLED.values()), list(COUPLED), A1, of=s)
    assert tuple(derived.result.shape) == (k, 1)
    assert derived.verdict().status == "verified"


@pytest.mark.parametrize(
    "implicit", [pytest.param(COUPLED, marks=pytest.mark.slow), CHAINED], ids=["coupled", "chained"]
)
def test_jacobian_and_gradient_follow_every_unknown(implicit):
    jacobian = dm.jacobian(s, A1, implicit=implicit)
    gradient = dm.gradient(b.T * s, A1, implicit=implicit)
    assert jacobian.verdict().status == gradient.verdict().status == "verified"
    adjoint = adjoint_gradient(b.T * s, A1, implicit=implicit)
    assert adjoint.verdict().status == "verified"


def test_a_chain_in_either_order_of_listing():
    turned = dict(reversed(CHAINED.items()))
    first = dm.jacobian(s, A1, implicit=CHAINED).result
    second = dm.jacobian(s, A1, implicit=turned).result
    assert dm.check_equal(first, second).status == "verified"


def test_a_saddle_point_system_with_a_zero_block():
    """The multipliers of min z^T H z / 2 - w^T z with C z = b: the lower right block is 0."""
    lam, H = M("lam", k, 1), M("H", m, m)
    residuals = [H * z + C1.T * lam - w, C1 * z - b]
    for parameter in (H, C1, b):
        derived = dm.implicit_jacobian(residuals, [z, lam], parameter, of=lam)
        assert derived.verdict().status == "verified"


def test_matrix_unknowns_coupled():
    Y = M("Y", m, m)
    residuals = [X - A * Y * A.T - Q, Y - C * X * C.T - Q]
    for of in (None, X, Y):
        assert dm.implicit_jacobian(residuals, [X, Y], A, of=of).verdict().status == "verified"


STEIN = X - A * X * A.T - Q
SAMPLES = Z - dm.relu(gamma * A * Z + Phi)
TARGET = M("Y", m, n)


@pytest.mark.parametrize(
    ("loss", "unknown", "residual", "parameter"),
    [
        (Trace(C.T * X), X, STEIN, A),
        (Trace(C.T * X), X, STEIN, Q),
        (Trace(X.T * X) / 2 + Trace(A * X), X, STEIN, A),
        (Trace((Z - TARGET).T * (Z - TARGET)) / 2, Z, SAMPLES, A),
        pytest.param(Trace((Z - TARGET).T * (Z - TARGET)) / 2, Z, SAMPLES, Phi, marks=pytest.mark.slow),
        pytest.param(Trace((Z - TARGET).T * (Z - TARGET)) / 2, Z, SAMPLES, gamma, marks=pytest.mark.slow),
    ],
    ids=["stein A", "stein Q", "stein both", "samples A", "samples Phi", "samples gamma"],
)
def test_gradients_of_matrix_unknowns_by_the_adjoint(loss, unknown, residual, parameter):
    closed = dm.gradient(loss, parameter, implicit={unknown: residual})
    assert tuple(closed.result.shape) == tuple(getattr(parameter, "shape", (1, 1)))
    assert closed.verdict().status == "verified"
    matrix = adjoint_gradient(loss, parameter, implicit={unknown: residual})
    assert matrix.verdict().status == "verified"
    assert not dm.text(matrix.result).count("⊗"), "the adjoint form needs no Kronecker product"
    doubled = dm.check_derivative(2 * closed.result, dm.one() * loss, parameter, implicit={unknown: residual})
    assert doubled.status == "refuted"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_adjoint_form_of_every_case(case):
    weight = M("weight", *case.unknown.shape)
    derived = adjoint_gradient(
        Trace(weight.T * case.unknown), case.parameters[0], implicit={case.unknown: case.residual}
    )
    assert derived.verdict().status == "verified"


def test_bad_systems_are_refused():
    with pytest.raises(ShapeError, match="2 equations and 1 unknowns"):
        dm.implicit_jacobian([z - w, z + w], [z], w)
    with pytest.raises(InputError, match="one of the unknowns"):
        dm.implicit_jacobian(list(COUPLED.values()), list(COUPLED), A1, of=x)
    with pytest.raises(InputError, match="repeat"):
        dm.implicit_jacobian([z - w, z - 2 * w], [z, z], w)
    u = M("u", m, 1)
    with pytest.raises(SingularError, match="singular"):
        dm.implicit_jacobian([z + u - w, A * z + A * u - w], [z, u], w)
    with pytest.raises(InputError, match="names"):
        adjoint_gradient(Trace(X), A, implicit={X: STEIN}, multipliers=("L1", "L2"))
