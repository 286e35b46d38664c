"""What the rules prove for all dimensions, and what they rightly do not."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import Determinant, Identity, Inverse, MatMul, MatrixSymbol, Symbol, Trace
from sympy.matrices.expressions import OneMatrix

import deqmath as dm
from deqmath.calculus.adjoints import unvec
from deqmath.calculus.algebra import JUNCTION_RULES, TRACE_RULES
from deqmath.calculus.expression import to_expr
from deqmath.calculus.normal_form import normal_form
from deqmath.expressions import blocks, diagonal_of, softmax_columns
from deqmath.expressions.nodes import Commutation, DiagSelection

m, n = dm.dim("m"), dm.dim("n")
A, B, C = (MatrixSymbol(c, m, m) for c in "ABC")
D, E = MatrixSymbol("D", n, n), MatrixSymbol("E", n, m)
X, Y = MatrixSymbol("X", m, n), MatrixSymbol("Y", m, n)
u, v, w = (MatrixSymbol(c, m, 1) for c in "uvw")
g, i, j = Symbol("gamma"), Symbol("i", integer=True), Symbol("j", integer=True)
I, K = Identity(m), DiagSelection(m)


def _one(scalar):
    return MatMul(scalar, dm.one())


TRUE = {
    "parallel sum": ((A.I + B.I).I, A - A * (A + B).I * A),
    "parallel sum, other way": ((A.I + B.I).I, B - B * (A + B).I * B),
    "Searle": ((A + B * B.T).I * B, A.I * B * (I + B.T * A.I * B).I),
    "Hua": (A - (A.I + (B.I - A).I).I, A * B * A),
    "Woodbury, minus": ((A - X * D.I * E).I, A.I + A.I * X * (D - E * A.I * X).I * E * A.I),
    "trace of a resolvent": (Trace((A + B).I * A) * dm.one(), (m - Trace((A + B).I * B)) * dm.one()),
    "relu by its gate inside a product": (B * dm.relu(A * u), B * dm.gate(A * u) * A * u),
    "diag of relu": (dm.diag(dm.relu(u)), dm.gate(u) * dm.diag(u)),
    "quadratic form of a diagonal": (u.T * dm.diag(v) * w, v.T * dm.hadamard(u, w)),
    "sum of outer products": (dm.total(dm.column(X, i) * dm.column(Y, i).T, i, n), X * Y.T),
    "sum of outer products of images": (
        dm.total(dm.relu(A * dm.column(X, i)) * dm.column(Y, i).T, i, n),
        dm.relu(A * X) * Y.T,
    ),
    "two sums, renamed": (
        dm.total(dm.column(X, i).T * A * dm.column(Y, i), i, n),
        dm.total(dm.column(X, j).T * A * dm.column(Y, j), j, n),
    ),
    "columns of elementwise maps": (dm.column(dm.relu(A * X), i), dm.relu(A * dm.column(X, i))),
    "softmax of a column": (dm.column(softmax_columns(X), i), softmax_columns(dm.column(X, i))),
    "diagonal of a diagonal product": (
        diagonal_of(dm.diag(u) * A * dm.diag(v)),
        dm.diag(u) * dm.diag(v) * diagonal_of(A),
    ),
    "rank-one Hadamard": (dm.hadamard(u * v.T, A * B), dm.diag(u) * A * B * dm.diag(v)),
    "blocks multiply": (
        blocks([[A, X], [E, D]]) * blocks([[B, Y], [0, D]]),
        blocks([[A * B, A * Y + X * D], [E * B, E * Y + D * D]]),
    ),
    "blocks transpose": (blocks([[A, X], [E, D]]).T, blocks([[A.T, E.T], [X.T, D.T]])),
    "block diagonal inverse": (Inverse(blocks([[A, 0], [0, D]])), blocks([[A.I, 0], [0, D.I]])),
    "identity in blocks": (blocks([[I, 0], [0, Identity(n)]]), Identity(m + n)),
    "row sums": (OneMatrix(1, m) * dm.diag(u) * v, u.T * v),
    "elementwise polynomial": (dm.elementwise(lambda t: (t + 1) ** 2, u), dm.hadamard(u, u) + 2 * u + OneMatrix(m, 1)),
    "Hadamard with the identity": (dm.hadamard(A, I), dm.hadamard(A.T, I)),
    "diagonal of a product, both ways": (dm.hadamard(A * B, I), dm.diag(diagonal_of(B.T * A.T))),
    "gate of a relu in an outer product": (dm.gate(A * u) * dm.relu(A * u) * v.T, dm.relu(A * u) * v.T),
    "determinant of a transpose": (_one(Determinant(A.T)), _one(Determinant(A))),
    "determinant of a quotient": (_one(Determinant(A.I.T * B)), _one(Determinant(B) / Determinant(A))),
    "determinant of a multiple": (_one(Determinant(-2 * A)), _one((-2) ** m * Determinant(A))),
    "determinant of a Kronecker product": (
        _one(Determinant(dm.kron(A, D))),
        _one(Determinant(A) ** n * Determinant(D) ** m),
    ),
    "Sylvester": (_one(Determinant(I + X * E)), _one(Determinant(Identity(n) + X.T * E.T))),
    "determinant of a rank-one update": (_one(Determinant(I + 2 * u * v.T)), dm.one() + 2 * v.T * u),
    "selection of a Kronecker product": (K.T * dm.kron(A, B) * K, dm.hadamard(A, B)),
    "selection after a diagonal": (dm.kron(A * dm.diag(u), B) * K, dm.kron(A, B * dm.diag(u)) * K),
    "selection after a gate": (dm.kron(A, B * dm.gate(u)) * K, dm.kron(A, B) * K * dm.gate(u)),
    "selection after rank one": (dm.kron(u * v.T, A) * K, dm.kron(u, A * dm.diag(v))),
    "selection after rank one, right": (dm.kron(A, u * v.T) * K, dm.kron(A * dm.diag(v), u)),
    "commuted Kronecker": (dm.commutation(m, n) * dm.kron(D, A) * dm.commutation(n, m), dm.kron(A, D)),
}
FALSE = {
    "order": (A * B, B * A),
    "inverse of a sum": ((A + B).I, A.I + B.I),
    "transpose": (A * X, A.T * X),
    "gate": (dm.relu(u), u),
    "gate of the negative": (dm.gate(u), dm.gate(-u)),
    "softmax rows": (softmax_columns(A) * OneMatrix(m, 1), OneMatrix(m, 1)),
    "Hadamard is not the product": (dm.hadamard(A, B), A * B),
    "trace of a product": (Trace(A * B) * dm.one(), Trace(A) * Trace(B) * dm.one()),
    "commutation": (dm.commutation(m, n) * dm.vec(X), dm.vec(X)),
    "sum of products": (
        dm.total(dm.column(X, i).T * dm.column(Y, i), i, n),
        dm.total(dm.total(dm.column(X, i).T * dm.column(Y, j), i, n), j, n),
    ),
    "blocks": (blocks([[A, X], [0, D]]).I, blocks([[A.I, -X], [0, D.I]])),
    "determinant of a sum": (_one(Determinant(A + B)), _one(Determinant(A) + Determinant(B))),
    "determinant of a multiple": (_one(Determinant(2 * A)), _one(2 * Determinant(A))),
    "Sylvester with a wrong sign": (_one(Determinant(I + X * E)), _one(Determinant(Identity(n) - E * X))),
    "power of a Kronecker determinant": (
        _one(Determinant(dm.kron(A, D))),
        _one(Determinant(A) ** m * Determinant(D) ** n),
    ),
    "Hadamard with the identity": (dm.hadamard(A, I), A),
    "selection of a Kronecker product": (K.T * dm.kron(A, B) * K, dm.hadamard(A, B.T)),
    "selection after rank one": (dm.kron(u * v.T, A) * K, dm.kron(v, A * dm.diag(u))),
    "selection after a diagonal": (dm.kron(dm.diag(u) * A, B) * K, dm.kron(A, B) * K * dm.diag(u)),
    "gate in an outer product": (dm.gate(A * u) * v * dm.relu(A * u).T, v * dm.relu(A * u).T),
    "softmax by exp": (softmax_columns(X), dm.elementwise(sp.exp, X)),
}

BLOCK = Determinant(blocks([[A, X], [E, D]]))
INNER = Trace(v.T * A.I * u)

TRUE |= {
    "Schur complement": (_one(BLOCK), _one(Determinant(A) * Determinant(D - E * A.I * X))),
    "Schur complement, other way": (_one(BLOCK), _one(Determinant(D) * Determinant(A - X * D.I * E))),
    "triangular blocks": (_one(Determinant(blocks([[A, X], [0 * E, D]]))), _one(Determinant(A) * Determinant(D))),
    "determinant lemma": (_one(Determinant(A + u * v.T)), _one(Determinant(A) * (1 + INNER))),
    "determinant lemma, rank n": (
        _one(Determinant(A + X * E)),
        _one(Determinant(A) * Determinant(Identity(n) + E * A.I * X)),
    ),
    "trace of a Kronecker product": (_one(Trace(dm.kron(A, D))), _one(Trace(A) * Trace(D))),
    "trace of a commutation": (_one(Trace(Commutation(m, m))), _one(m)),
    "vec of a Hadamard product": (dm.vec(dm.hadamard(X, Y)), dm.diag(dm.vec(X)) * dm.vec(Y)),
    "inverse of a diagonal": (dm.diag(u).I, dm.diag(dm.elementwise(lambda t: 1 / t, u))),
    "Sherman and Morrison": (
        (A + u * v.T).I,
        A.I - A.I * u * (Identity(1) + v.T * A.I * u).I * v.T * A.I,
    ),
    "ones in and out of brackets": (B * OneMatrix(m, 1) * OneMatrix(1, m) * w, B * (OneMatrix(m, m) * w)),
}
FALSE |= {
    "Schur complement, sign": (_one(BLOCK), _one(Determinant(A) * Determinant(D + E * A.I * X))),
    "Schur complement, blocks swapped": (_one(BLOCK), _one(Determinant(D) * Determinant(A + X * D.I * E))),
    "determinant lemma, sign": (_one(Determinant(A + u * v.T)), _one(Determinant(A) * (1 - INNER))),
    "determinant lemma, transposed": (
        _one(Determinant(A + u * v.T)),
        _one(Determinant(A) * (1 + Trace(v.T * A.I.T * u))),
    ),
    "determinant of a skew part": (_one(Determinant(A - A.T)), _one(Determinant(A) * Determinant(I + A.I * A.T))),
    "trace of a Kronecker product, one factor": (_one(Trace(dm.kron(A, D))), _one(Trace(A) * n)),
    "trace of a commutation, squared": (_one(Trace(Commutation(m, m))), _one(m**2)),
    "vec of a Hadamard product, squared": (dm.vec(dm.hadamard(X, Y)), dm.diag(dm.vec(X)) * dm.vec(X)),
    "inverse of a diagonal, not inverted": (dm.diag(u).I, dm.diag(u)),
    "Sherman and Morrison, sign": (
        (A + u * v.T).I,
        A.I - A.I * u * (Identity(1) - v.T * A.I * u).I * v.T * A.I,
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_identity_is_proved_and_checked(name):
    lhs, rhs = TRUE[name]
    assert dm.proves_equal(lhs, rhs)
    assert dm.check_equal(lhs, rhs).status == "verified"


@pytest.mark.parametrize("name", FALSE)
def test_a_false_identity_is_not_proved_and_is_refuted(name):
    lhs, rhs = FALSE[name]
    assert not dm.proves_equal(lhs, rhs)
    assert dm.check_equal(lhs, rhs).status == "refuted"


@pytest.mark.parametrize("rule", [*JUNCTION_RULES, *TRACE_RULES], ids=lambda r: r.__name__)
def test_the_docstring_of_a_rule_is_an_identity(rule):
    assert "=" in rule.__doc__
    assert "``" in rule.__doc__


def test_unvec_inverts_vec():
    k = MatrixSymbol("k", m * n, 1)
    assert dm.check_equal(dm.vec(to_expr(unvec(normal_form(k), (m, n)))), k).status == "verified"
    assert to_expr(unvec(normal_form(dm.vec(X)), (m, n))) == X


def test_scalars_inside_inverses_and_functions():
    f = Trace((I - g * A).I * B) * dm.one()
    assert dm.check_derivative(dm.jacobian(f, g).result, f, g).status == "verified"
    twice = dm.jacobian(dm.jacobian(f, g).result, g).result
    assert dm.check_derivative(twice, dm.jacobian(f, g).result, g).status == "verified"
