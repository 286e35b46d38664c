"""Agreement in balls: numeric evidence where the field does not know a relation, and no more than that."""

from __future__ import annotations

import pytest
from sympy import MatrixSymbol, Rational, cos, exp, sin, tanh

import deqmath as dm

m = dm.dim("m")
u, v, w = (MatrixSymbol(name, m, 1) for name in "uvw")


def _of(f, x):
    return dm.elementwise(f, x)


TRUE = {
    "exp of a sum of three": (_of(exp, u + v + w), dm.hadamard(_of(exp, u), _of(exp, v), _of(exp, w))),
    "addition formula of sin": (
        _of(sin, u + v),
        dm.hadamard(_of(sin, u), _of(cos, v)) + dm.hadamard(_of(cos, u), _of(sin, v)),
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_relations_get_numeric_evidence_and_say_it_proves_nothing(name):
    verdict = dm.check_equal(*TRUE[name])
    assert [(e.kind, e.status) for e in verdict.evidence] == [("exact", "undecided"), ("numeric", "verified")]
    assert verdict.evidence[1].figures["digits"] > 100
    assert "proves nothing" in verdict.evidence[1].detail


@pytest.mark.parametrize("name", TRUE)
def test_the_same_with_a_planted_error_is_refuted(name):
    lhs, rhs = TRUE[name]
    assert dm.check_equal(lhs, 2 * rhs).status == "refuted"
    assert dm.check_equal(lhs, rhs + _of(tanh, u)).status == "refuted"


def test_a_difference_far_below_double_precision_is_no_agreement():
    lhs, rhs = TRUE["addition formula of sin"]
    assert dm.check_equal(lhs, (1 + Rational(1, 10**40)) * rhs).status == "refuted"


def test_statements_with_gates_are_left_undecided():
    assert dm.check_equal(dm.gate(u) * dm.gate(u + dm.relu(v)), dm.gate(u)).status == "undecided"
