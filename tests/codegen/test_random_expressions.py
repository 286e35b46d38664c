"""Random expressions: the generated code, with all passes and without any, against the exact evaluator at rational points."""

from __future__ import annotations

from random import Random

import pytest
from sympy import Identity, Inverse, MatrixExpr, MatrixSymbol, Rational, Symbol, Trace

import deqmath as dm
from deqmath.claims.agreement import Reference
from deqmath.codegen.passes import PIPELINE
from deqmath.expressions import DiagSelection

from .cases import A, B, F, G, Phi, Q, V, Z, b, gamma, i, m, n, phi, r, w, z

TARGETS = ("numpy", "array-api", "mpmath", "flint")


class Grammar:
    """Random matrices over m and n: gates, inverses, traces, Hadamard and Kronecker products, sums over samples."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one_of(self, *choices):
        return self.random.choice(choices)()

    def scalar(self):
        return self.random.choice([gamma, -gamma, Rational(1, 2), 2, -1, gamma**2 / m])

    def gate(self, k):
        return dm.gate(self.column(k - 1))

    def invertible(self, k):
        small, d = gamma / 8, self.gate(k - 1)
        return self.one_of(
            lambda: Identity(m) - small * d * A,
            lambda: Identity(m) - small * A * d,
            lambda: Identity(m) - small * d * B * A,
            lambda: Identity(m) + A.T * A,
            lambda: 2 * Identity(m) + G * G.T,
            lambda: A.T,
        )

    def column(self, k):
        if k <= 0:
            return self.random.choice([z, phi, b, w])
        c = self.column
        return self.one_of(
            lambda: self.square(k - 1) * c(k - 1),
            lambda: c(k - 1) + self.scalar() * c(k - 2),
            lambda: dm.relu(c(k - 1)),
            lambda: Inverse(self.invertible(k - 1)) * c(k - 1),
            lambda: self.gate(k - 1) * c(k - 1),
            lambda: dm.hadamard(c(k - 1), c(k - 2)),
            lambda: self.samples(k - 1) * r,
            lambda: DiagSelection(m).T * dm.vec(self.square(k - 1)),
        )

    def square(self, k):
        if k <= 0:
            return self.random.choice([A, B, V])
        s = self.square
        return self.one_of(
            lambda: s(k - 1) * s(k - 1),
            lambda: s(k - 1) + self.scalar() * s(k - 2),
            lambda: s(k - 1).T,
            lambda: Inverse(self.invertible(k - 1)),
            lambda: Inverse(self.invertible(k - 1)) * self.gate(k - 1) * s(k - 1),
            lambda: s(k - 1) * Inverse(self.invertible(k - 1)),
            lambda: dm.hadamard(s(k - 1), s(k - 2)),
            lambda: self.column(k - 1) * self.column(k - 1).T,
            lambda: s(k - 1) * self.gate(k - 1) + self.scalar() * Identity(m),
            lambda: dm.total(r[i, 0] * dm.column(self.samples(k - 1), i) * dm.column(Z, i).T, i, n),
        )

    def samples(self, k):
        if k <= 0:
            return self.random.choice([Z, Q, Phi])
        x = self.samples
        return self.one_of(
            lambda: self.square(k - 1) * x(k - 1),
            lambda: x(k - 1) + self.scalar() * x(k - 2),
            lambda: dm.relu(x(k - 1)),
            lambda: Inverse(self.invertible(k - 1)) * x(k - 1),
            lambda: dm.hadamard(x(k - 1), x(k - 2)),
            lambda: self.column(k - 1) * r.T,
            lambda: x(k - 1) * dm.diag(r),
        )

    def expression(self):
        k = self.random.choice([1, 2, 2])
        x, s = self.samples, self.square
        return self.one_of(
            lambda: s(k),
            lambda: self.column(k),
            lambda: x(k),
            lambda: self.scalar() * dm.hadamard(x(k - 1).T * x(k - 1), x(k - 2).T * x(k - 2)),
            lambda: dm.kron(self.column(k - 1).T, s(k - 1)) * dm.vec(s(k - 1)),
            lambda: dm.kron(s(k - 1), s(k - 2)) * dm.vec(s(k - 1)),
            lambda: dm.kron(s(k - 1), F) * dm.kron(s(k - 2), G),
            lambda: dm.commutation(m, m) * dm.vec(s(k - 1)),
            lambda: Trace(A * s(k - 1)) * B,
            lambda: self.column(k - 1).T * s(k - 1),
            lambda: DiagSelection(m).T * dm.kron(s(k - 1), s(k - 2)) * DiagSelection(m),
        )


def _expressions(seed: int, count: int) -> dict[str, MatrixExpr]:
    grammar, drawn = Grammar(seed), []
    while len(drawn) < count:
        try:
            e = grammar.expression()
        except AttributeError:  # SymPy cannot take the scalar out of some Kronecker products
            continue
        # An entry at a sum's index has no exact value inside a trace; without a matrix no array library is named.
        if e.atoms(MatrixSymbol) and not any(Symbol("i", integer=True) in t.free_symbols for t in e.atoms(Trace)):
            drawn.append(e)
    return {f"f{k}": e for k, e in enumerate(drawn)}


def _check(seed: int, count: int) -> None:
    expressions = _expressions(seed, count)
    reference = Reference.of(expressions, seed)
    for target in TARGETS:
        for without in ((), tuple(PIPELINE)):
            module = dm.generate(expressions, target=target, without=without)
            for found in reference.compare(module, module.load()):
                assert found.digits >= min(found.needed, 10), (target, without, expressions[found.name], found)


@pytest.mark.parametrize("seed", range(3))
def test_agree_with_the_exact_evaluator(seed):
    _check(seed, 6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 53))
def test_five_hundred_agree_with_the_exact_evaluator(seed):
    _check(seed, 10)


def test_a_planted_sign_is_seen():
    expressions = _expressions(0, 6)
    wrong = {k: -e for k, e in expressions.items()}
    module = dm.generate(wrong)
    found = Reference.of(expressions, 0).compare(module, module.load())
    assert all(f.digits < 10 for f in found)
