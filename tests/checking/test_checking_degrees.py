"""The degree bounds behind the chance of error, against degrees measured on random lines."""

from __future__ import annotations

import random

import flint
import pytest
import sympy as sp
from sympy import Determinant, HadamardPower, Identity, Inverse, MatrixSymbol, Symbol, Trace

import deqmath as dm
from deqmath.checking.atoms import Gates
from deqmath.checking.degree import AtomDegrees, Degrees
from deqmath.checking.domains import PRIME, BadPoint, PrimeField
from deqmath.checking.evaluation import Evaluator
from deqmath.checking.points import alphabet, new_point
from deqmath.checking.second_order import SecondDerivativeTest
from deqmath.checking.sides import DerivativeTest, degrees_at
from deqmath.checking.solving import satisfy
from deqmath.expressions import softmax_columns
from deqmath.expressions.smooth import smooth

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
        self.atoms._draw = lambda: int(self.draw(self.source))  # values of functions lie on the line as inputs do

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
    p, q = max(0, bound.top), bound.bottom
    assert p + q < 1200, "the bound is too generous to test"
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
    HadamardPower(A, -2),
    dm.elementwise(sp.exp, z) + dm.elementwise(lambda t: sp.tanh(3 * t), z),
    dm.elementwise(sp.exp, 2 * z) + dm.elementwise(lambda t: sp.tanh(3 * t) + sp.exp(-t), z),
    dm.elementwise(sp.tanh, A * dm.elementwise(sp.tanh, A * dm.elementwise(sp.tanh, B * z))),
    softmax_columns(A * z),
    dm.elementwise(lambda t: sp.sin(t) ** 2 / sp.cos(t), z),
    dm.elementwise(lambda t: sp.log(1 + sp.exp(t)), A * z) + dm.elementwise(sp.exp, z),
    dm.elementwise(lambda t: 1 / t + smooth("s")(t), dm.elementwise(smooth("s"), Inverse(A) * z)),
]


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_no_entry_has_a_larger_degree_than_its_bound(expr):
    letters = alphabet([expr])

    def evaluate(t: int):
        point = new_point(Line(t), {m: 2}, random.Random(0))
        for s in (*letters.scalars, *letters.matrices):
            point.value_of(s, {})
        return Evaluator(point)(expr).mat[0, 0]

    run(evaluate, Degrees({m: 2}).of(expr))


@pytest.mark.parametrize(
    ("of", "wrt", "equations", "size"),
    [
        (A * Inverse(B), B, (), 2),
        (Inverse(A) * z, A, (), 2),
        (z, A, ((z, z - dm.relu(A * z + w)),), 2),
        (A * z, A, ((z, z - c * A * z - w),), 2),
        (dm.one() * Trace(A * X), A, ((X, X - c * X * A - B),), 2),
        (dm.elementwise(sp.tanh, A * dm.elementwise(sp.tanh, A * z)), A, (), 2),
        (dm.elementwise(lambda t: sp.log(1 + sp.exp(t)), A * z), A, (), 2),
        (dm.elementwise(lambda t: sp.atan(t) + smooth("s")(t) + c / t, A * z), A, (), 2),
        (dm.elementwise(lambda t: t**c, A * z), A, (), 2),
        (softmax_columns(A * z), A, (), 2),
        (z, A, ((z, z - dm.elementwise(sp.tanh, A * z + w)),), 1),
    ],
    ids=[
        *("inverse", "solve", "relu", "linear", "matrix unknown"),
        *("layers", "softplus", "atoms", "power", "softmax", "tanh solved"),
    ],
)
def test_no_derivative_has_a_larger_degree_than_its_bound(of, wrt, equations, size):
    columns = wrt.shape[0] * wrt.shape[1]
    candidate = 0 * MatrixSymbol("zero", of.shape[0] * of.shape[1], columns)
    test = DerivativeTest(candidate, of, wrt, False, equations)
    letters = alphabet(test.expressions)
    solved = []

    def evaluate(t: int):
        point = new_point(Line(t), {m: size}, random.Random(0))
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
    run(evaluate, test.degree(degrees_at({m: size}, solved)))


def layered(depth):
    """``tanh(A_k tanh(... tanh(X z)))``."""
    out = z
    for a in [X, *(MatrixSymbol(f"A_{k}", m, m) for k in range(depth - 1))]:
        out = dm.elementwise(sp.tanh, a * out)
    return out


def test_the_degree_of_a_derivative_grows_with_the_depth_of_a_network_and_no_faster():
    def degree(depth):
        test = DerivativeTest(0 * MatrixSymbol("zero", m, m**2), layered(depth), X, False)
        return test.degree(Degrees({m: 3})).largest

    assert degree(40) < 2.2 * degree(20)


def test_a_network_of_twenty_layers_is_verified_and_a_dropped_layer_refuted():
    derived = dm.jacobian(layered(20), X)
    verdict = derived.steps[-1].verdict
    assert verdict.status == "verified"
    assert verdict.evidence[0].figures["log2_chance_of_error"] < -100
    assert dm.check_derivative(dm.jacobian(layered(3), X).result, layered(4), X).status == "refuted"


@pytest.mark.parametrize(
    ("of", "equations"),
    [
        (Inverse(A) * z, ()),
        (dm.elementwise(sp.tanh, A * dm.elementwise(sp.tanh, A * z)), ()),
        (dm.elementwise(lambda t: sp.log(t) + sp.atan(t), A * z), ()),
        (dm.elementwise(lambda t: t**c, A * z), ()),
        (z, ((z, z - c * A * z - w),)),
        (z, ((z, z - dm.elementwise(lambda t: sp.exp(t), A * z + w)),)),
    ],
    ids=["inverse", "layers", "log", "power", "linear", "exp solved"],
)
def test_no_second_derivative_has_a_larger_degree_than_its_bound(of, equations):
    test = SecondDerivativeTest(0 * MatrixSymbol("zero", m * m**2, m**2), of, A, equations)
    letters, solved, size = alphabet(test.expressions), [], {m: 1}

    def evaluate(t: int):
        point = new_point(Line(t), size, random.Random(0))
        for s in (*letters.scalars, *letters.matrices):
            point.value_of(s, {})
        solved[:] = satisfy(point, equations, {})
        return test.sides(point, {})[1].mat[0, 0]

    evaluate(5)
    run(evaluate, test.degree(degrees_at(size, solved)))


@pytest.mark.parametrize("law", ["symmetric", "orthogonal"])
def test_matrices_drawn_on_a_variety_are_random(law):
    residual = {"symmetric": X - X.T, "orthogonal": X.T * X - eye}[law]

    def evaluate(t: int):
        point = new_point(Line(t), {m: 2}, random.Random(0))
        point.value_of(X, {})
        solved[:] = satisfy(point, ((X, residual),), {})
        return Evaluator(point)(X).mat[0, 1]

    solved = []
    evaluate(5)
    run(evaluate, degrees_at({m: 2}, solved).of(X))


def test_what_log_undoes_of_exp_counts_with_the_degree_of_its_argument():
    expr = dm.elementwise(sp.exp, A * B * A * z) + dm.elementwise(sp.log, dm.elementwise(sp.exp, A * B * A * z))
    line = Line(5)
    point = new_point(line, {m: 2}, random.Random(0))
    Evaluator(point)(expr)
    assert line.atoms.level == 1
    plain = Degrees({m: 2})
    plain.of(expr)
    assert Degrees({m: 2}, atoms=AtomDegrees().crossed(plain.arguments)).of(expr).top > plain.of(expr).top
