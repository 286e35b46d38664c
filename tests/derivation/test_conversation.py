"""A derivation as a conversation: own lines, rules by name, branches, hypotheses missing and unused."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sympy import Identity, Inverse, MatrixSymbol, Symbol, tanh

import deqmath as dm
from deqmath.errors import InputError, ShapeError, StepRefuted, UndecidedError
from deqmath.model import ReLUModel

net = ReLUModel()
m = net.m
A, z, phi, gamma = net.A, net.z(), net.phi(), net.gamma
B = MatrixSymbol("B", m, m)
I = Identity(m)


@pytest.fixture(scope="module")
def dz() -> dm.Derivation:
    return dm.implicit_jacobian(net.residual(), z, A)


def test_every_line_is_judged_and_verified(dz):
    assert [s.verdict.status for s in dz.steps[1:]] == ["verified"] * 4
    assert dz.verdict().status == "verified"


def test_the_result_is_the_papers(dz):
    assert dz.proves(gamma * dm.kron(z.T, net.R())).status == "verified"


def test_a_wrong_formula_is_not_proved(dz):
    assert dz.proves(gamma * dm.kron(z.T, net.R().T)).status == "undecided"


def test_assumptions_name_the_matrix_and_the_kink(dz):
    kinds = [a.kind for a in dz.assumptions]
    assert kinds == ["no-kink", "invertible", "equation"]
    assert "gate" in str(dz.assumptions[1])


def test_then_adds_a_line_and_leaves_the_old_derivation_alone(dz):
    longer = dz.then(gamma * dm.kron(z.T, net.D() * Inverse(I - gamma * A * net.D())), because="push-through")
    assert len(longer.steps) == len(dz.steps) + 1
    other = dz.then(dz.result, because="the same again")  # a branch
    assert other.steps[-1] != longer.steps[-1]
    assert longer.steps[-1].rule == "rewriting"


@pytest.mark.parametrize(
    "slip",
    [
        -gamma * dm.kron(z.T, net.R()),
        gamma * dm.kron(z.T, net.R().T),
        dm.kron(z.T, net.R()),
        gamma * dm.kron(z.T, Inverse(net.U())),
        gamma**2 * dm.kron(z.T, net.R()),
    ],
    ids=["sign", "transpose", "factor dropped", "gate dropped", "factor squared"],
)
def test_a_wrong_line_is_refuted_with_a_script_that_runs(dz, slip):
    with pytest.raises(StepRefuted) as caught:
        dz.then(slip, because="a slip")
    script = caught.value.counterexample
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    left, right = (part for part in ran.stdout.split("Matrix(") if part.strip())
    assert left != right


def test_a_line_of_another_shape_is_an_error_naming_both(dz):
    with pytest.raises(ShapeError, match=r"\(m, m\).*\(m, m\*\*2\)"):
        dz.then(A, because="no")


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_a_line_needs_a_reason(dz, reason):
    with pytest.raises(InputError, match="reason"):
        dz.then(dz.result, because=reason)


def test_text_is_never_taken_for_an_expression(dz):
    with pytest.raises(InputError, match="str"):
        dz.then("z", because="no")


def test_a_rule_by_name():
    line = dm.rewriting(A * Inverse(I - B * A)).apply("push_through")
    assert line.result == Inverse(I - A * B) * A or dm.proves_equal(line.result, Inverse(I - A * B) * A)
    assert "push" in line.steps[-1].rule


def test_an_unknown_rule_lists_those_there_are():
    with pytest.raises(InputError, match="mixed product"):
        dm.rewriting(A * B).apply("magic")


def test_a_rule_that_fits_nowhere_says_which_do():
    with pytest.raises(InputError, match="fits nowhere"):
        dm.rewriting(A * B).apply("mixed product")


def test_a_missing_hypothesis_makes_the_line_undecided():
    line = dm.rewriting(B).then(Inverse(I - A) * (B - A * B), because="resolvent").steps[-1]
    assert line.missing == (I - A,)
    assert line.verdict.status == "undecided"
    assert "invertible" in line.verdict.evidence[0].detail


@pytest.mark.parametrize(
    "hypothesis",
    [dm.invertible(I - A), dm.contraction(A), dm.invertible(I - A.T)],
    ids=["stated", "by a norm below 1", "of the transpose"],
)
def test_the_hypothesis_makes_it_verified(hypothesis):
    line = dm.rewriting(B).then(Inverse(I - A) * (B - A * B), because="resolvent", assuming=[hypothesis]).steps[-1]
    assert line.verdict.status == "verified"
    assert line.unused == ()


def test_an_unused_hypothesis_is_reported():
    d = dm.rewriting(B).then(B + A - A, because="nothing", assuming=[dm.invertible(A)])
    assert d.unused_assumptions == (dm.invertible(A),)
    assert "not used" in str(d)


def test_a_sign_hypothesis_opens_the_gate():
    u = net.u()
    with pytest.raises(StepRefuted):
        dm.rewriting(dm.relu(u)).then(u, because="u >= 0, not stated")
    line = dm.rewriting(dm.relu(u)).then(u, because="u >= 0", assuming=[dm.nonnegative(u)]).steps[-1]
    assert line.verdict.status == "verified"
    assert line.unused == ()


def test_another_activation_runs_the_same_derivation():
    smooth = ReLUModel(activation=lambda u: dm.elementwise(tanh, u))
    d = dm.implicit_jacobian(smooth.residual(), z, A)
    assert d.verdict().status == "verified"
    assert all(a.kind != "no-kink" for a in d.assumptions)


def test_another_term_runs_the_same_derivation():
    skip = MatrixSymbol("C", m, m)
    d = dm.implicit_jacobian(net.residual() - skip * z, z, A)
    assert d.verdict().status == "verified"


def test_an_undecided_verdict_is_no_truth_value():
    line = dm.rewriting(B).then(Inverse(I - A) * (B - A * B), because="resolvent").steps[-1]
    with pytest.raises(UndecidedError):
        bool(line.verdict)


def test_the_symbol_gamma_may_be_plain():
    g = Symbol("g")
    d = dm.implicit_jacobian(z - dm.relu(g * A * z + phi), z, g)
    assert d.result.shape == (m, 1)
    assert d.verdict().status == "verified"


def test_the_verdict_says_under_what_its_lines_were_judged():
    """Lines without a hypothesis of their own, whose gates the checker saw off their kinks only."""
    w, v = MatrixSymbol("w", m, 1), MatrixSymbol("v", m, 1)
    product = dm.jacobian(dm.hadamard(dm.relu(w), v), v)
    assert product.verdict().assumptions == ("off the kinks: no entry of w is 0",)
    typed = product.then(dm.diag(dm.gate(w) * w), because="relu(w) = gate(w) w")
    assert typed.verdict().assumptions == ("off the kinks: no entry of w is 0",)
    M = MatrixSymbol("M", m, m)
    assert dm.jacobian(dm.relu(M * v), v).verdict().assumptions == ("no entry of M v is 0",)
    assert dm.jacobian(M * v, v).verdict().assumptions == ()
