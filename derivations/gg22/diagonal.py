"""Section 5.2: A diagonal. The Gram matrix tends to the product of two arc-cosine kernels, at a rate with explicit constants.

For A = diag(a_r), a_r = +-1 or uniform on [-1, 1], (2) separates: z_r = phi_r/(1 - gamma a_r) and q_r = b_r 1[w_r.x > 0]/(1 - gamma a_r), so

    H_ij = gamma_0^2 [(1/m) sum_r s_r phi_ir phi_jr] [(1/m) sum_r s_r 1[w_r.x_i > 0] 1[w_r.x_j > 0]],      s_r = (1 - gamma a_r)^{-2},

and s_r tends to 1 with gamma = gamma_0/sqrt(m). With K_1 from (28) and K_0 = (pi - arccos t)/(2 pi): H -> H_oo = gamma_0^2 K_1 o K_0.

Rate. With probability at least 1 - delta, for all pairs at once, t = log(4 n^2/delta)/m:

    |mean of 1[.]1[.] - K_0| <= h_0 = sqrt(t/2)                (Hoeffding: summands in [0, 1]),
    |mean of phi phi - K_1| <= h_1 = sqrt(3 t) + 2 t           (Bernstein: E Y^q <= q!/2 (3/2) 2^(q-2)),

and, with s = max s_r - 1 <= (1 - gamma)^{-2} - 1 and 1 - min s_r <= s,

    |H_ij - H_oo,ij| <= gamma_0^2 (e_1 K_0 + e_0 K_1 + e_0 e_1),      e_k = h_k + s (K_k + h_k).

The paper uses Hoeffding for both; the summands of K_1 are unbounded for Gaussian W, so Bernstein takes its place. Where w_r.x <= 0 the
pre-activation is exactly 0: the formulas above take the gate closed there, as D = diag(1[u > 0]) says; z has no derivative in the
off-diagonal entries of A at such a unit.

Source: gg22, Section 5.2.
"""

from fractions import Fraction

import numpy as np
from sympy import Symbol

import deqmath as dm
from deqmath.bounds import bernstein, hoeffding, inverse_quadratic_form, limit_kernel
from deqmath.checking.statistical import PowerLaw, power_law
from deqmath.claims.coverage import fails_at_most
from deqmath.claims.instances import Pair, holds_on
from deqmath.numeric import ReLUNetwork

from ._network import digits, net

DELTA, GAMMA0 = 0.05, 0.25
DRAWS = {"quick": 1000, "standard": 1000, "thorough": 10_000}
INPUTS = np.array([[1.0, 0.0], [0.6, 0.8], [-0.28, 0.96]])


def kernels(X):
    """(K_0, K_1) of unit rows, in float64, by the closed forms."""
    t = np.clip(X @ X.T, -1, 1)
    angle = np.pi - np.arccos(t)
    return angle / (2 * np.pi), (np.sqrt(np.maximum(1 - t * t, 0)) + t * angle) / (2 * np.pi)


def deviation(m, n, K0, K1):
    """The entrywise bound of the rate."""
    share = Fraction(DELTA) / (4 * n * n)
    h0 = float(hoeffding(m, share).upper)
    h1 = float(bernstein(m, share, Fraction(3, 2), 2).upper)
    s = (1 - GAMMA0 / np.sqrt(m)) ** -2 - 1
    e0, e1 = h0 + s * (K0 + h0), h1 + s * (K1 + h1)
    return GAMMA0**2 * (e1 * K0 + e0 * K1 + e0 * e1)


def signs(rng, shape):
    """Entries +-1 of the diagonal."""
    return rng.choice([-1.0, 1.0], shape)


def uniform(rng, shape):
    """Entries of the diagonal uniform on [-1, 1]."""
    return rng.uniform(-1.0, 1.0, shape)


def grams(rng, m, count, entries=signs):
    """Gram matrices of that many draws of the diagonal network, by the separated formulas; count x 3 x 3."""
    W = rng.standard_normal((count, m, 2)) @ INPUTS.T
    s = (1 - GAMMA0 / np.sqrt(m) * entries(rng, (count, m))) ** -2
    phi, step = np.maximum(W, 0), (W > 0).astype(float)
    first = np.einsum("km,kmi,kmj->kij", s, phi, phi, optimize=True) / m
    second = np.einsum("km,kmi,kmj->kij", s, step, step, optimize=True) / m
    return GAMMA0**2 * first * second


