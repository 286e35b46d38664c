"""More identities: norms, forms, and the formulas of estimation (least squares, Gaussians, Kalman)."""

from __future__ import annotations

import sympy as sp
from sympy import Determinant, Inverse, MatrixSymbol, Symbol, Trace, log
from sympy.matrices.expressions import OneMatrix, ZeroMatrix

import deqmath as dm
from deqmath.expressions import squared_norm

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
    a,
    b,
    kron,
    m,
    n,
    one_m,
    u,
    x,
    y,
)

one_n = OneMatrix(n, 1)
bn = MatrixSymbol("bn", n, 1)
S, w, mu = MatrixSymbol("S", m, m), MatrixSymbol("w", m, 1), MatrixSymbol("mu", m, 1)
lam, sig = Symbol("lambda"), Symbol("sigma")
#: ``(x - mu)^T S^{-1} (x - mu)``
deviation = Trace((x - mu).T * S.I * (x - mu))
#: The Kalman gain ``A E^T (E A E^T + D)^{-1}``
gain = A * E.T * Inverse(E * A * E.T + D)

NORMS = [
    Problem("‖X‖⁴", "norms", "gradient", Trace(X.T * X) ** 2, X, 4 * Trace(X.T * X) * X),
    Problem("‖Xᵀ X - I‖²", "norms", "gradient", squared_norm(X.T * X - In), X, 4 * X * (X.T * X - In)),
    Problem("‖X‖", "norms", "gradient", sp.sqrt(Trace(X.T * X)), X, X / sp.sqrt(Trace(X.T * X))),
    Problem(
        "‖x - a‖",
        "norms",
        "gradient",
        sp.sqrt(Trace((x - a).T * (x - a))),
        x,
        (x - a) / sp.sqrt(Trace((x - a).T * (x - a))),
    ),
    Problem("1/‖x‖", "norms", "gradient", 1 / sp.sqrt(Trace(x.T * x)), x, -x / sp.sqrt(Trace(x.T * x)) ** 3),
    Problem(
        "x/‖x‖",
        "norms",
        "jacobian",
        x / sp.sqrt(Trace(x.T * x)),
        x,
        I / sp.sqrt(Trace(x.T * x)) - x * x.T / sp.sqrt(Trace(x.T * x)) ** 3,
    ),
    Problem(
        "(x - a)/‖x - a‖",
        "norms",
        "jacobian",
        (x - a) / sp.sqrt(Trace((x - a).T * (x - a))),
        x,
        I / sp.sqrt(Trace((x - a).T * (x - a))) - (x - a) * (x - a).T / sp.sqrt(Trace((x - a).T * (x - a))) ** 3,
    ),
    Problem(
        "Hessian of ‖x‖",
        "norms",
        "hessian",
        sp.sqrt(Trace(x.T * x)),
        x,
        I / sp.sqrt(Trace(x.T * x)) - x * x.T / sp.sqrt(Trace(x.T * x)) ** 3,
    ),
    Problem("Hessian of ‖x‖⁴", "norms", "hessian", Trace(x.T * x) ** 2, x, 4 * Trace(x.T * x) * I + 8 * x * x.T),
    Problem(
        "cosine of an angle",
        "norms",
        "gradient",
        Trace(x.T * a) / (sp.sqrt(Trace(x.T * x)) * sp.sqrt(Trace(a.T * a))),
        x,
        a / (sp.sqrt(Trace(x.T * x)) * sp.sqrt(Trace(a.T * a)))
        - Trace(x.T * a) * x / (sp.sqrt(Trace(x.T * x)) ** 3 * sp.sqrt(Trace(a.T * a))),
    ),
    Problem(
        "parallelogram law",
        "norms",
        "equal",
        squared_norm(A + B) + squared_norm(A - B),
        None,
        2 * squared_norm(A) + 2 * squared_norm(B),
    ),
    Problem("polarisation", "norms", "equal", (squared_norm(a + b) - squared_norm(a - b)) / 4, None, Trace(a.T * b)),
    Problem("a reflection is an involution", "norms", "equal", (I - 2 * u * u.T / Trace(u.T * u)) ** 2, None, I),
    Problem(
        "Lagrange's identity",
        "norms",
        "equal",
        Trace(a.T * a) * Trace(b.T * b) - Trace(a.T * b) ** 2,
        None,
        squared_norm(a * b.T - b * a.T) / 2,
    ),
]

