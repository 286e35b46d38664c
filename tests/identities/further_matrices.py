"""More identities: traces, determinants, inverses and block matrices."""

from __future__ import annotations

import sympy as sp
from sympy import Determinant, Identity, Inverse, MatrixSymbol, Trace, log
from sympy.matrices.expressions import OneMatrix

import deqmath as dm
from deqmath.expressions import blocks, diagonal_of

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
    had,
    kron,
    m,
    n,
    one_m,
    s,
    t,
    vec,
    x,
)

one_n = OneMatrix(n, 1)
bn, Z = MatrixSymbol("bn", n, 1), MatrixSymbol("Z", m, n)
U, V, Cc = MatrixSymbol("U", m, n), MatrixSymbol("V", n, m), MatrixSymbol("Cc", n, n)

TRACES = [
    Problem("tr X", "traces", "gradient", Trace(M), M, I),
    Problem("tr(X Xᵀ B)", "traces", "gradient", Trace(X * X.T * B), X, (B + B.T) * X),
    Problem("tr(A X B X)", "traces", "gradient", Trace(A * M * B * M), M, A.T * M.T * B.T + B.T * M.T * A.T),
    Problem(
        "tr(Cᵀ Xᵀ B X C)", "traces", "gradient", Trace(Q.T * X.T * B * X * Q), X, B.T * X * Q * Q.T + B * X * Q * Q.T
    ),
    Problem(
        "tr((A X B + C)(A X B + C)ᵀ)",
        "traces",
        "gradient",
        Trace((P * X * Q + F) * (P * X * Q + F).T),
        X,
        2 * P.T * (P * X * Q + F) * Q.T,
    ),
    Problem("tr(A X³)", "traces", "gradient", Trace(A * M**3), M, (A * M**2 + M * A * M + M**2 * A).T),
    Problem(
        "tr(Bᵀ Xᵀ C X Xᵀ C X B)",
        "traces",
        "gradient",
        Trace(Q.T * X.T * C * X * X.T * C * X * Q),
        X,
        C * X * X.T * C * X * Q * Q.T
        + C.T * X * Q * Q.T * X.T * C.T * X
        + C * X * Q * Q.T * X.T * C * X
        + C.T * X * X.T * C.T * X * Q * Q.T,
    ),
    Problem(
        "tr((Xᵀ C X)⁻¹ A)",
        "traces",
        "gradient",
        Trace(Inverse(X.T * C * X) * D),
        X,
        -C * X * Inverse(X.T * C * X) * D * Inverse(X.T * C * X)
        - (C.T * X * Inverse(X.T * C.T * X)) * D.T * Inverse(X.T * C.T * X),
    ),
    Problem(
        "tr((Xᵀ C X)⁻¹ Xᵀ B X)",
        "traces",
        "gradient",
        Trace(Inverse(X.T * C * X) * (X.T * B * X)),
        X,
        -C * X * Inverse(X.T * C * X) * X.T * B * X * Inverse(X.T * C * X)
        - C.T * X * Inverse(X.T * C.T * X) * X.T * B.T * X * Inverse(X.T * C.T * X)
        + B * X * Inverse(X.T * C * X)
        + B.T * X * Inverse(X.T * C.T * X),
    ),
    Problem(
        "tr((A + Xᵀ C X)⁻¹ Xᵀ B X)",
        "traces",
        "gradient",
        Trace(Inverse(D + X.T * C * X) * (X.T * B * X)),
        X,
        -C * X * Inverse(D + X.T * C * X) * X.T * B * X * Inverse(D + X.T * C * X)
        - C.T * X * Inverse(D.T + X.T * C.T * X) * X.T * B.T * X * Inverse(D.T + X.T * C.T * X)
        + B * X * Inverse(D + X.T * C * X)
        + B.T * X * Inverse(D.T + X.T * C.T * X),
    ),
    Problem("tr(X ⊗ X)", "traces", "gradient", Trace(kron(M, M)), M, 2 * Trace(M) * I),
    Problem("tr(A (B ∘ X) C)", "traces", "gradient", Trace(A * had(B, M) * C), M, had(B, (C * A).T)),
    Problem("tr(diag(x) A)", "traces", "gradient", Trace(dm.diag(x) * A), x, diagonal_of(A)),
    Problem(
        "tr(diag(x) A diag(x) B)",
        "traces",
        "gradient",
        Trace(dm.diag(x) * A * dm.diag(x) * B),
        x,
        (had(A, B.T) + had(A.T, B)) * x,
    ),
    Problem("log tr(A X)", "traces", "gradient", log(Trace(A * M)), M, A.T / Trace(A * M)),
    Problem("exp tr(A X)", "traces", "gradient", sp.exp(Trace(A * M)), M, sp.exp(Trace(A * M)) * A.T),
    Problem("tr(X) tr(X⁻¹)", "traces", "gradient", Trace(M) * Trace(M.I), M, Trace(M.I) * I - Trace(M) * (M.I * M.I).T),
    Problem("tr(X⁻³)", "traces", "gradient", Trace(M**-3), M, -3 * (M.T) ** -4),
    Problem("1ᵀ X 1", "traces", "gradient", one_m.T * X * one_n, X, one_m * one_n.T),
    Problem("tr((Xᵀ X)²)", "traces", "gradient", Trace((X.T * X) ** 2), X, 4 * X * X.T * X),
    Problem(
        "X/tr X", "traces", "jacobian", M / Trace(M), M, Identity(m**2) / Trace(M) - vec(M) * vec(I).T / Trace(M) ** 2
    ),
    Problem(
        "x₁₂ x₂₁",
        "traces",
        "gradient",
        M[0, 1] * M[1, 0],
        M,
        M[0, 1] * dm.column(I, 1) * dm.column(I, 0).T + M[1, 0] * dm.column(I, 0) * dm.column(I, 1).T,
    ),
]

