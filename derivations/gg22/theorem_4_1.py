"""Theorem 4.1: the generalisation bound.

Let the samples be n independent draws, the loss l be Lip-Lipschitz in the prediction with values in [0, 1]. With probability at least
1 - delta over the samples, for the coupled flow's limit g (Lemma 4.2) in the ball of radius B of the kernel K_0,

    (20)   E l(g(x), y) <= (1/n) sum_i l(g(x_i), y_i) + 2 Lip B sqrt(tr H)/n + 3 sqrt(log(2/delta)/(2 n)),

and for the trained network the coupling error (24) of Lemma 4.4 is added. Where u(0) is small the leading term is

    2 Lip sqrt(y^T H^{-1} y tr H)/n  ~  sqrt(y^T H^{-1} y / n)  =  (sum_k (v_k^T y)^2/(n lambda_k))^{1/2},      H = sum_k lambda_k v_k v_k^T.

Taken from the literature, not proved here: the uniform bound by Rademacher complexity (symmetrisation, McDiarmid's inequality and Talagrand's
contraction lemma), for a radius B that is fixed before the samples are seen. The paper takes B from the samples.

That l has values in [0, 1] is needed; Section 4 says "any Lipschitz continuous loss function", and Appendix A, where a bound on the loss may
stand, is missing in our copy. The last term does not grow with l, and the risk does: let
x be e_1 with target 0, or with probability 1/10 e_2 with target 1, n = 1, f_0 = 0 at both, and l = 100 |f - y|. Nine samples in ten are e_1; then
B = 0, the empirical risk is 0, training changes nothing, and the risk is 10, above 3 sqrt(log(40)/2) < 4.08. For a loss in [0, R] the last
term is R times as large.

Source: gg22, Theorem 4.1 and equation (20).
"""

from fractions import Fraction

import numpy as np
from sympy import Inverse, MatrixSymbol

import deqmath as dm
from deqmath.bounds import inverse_quadratic_form
from deqmath.bounds.balls import ball, ends, precision
from deqmath.claims.coverage import fails_at_most
from deqmath.claims.instances import Pair, holds_on
from deqmath.data import load
from deqmath.numeric import ReLUNetwork

from ._network import digits, net

DELTA, SAMPLES = 0.05, 40
DRAWS = {"quick": 1000, "standard": 1000, "thorough": 10_000}
LITERATURE = "uniform bound by Rademacher complexity; the radius B counts as fixed before the samples are drawn"

n = net.n
y, l = (MatrixSymbol(name, n, 1) for name in ("y", "l"))
V = MatrixSymbol("V", n, n)
spectral = V * dm.diag(l) * V.T


@dm.claim(
    "gg22.thm4.1",
    source="gg22",
    equation="(20)",
    statement="loss in [0, 1]: risk(g_∞) ≤ empirical risk + 2 Lip B √(tr H₀)/n + 3√(log(2/δ)/2n), with probability 1 - δ; true labels rank below random",
)
def generalisation_bound(case):
    """The eigen-form is exact; a thousand samples of the digits keep the bound; the leading term ranks true below random labels."""
    # y^T H^{-1} y = sum_k (v_k^T y)^2/lambda_k for H = V diag(l) V^T with V^T V = I, so V^{-1} = V^T.
    H = MatrixSymbol("H", n, n)
    given = [dm.equation(H - spectral, H), dm.invertible(dm.diag(l))]
    inverse = Inverse(V).T * Inverse(dm.diag(l)) * Inverse(V)
    yield dm.check_equal(
        y.T * Inverse(H) * y, y.T * inverse * y, assuming=[*given, dm.invertible(V)], seed=case.seed, level=case.level
    )
    yield dm.Evidence("assumed", "verified", LITERATURE)

    population = load("digits", seed=0)
    network = ReLUNetwork.random(width=64, inputs=population.X.shape[1], gamma0=0.25, seed=0)
    yield fails_at_most(
        risks_over_bounds(case, population, network),
        DELTA,
        f"risk(g_∞) ≤ bound, digits, n = {SAMPLES}, m = 64, loss min(|g - y|, 1),",
    )

    trial = digits(256, 60)
    gram = np.asarray(trial.network.gram(trial.X))
    gram = (gram + gram.T) / 2
    true = inverse_quadratic_form(gram, trial.y, digits=10)
    values, vectors = np.linalg.eigh(gram)
    parts = float(((vectors.T @ trial.y) ** 2 / values).sum())
    gap = Pair(abs(parts - float(true.mid)), 1e-14 * float(np.linalg.cond(gram)) * parts, "60 digits, m = 256")
    yield holds_on([gap], "|yᵀH⁻¹y - Σₖ (vₖᵀy)²/λₖ| ≤ 10⁻¹⁴ κ(H) of it")
    random = case.rng().choice([-1.0, 1.0], (DRAWS[case.level], 60))
    forms = np.einsum("ki,ki->k", random, np.linalg.solve(gram, random.T).T)
    yield fails_at_most(
        float(true.upper) / forms, 0.01, "yᵀH⁻¹y for true labels ≤ that for random labels, 60 digits, m = 256,"
    )