@dm.claim(
    "gg22.sec5.2-limit",
    source="gg22",
    equation="Section 5.2",
    statement="A diagonal: |H_ij - γ₀² K₁K₀| ≤ γ₀²(e₁K₀ + e₀K₁ + e₀e₁), all pairs, with probability 1 - δ; rate m^(-1/2)",
)
def limit_of_the_gram_matrix(case):
    """The separated solution is exact; the trainer agrees; a thousand draws stay inside the explicit deviation; the rate is fitted."""
    # One unit: z = phi/(1 - gamma a) solves z = relu(gamma a z + phi) where phi > 0, gamma a < 1.
    a, gamma = Symbol("a", real=True), net.gamma
    one = dm.one()
    z, phi = dm.direction(one, "z"), dm.direction(one, "phi")
    holds = dm.equation(z - (gamma * a * z + phi), z)
    yield dm.check_equal((1 - gamma * a) * z, phi, assuming=[holds], seed=case.seed, level=case.level)
    network = ReLUNetwork.random(width=200, inputs=2, gamma0=GAMMA0, init="diagonal", seed=3)
    other = network.with_parameters(A=np.diag(uniform(case.rng(), 200)))
    yield holds_on(
        [separated(network, "entries +-1, seed 3"), separated(other, "uniform entries")],
        "|trainer's H - separated H| ≤ m u max H, diagonal A, m = 200",
    )

    K0, K1 = kernels(INPUTS)
    exact = limit_kernel(INPUTS, gamma0=GAMMA0, kind="diagonal")
    ends = [
        Pair(abs(Fraction(float(limit)) - exact.H.entry(i, j).mid), Fraction(1, 10**9), f"({i}, {j})")
        for (i, j), limit in np.ndenumerate(GAMMA0**2 * K0 * K1)
    ]
    yield holds_on(ends, "|γ₀² K₁K₀ - enclosed limit kernel| ≤ 10⁻⁹", kind="certified")

    rng, m = case.rng(), 400
    for entries, words in ((signs, "entries ±1"), (uniform, "uniform entries")):
        gaps = np.abs(grams(rng, m, DRAWS[case.level], entries) - GAMMA0**2 * K1 * K0) / deviation(m, 3, K0, K1)
        what = f"|H_ij - H∞_ij| ≤ deviation for all pairs, {words}, m = {m},"
        yield fails_at_most(gaps.max(axis=(1, 2)), DELTA, what)
        yield power_law(
            *errors(rng, entries, GAMMA0**2 * K1 * K0), PowerLaw(Fraction(-1, 2)), f"max |H_ij - H∞_ij|, {words},"
        )


def errors(rng, entries, limit):
    """(widths, max |H_ij - H_oo,ij|) of 60 draws at each of four widths."""
    widths = (100, 200, 400, 800)
    found = [np.abs(H - limit).max() for width in widths for H in grams(rng, width, 60, entries)]
    return np.repeat(widths, 60), found


def separated(network, where):
    """The trainer's Gram matrix against the formulas for one network."""
    a = np.diag(network.A)
    s = (1 - network.gamma * a) ** -2
    u = INPUTS @ network.W.T
    first, second = (np.maximum(u, 0) * s) @ np.maximum(u, 0).T, ((u > 0) * s) @ (u > 0).T
    formula = network.gamma**2 / network.width * first * second
    found = np.asarray(network.gram(INPUTS))
    return Pair(float(np.abs(found - formula).max()), float(network.width * 2.0**-53 * np.abs(formula).max()), where)


@dm.claim(
    "gg22.sec5.2-bound",
    source="gg22",
    equation="Section 5.2, bound",
    statement="√(yᵀ(H∞)⁻¹y/n) is computed from the data alone; √(yᵀH₀⁻¹y/n) is within the factors (1 ± ε/λ∞)^(-1/2) of it",
)
def bound_from_the_limit_kernel(case):
    """||H_0 - H_oo|| <= eps < lambda_oo squeezes the forms: (1 - eps/lambda_oo) H_oo <= H_0 <= (1 + eps/lambda_oo) H_oo. Tried on
    three digits; on twenty, true labels are ranked below random ones.
    """
    few = digits(64, 3)
    H, limit = limit_gram(few.X)
    pairs = []
    for width in (4000, 16_000):
        gram = diagonal_gram(few.X, width, case)
        share = float(np.linalg.norm(gram - H, 2)) / limit
        forms = [float(inverse_quadratic_form(M, few.y, digits=12).mid) for M in (H, gram)]
        pairs.append(Pair(forms[0] / (1 + share), forms[1], f"from below, m = {width}"))
        pairs.append(Pair(forms[1], forms[0] / (1 - share) if share < 1 else np.inf, f"from above, m = {width}"))
    yield holds_on(pairs, "yᵀH∞⁻¹y/(1 + ε/λ∞) ≤ yᵀH₀⁻¹y ≤ yᵀH∞⁻¹y/(1 - ε/λ∞) on 3 digits", tolerance=1e-9)

    trial = digits(64, 20)
    H, _ = limit_gram(trial.X)
    form = inverse_quadratic_form(H, trial.y, digits=12)
    rng = case.rng()
    labels = rng.choice([-1.0, 1.0], (DRAWS[case.level], 20))
    forms = np.einsum("ki,ki->k", labels, np.linalg.solve(H, labels.T).T)
    value = float(form.upper)
    yield fails_at_most(
        value / forms, 0.01, f"√(yᵀ(H∞)⁻¹y/n) = {np.sqrt(value / 20):.3g} for true labels ≤ that for random labels,"
    )


def limit_gram(X):
    """H_oo in float64, and a proved lower bound on its least eigenvalue."""
    found = limit_kernel(X, gamma0=GAMMA0, kind="diagonal")
    n = len(X)
    values = [[float(found.H.entry(i, j).mid) for j in range(n)] for i in range(n)]
    return np.array(values), float(found.lambda_min.lower)


def diagonal_gram(X, width, case):
    """The Gram matrix of one diagonal network on the data, symmetric in float64."""
    seed = int(case.rng().integers(2**31))
    rng = np.random.default_rng(seed)
    W, s = (
        rng.standard_normal((width, X.shape[1])),
        (1 - GAMMA0 / np.sqrt(width) * rng.choice([-1.0, 1.0], width)) ** -2,
    )
    u = X @ W.T
    gram = (GAMMA0 / width) ** 2 * ((np.maximum(u, 0) * s) @ np.maximum(u, 0).T) * (((u > 0) * s) @ (u > 0).T)
    return (gram + gram.T) / 2
