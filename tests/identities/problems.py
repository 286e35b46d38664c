"""Identities of matrix calculus, stated by us: a problem, and the result that the literature gives for it.

Subjects are those of the Matrix Cookbook (Petersen and Pedersen) and of Magnus and Neudecker; the
statements are our own. Jacobians are in numerator layout, ``d vec(F) / d vec(X)^T``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sympy as sp
from sympy import Determinant, Identity, Inverse, MatrixSymbol, Rational, Symbol, Trace, log
from sympy.matrices.expressions import HadamardPower, OneMatrix

import deqmath as dm
from deqmath.expressions import DiagSelection, blocks, diagonal_of, leaky_relu, softmax_columns, squared_norm

Kind = Literal["gradient", "jacobian", "hessian", "equal"]


@dataclass(frozen=True)
class Problem:
    """One identity.

    Parameters
    ----------
    name
        What it says, in words.
    subject
        The chapter it belongs to.
    kind
        ``gradient`` or ``jacobian`` of ``of`` by ``wrt``; ``hessian``, the Jacobian of the gradient;
        ``equal``, where ``of`` is one side and ``stated`` the other.
    of, wrt, stated
        The problem and the result.
    """

    name: str
    subject: str
    kind: Kind
    of: Any
    wrt: Any
    stated: Any


m, n, p, q = (dm.dim(c) for c in "mnpq")
A, B, C, M = (MatrixSymbol(c, m, m) for c in "ABCM")
D, E = MatrixSymbol("D", n, n), MatrixSymbol("E", n, m)
X, Y, T = (MatrixSymbol(c, m, n) for c in "XYT")
P, Q = MatrixSymbol("P", p, m), MatrixSymbol("Q", n, q)
F, G, H = MatrixSymbol("F", p, q), MatrixSymbol("G", n, p), MatrixSymbol("H", q, p)
a, b, u, v, x = (MatrixSymbol(c, m, 1) for c in "abuvx")
y = MatrixSymbol("y", n, 1)
g, t, s = Symbol("gamma"), Symbol("t"), Symbol("s")
I, In = Identity(m), Identity(n)
K = dm.commutation
one_m = OneMatrix(m, 1)
vec, kron, had = dm.vec, dm.kron, dm.hadamard


def _w(M, c):
    """A scalar times the 1 x 1 identity."""
    return c * dm.one() if M is None else c * M


TRACES = [
    Problem("tr(A X)", "traces", "gradient", Trace(E * X), X, E.T),
    Problem("tr(A Xᵀ)", "traces", "gradient", Trace(Y * X.T), X, Y),
    Problem("tr(Xᵀ A X)", "traces", "gradient", Trace(X.T * A * X), X, A * X + A.T * X),
    Problem("tr(X B Xᵀ)", "traces", "gradient", Trace(X * D * X.T), X, X * D + X * D.T),
    Problem(
        "tr(A X B Xᵀ C)",
        "traces",
        "gradient",
        Trace(A * X * D * X.T * C),
        X,
        A.T * C.T * X * D.T + C * A * X * D,
    ),
    Problem("tr(X²)", "traces", "gradient", Trace(M**2), M, 2 * M.T),
    Problem("tr(X⁵)", "traces", "gradient", Trace(M**5), M, 5 * (M.T) ** 4),
    Problem("tr(A X⁻¹ B)", "traces", "gradient", Trace(A * M.I * B), M, -(M.I * B * A * M.I).T),
    Problem("tr((X + A)⁻¹)", "traces", "gradient", Trace((M + A).I), M, -((M + A).I * (M + A).I).T),
    Problem("tr(X)²", "traces", "gradient", Trace(M) ** 2, M, _w(I, 2 * Trace(M))),
    Problem("tr((A X) ∘ B)", "traces", "gradient", Trace(had(A * M, B)), M, A.T * had(I, B)),
    Problem("trace is cyclic", "traces", "equal", _w(None, Trace(A * B * C)), None, _w(None, Trace(C * A * B))),
    Problem("tr(Aᵀ B) as vec", "traces", "equal", vec(X).T * vec(Y), None, _w(None, Trace(X.T * Y))),
]

DETERMINANTS = [
    Problem("det X", "determinants", "gradient", Determinant(M), M, _w(M.I.T, Determinant(M))),
    Problem("log det X", "determinants", "gradient", log(Determinant(M)), M, M.I.T),
    Problem(
        "log det(Xᵀ A X)",
        "determinants",
        "gradient",
        log(Determinant(X.T * A * X)),
        X,
        A * X * (X.T * A * X).I + A.T * X * (X.T * A.T * X).I,
    ),
    Problem("log det(I - γ A)", "determinants", "gradient", log(Determinant(I - g * A)), A, -g * (I - g * A.T).I),
    Problem(
        "d/dγ log det(I - γ A)",
        "determinants",
        "gradient",
        log(Determinant(I - g * A)),
        g,
        _w(None, -Trace((I - g * A).I * A)),
    ),
    Problem("det(X)²", "determinants", "gradient", Determinant(M) ** 2, M, _w(M.I.T, 2 * Determinant(M) ** 2)),
    Problem(
        "Jacobi: d/dt det(A + t B)",
        "determinants",
        "gradient",
        Determinant(A + t * B),
        t,
        _w(None, Determinant(A + t * B) * Trace((A + t * B).I * B)),
    ),
]

INVERSES = [
    Problem("X⁻¹", "inverses", "jacobian", M.I, M, -kron(M.I.T, M.I)),
    Problem("A X⁻¹ B", "inverses", "jacobian", A * M.I * X, M, -kron((M.I * X).T, A * M.I)),
    Problem("aᵀ X⁻¹ b", "inverses", "gradient", a.T * M.I * b, M, -M.I.T * a * b.T * M.I.T),
    Problem("(I - γ A)⁻¹ b by γ", "inverses", "jacobian", (I - g * A).I * b, g, (I - g * A).I * A * (I - g * A).I * b),
    Problem("X⁻² ", "inverses", "jacobian", M.I * M.I, M, -kron((M.I * M.I).T, M.I) - kron(M.I.T, M.I * M.I)),
    Problem("X³", "inverses", "jacobian", M**3, M, kron(I, M**2) + kron(M.T, M) + kron((M.T) ** 2, I)),
    Problem("Woodbury", "inverses", "equal", (A + X * D * E).I, None, A.I - A.I * X * (D.I + E * A.I * X).I * E * A.I),
    Problem(
        "Sherman-Morrison",
        "inverses",
        "equal",
        (A + u * v.T).I,
        None,
        A.I - A.I * u * v.T * A.I / (1 + Trace(v.T * A.I * u)),
    ),
    Problem("push-through", "inverses", "equal", E * (I + X * E).I, None, (In + E * X).I * E),
    Problem("X⁻¹ - Y⁻¹", "inverses", "equal", A.I - B.I, None, A.I * (B - A) * B.I),
    Problem("(A⁻¹ + B⁻¹)⁻¹", "inverses", "equal", (A.I + B.I).I, None, A * (A + B).I * B),
    Problem("(I + A⁻¹)⁻¹", "inverses", "equal", (I + A.I).I, None, A * (A + I).I),
    Problem("resolvent", "inverses", "equal", (I - A).I - (I - B).I, None, (I - A).I * (A - B) * (I - B).I),
    Problem("(I - M)⁻¹ M", "inverses", "equal", (I - M).I * M, None, (I - M).I - I),
    Problem(
        "Neumann remainder",
        "inverses",
        "equal",
        (I - M).I,
        None,
        I + M + M**2 + M**3 * (I - M).I,
    ),
]

BLOCKS = [
    Problem(
        "triangular block inverse",
        "blocks",
        "equal",
        blocks([[A, X], [0, D]]).I,
        None,
        blocks([[A.I, -A.I * X * D.I], [0, D.I]]),
    ),
    Problem(
        "block inverse by the Schur complement",
        "blocks",
        "equal",
        blocks([[A, X], [E, D]]).I,
        None,
        blocks(
            [
                [A.I + A.I * X * (D - E * A.I * X).I * E * A.I, -A.I * X * (D - E * A.I * X).I],
                [-(D - E * A.I * X).I * E * A.I, (D - E * A.I * X).I],
            ]
        ),
    ),
    Problem(
        "determinant by the Schur complement",
        "blocks",
        "equal",
        _w(None, Determinant(blocks([[A, X], [E, D]]))),
        None,
        _w(None, Determinant(A) * Determinant(D - E * A.I * X)),
    ),
    Problem(
        "trace of a block matrix squared",
        "blocks",
        "gradient",
        Trace(blocks([[A, X], [E, D]]) ** 2),
        X,
        2 * E.T,
    ),
]

FORMS = [
    Problem("aᵀ X b", "quadratic forms", "gradient", a.T * X * y, X, a * y.T),
    Problem("xᵀ A x", "quadratic forms", "gradient", x.T * A * x, x, (A + A.T) * x),
    Problem("‖A x - b‖²", "quadratic forms", "gradient", squared_norm(A * x - b), x, 2 * A.T * (A * x - b)),
    Problem("‖X A - B‖² by X", "quadratic forms", "gradient", squared_norm(X * D - Y), X, 2 * (X * D - Y) * D.T),
    Problem("Hessian of xᵀ A x", "quadratic forms", "hessian", x.T * A * x, x, A + A.T),
    Problem("Hessian of tr(Xᵀ A X)", "quadratic forms", "hessian", Trace(X.T * A * X), X, kron(In, A + A.T)),
    Problem("Hessian of log det X", "quadratic forms", "hessian", log(Determinant(M)), M, -K(m, m) * kron(M.I.T, M.I)),
    Problem(
        "Hessian of tr(X⁻¹)",
        "quadratic forms",
        "hessian",
        Trace(M.I),
        M,
        K(m, m) * (kron(M.I.T, M.I * M.I) + kron((M.I * M.I).T, M.I)),
    ),
    Problem(
        "Rayleigh quotient",
        "quadratic forms",
        "gradient",
        Trace(x.T * A * x) / Trace(x.T * x),
        x,
        (A + A.T) * x / Trace(x.T * x) - 2 * Trace(x.T * A * x) / Trace(x.T * x) ** 2 * x,
    ),
]

KRONECKER = [
    Problem("A X B", "Kronecker", "jacobian", P * X * Q, X, kron(Q.T, P)),
    Problem("Xᵀ", "Kronecker", "jacobian", X.T, X, K(m, n)),
    Problem("X Xᵀ", "Kronecker", "jacobian", X * X.T, X, (Identity(m**2) + K(m, m)) * kron(X, I)),
    Problem("Xᵀ X", "Kronecker", "jacobian", X.T * X, X, (Identity(n**2) + K(n, n)) * kron(In, X.T)),
    Problem(
        "X ⊗ B by X",
        "Kronecker",
        "jacobian",
        kron(X, F),
        X,
        kron(In, kron(K(q, m), Identity(p))) * kron(Identity(m * n), vec(F)),
    ),
    Problem("vec(A X B)", "Kronecker", "equal", vec(P * X * Q), None, kron(Q.T, P) * vec(X)),
    Problem("mixed product", "Kronecker", "equal", kron(A, F) * kron(X, H), None, kron(A * X, F * H)),
    Problem("(A ⊗ B)⁻¹", "Kronecker", "equal", Inverse(kron(A, D)), None, kron(A.I, D.I)),
    Problem("(A ⊗ B)ᵀ", "Kronecker", "equal", kron(A, F).T, None, kron(A.T, F.T)),
    Problem("tr(A ⊗ B)", "Kronecker", "equal", _w(None, Trace(kron(A, D))), None, _w(None, Trace(A) * Trace(D))),
    Problem("K (A ⊗ B) = (B ⊗ A) K", "Kronecker", "equal", K(p, m) * kron(A, F), None, kron(F, A) * K(q, m)),
    Problem("K vec(X)", "Kronecker", "equal", K(m, n) * vec(X), None, vec(X.T)),
    Problem("Kᵀ = K⁻¹", "Kronecker", "equal", K(m, n).T * K(m, n), None, Identity(m * n)),
    Problem(
        "tr(Aᵀ X B Xᵀ) as a form",
        "Kronecker",
        "equal",
        vec(X).T * kron(D.T, A) * vec(X),
        None,
        _w(None, Trace(X.T * A * X * D)),
    ),
    Problem(
        "tr(A (X ⊗ B)) by X",
        "Kronecker",
        "gradient",
        Trace(kron(A, D) * kron(M, B if False else D)),
        M,
        Trace(D * D) * A.T,
    ),
]

HADAMARD = [
    Problem("X ∘ X", "Hadamard", "jacobian", had(X, X), X, 2 * dm.diag(vec(X))),
    Problem("X^∘3", "Hadamard", "jacobian", HadamardPower(X, 3), X, 3 * dm.diag(vec(had(X, X)))),
    Problem("tr(Aᵀ (X ∘ B))", "Hadamard", "gradient", Trace(Y.T * had(X, T)), X, had(Y, T)),
    Problem("diag(x) b", "Hadamard", "jacobian", dm.diag(x) * b, x, dm.diag(b)),
    Problem("diag(x)", "Hadamard", "jacobian", dm.diag(x), x, DiagSelection(m)),
    Problem("diagonal of A X", "Hadamard", "jacobian", diagonal_of(A * M), M, DiagSelection(m).T * kron(I, A)),
    Problem("diag(u) v = u ∘ v", "Hadamard", "equal", dm.diag(u) * v, None, had(u, v)),
    Problem("(u vᵀ) ∘ A", "Hadamard", "equal", had(u * v.T, A), None, dm.diag(u) * A * dm.diag(v)),
    Problem(
        "xᵀ (A ∘ B) y",
        "Hadamard",
        "equal",
        u.T * had(A, B) * v,
        None,
        _w(None, Trace(dm.diag(u) * A * dm.diag(v) * B.T)),
    ),
    Problem("diagonal(A Bᵀ) = (A ∘ B) 1", "Hadamard", "equal", diagonal_of(X * Y.T), None, had(X, Y) * OneMatrix(n, 1)),
]

ELEMENTWISE = [
    Problem(
        "tanh(A x)",
        "elementwise",
        "jacobian",
        dm.elementwise(sp.tanh, A * x),
        x,
        dm.diag(dm.elementwise(lambda z: 1 - sp.tanh(z) ** 2, A * x)) * A,
    ),
    Problem("exp(X)", "elementwise", "jacobian", dm.elementwise(sp.exp, X), X, dm.diag(vec(dm.elementwise(sp.exp, X)))),
    Problem(
        "log(X)",
        "elementwise",
        "gradient",
        Trace(Y.T * dm.elementwise(sp.log, X)),
        X,
        had(Y, dm.elementwise(lambda z: 1 / z, X)),
    ),
    Problem("relu(A x)", "elementwise", "jacobian", dm.relu(A * x), A, kron(x.T, dm.gate(A * x))),
    Problem(
        "leaky relu",
        "elementwise",
        "jacobian",
        leaky_relu(x, s),
        x,
        s * I + (1 - s) * dm.gate(x),
    ),
    Problem("relu(u) = D u", "elementwise", "equal", dm.relu(u), None, dm.gate(u) * u),
    Problem("D D = D", "elementwise", "equal", dm.gate(u) * dm.diag(v) * dm.gate(u), None, dm.diag(v) * dm.gate(u)),
    Problem(
        "½‖relu(A x) - b‖² by A",
        "elementwise",
        "gradient",
        Rational(1, 2) * squared_norm(dm.relu(A * x) - b),
        A,
        dm.gate(A * x) * (dm.relu(A * x) - b) * x.T,
    ),
    Problem(
        "Hessian of 1ᵀ tanh(x)",
        "elementwise",
        "hessian",
        one_m.T * dm.elementwise(sp.tanh, x),
        x,
        dm.diag(dm.elementwise(lambda z: -2 * sp.tanh(z) * (1 - sp.tanh(z) ** 2), x)),
    ),
]

_S = softmax_columns(x)
SOFTMAX = [
    Problem("softmax(x)", "softmax", "jacobian", _S, x, dm.diag(_S) - _S * _S.T),
    Problem("columns sum to 1", "softmax", "equal", one_m.T * softmax_columns(X), None, OneMatrix(1, n)),
    Problem("J 1 = 0", "softmax", "equal", (dm.diag(_S) - _S * _S.T) * one_m, None, 0 * one_m),
    Problem(
        "softmax as exp over its sum",
        "softmax",
        "equal",
        softmax_columns(x),
        None,
        dm.elementwise(sp.exp, x) / Trace(one_m.T * dm.elementwise(sp.exp, x)),
    ),
    Problem(
        "log-sum-exp",
        "softmax",
        "gradient",
        log(Trace(one_m.T * dm.elementwise(sp.exp, x))),
        x,
        softmax_columns(x),
    ),
    Problem("aᵀ softmax(x)", "softmax", "gradient", a.T * _S, x, had(_S, a) - _S * _S.T * a),
]

PROBLEMS: list[Problem] = [
    *TRACES,
    *DETERMINANTS,
    *INVERSES,
    *BLOCKS,
    *FORMS,
    *KRONECKER,
    *HADAMARD,
    *ELEMENTWISE,
    *SOFTMAX,
]
