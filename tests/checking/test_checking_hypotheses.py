"""Identities that hold for special matrices only: verified with the hypothesis, refuted without it or with another."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sympy import Determinant, Identity, Inverse, MatrixSymbol, Q, S, Symbol, Trace, log

import deqmath as dm
from deqmath.errors import InputError, ShapeError, StepRefuted

m, n = dm.dim("m"), dm.dim("n")
A, B, M, P = (MatrixSymbol(s, m, m) for s in "ABMP")
x, u, v = (MatrixSymbol(s, m, 1) for s in "xuv")
X = MatrixSymbol("X", m, n)
t = Symbol("t")
I = Identity(m)
unit = dm.equation(u.T * u - dm.one(), u)
commute = dm.equation(A * B - B * A, A)

#: name -> (left side, right side, hypotheses)
TRUE = {
    "symmetric": ((M + M.T) * x, 2 * M * x, [dm.symmetric(M)]),
    "symmetric inverse": (Inverse(M).T, Inverse(M), [dm.symmetric(M)]),
    "symmetric, as SymPy says it": (M.T * x, M * x, [Q.symmetric(M)]),
    "skew": (x.T * M * x, 0 * dm.one(), [dm.equation(M + M.T, M)]),
    "diagonal": (M * P, P * M, [dm.equation(Q_ - dm.hadamard(Q_, I), Q_) for Q_ in (M, P)]),
    "orthogonal": (Inverse(M), M.T, [dm.orthogonal(M)]),
    "orthogonal: determinant": (Determinant(M) ** 2, S.One, [dm.orthogonal(M)]),
    "orthogonal: norm": (Trace((M * X).T * M * X), Trace(X.T * X), [Q.orthogonal(M)]),
    "idempotent": (Inverse(I + P), I - P / 2, [dm.idempotent(P)]),
    "idempotent: determinants": (Determinant(P) * Determinant(I - P), S.Zero, [dm.idempotent(P)]),
    "projection": (P.T * P, P, [dm.symmetric(P), dm.idempotent(P)]),
    "reflection": (P * P, I, [dm.symmetric(P), dm.orthogonal(P)]),
    "involution": (Inverse(P), P, [dm.equation(P * P - I, P)]),
    "nilpotent": (Inverse(I - P), I + P, [dm.equation(P * P, P)]),
    "unit vector": ((I - 2 * u * u.T) ** 2, I, [unit]),
    "commuting": ((A + B) ** 2, A**2 + 2 * A * B + B**2, [commute]),
    "commuting, both symmetric": (
        (A * B).T,
        A * B,
        [dm.symmetric(A), dm.symmetric(B), dm.equation(A * B - B * A, B)],
    ),
    "eigenvector": (A * A * v, t**2 * v, [dm.equation(A * v - t * v, v)]),
    "generalised inverse": (A * M * A * M, A * M, [dm.equation(A * M * A - A, M)]),
}

#: The same subjects, each false under its hypotheses.
FALSE = {
    "symmetric matrices do not commute": (A * M, M * A, [dm.symmetric(M), dm.symmetric(A)]),
    "the other matrix is symmetric": (M.T * x, M * x, [dm.symmetric(A)]),
    "orthogonal is no involution": (M * M, I, [dm.orthogonal(M)]),
    "a reflection has determinant -1": (Determinant(M), S.One, [dm.orthogonal(M)]),
    "a rotation has determinant 1": (Determinant(M), -S.One, [dm.orthogonal(M)]),
    "idempotent is not symmetric": (P.T * P, P, [dm.idempotent(P)]),
    "I is idempotent": (Determinant(P), S.Zero, [dm.idempotent(P)]),
    "0 is idempotent": (Determinant(I - P), S.Zero, [dm.idempotent(P)]),
    "a projection is not I": (P, I, [dm.symmetric(P), dm.idempotent(P)]),
    "nilpotent is not 0": (P, 0 * P, [dm.equation(P * P, P)]),
    "another eigenvalue": (A * v, 5 * v, [dm.equation(A * v - t * v, v)]),
    "commuting is not equal": (A, B, [commute]),
}


@pytest.mark.parametrize("name", TRUE)
def test_verified_with_the_hypothesis(name):
    left, right, hypotheses = TRUE[name]
    assert dm.check_equal(left, right, assuming=hypotheses).status == "verified"


@pytest.mark.parametrize("name", TRUE)
def test_refuted_without_it(name):
    left, right, _ = TRUE[name]
    assert dm.check_equal(left, right).status == "refuted"


@pytest.mark.parametrize("name", FALSE)
def test_a_false_one_is_refuted_where_the_hypothesis_holds(name):
    left, right, hypotheses = FALSE[name]
    verdict = dm.check_equal(left, right, assuming=hypotheses)
    assert verdict.status == "refuted"
    at: dict = {}
    exec(verdict.counterexample.replace("print(", "(lambda *_: None)("), at)  # noqa: S102 - the script it printed
    for h in hypotheses:
        shown = {**dict.fromkeys(h.expr.atoms(MatrixSymbol, Symbol)), **at["at"]}
        residual = dm.evaluate(h.expr, {k: value for k, value in shown.items() if value is not None})
        assert all(e == 0 for e in residual)


def test_a_derivative_at_symmetric_points():
    form = x.T * M * x
    assert dm.check_derivative(2 * M * x, form, x).status == "refuted"
    assert dm.check_derivative(2 * M * x, form, x, assuming=dm.symmetric(M)).status == "verified"
    log_det = log(Determinant(M))
    assert dm.check_derivative(Inverse(M), log_det, M).status == "refuted"
    assert dm.check_derivative(Inverse(M), log_det, M, assuming=[Q.symmetric(M)]).status == "verified"
    assert dm.check_derivative(2 * Inverse(M), log_det, M, assuming=[Q.symmetric(M)]).status == "refuted"


def test_a_line_of_a_derivation_may_use_it():
    gradient = dm.gradient(x.T * M * x, x)
    with pytest.raises(StepRefuted) as caught:
        gradient.then(2 * M * x, because="M is symmetric, not said")
    subprocess.run([sys.executable, "-c", caught.value.counterexample], check=True, capture_output=True)
    line = gradient.then(2 * M * x, because="M is symmetric", assuming=[Q.symmetric(M)]).steps[-1]
    assert line.verdict.status == "verified"
    assert line.unused == ()


def test_two_hypotheses_on_one_matrix_both_hold():
    """A second equation for the same unknown is not dropped: none of these points is the identity alone."""
    both = [dm.symmetric(P), dm.idempotent(P)]
    assert dm.check_equal(P, I, assuming=both).status == "refuted"
    assert dm.check_equal(P * P, P.T, assuming=both).status == "verified"


def test_what_cannot_be_held_is_refused():
    with pytest.raises(InputError, match=r"positive_definite.*dm\.symmetric"):
        dm.check_equal(M, M.T, assuming=[Q.positive_definite(M)])
    with pytest.raises(ShapeError, match="symmetric"):
        dm.symmetric(X)


def test_sizes_may_be_written_in_two_ways():
    two = dm.blocks([[A, X]])
    stacked = dm.blocks([[dm.vec(A)], [dm.vec(X)]])
    assert dm.check_equal(dm.vec(two), stacked).status == "verified"