QUADRATIC_FORMS = [
    Problem(
        "Hessian of tr(A X B X)",
        "quadratic forms",
        "hessian",
        Trace(A * M * B * M),
        M,
        K(m, m) * kron(A.T, B) + K(m, m) * kron(B.T, A),
    ),
    Problem(
        "Hessian of tr(Xᵀ A X B)", "quadratic forms", "hessian", Trace(X.T * A * X * D), X, kron(D.T, A) + kron(D, A.T)
    ),
    Problem(
        "Hessian of tr(X³)", "quadratic forms", "hessian", Trace(M**3), M, 3 * K(m, m) * (kron(M.T, I) + kron(I, M))
    ),
    Problem(
        "Hessian of exp(-½ xᵀ A x)",
        "quadratic forms",
        "hessian",
        sp.exp(-Trace(x.T * A * x) / 2),
        x,
        sp.exp(-Trace(x.T * A * x) / 2) * ((A + A.T) * x * x.T * (A + A.T) / 4 - (A + A.T) / 2),
    ),
    Problem(
        "Hessian of xᵀ A x aᵀ x",
        "quadratic forms",
        "hessian",
        Trace(x.T * A * x) * Trace(a.T * x),
        x,
        Trace(a.T * x) * (A + A.T) + (A + A.T) * x * a.T + a * x.T * (A + A.T),
    ),
    Problem(
        "Hessian of ½‖A X B - C‖²",
        "quadratic forms",
        "hessian",
        squared_norm(P * X * Q - F) / 2,
        X,
        kron(Q * Q.T, P.T * P),
    ),
    Problem(
        "Hessian of ¼ tr((Xᵀ X)²)",
        "quadratic forms",
        "hessian",
        Trace((X.T * X) ** 2) / 4,
        X,
        kron(X.T * X, I) + kron(In, X * X.T) + kron(X.T, X) * K(m, n),
    ),
    Problem(
        "generalised Rayleigh quotient",
        "quadratic forms",
        "gradient",
        Trace(x.T * A * x) / Trace(x.T * B * x),
        x,
        (A + A.T) * x / Trace(x.T * B * x) - Trace(x.T * A * x) / Trace(x.T * B * x) ** 2 * (B + B.T) * x,
    ),
    Problem(
        "trace ratio",
        "quadratic forms",
        "gradient",
        Trace(X.T * A * X) / Trace(X.T * B * X),
        X,
        (A + A.T) * X / Trace(X.T * B * X) - Trace(X.T * A * X) / Trace(X.T * B * X) ** 2 * (B + B.T) * X,
    ),
    Problem(
        "(a - X y)ᵀ C (a - X y) by X",
        "quadratic forms",
        "gradient",
        (a - X * y).T * C * (a - X * y),
        X,
        -(C + C.T) * (a - X * y) * y.T,
    ),
    Problem("bᵀ Xᵀ X c", "quadratic forms", "gradient", y.T * X.T * X * bn, X, X * (y * bn.T + bn * y.T)),
    Problem(
        "aᵀ X³ b",
        "quadratic forms",
        "gradient",
        a.T * M**3 * b,
        M,
        a * b.T * (M.T) ** 2 + M.T * a * b.T * M.T + (M.T) ** 2 * a * b.T,
    ),
]