SCRIPT = """import numpy as np
import deqmath as dm
net = dm.ReLUNetwork(A=np.zeros((2, 2)), W=np.ones((2, 2)), b=[1.0, -1.0], gamma=0.1)
print(net.predict(np.eye(2)), net.gradient(np.eye(2)[:1], [0.0]))     # f_0 = 0 at e_1 and e_2; nothing moves from the sample e_1
print(100 * 0.1, 3 * np.sqrt(np.log(2 / 0.05) / 2))                   # the risk, and the bound"""


@dm.claim(
    "gg22.thm4.1-any-loss",
    source="gg22",
    equation="(20)",
    statement="(20), with 3√(log(2/δ)/2n) as it stands, for every Lipschitz loss",
    expect="refuted",
)
def generalisation_bound_for_any_loss():
    """The two-point population above: with probability 9/10, more than delta, the risk exceeds the bound; both in balls."""
    network = ReLUNetwork(A=np.zeros((2, 2)), W=np.ones((2, 2)), b=[1.0, -1.0], gamma=0.1)
    moved = float(np.abs(network.gradient(np.eye(2)[:1], [0.0])).max() + np.abs(network.predict(np.eye(2))).max())
    risk = 100 * (Fraction(9, 10) * 0 + Fraction(1, 10) * 1) - Fraction(100 * moved)
    with precision(120):
        bound = 3 * (ball(2 / Fraction(5, 100)).log() / 2).sqrt()
    where = "two points, n = 1, δ = 0.05, loss 100 |f - y|, in 9 samples of 10"
    yield holds_on(
        [Pair(risk, ends(bound)[1], where, SCRIPT)], "risk ≤ 0 + 2 Lip · 0 + 3√(log(2/δ)/2)", kind="certified"
    )


def risks_over_bounds(case, population, network):
    """For each sample: the risk of the limit (21) over the whole population, divided by the bound."""
    rng = case.rng()
    K, f0, labels = np.asarray(network.gram(population.X)), network.predict(population.X), population.y
    tail = 3 * np.sqrt(np.log(2 / DELTA) / (2 * SAMPLES))
    ratios = []
    for _ in range(DRAWS[case.level]):
        drawn = rng.integers(len(labels), size=SAMPLES)
        chosen = np.unique(drawn)  # the same point twice adds nothing to the fit
        gap = labels[chosen] - f0[chosen]
        weights = np.linalg.solve(K[np.ix_(chosen, chosen)], gap)
        radius = np.sqrt(gap @ weights)
        risk = np.minimum(np.abs(f0 + K[:, chosen] @ weights - labels), 1).mean()
        ratios.append(risk / (2 * radius * np.sqrt(K[drawn, drawn].sum()) / SAMPLES + tail))
    return ratios
