"""Points on the solution sets of equations, and what is certain about them."""

from __future__ import annotations

import random

import pytest
from sympy import Identity, Inverse, MatrixSymbol, Symbol, Trace, atan, cos, exp, log, sin, sqrt, tanh

import deqmath as dm
from deqmath.checking.atoms import Atoms, Gates
from deqmath.checking.domains import PRIME, BadPoint, Balls, PrimeField, Rationals, flint_precision
from deqmath.checking.evaluation import Evaluator
from deqmath.checking.points import alphabet, draw_symbols, new_point
from deqmath.checking.solving import NotSolvable, groups, satisfy

m, n, lam = dm.dim("m"), dm.dim("n"), Symbol("lambda", positive=True)
A, B, X, Q = (MatrixSymbol(s, m, m) for s in "ABXQ")
z, w = MatrixSymbol("z", m, 1), MatrixSymbol("w", m, 1)
Z, Phi = MatrixSymbol("Z", m, n), MatrixSymbol("Phi", m, n)

EQUATIONS = {
    "relu": {z: z - dm.relu(A * z + w)},
    "tanh": {z: z - dm.elementwise(tanh, A * z + w)},
    "softplus": {z: z - dm.elementwise(lambda t: log(1 + exp(t)), A * z + w)},
    "sin and cos": {z: z - dm.elementwise(lambda t: sin(t) * cos(t) + sin(2 * t), A * z + w)},
    "two layers of functions": {z: z - dm.elementwise(tanh, A * z + dm.elementwise(tanh, B * w))},
    "mixed": {z: z - dm.relu(A * z + w) - dm.elementwise(atan, B * z)},
    "stein": {X: X - A * X * A.T - Q},
    "riccati": {X: A.T * X + X * A - X * B * X + Q},
    "chain": {w: w - dm.elementwise(tanh, B * w + z), z: z - dm.elementwise(tanh, A * z + B * Q * z)},
}  # fmt: skip


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("kind", ["prime field", "numbers"])
def test_the_residual_vanishes_at_the_point(name, kind):
    equations = list(EQUATIONS[name].items())
    letters = alphabet([e for pair in equations for e in pair])
    rng, made = random.Random(0), 0
    with flint_precision(256):
        for _ in range(12 if kind == "numbers" else 4):
            if kind == "prime field":
                domains = [PrimeField(rng, Gates(0, 0, rng, PRIME))]
            else:
                domains = [Rationals(2)] if name in ("relu", "stein", "riccati") else [Balls(256, 2)]
            for domain in domains:
                point = new_point(domain, dict.fromkeys(letters.dimensions, 2), rng)
                draw_symbols(point, letters, {})
                try:
                    satisfy(point, equations, {})
                    values = [Evaluator(point)(r) for _, r in equations]
                except (BadPoint, NotSolvable):
                    continue
                made += 1
                for value in values:
                    zero = value.mat - value.mat
                    assert not domain.differs(value.mat, zero)
    assert made >= 2


def test_a_ball_from_newton_holds_a_solution_and_is_thin():
    equations = list(EQUATIONS["tanh"].items())
    letters = alphabet([e for pair in equations for e in pair])
    with flint_precision(256):
        point = new_point(Balls(256, 1), {m: 2}, random.Random(3))
        draw_symbols(point, letters, {})
        satisfy(point, equations, {})
        assert all(float(e.rad()) < 2.0**-180 for e in point.symbols[z].mat.entries())


def test_coupled_equations_are_grouped_and_chains_are_ordered():
    u, v = MatrixSymbol("u", m, 1), MatrixSymbol("v", m, 1)
    coupled = groups([(z, z - A * w), (w, w - B * z)])
    assert [len(g.unknowns) for g in coupled] == [2]
    chain = groups([(u, u - A * v), (v, v - B * w), (w, w - B * w - z)])
    assert [g.unknowns for g in chain] == [(w,), (v,), (u,)]


def test_atoms_keep_the_laws_of_exp_and_log():
    p, atoms = PRIME, Atoms(PRIME, random.Random(0))
    a, b = 123456789, 987654321
    ea, eb = atoms.value("exp", a), atoms.value("exp", b)
    assert atoms.value("exp", (a + b) % p) == ea * eb % p
    assert atoms.value("exp", 2 * a) == ea * ea % p
    assert atoms.value("exp", p - a) == pow(ea, -1, p)
    assert atoms.value("log", ea * eb % p) == (a + b) % p
    assert atoms.value("log", 1) == 0
    assert atoms.value("exp", atoms.value("log", 77)) == 77
    s, c = atoms.value("sin", a), atoms.value("cos", a)
    assert (s * s + c * c) % p == 1
    assert atoms.value("erf", p - a) == (p - atoms.value("erf", a)) % p


def test_gates_know_negation_and_small_multiples():
    gates = Gates(0, 0, random.Random(0), PRIME)
    bit = gates.bit(1001)
    assert gates.bit(PRIME - 1001) is not bit
    assert gates.bit(3 * 1001) is bit
    assert gates.bit(0) is False


def test_a_verdict_off_the_solution_set_says_so():
    """X = (Q + A X)^{-1} has no point in the field by these methods; the derivative holds off the set too."""
    residual = X - Inverse(Q + A * X)
    derived = dm.implicit_jacobian(residual, X, Q)
    verdict = dm.check_implicit_derivative(derived.result, residual, X, Q)
    assert verdict.status == "verified"
    assert "off the solution set" in verdict.evidence[0].detail
    # True on the set only, and no exact point of the set can be made: undecided, not refuted.
    on_set = dm.check_equal(X * (Q + A * X), Identity(m), assuming=dm.equation(residual, X))
    assert on_set.status == "undecided"


@pytest.mark.parametrize("inside", ["alone", "in a function"])
def test_a_root_of_the_unknown_is_checked_off_the_solution_set_at_worst(inside):
    """Layers that normalise: ``z = u/||u||`` is affine in z for no value of the root, ``tanh(u/||u||)`` for one of tanh."""
    u = A * z + w
    scaled = u / sqrt(Trace(u.T * u) / m + lam)
    residual = z - (scaled if inside == "alone" else dm.elementwise(tanh, scaled))
    found = dm.implicit_jacobian(residual, z, A)
    assert found.verdict().status == "verified"
    for slip in (2 * found.result, -found.result):
        assert dm.check_implicit_derivative(slip, residual, z, A).status != "verified"