DETERMINANTS = [
    Problem("det(A X B)", "determinants", "gradient", Determinant(A * M * B), M, Determinant(A * M * B) * M.I.T),
    Problem(
        "det(Xᵀ X)",
        "determinants",
        "gradient",
        Determinant(X.T * X),
        X,
        2 * Determinant(X.T * X) * X * Inverse(X.T * X),
    ),
    Problem(
        "det(Xᵀ A X)",
        "determinants",
        "gradient",
        Determinant(X.T * A * X),
        X,
        Determinant(X.T * A * X) * (A * X * Inverse(X.T * A * X) + A.T * X * Inverse(X.T * A.T * X)),
    ),
    Problem("log det(Xᵀ X)", "determinants", "gradient", log(Determinant(X.T * X)), X, 2 * X * Inverse(X.T * X)),
    Problem("det(X)⁵", "determinants", "gradient", Determinant(M) ** 5, M, 5 * Determinant(M) ** 5 * M.I.T),
    Problem("1/det X", "determinants", "gradient", 1 / Determinant(M), M, -1 / Determinant(M) * M.I.T),
    Problem("log det(X)²", "determinants", "gradient", log(Determinant(M) ** 2), M, 2 * M.I.T),
    Problem("√det X", "determinants", "gradient", sp.sqrt(Determinant(M)), M, sp.sqrt(Determinant(M)) / 2 * M.I.T),
    Problem(
        "log det(A + X D Xᵀ) by D",
        "determinants",
        "gradient",
        log(Determinant(A + X * D * X.T)),
        D,
        X.T * Inverse((A + X * D * X.T).T) * X,
    ),
    Problem(
        "log det(A + X Xᵀ)",
        "determinants",
        "gradient",
        log(Determinant(A + X * X.T)),
        X,
        Inverse(A + X * X.T) * X + Inverse(A.T + X * X.T) * X,
    ),
    Problem(
        "log det(I + Xᵀ X)", "determinants", "gradient", log(Determinant(In + X.T * X)), X, 2 * Inverse(I + X * X.T) * X
    ),
    Problem("log det(X ⊗ D)", "determinants", "gradient", log(Determinant(kron(M, D))), M, n * M.I.T),
    Problem("log det(t X) by t", "determinants", "gradient", log(Determinant(t * M)), t, m / t * dm.one()),
    Problem(
        "Hessian of det X",
        "determinants",
        "hessian",
        Determinant(M),
        M,
        Determinant(M) * (vec(M.I.T) * vec(M.I.T).T - K(m, m) * kron(M.I.T, M.I)),
    ),
    Problem(
        "adjugate det(X) X⁻¹",
        "determinants",
        "jacobian",
        Determinant(M) * M.I,
        M,
        Determinant(M) * (vec(M.I) * vec(M.I.T).T - kron(M.I.T, M.I)),
    ),
    Problem("det(A B) = det(B A)", "determinants", "equal", Determinant(A * B), None, Determinant(B * A)),
    Problem("det(t A)", "determinants", "equal", Determinant(t * A), None, t**m * Determinant(A)),
    Problem("Sylvester", "determinants", "equal", Determinant(I + U * V), None, Determinant(In + V * U)),
    Problem(
        "det(A ⊗ D)", "determinants", "equal", Determinant(kron(A, D)), None, Determinant(A) ** n * Determinant(D) ** m
    ),
]

