"""Every slip planted in a derived identity is told from the truth by exact evaluation, without exception."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import Identity, MatMul, MatPow, MatrixExpr, MatrixSymbol, S, Symbol, ZeroMatrix

import deqmath as dm
from deqmath.checking.exact import run_exact
from deqmath.checking.mutants import mutants
from deqmath.checking.sides import EqualTest
from tests.identities.derive import derived
from tests.identities.problems import PROBLEMS

m, n = dm.dim("m"), dm.dim("n")
A, B, X = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m), MatrixSymbol("X", m, n)
u = MatrixSymbol("u", m, 1)


def _matrix(x):
    return x if isinstance(x, MatrixExpr) else MatMul(x, Identity(S.One))


@pytest.mark.parametrize("problem", PROBLEMS, ids=[f"{p.subject}: {p.name}" for p in PROBLEMS])
def test_every_slip_is_told_from_the_stated_result(problem):
    planted = mutants(derived(problem), dm.proves_equal)
    assert planted
    for mutant in planted:
        if tuple(_matrix(mutant.expression).shape) != tuple(_matrix(problem.stated).shape):
            continue
        outcome = run_exact(EqualTest(_matrix(mutant.expression), _matrix(problem.stated)))
        assert outcome.agrees is False, mutant


@pytest.mark.parametrize(
    ("expr", "name", "slip"),
    [
        (A + B, "sign", A - B),
        (Symbol("gamma") * A, "factor", A),
        (A * u, "transpose", A.T * u),
        (A * B, "order", B * A),
        (dm.gate(u) * A, "gate", A),
        (A * B * u, "missing", B * u),
        (A.I * X, "inverse", A * X),
        (dm.commutation(m, n) * dm.vec(X), "structure", dm.commutation(n, m) * dm.vec(X)),
        (
            dm.elementwise(sp.exp, u) + u,
            "function",
            dm.elementwise(lambda t: sp.exp(t) + 1, u) + u,
        ),
    ],
)
def test_each_operator_makes_the_slip_it_documents(expr, name, slip):
    found = [x.expression for x in mutants(expr) if x.name == name]
    simplified = [dm.simplified(f) for f in found]
    assert dm.simplified(slip) in simplified


def test_slips_that_are_proved_to_change_nothing_are_left_out():
    expr = sp.Inverse(A + A.T) * B
    wrong = {x.expression for x in mutants(expr, dm.proves_equal)}
    same = [x.expression for x in mutants(expr) if x.expression not in wrong]
    assert same
    assert all(dm.check_equal(x, expr).status == "verified" for x in same)
    assert all(dm.check_equal(x, expr).status == "refuted" for x in wrong)


def test_without_a_proof_nothing_is_left_out():
    """The evaluator that the errors are to test has no say in which of them count."""
    square = dm.hadamard(A, Identity(m))
    transposed = [x for x in mutants(square) if x.name == "transpose"]
    assert [dm.check_equal(x.expression, square).status for x in transposed] == ["verified"]
    assert len(mutants(square, lambda *_: False)) == len(mutants(square))
    assert len(mutants(square, dm.proves_equal)) == len(mutants(square)) - 1


def test_no_slip_is_made_inside_a_dimension_or_an_exponent():
    expr = MatMul(Identity(m**2), dm.vec(A)) + dm.vec(ZeroMatrix(m, m)) + dm.vec(A**2)
    assert all(x.expression.shape == expr.shape for x in mutants(expr))
    assert not any(Identity(m) in x.expression.args for x in mutants(Identity(m**2) * dm.vec(A)))
    assert {a.args[1] for x in mutants(A**2) for a in x.expression.atoms(MatPow)} == {S(2)}


def test_an_inverse_that_is_defined_nowhere_is_not_planted():
    inverted = sp.Inverse(sp.BlockMatrix([[A, B], [ZeroMatrix(m, m), A]]))
    blocks = [x for x in mutants(inverted) if x.name == "structure"]
    assert [dm.check_equal(x.expression, inverted).status for x in blocks] == ["refuted"]
