"""Section 5.1: the half-normal initialisation, its Neumann series, and a finding about its scaling.

With A entrywise nonnegative and phi = relu(W x) >= 0, every pre-activation is nonnegative, the gate
drops out of (2), and

    z = (I - gamma A)^{-1} phi = sum_k (gamma A)^k phi      where gamma ||A|| < 1.

The paper takes gamma = gamma_0/sqrt(m), which asks for ||A|| <= c sqrt(m). A half-normal matrix has
mean sqrt(2/pi) in every entry, so ||A|| is about m sqrt(2/pi): the condition fails, and the series
diverges, once m is large. With gamma = gamma_0/m it holds again.

Source: gg22, Section 5.1, equation (26) and the two displays after it.
"""

from fractions import Fraction

import numpy as np

import deqmath as dm
from deqmath.bounds import operator_norm
from deqmath.calculus.signs import nonnegative_because
from deqmath.checking.statistical import PowerLaw, power_law
from deqmath.claims.crosscheck import cross_check, tolerance
from deqmath.claims.instances import Pair, holds_on
from deqmath.expressions.statements import NormAtMost

from ._network import digits, net

A, z, phi, gamma = net.A, net.z(), net.phi(), net.gamma
series = dm.neumann(gamma * A, phi, terms=3)
nonnegative = dm.nonnegative(net.u())
holds = dm.equation(net.residual(), z)


def derive_neumann():
    """relu drops out by signs, the linear equation is solved, the resolvent is expanded."""
    given = "; ".join(nonnegative_because(gamma * A * z + phi, {A, z, phi}))
    derived = dm.rewriting(z, title="the equilibrium of a nonnegative network", label="z")
    derived = derived.then(dm.relu(net.u()), because="equation (2)", assuming=[holds])
    derived = derived.then(
        net.u(), because=f"u = γ A z + φ ≥ 0, since {given}; and z = relu(u) ≥ 0", assuming=[nonnegative]
    )
    derived = derived.then(
        series.closed_form, because="the linear equation z - γ A z = φ solved", assuming=[series.condition]
    )
    return derived.then(series.partial_sum + series.remainder, because="(I - M)⁻¹ = I + M + M² + M³ (I - M)⁻¹, M = γ A")


@dm.claim(
    "gg22.sec5.1-neumann",
    source="gg22",
    equation="Section 5.1",
    statement="A ≥ 0, φ ≥ 0, γ‖A‖ < 1: z = (I - γ A)⁻¹ φ = Σₖ (γ A)ᵏ φ",
    derivation=derive_neumann,
    exports=lambda: {"z": series.closed_form, "three_terms": series.partial_sum, "tail": series.remainder},
)
def neumann_series_of_the_equilibrium(case):
    """All gates are open, so (2) is linear; the tail after K terms is (gamma A)^K z."""
    yield derive_neumann()
    yield dm.check_equal(series.closed_form, z, assuming=[holds, nonnegative], seed=case.seed, level=case.level)
    yield dm.check_equal(series.remainder, series.closed_form - series.partial_sum, seed=case.seed, level=case.level)

    rho, size = dm.norm_symbol(gamma * A), dm.norm_symbol(phi)
    tail = NormAtMost(series.remainder, series.tail_bound(rho, size), ((rho, gamma * A), (size, phi)), (), rho)
    yield dm.checking.judge(tail, seed=case.seed, level=case.level)

    # On digits, with gamma small enough: gamma_0 = 0.15 at m = 32 gives rho about 0.68.
    trial = digits(width=32, samples=8, gamma0=0.15, init="half-normal")
    yield cross_check(
        series.closed_form,
        trial.sample(3),
        trial.sample(3)["z"],
        tolerance=tolerance(32, trial.network.rho),
        what="z = (I - γ A)⁻¹ φ on digits, m = 32",
        script=trial.script,
    )


@dm.claim(
    "gg22.sec5.1-norm",
    source="gg22",
    equation="(26)",
    statement="A half-normal, γ = γ₀/√m: γ‖A‖ < 1 for all large m, as ‖A‖ ≤ c√m",
    expect="refuted",
)
def norm_of_a_half_normal_matrix(case):
    """Every entry has mean sqrt(2/pi), so 1^T A 1/m, a lower bound on ||A||, is near m sqrt(2/pi).

    Shown: a draw at m = 100 whose norm is certified to be too large; divergence of the series there
    (the spectral radius of a nonnegative matrix is at least its least row sum); and the growth exponent
    of ||A|| with its interval.
    """
    m, gamma0 = 100, 0.25
    A = np.abs(np.random.default_rng(case.seed).standard_normal((m, m)))
    norm = operator_norm(A, digits=6)
    gamma = Fraction(gamma0) / 10  # gamma_0/sqrt(100)
    least_row_sum = min(sum(map(Fraction, row)) for row in A.tolist())
    script = (
        "import numpy as np\n"
        f"m, gamma0 = {m}, {gamma0}\n"
        f"A = np.abs(np.random.default_rng({case.seed}).standard_normal((m, m)))\n"
        "gamma = gamma0 / np.sqrt(m)\n"
        f"print(gamma * np.linalg.norm(A, 2))      # {float(gamma * norm.lower):.6f} > 1: (2) need not be a contraction\n"
        f"print(gamma * A.sum(axis=1).min())       # {float(gamma * least_row_sum):.6f} > 1: the Neumann series diverges"
    )
    for left, what in (
        (gamma * norm.lower, "γ‖A‖ ≤ 1"),
        (gamma * least_row_sum, "spectral radius of γ A ≤ 1, without which Σₖ (γ A)ᵏ φ diverges,"),
    ):
        yield holds_on([Pair(left, Fraction(1), f"m = {m}, γ₀ = {gamma0}, proved", script)], what, kind="certified")

    yield power_law(*norms(case), PowerLaw(Fraction(1, 2)), "‖A‖ of a half-normal matrix")


def norms(case):
    """(widths, ||A||) of 48 half-normal draws."""
    widths, rng = [50, 71, 100, 141, 200, 283] * 8, np.random.default_rng(case.seed + 1)
    return widths, [float(np.linalg.norm(np.abs(rng.standard_normal((w, w))), 2)) for w in widths]


@dm.claim(
    "gg22.sec5.1-norm-repaired",
    source="gg22",
    equation="(26), repaired",
    statement="A half-normal, γ = γ₀/m with γ₀ < √(π/2): γ‖A‖ < 1 for all large m, as ‖A‖ grows like m√(2/π)",
)
def norm_under_the_repaired_scaling(case):
    """The exponent of ||A|| is 1, its factor sqrt(2/pi), and gamma ||A|| < 1 at gamma_0 = 0.25."""
    widths, found = norms(case)
    yield power_law(widths, found, PowerLaw(Fraction(1)), "‖A‖ of a half-normal matrix", 0.9999)
    factor = np.sqrt(2 / np.pi)
    # E ||A|| exceeds 1^T E A 1/m = m sqrt(2/pi) by the norm of the centred part over it, which is below 1: a term of order 1.
    shares = [Pair(abs(s / w - factor), 4 / w, f"m = {w}") for w, s in zip(widths, found, strict=True)]
    yield holds_on(shares, "|‖A‖/m - √(2/π)| ≤ 4/m")
    ratios = [Pair(0.25 / w * s, 1.0, f"m = {w}") for w, s in zip(widths, found, strict=True)]
    yield holds_on(ratios, "γ‖A‖ ≤ 1 under γ = γ₀/m, γ₀ = 0.25")
