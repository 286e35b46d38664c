"""The degree bounds behind the chance of error, against degrees measured on random lines."""

from __future__ import annotations

import random

import flint
import pytest
from sympy import Determinant, HadamardPower, Identity, Inverse, MatrixSymbol, Symbol, Trace

import deqmath as dm
from deqmath.checking.atoms import Gates
from deqmath.checking.degree import Degrees
from deqmath.checking.domains import PRIME, BadPoint, PrimeField
from deqmath.checking.evaluation import Evaluator
from deqmath.checking.points import alphabet, new_point
from deqmath.checking.sides import DerivativeTest, degrees_at
from deqmath.checking.solving import satisfy

m = dm.dim("m")
A, B, X = (MatrixSymbol(s, m, m) for s in "ABX")
z, w = MatrixSymbol("z", m, 1), MatrixSymbol("w", m, 1)
c = Symbol("c", real=True)
eye = Identity(m)


class Line(PrimeField):
    """A field whose draws lie on a random line: draw k is ``a_k + t b_k``."""

    def __init__(self, t: int, seed: int = 7) -> None:
        self.source = random.Random(seed)
        super().__init__(self.source, Gates(0b1011, 40, random.Random(1), PRIME))
        self.t = t

    def draw(self, rng: random.Random) -> flint.nmod:
        del rng
        a, b = (self.source.randrange(1, PRIME) for _ in range(2))
        return flint.nmod(a + self.t * b, PRIME)


def measured_ok(values, p: int, q: int) -> bool:
    """Whether P/Q with deg P <= p, deg Q <= q passes through all the points (t, value)."""
    rows = [
        [pow(t, k, PRIME) for k in range(p + 1)] + [-y * pow(t, k, PRIME) % PRIME for k in range(q + 1)]
        for t, y in values
    ]
    return flint.nmod_mat(len(rows), p + q + 2, [e for r in rows for e in r], PRIME).rank() < p + q + 2


def run(evaluate, bound) -> None:
    p, q = bound
    assert p + q < 400, "the bound is too generous to test"
    points = []
    t = 1
    while len(points) < p + q + 6:
        t += 1
        try:
            points.append((t, int(evaluate(t))))
        except BadPoint:
            continue
    assert measured_ok(points, p, q)


EXPRESSIONS = [
    A * B + c * X,
    Inverse(A),
    Inverse(A) * B * Inverse(X),
    Inverse(eye - c * A * Inverse(B)),
    dm.one() * Trace(A * B) * c**2,
    dm.one() * Determinant(A * B),
    dm.hadamard(A, Inverse(B)),
    HadamardPower(A, 3),
    (A * B) ** 3,
    dm.kron(Inverse(A), B),
    dm.relu(A * z + Inverse(B) * w),
    dm.gate(A * z) * w,
    dm.diag(Inverse(A) * z) * w,
    dm.elementwise(lambda t: t**3 / (1 + t**2), z),
    dm.elementwise(lambda t: t**9 - t, A * z),
    dm.elementwise(lambda t: 1 / (1 + t) + 1 / (2 + t), Inverse(A) * z),
    dm.vec(A * X * B),
    Inverse(A + Inverse(B + Inverse(X))),
]


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_no_entry_has_a_larger_degree_than_its_bound(expr):
    letters = alphabet([expr])

    def evaluate(t: int):
        point = new_point(Line(t), {m: 2}, random.Random(0))
        for s in (*letters.scalars, *letters.matrices):
            point.value_of(s, {})
        return Evaluator(point)(expr).mat[0, 0]

    run(evaluate, Degrees({m: 2})(expr))


@pytest.mark.parametrize(
    ("of", "wrt", "equations"),
    [
        (A * Inverse(B), B, ()),
        (Inverse(A) * z, A, ()),
        (z, A, ((z, z - dm.relu(A * z + w)),)),
        (A * z, A, ((z, z - c * A * z - w),)),
        (dm.one() * Trace(A * X), A, ((X, X - c * X * A - B),)),
    ],
    ids=["inverse", "solve", "relu", "linear", "matrix unknown"],
)
def test_no_derivative_has_a_larger_degree_than_its_bound(of, wrt, equations):
    columns = wrt.shape[0] * wrt.shape[1]
    candidate = 0 * MatrixSymbol("zero", of.shape[0] * of.shape[1], columns)
    test = DerivativeTest(candidate, of, wrt, False, equations)
    letters = alphabet(test.expressions)
    solved = []

    def evaluate(t: int):
        point = new_point(Line(t), {m: 2}, random.Random(0))
        for s in (*letters.scalars, *letters.matrices):
            point.value_of(s, {})
        solved[:] = satisfy(point, equations, {})
        return test.sides(point, {})[1].mat[0, 0]

    for t in range(2, 60):
        try:
            evaluate(t)
            break
        except BadPoint:
            continue
    run(evaluate, test.degree(degrees_at({m: 2}, solved)))
