"""More identities: Kronecker and Hadamard products, activations, softmax."""

from __future__ import annotations

import sympy as sp
from sympy import Identity, Inverse, Rational, Trace, log
from sympy.matrices.expressions import HadamardPower, OneMatrix

import deqmath as dm
from deqmath.expressions import DiagSelection, diagonal_of, softmax_columns

from .problems import (
    A,
    B,
    C,
    D,
    E,
    F,
    I,
    In,
    K,
    M,
    P,
    Problem,
    Q,
    X,
    Y,
    a,
    b,
    had,
    kron,
    m,
    n,
    one_m,
    t,
    u,
    v,
    vec,
    x,
    y,
)

one_n = OneMatrix(n, 1)

KRONECKER = [
    Problem("X D Xᵀ", "Kronecker", "jacobian", X * D * X.T, X, kron(X * D.T, I) + kron(I, X * D) * K(m, n)),
    Problem("Xᵀ A X", "Kronecker", "jacobian", X.T * A * X, X, kron(In, X.T * A) + kron((A * X).T, In) * K(m, n)),
    Problem("x xᵀ", "Kronecker", "jacobian", x * x.T, x, kron(x, I) + kron(I, x)),
    Problem("x xᵀ x", "Kronecker", "jacobian", x * (x.T * x), x, Trace(x.T * x) * I + 2 * x * x.T),
    Problem(
        "X ⊗ X",
        "Kronecker",
        "jacobian",
        kron(M, M),
        M,
        kron(I, kron(K(m, m), I)) * (kron(Identity(m * m), vec(M)) + kron(vec(M), Identity(m * m))),
    ),
    Problem("x ⊗ x", "Kronecker", "jacobian", kron(x, x), x, kron(I, x) + kron(x, I)),
    Problem("vec(a bᵀ)", "Kronecker", "equal", vec(a * y.T), None, kron(y, a)),
    Problem("K (A ⊗ D) K", "Kronecker", "equal", K(n, m) * kron(A, D) * K(m, n), None, kron(D, A)),
    Problem(
        "the symmetriser is idempotent",
        "Kronecker",
        "equal",
        ((Identity(m * m) + K(m, m)) / 2) ** 2,
        None,
        (Identity(m * m) + K(m, m)) / 2,
    ),
    Problem(
        "the symmetriser commutes with A ⊗ A",
        "Kronecker",
        "equal",
        (Identity(m * m) + K(m, m)) * kron(A, A),
        None,
        kron(A, A) * (Identity(m * m) + K(m, m)),
    ),
    Problem(
        "a product of two forms",
        "Kronecker",
        "equal",
        (a.T * A * b) * (u.T * B * v),
        None,
        kron(a, u).T * kron(A, B) * kron(b, v),
    ),
    Problem("xᵀ A x = (xᵀ ⊗ xᵀ) vec A", "Kronecker", "equal", x.T * A * x, None, kron(x.T, x.T) * vec(A)),
    Problem("tr(A B C D) by vec", "Kronecker", "equal", Trace(A * B * C * M), None, vec(M.T).T * kron(C.T, A) * vec(B)),
]

HADAMARD = [
    Problem("X ∘ Xᵀ", "Hadamard", "jacobian", had(M, M.T), M, dm.diag(vec(M.T)) + dm.diag(vec(M)) * K(m, m)),
    Problem("(A X B) ∘ C", "Hadamard", "jacobian", had(P * X * Q, F), X, dm.diag(vec(F)) * kron(Q.T, P)),
    Problem("(A x) ∘ (B x)", "Hadamard", "jacobian", had(A * x, B * x), x, dm.diag(B * x) * A + dm.diag(A * x) * B),
    Problem("A ∘ X⁻¹", "Hadamard", "jacobian", had(A, M.I), M, -dm.diag(vec(A)) * kron(M.I.T, M.I)),
    Problem(
        "x^∘½",
        "Hadamard",
        "jacobian",
        HadamardPower(x, Rational(1, 2)),
        x,
        dm.diag(HadamardPower(x, Rational(-1, 2))) / 2,
    ),
    Problem(
        "diag(x) A diag(x)",
        "Hadamard",
        "jacobian",
        dm.diag(x) * A * dm.diag(x),
        x,
        (kron((A * dm.diag(x)).T, I) + kron(I, dm.diag(x) * A)) * DiagSelection(m),
    ),
    Problem(
        "diag(diagonal X)", "Hadamard", "jacobian", dm.diag(diagonal_of(M)), M, DiagSelection(m) * DiagSelection(m).T
    ),
    Problem("A ∘ I", "Hadamard", "equal", had(A, I), None, dm.diag(diagonal_of(A))),
    Problem(
        "diagonal factors leave ∘",
        "Hadamard",
        "equal",
        had(dm.diag(a) * X, Y * dm.diag(y)),
        None,
        dm.diag(a) * had(X, Y) * dm.diag(y),
    ),
    Problem("(a bᵀ) ∘ (c dᵀ)", "Hadamard", "equal", had(a * b.T, u * v.T), None, had(a, u) * had(b, v).T),
]

