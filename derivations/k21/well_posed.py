"""The equilibrium exists for every A, and the network of finite depth converges to it.

The softmax makes every column of S sum to one, 1^T S = 1^T, with entries above 0. So ||S||_1 = 1 (the largest
column sum), the spectral radius of gamma S is gamma < 1, U = I - gamma S is invertible, and

    z = U^{-1} phi = sum_{k >= 0} (gamma S)^k phi.

H layers with the same weights, z^{k+1} = gamma S z^k + phi from z^0 = phi, give the partial sum; what is missing is

    z - z^H = (gamma S)^{H+1} z,   so   ||z - z^H||_1 <= gamma^{H+1} ||z||_1.

Source: k21, sections 2 and 3.
"""

from fractions import Fraction

import flint
import numpy as np
from sympy import Inverse, MatPow, MatrixSymbol

import deqmath as dm
from deqmath.bounds.balls import ball, ends, precision
from deqmath.claims.instances import Pair, holds_on

from ._network import digits, net

phi = MatrixSymbol("phi", net.m, 1)
z = Inverse(net.U) * phi


@dm.claim(
    "k21.well-posed",
    source="k21",
    equation="Section 2",
    statement="1ᵀS = 1ᵀ, so the spectral radius of γS is γ < 1 and U = I - γS is invertible, for every A",
)
def well_posed_for_every_A(case):
    """1^T S = 1^T says that 1 is a left eigenvector; no eigenvalue exceeds ||S||_1, which is 1. Equivalently,

        1^T U = (1 - gamma) 1^T,   1^T U^{-1} = 1^T/(1 - gamma).

    U^{-1} = sum (gamma S)^k has no negative entry, so ||U^{-1}||_1, its largest column sum, is 1/(1 - gamma).
    """
    yield dm.rewriting(net.ones * net.U, title="a left eigenvector", label="1ᵀU").then(
        (1 - net.gamma) * net.ones, because="1ᵀS = 1ᵀ: the columns of a softmax sum to one"
    )
    yield dm.check_equal(net.ones * net.U, (1 - net.gamma) * net.ones, seed=case.seed, level=case.level)
    sums, determinants = enclosed_columns()
    yield holds_on(sums, "|1ᵀs_j - 1| ≤ 10⁻³⁰, enclosed", kind="certified")
    yield holds_on(determinants, "(1-γ)^m ≤ |det U|, enclosed", kind="certified")
    radii, inverses = [], []
    for gamma in (0.1, 0.6, 0.99):
        for seed, scale in enumerate((1e-3, 1.0, 30.0)):
            network = dm.SoftmaxNetwork.random(width=40, gamma=gamma, seed=seed)
            network = network.with_parameters(A=scale * network.A)
            where = f"m = 40, gamma = {gamma}, entries of A of size {scale:g}"
            radius = float(np.max(np.abs(np.linalg.eigvals(network.gamma * network.S))))
            # The largest eigenvalue is simple, with left vector 1: eigvals gives it to about m u ||S|| kappa.
            radii.append(Pair(abs(radius - gamma), 40 * 40 * 2.0**-52 * gamma, where))
            norm = float(np.max(np.sum(np.abs(np.linalg.inv(network.U)), axis=0)))
            inverses.append(Pair(abs(norm * (1 - gamma) - 1), 40 * 2.0**-52 / (1 - gamma), where))
    yield holds_on(radii, "|spectral radius of γS - γ| ≤ rounding")
    yield holds_on(inverses, "|(1-γ) ‖U⁻¹‖₁ - 1| ≤ rounding")


def enclosed_columns():
    """In balls, for entries of A from tiny to huge: column sums of S, and det U, a product of m numbers 1 - gamma lambda."""
    sums, determinants, m = [], [], 10
    with precision(160):
        for gamma in (0.1, 0.6, 0.99):
            for seed, scale in enumerate((1e-3, 1.0, 30.0)):
                A = scale * np.random.default_rng(seed).standard_normal((m, m))
                weights = [[ball(float(a)).exp() for a in row] for row in A]
                totals = [sum((row[k] for row in weights), flint.arb(0)) for k in range(m)]
                S = [[row[k] / totals[k] for k in range(m)] for row in weights]
                where = f"m = {m}, gamma = {gamma}, entries of A of size {scale:g}"
                error = max(ends(abs(sum((row[k] for row in S), flint.arb(0)) - 1))[1] for k in range(m))
                sums.append(Pair(error, Fraction(1, 10**30), where))
                U = flint.arb_mat([[int(r == k) - ball(gamma) * S[r][k] for k in range(m)] for r in range(m)])
                determinants.append(Pair((1 - Fraction(gamma)) ** m, ends(abs(U.det()))[0], where))
    return sums, determinants


H = 6
partial = dm.neumann(net.gamma * net.S, phi, terms=H + 1)


@dm.claim(
    "k21.depth",
    source="k21",
    equation="Section 3",
    statement="the H-layer network with tied weights differs from the implicit layer by (γS)^{H+1} z, at most γ^{H+1} ‖z‖₁",
)
def depth_limit(case):
    """Subtract z^{k+1} = gamma S z^k + phi from z = gamma S z + phi: the error is multiplied by gamma S at each layer,
    and it is z - phi = gamma S z at the start. Columns of S sum to 1, so ||gamma S v||_1 <= gamma ||v||_1.
    """
    error = MatPow(net.gamma * net.S, H + 1) * z
    yield dm.check_equal(z - partial.partial_sum, error, seed=case.seed, level=case.level)
    network = digits(40, 6).network
    # Features of both signs; and of one sign, for which nothing cancels in (gamma S)^{H+1} z and the two sides are equal.
    pairs, own = [], digits(40, 6).features
    for features, sign in ((own - own.mean(), "both signs"), (own, "no negative one")):
        equilibrium, depth = np.asarray(network.equilibrium(features)), features.copy()
        for k in range(1, 25):
            depth = network.gamma * depth @ np.asarray(network.S).T + features
            for i in range(len(features)):
                left = float(np.sum(np.abs(equilibrium[i] - depth[i])))
                right = network.gamma ** (k + 1) * float(np.sum(np.abs(equilibrium[i])))
                where = f"features of {sign}, sample {i}, H = {k}"
                pairs.append(Pair(left, right, where, digits(40, 6).script))
    # Both sides shrink to gamma^25 ||z||, about 3e-6 ||z||; the equilibrium carries m kappa u of it.
    yield holds_on(pairs, "‖z - z^H‖₁ ≤ γ^{H+1} ‖z‖₁", tolerance=digits(40, 6).tolerance() / network.gamma**25)
