"""Every slip planted in a derived identity is told from the truth by exact evaluation, without exception."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import Identity, MatMul, MatrixExpr, MatrixSymbol, S, Symbol

import deqmath as dm
from deqmath.checking.exact import run_exact
from deqmath.checking.mutants import mutants, sorted_out
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
    planted = mutants(derived(problem))
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


def test_slips_that_change_nothing_are_left_out():
    symmetric = A + A.T
    wrong, same = sorted_out(symmetric * symmetric.I * A)
    assert all(dm.check_equal(x.expression, A).status == "verified" for x in same)
    assert all(dm.check_equal(x.expression, A).status == "refuted" for x in wrong)