ELEMENTWISE = [
    Problem(
        "sigmoid, s (1 - s)",
        "elementwise",
        "jacobian",
        dm.elementwise(lambda z: 1 / (1 + sp.exp(-z)), x),
        x,
        dm.diag(dm.elementwise(lambda z: (1 / (1 + sp.exp(-z))) * (1 - 1 / (1 + sp.exp(-z))), x)),
    ),
    Problem(
        "softplus",
        "elementwise",
        "jacobian",
        dm.elementwise(lambda z: log(1 + sp.exp(z)), x),
        x,
        dm.diag(dm.elementwise(lambda z: 1 / (1 + sp.exp(-z)), x)),
    ),
    Problem(
        "a two-layer network by its inner weights",
        "elementwise",
        "jacobian",
        P * dm.elementwise(sp.tanh, A * dm.elementwise(sp.tanh, B * x)),
        B,
        kron(
            x.T,
            P
            * dm.diag(dm.elementwise(lambda z: 1 - sp.tanh(z) ** 2, A * dm.elementwise(sp.tanh, B * x)))
            * A
            * dm.diag(dm.elementwise(lambda z: 1 - sp.tanh(z) ** 2, B * x)),
        ),
    ),
    Problem(
        "a two-layer ReLU network by its inner weights",
        "elementwise",
        "jacobian",
        P * dm.relu(A * dm.relu(B * x)),
        B,
        kron(x.T, P * dm.gate(A * dm.relu(B * x)) * A * dm.gate(B * x)),
    ),
    Problem(
        "tanh(t x) by t",
        "elementwise",
        "jacobian",
        dm.elementwise(sp.tanh, t * x),
        t,
        had(x, dm.elementwise(lambda z: 1 - sp.tanh(z) ** 2, t * x)),
    ),
    Problem(
        "GELU",
        "elementwise",
        "jacobian",
        dm.elementwise(lambda z: z * (1 + sp.erf(z / sp.sqrt(2))) / 2, x),
        x,
        dm.diag(
            dm.elementwise(lambda z: (1 + sp.erf(z / sp.sqrt(2))) / 2 + z * sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi), x)
        ),
    ),
    Problem(
        "swish",
        "elementwise",
        "jacobian",
        dm.elementwise(lambda z: z / (1 + sp.exp(-z)), x),
        x,
        dm.diag(dm.elementwise(lambda z: 1 / (1 + sp.exp(-z)) + z * sp.exp(-z) / (1 + sp.exp(-z)) ** 2, x)),
    ),
    Problem(
        "push-through of a gate",
        "elementwise",
        "equal",
        dm.gate(u) * Inverse(I - A * dm.gate(u)),
        None,
        Inverse(I - dm.gate(u) * A) * dm.gate(u),
    ),
    Problem(
        "(I + D)⁻¹ = I - ½ D for a gate", "elementwise", "equal", Inverse(I + dm.gate(u)), None, I - dm.gate(u) / 2
    ),
]

SOFTMAX = [
    Problem(
        "Hessian of log-sum-exp",
        "softmax",
        "hessian",
        log(Trace(one_m.T * dm.elementwise(sp.exp, x))),
        x,
        dm.diag(softmax_columns(x)) - softmax_columns(x) * softmax_columns(x).T,
    ),
    Problem(
        "softmax(A x)",
        "softmax",
        "jacobian",
        softmax_columns(A * x),
        x,
        (dm.diag(softmax_columns(A * x)) - softmax_columns(A * x) * softmax_columns(A * x).T) * A,
    ),
    Problem(
        "log softmax",
        "softmax",
        "jacobian",
        x - log(Trace(one_m.T * dm.elementwise(sp.exp, x))) * one_m,
        x,
        I - one_m * softmax_columns(x).T,
    ),
    Problem(
        "cross entropy by the weights",
        "softmax",
        "gradient",
        -a.T * X * y + log(Trace(one_m.T * dm.elementwise(sp.exp, X * y))) * dm.one(),
        X,
        (softmax_columns(X * y) - a) * y.T,
    ),
    Problem(
        "log-sum-exp at temperature t",
        "softmax",
        "gradient",
        log(Trace(one_m.T * dm.elementwise(sp.exp, x / t))) * t,
        x,
        softmax_columns(x / t),
    ),
    Problem(
        "attention",
        "softmax",
        "jacobian",
        Y * softmax_columns(E * x),
        x,
        Y * (dm.diag(softmax_columns(E * x)) - softmax_columns(E * x) * softmax_columns(E * x).T) * E,
    ),
]

FURTHER_PRODUCTS: list[Problem] = [
    *KRONECKER,
    *HADAMARD,
    *ELEMENTWISE,
    *SOFTMAX,
]