INVERSES = [
    Problem(
        "(Xᵀ X)⁻¹",
        "inverses",
        "jacobian",
        Inverse(X.T * X),
        X,
        -(kron(Inverse(X.T * X), Inverse(X.T * X) * X.T) + kron(Inverse(X.T * X) * X.T, Inverse(X.T * X)) * K(m, n)),
    ),
    Problem("X A⁻¹ X", "inverses", "jacobian", M * A.I * M, M, kron((A.I * M).T, I) + kron(I, M * A.I)),
    Problem(
        "(t I - A)⁻¹ by t", "inverses", "jacobian", Inverse(t * I - A), t, -vec(Inverse(t * I - A) * Inverse(t * I - A))
    ),
    Problem("(t A)⁻¹ x by t", "inverses", "jacobian", Inverse(t * A) * x, t, -A.I * x / t**2),
    Problem(
        "Woodbury, minus",
        "inverses",
        "equal",
        Inverse(A - U * Cc * V),
        None,
        A.I + A.I * U * Inverse(Cc.I - V * A.I * U) * V * A.I,
    ),
    Problem(
        "Woodbury without the inner inverse",
        "inverses",
        "equal",
        Inverse(A + U * Cc * V),
        None,
        A.I - A.I * U * Inverse(In + Cc * V * A.I * U) * Cc * V * A.I,
    ),
    Problem("Hua, first form", "inverses", "equal", Inverse(A + B), None, A.I - Inverse(A + A * B.I * A)),
    Problem("Hua", "inverses", "equal", A - Inverse(A.I + Inverse(B.I - A)), None, A * B * A),
    Problem(
        "(A + X Xᵀ)⁻¹ X", "inverses", "equal", Inverse(A + X * X.T) * X, None, A.I * X * Inverse(In + X.T * A.I * X)
    ),
    Problem("parallel sum", "inverses", "equal", A - A * Inverse(A + B) * A, None, B - B * Inverse(A + B) * B),
    Problem("(I + A B)⁻¹", "inverses", "equal", Inverse(I + A * B), None, I - A * Inverse(I + B * A) * B),
    Problem(
        "the Cayley transform of a skew matrix is orthogonal",
        "inverses",
        "equal",
        ((I - (A - A.T)) * Inverse(I + (A - A.T))).T * ((I - (A - A.T)) * Inverse(I + (A - A.T))),
        None,
        I,
    ),
    Problem(
        "resolvents at two points",
        "inverses",
        "equal",
        Inverse(t * I - A) - Inverse(s * I - A),
        None,
        (s - t) * Inverse(t * I - A) * Inverse(s * I - A),
    ),
    Problem("partial fractions", "inverses", "equal", Inverse(I - A**2), None, (Inverse(I - A) + Inverse(I + A)) / 2),
    Problem("Neumann by two steps", "inverses", "equal", Inverse(I - A), None, (I + A) * Inverse(I - A**2)),
]

BLOCKS = [
    Problem(
        "a product of block matrices",
        "blocks",
        "equal",
        blocks([[A, U], [V, D]]) * blocks([[B, X], [E, D]]),
        None,
        blocks([[A * B + U * E, A * X + U * D], [V * B + D * E, V * X + D * D]]),
    ),
    Problem(
        "block inverse by the other Schur complement",
        "blocks",
        "equal",
        Inverse(blocks([[A, U], [V, D]])),
        None,
        blocks(
            [
                [Inverse(A - U * D.I * V), -Inverse(A - U * D.I * V) * U * D.I],
                [-D.I * V * Inverse(A - U * D.I * V), D.I + D.I * V * Inverse(A - U * D.I * V) * U * D.I],
            ]
        ),
    ),
    Problem(
        "block LDU",
        "blocks",
        "equal",
        blocks([[I, 0], [V * A.I, In]]) * blocks([[A, 0], [0, D - V * A.I * U]]) * blocks([[I, A.I * U], [0, In]]),
        None,
        blocks([[A, U], [V, D]]),
    ),
]

FURTHER_MATRICES: list[Problem] = [
    *TRACES,
    *DETERMINANTS,
    *INVERSES,
    *BLOCKS,
]
