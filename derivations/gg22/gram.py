"""The Gram matrix: equations (8) and (9).

    (8)   H_ij = <grad_A f_i, grad_A f_j> = (gamma^2/m) <z_i, z_j> <q_i, q_j>
    (9)   H = (gamma^2/m) (Z^T Z) o (Q^T Q) is positive semidefinite

Source: gg22, equations (8) and (9).
"""

from fractions import Fraction

import numpy as np
from sympy import MatrixSymbol, Trace, sqrt

import deqmath as dm
from deqmath.bounds import lambda_min
from deqmath.claims.crosscheck import cross_check, cross_check_digits, tolerance
from deqmath.claims.instances import Pair, holds_on

from ._network import digits, i, j, many_digits, net
from .gradient_flow import gram_entry


def gradient_row(k):
    """d f_k / d vec(A)^T, derived through the equilibrium; 1 x m^2."""
    return dm.jacobian(net.f(k), net.A, implicit=net.equations(k)).where(**net.names(k))


def derive_eq8():
    """The product of two gradients, each derived from (2)."""
    row_i, row_j = gradient_row(i), gradient_row(j)
    because = "times the transpose for sample j; mixed product: (zᵢᵀ ⊗ qᵢᵀ)(zⱼ ⊗ qⱼ) = zᵢᵀzⱼ qᵢᵀqⱼ"
    return row_i.times(row_j.result.T, because=because, label="H_ij", names=net.names(j))


@dm.claim(
    "gg22.eq8",
    source="gg22",
    equation="(8)",
    statement="H_ij = (γ²/m) ⟨zᵢ, zⱼ⟩ ⟨qᵢ, qⱼ⟩",
    derivation=derive_eq8,
    exports=lambda: {"H": net.gram()},
)
def entries_of_the_gram_matrix(case):
    """grad_A f_i = (gamma/sqrt(m)) q_i z_i^T, so the inner product of two of them factors."""
    derived = derive_eq8()
    yield derived
    yield derived.proves(gram_entry(i, j))
    # The two gradients by dual numbers, along one direction each: <grad f_i, grad f_j> for all i, j.
    gradient_j = net.gamma * net.q(j) * net.z(j).T / sqrt(net.m)
    yield dm.check_directional_derivative(
        gram_entry(i, j), net.f(i), {net.A: gradient_j}, implicit=net.equations(i), seed=case.seed, level=case.level
    )
    yield dm.check_derivative(gradient_j, net.f(j), net.A, implicit=net.equations(j), seed=case.seed, level=case.level)

    trial = digits(width=32, samples=10)
    yield cross_check(
        net.gram(),
        trial.symbols(),
        trial.network.gram(trial.X),
        tolerance=tolerance(32, trial.network.rho),
        what="(8) on digits, m = 32, n = 10",
        script=trial.script,
    )
    exact = many_digits(8, 3, case.digits)
    yield cross_check_digits(
        net.gram(),
        exact.symbols(),
        exact.network.gram(exact.X.tolist()),
        context=exact.network.context,
        digits=case.digits,
        what="(8) on digits, m = 8",
    )


c = MatrixSymbol("c", net.n, 1)
quadratic_form = c.T * net.gram() * c
weighted = net.Q * dm.diag(c) * net.Z.T
sum_of_squares = net.gamma**2 / net.m * Trace(weighted.T * weighted)


def derive_eq9():
    """The quadratic form of H as a sum of squares."""
    return dm.rewriting(quadratic_form, title="H is positive semidefinite", label="cᵀ H c").then(
        sum_of_squares * dm.one(), because="cᵀ (M ∘ N) c = tr(diag(c) M diag(c) Nᵀ): a squared Frobenius norm (Schur)"
    )


@dm.claim(
    "gg22.eq9",
    source="gg22",
    equation="(9)",
    statement="H = (γ²/m) (ZᵀZ) ∘ (QᵀQ) ⪰ 0",
    derivation=derive_eq9,
    exports=lambda: {"H": net.gram(), "quadratic_form": quadratic_form},
)
def gram_matrix_is_positive_semidefinite(case):
    """For every c, c^T H c = (gamma^2/m) ||Q diag(c) Z^T||_F^2, which is a sum of squares."""
    derived = derive_eq9()
    yield derived
    yield derived.proves(sum_of_squares * dm.one())
    yield dm.check_equal(quadratic_form, sum_of_squares * dm.one(), seed=case.seed, level=case.level)

    trial = digits(width=64, samples=30)
    bound = lambda_min(trial.network.gram(trial.X), digits=6)
    trace = Fraction(float(np.trace(trial.network.gram(trial.X))))
    pair = Pair(1 - bound.lower / trace, Fraction(1), f"λ_min = {bound}", trial.script)
    yield holds_on([pair], "1 - λ_min(H)/tr H ≤ 1, that is λ_min(H) ≥ 0, on 30 digits at m = 64", kind="certified")
