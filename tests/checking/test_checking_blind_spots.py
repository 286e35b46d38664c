"""What the checker cannot see, each named in docs/checking.md: undecided or stated, never a false tick."""

from __future__ import annotations

import pytest
from sympy import (
    BlockMatrix,
    Determinant,
    Identity,
    Inverse,
    MatrixSymbol,
    Rational,
    Symbol,
    Trace,
    erf,
    exp,
    log,
    sin,
    sqrt,
    tanh,
)

import deqmath as dm

m, n = dm.dim("m"), dm.dim("n")
A, B, C = (MatrixSymbol(s, m, m) for s in "ABC")
u, v = MatrixSymbol("u", m, 1), MatrixSymbol("v", m, 1)
c = Symbol("c", positive=True)
eye = Identity(m)


def test_an_identity_of_small_sizes_only_states_the_sizes_it_was_tried_at():
    """Cayley-Hamilton for 2 x 2: refuted at 3 x 3. One for all sizes tried says which sizes they were."""
    traceless = A - Rational(1, 2) * Trace(A) * eye
    two_by_two = dm.check_equal(traceless**2 * B, B * traceless**2)
    assert two_by_two.status == "refuted"
    verdict = dm.check_equal(A * B * Inverse(B), A)
    assert {"m": 2} in verdict.evidence[0].figures["sizes"]
    assert "at one of these sizes" in verdict.evidence[0].detail
    assert "(m=1; m=2; m=3; m=5)" in verdict.evidence[0].detail


def _gram_determinant(columns):
    """det of the Gram matrix of k columns of length m: 0 exactly for m < k."""
    return dm.one() * Determinant(BlockMatrix([[(a.T * b) for b in columns] for a in columns]))


def test_an_identity_for_sizes_up_to_three_is_refuted_at_a_larger_one():
    columns = [u, v, A * u, A * v]
    assert dm.check_equal(_gram_determinant(columns), 0 * dm.one()).status == "refuted"


def test_an_identity_for_sizes_up_to_five_is_accepted_with_the_sizes_stated():
    """The blind spot, visible in the evidence: no size above 5 was tried."""
    columns = [u, v, A * u, A * v, A * A * u, A * A * v]
    verdict = dm.check_equal(_gram_determinant(columns), 0 * dm.one())
    assert verdict.status == "verified"
    assert verdict.evidence[0].figures["sizes"] == [{"m": 1}, {"m": 2}, {"m": 3}, {"m": 5}]
    assert "at one of these sizes" in verdict.evidence[0].detail