INFERENCE = [
    Problem(
        "Hessian of the logistic loss",
        "inference",
        "hessian",
        one_n.T * dm.elementwise(lambda z: log(1 + sp.exp(z)), E * x) - bn.T * E * x,
        x,
        E.T * dm.diag(dm.elementwise(lambda z: sp.exp(z) / (1 + sp.exp(z)) ** 2, E * x)) * E,
    ),
    Problem(
        "X (Xᵀ X)⁻¹ Xᵀ a by X",
        "inference",
        "jacobian",
        X * Inverse(X.T * X) * X.T * a,
        X,
        kron((Inverse(X.T * X) * X.T * a).T, I - X * Inverse(X.T * X) * X.T)
        + kron(((I - X * Inverse(X.T * X) * X.T) * a).T, X * Inverse(X.T * X)) * K(m, n),
    ),
    Problem(
        "ridge estimate by λ",
        "inference",
        "jacobian",
        Inverse(X.T * X + lam * In) * X.T * a,
        lam,
        -Inverse(X.T * X + lam * In) * Inverse(X.T * X + lam * In) * X.T * a,
    ),
    Problem(
        "generalised least squares by the covariance",
        "inference",
        "jacobian",
        Inverse(X.T * A.I * X) * X.T * A.I * a,
        A,
        -kron((A.I * (a - X * Inverse(X.T * A.I * X) * X.T * A.I * a)).T, Inverse(X.T * A.I * X) * X.T * A.I),
    ),
    Problem(
        "Kalman gain by the noise",
        "inference",
        "jacobian",
        A * X * Inverse(E * A * X + D),
        D,
        -kron(Inverse(E * A * X + D).T, A * X * Inverse(E * A * X + D)),
    ),
    Problem(
        "Kalman gain by the covariance",
        "inference",
        "jacobian",
        A * E.T * Inverse(E * A * E.T + D),
        A,
        kron((E.T * Inverse(E * A * E.T + D)).T, I - A * E.T * Inverse(E * A * E.T + D) * E),
    ),
    Problem(
        "Gaussian log-likelihood by the mean",
        "inference",
        "gradient",
        -deviation / 2 - log(Determinant(S)) / 2,
        mu,
        (S.I + S.I.T) * (x - mu) / 2,
    ),
    Problem(
        "Gaussian log-likelihood by the covariance",
        "inference",
        "gradient",
        -deviation / 2 - log(Determinant(S)) / 2,
        S,
        S.I.T * (x - mu) * (x - mu).T * S.I.T / 2 - S.I.T / 2,
    ),
    Problem(
        "Gaussian log-likelihood by the precision",
        "inference",
        "gradient",
        log(Determinant(S)) / 2 - Trace((x - mu).T * S * (x - mu)) / 2,
        S,
        S.I.T / 2 - (x - mu) * (x - mu).T / 2,
    ),
    Problem(
        "divergence of two Gaussians by a covariance",
        "inference",
        "gradient",
        (Trace(S.I * A) + Trace((mu - x).T * S.I * (mu - x)) - m + log(Determinant(S)) - log(Determinant(A))) / 2,
        A,
        (S.I.T - A.I.T) / 2,
    ),
    Problem(
        "Wishart log-likelihood",
        "inference",
        "gradient",
        (n - m - 1) / 2 * log(Determinant(M)) - Trace(S.I * M) / 2,
        M,
        (n - m - 1) / 2 * M.I.T - S.I.T / 2,
    ),
    Problem(
        "isotropic Gaussian by σ",
        "inference",
        "gradient",
        -Trace((x - mu).T * (x - mu)) / (2 * sig**2) - m * log(sig),
        sig,
        (Trace((x - mu).T * (x - mu)) / sig**3 - m / sig) * dm.one(),
    ),
    Problem(
        "marginal likelihood by λ",
        "inference",
        "gradient",
        Trace(a.T * Inverse(lam * I + A) * a) + log(Determinant(lam * I + A)),
        lam,
        (-Trace(a.T * Inverse(lam * I + A) * Inverse(lam * I + A) * a) + Trace(Inverse(lam * I + A))) * dm.one(),
    ),
    Problem(
        "factor analysis",
        "inference",
        "gradient",
        log(Determinant(X * X.T + dm.diag(x))) + Trace(Inverse(X * X.T + dm.diag(x)) * S),
        X,
        2 * Inverse(X * X.T + dm.diag(x)) * X
        - Inverse(X * X.T + dm.diag(x)) * (S + S.T) * Inverse(X * X.T + dm.diag(x)) * X,
    ),
    Problem(
        "weighted least squares",
        "inference",
        "gradient",
        (E * x - bn).T * D * (E * x - bn),
        x,
        E.T * (D + D.T) * (E * x - bn),
    ),
    Problem(
        "ridge regression",
        "inference",
        "gradient",
        squared_norm(E * x - bn) + lam * squared_norm(x),
        x,
        2 * E.T * (E * x - bn) + 2 * lam * x,
    ),
    Problem(
        "Kalman gain, two forms",
        "inference",
        "equal",
        Inverse(A.I + E.T * D.I * E) * E.T * D.I,
        None,
        A * E.T * Inverse(E * A * E.T + D),
    ),
    Problem(
        "covariance update",
        "inference",
        "equal",
        (I - A * E.T * Inverse(E * A * E.T + D) * E) * A,
        None,
        Inverse(A.I + E.T * D.I * E),
    ),
    Problem(
        "Joseph form",
        "inference",
        "equal",
        (I - gain * E) * A * (I - gain * E).T + gain * D * gain.T,
        None,
        (I - gain * E) * A,
    ),
    Problem(
        "ridge, primal and dual",
        "inference",
        "equal",
        Inverse(X.T * X + lam * In) * X.T,
        None,
        X.T * Inverse(X * X.T + lam * I),
    ),
    Problem(
        "the hat matrix is idempotent",
        "inference",
        "equal",
        X * Inverse(X.T * X) * X.T * X * Inverse(X.T * X) * X.T,
        None,
        X * Inverse(X.T * X) * X.T,
    ),
    Problem(
        "residuals are orthogonal to X",
        "inference",
        "equal",
        (I - X * Inverse(X.T * X) * X.T) * X,
        None,
        ZeroMatrix(m, n),
    ),
    Problem(
        "the centering matrix is idempotent",
        "inference",
        "equal",
        (I - one_m * one_m.T / m) ** 2,
        None,
        I - one_m * one_m.T / m,
    ),
]

FURTHER_MODELS: list[Problem] = [
    *NORMS,
    *QUADRATIC_FORMS,
    *INFERENCE,
]