UNDECIDED = {
    "an inequality": lambda: dm.check_equal(dm.gate(u) * dm.gate(u + dm.relu(v)), dm.gate(u)),
    "a square in a gate": lambda: dm.check_equal(dm.gate(v * (u.T * u)), dm.gate(v)),
    "a gate of a relu": lambda: dm.check_equal(dm.gate(dm.relu(u) + dm.relu(v)) * dm.gate(u), dm.gate(u)),
    "a sum of three in exp": lambda: dm.check_equal(
        dm.elementwise(exp, A * u + B * u + C * u),
        dm.hadamard(dm.elementwise(exp, A * u), dm.elementwise(exp, B * u), dm.elementwise(exp, C * u)),
    ),
    "the root of a square": lambda: dm.check_equal(dm.elementwise(lambda t: sqrt(t**2 + 2 * t + 1), dm.hadamard(u, u)), dm.elementwise(lambda t: t + 1, dm.hadamard(u, u))),
    "half angles": lambda: dm.check_equal(dm.elementwise(lambda t: tanh(2 * t), u), dm.elementwise(lambda t: 2 * tanh(t) / (1 + tanh(t) ** 2), u)),
    "an addition formula": lambda: dm.check_equal(dm.elementwise(lambda t: sin(3 * t), u), dm.elementwise(lambda t: 3 * sin(t) - 4 * sin(t) ** 3, u)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_true_statement_out_of_reach_is_never_refuted(name):
    verdict = UNDECIDED[name]()
    assert verdict.status in ("undecided", "verified")
    assert verdict.counterexample is None


KNOWN = {
    "exp of a sum": lambda: dm.check_equal(dm.elementwise(exp, u + v), dm.hadamard(dm.elementwise(exp, u), dm.elementwise(exp, v))),
    "exp of a multiple": lambda: dm.check_equal(dm.elementwise(lambda t: exp(2 * t), u), dm.elementwise(lambda t: exp(t) ** 2, u)),
    "log of exp": lambda: dm.check_equal(dm.elementwise(lambda t: log(exp(t) + 0), u), u),
    "softplus and its mirror": lambda: dm.check_equal(dm.elementwise(lambda t: log(1 + exp(t)) - log(1 + exp(-t)), u), u),
    "erf is odd": lambda: dm.check_equal(dm.elementwise(erf, -u), -dm.elementwise(erf, u)),
    "relu of relu": lambda: dm.check_equal(dm.relu(dm.relu(u)), dm.relu(u)),
    "gate of relu": lambda: dm.check_equal(dm.gate(dm.relu(u)), dm.gate(u)),
    "gate of a multiple": lambda: dm.check_equal(dm.gate(3 * u), dm.gate(u)),
    "a positive factor in a gate": lambda: dm.check_equal(dm.gate(c * u), dm.gate(u)),
    "gate of the negative": lambda: dm.check_equal(dm.gate(u) + dm.gate(-u), eye),
    "relu splits": lambda: dm.check_equal(dm.relu(u) - dm.relu(-u), u),
    "gate of a gated product": lambda: dm.check_equal(dm.gate(dm.gate(u) * u) * dm.relu(u), dm.relu(u)),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_relations_the_field_knows_are_verified(name):
    assert KNOWN[name]().status == "verified"


def test_equal_arguments_get_equal_gates():
    assert dm.check_equal(dm.gate(A * u + v) * dm.relu(v + A * u), dm.relu(A * u + v)).status == "verified"


FALSE = {
    "positive factor, wrong": lambda: dm.check_equal(dm.relu(c * u), dm.relu(u)),
    "any factor in a gate": lambda: dm.check_equal(dm.gate(Symbol("e", real=True) * u), dm.gate(u)),
    "negated": lambda: dm.check_equal(dm.gate(-u), dm.gate(u)),
    "exp": lambda: dm.check_equal(dm.elementwise(exp, u + v), dm.elementwise(exp, u) + dm.elementwise(exp, v)),
    "log": lambda: dm.check_equal(dm.elementwise(lambda t: log(1 + t**2), u), dm.elementwise(lambda t: 2 * t, u)),
    "equal sizes only": lambda: dm.check_equal(dm.one() * m, dm.one() * n),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_statements_are_refuted_by_true_numbers(name):
    verdict = FALSE[name]()
    assert verdict.status == "refuted"
    assert "at = {" in verdict.counterexample


def test_three_dimensions_are_told_apart_pairwise():
    d = dm.dim("d")
    X = MatrixSymbol("X", m, n)
    Y = MatrixSymbol("Y", n, d)
    for a, b in ((m, n), (n, d), (m, d)):
        verdict = dm.check_equal(a * X * Y, b * X * Y)
        assert verdict.status == "refuted"
    sizes = dm.check_equal(X * Y, X * Y).evidence[0].figures["sizes"]
    for a, b in (("m", "n"), ("n", "d"), ("m", "d")):
        assert any(s[a] < s[b] for s in sizes)
        assert any(s[a] > s[b] for s in sizes)


def test_the_chance_of_error_is_stated_and_small():
    figures = dm.check_equal(Inverse(A) * Inverse(B), Inverse(B * A)).evidence[0].figures
    assert figures["log2_chance_of_error"] <= -100


@pytest.mark.parametrize("factor", [-1, 7, Rational(-1, 2)])
def test_what_is_singular_where_a_gate_is_open_is_not_verified(factor):
    """I - gate(u) has an inverse only where every gate is shut: there anything times gate(u) is 0, and nothing is shown."""
    gate = dm.gate(u)
    verdict = dm.check_equal(Inverse(eye - gate), eye + factor * gate)
    assert verdict.status == "undecided"
    assert verdict.evidence[0].figures["singular_patterns"] > 0
    assert "every pattern" not in verdict.evidence[0].detail


def test_a_stated_inverse_excludes_the_patterns_where_there_is_none():
    gate = dm.gate(u)
    verdict = dm.check_equal(Inverse(eye - gate), eye, assuming=[dm.invertible(eye - gate)])
    assert verdict.status == "verified"
    assert "nothing is said there" in verdict.evidence[0].detail


def test_an_inverse_that_exists_for_every_pattern_is_verified_for_all():
    gate = dm.gate(u)
    verdict = dm.check_equal(Inverse(eye + gate), eye - gate / 2)
    assert verdict.status == "verified"
    assert "singular_patterns" not in verdict.evidence[0].figures
