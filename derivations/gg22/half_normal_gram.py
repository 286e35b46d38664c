"""Section 5.1: what the half-normal initialisation does to the gates and to lambda_min(H).

(26) draws A entrywise as |N(0, 1)| and W as N(0, 1), with phi = relu(W x). If phi is not 0, neither is z, and as A > 0
every pre-activation u = gamma A z + phi is positive: D = I, no unit is near a kink that A could reach, and

    (26)   z = (I - gamma A)^{-1} phi,      q = (I - gamma A)^{-T} b.

The paper has no hypothesis phi != 0. All m signs of W x are negative with probability 2^-m for each sample; then phi = 0, u = 0 in every unit,
D = 0 and q = 0, and (26) fails for q. It holds with probability 1 - n 2^-m at least. With the gate at 0 taken as open, D = diag(1[u >= 0]),
q would be as in (26) for every draw; H and (27) are the same with either gate, because z = 0 there.

Then Phi = (I - gamma A) Z and b = (I - gamma A)^T q, so ||Phi c|| <= (1 + rho) ||Z c|| and ||b|| <= (1 + rho) ||q_i||, and (25) is

    (27)   lambda_min(H) >= (gamma^2/m) lambda_min(Z^T Z) min_i ||q_i||^2 >= gamma^2 lambda_min(Phi^T Phi)/(1 + rho)^4.

Hypothesis: rho = gamma ||A|| < 1. It needs gamma = gamma_0/m here, not gamma_0/sqrt(m) (half_normal.py),
and Phi^T Phi grows like m: under the repaired scaling lambda_0 is of order gamma^2 m = gamma_0^2/m and tends to 0.

Source: gg22, Section 5.1, equations (26) and (27).
"""

from fractions import Fraction

import numpy as np
from sympy import Identity, Inverse, Matrix, MatrixSymbol, eye

import deqmath as dm
from deqmath.bounds import equilibrium, gram_lambda_min, network_lambda_min, operator_norm
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.checking.statistical import PowerLaw, power_law
from deqmath.claims.coverage import occurs_with
from deqmath.claims.crosscheck import cross_check, tolerance
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation
from deqmath.numeric import ReLUNetwork

from ._network import digits, net
from ._rational import at_gates

DRAWS = {"quick": 1000, "standard": 2000, "thorough": 20_000}

c = MatrixSymbol("c", net.n, 1)
inverse = Identity(net.m) - net.gamma * net.A
resolvent = Inverse(inverse)


def derive_eq27():
    """||(I - gamma A) Z c|| <= (1 + rho) ||Z c||."""
    v = MatrixSymbol("v", net.m, 1)
    return derivation(norm_calculus(inverse * v).lines, "the resolvent's inverse, bounded")


def repaired(width, samples):
    """The half-normal network on digits with gamma = 0.25/m."""
    trial = digits(width, samples, 0, 0.25 / np.sqrt(width), "half-normal")
    return trial, trial.network


@dm.claim(
    "gg22.eq26",
    source="gg22",
    equation="(26)",
    statement="A half-normal, γ‖A‖ < 1, φ ≠ 0: u > 0, so D = I, z = (I - γ A)⁻¹ φ and q = (I - γ A)⁻ᵀ b; φ = 0 has probability 2⁻ᵐ",
)
def all_gates_are_open(case):
    """With u >= 0 the gate is the identity where u > 0; the formulas follow, and digits confirm gates and q."""
    u = net.u()
    yield dm.check_equal(
        net.gamma * net.A * net.z() + net.phi(),
        dm.relu(u),
        assuming=[dm.nonnegative(u)],
        seed=case.seed,
        level=case.level,
    )
    solved = dm.equation(net.z() - net.u(), net.z())
    yield dm.check_equal(resolvent * net.phi(), net.z(), assuming=[solved], seed=case.seed, level=case.level)

    trial, network = repaired(32, 8)
    proved, U = equilibrium(network, trial.X, digits=15), np.asarray(network.equilibrium(trial.X).U)
    pairs = [
        Pair(float(least_activation(network, one)), float(row.min()), f"digits, m = 32, sample {k}")
        for k, (one, row) in enumerate(zip(proved.balls, U, strict=True))
    ]
    least = [Pair(1e-6, pair.left, pair.where) for pair in pairs]
    yield holds_on(pairs, "γ (min A) ‖z‖₁ ≤ min u", tolerance=1e-12)
    yield holds_on(least, "10⁻⁶ ≤ γ (min A) ‖z‖₁, so that every gate is open")
    reference = np.asarray(network.adjoint(trial.X).Q).T[:, [3]]
    yield cross_check(resolvent.T * net.b, trial.sample(3), reference, tolerance=tolerance(32, network.rho),
                      what="q = (I - γ A)⁻ᵀ b on digits, m = 32", script=trial.script)  # fmt: skip

    signs = case.rng().standard_normal((DRAWS[case.level], 4, 8)) @ trial.X[0, :8]
    yield occurs_with((signs <= 0).all(axis=1), Fraction(1, 2**4), "φ = 0 for one sample at m = 4")


SCRIPT = """import deqmath as dm
net = dm.ReLUNetwork(A=[[0.5]], W=[[-1.0]], b=[1.0], gamma=0.25)          # A > 0, gamma ||A|| = 1/8
print(net.equilibrium([[1.0]]).U, net.adjoint([[1.0]]).Q)                # u = 0, and q = 0
print(net.b[0] / (1 - net.gamma * net.A[0, 0]))                          # (26) gives q = 8/7"""


@dm.claim(
    "gg22.eq26-as-stated",
    source="gg22",
    equation="(26)",
    statement="A half-normal, γ‖A‖ < 1, D = diag(1[u > 0]): D = I and q = (I - γ A)⁻ᵀ b for every draw of W",
    expect="refuted",
)
def all_gates_are_open_for_every_draw():
    """One unit whose first layer is negative at the sample, A = 1/2, gamma = 1/4, b = 1: phi = 0, so u = 0 and q = 0 by the model; in rationals."""
    A, gamma, b = Fraction(1, 2), Fraction(1, 4), Fraction(1)
    phi = max(Fraction(-1), Fraction(0))
    u, q = at_gates(Matrix([[A]]), Matrix([[phi]]), Matrix([[b]]), gamma, (0,))
    if u[0] > 0:
        msg = f"the gate taken closed is open: u = {u[0]}"
        raise ArithmeticError(msg)
    gap = abs(Fraction(str(q[0])) - b / (1 - gamma * A))
    where = "m = n = 1, A = 1/2, W x = -1, γ = 1/4"
    yield holds_on([Pair(gap, Fraction(0), where, SCRIPT)], "|q - (I - γ A)⁻ᵀ b| ≤ 0", kind="certified")


def least_activation(network, one):
    """A proved lower bound on min u = min (gamma A z + phi) >= gamma (min A)(||z||_1), z within its ball; phi >= 0."""
    m, radius = network.width, one.radius
    total = sum(one.centre.fraction(k, 0) for k in range(m)) - m * radius
    return Fraction(network.gamma) * min(Fraction(float(a)) for a in network.A.ravel()) * total


def aligned(a, gamma):
    """(27) with equality, in rationals: A = [[0, a], [a, 0]] has the eigenvalue -a, Phi = I, and b = (1, -1) is its vector."""
    A, b = Matrix([[0, a], [a, 0]]), Matrix([1, -1])
    units = [at_gates(A, Matrix(eye(2)[:, k]), b, gamma, (1, 1)) for k in range(2)]
    H = [[gamma**2 / 2 * z.dot(y) * q.dot(p) for y, p in units] for z, q in units]
    # H has equal diagonal entries, so its eigenvalues are H_00 -+ H_01.
    least = min(H[0][0] - H[0][1], H[0][0] + H[0][1])
    return Pair(gamma**2 / (1 + gamma * a) ** 4, Fraction(str(least)), f"two units, ρ = {gamma * a}")


@dm.claim(
    "gg22.eq27",
    source="gg22",
    equation="(27)",
    statement="λ_min(H) ≥ γ² λ_min(ΦᵀΦ)/(1 + ρ)⁴ for open gates",
    derivation=derive_eq27,
)
def lower_bound_through_the_features(case):
    """(25), then both factors through ||(I - gamma A) v|| <= (1 + rho) ||v||; certified on digits with gamma = gamma_0/m."""
    derived = derive_eq27()
    yield derived
    for step in derived.steps:
        yield step.verdict
    solved = dm.equation(net.Z - (net.gamma * net.A * net.Z + net.Phi), net.Z)
    back = inverse * net.Z * c
    yield dm.check_equal(net.Phi * c, back, assuming=[solved], seed=case.seed, level=case.level)

    pairs = []
    for width, samples in ((24, 4), (48, 6)):
        trial, network = repaired(width, samples)
        norm, features = operator_norm(network.A, digits=6), np.maximum(trial.X @ network.W.T, 0)
        low = gram_lambda_min(np.ascontiguousarray(features), digits=6)
        gamma = Fraction(network.gamma)
        right = network_lambda_min(network, trial.X, digits=6)
        # (gamma^2/m) lambda_min(Phi^T Phi) m/(1 + rho)^4; the features are float64, relative error 1e-13.
        left = gamma**2 * low.upper / (1 + gamma * norm.lower) ** 4 * (1 - Fraction(1, 10**8))
        pairs.append(Pair(left, right.lower, f"digits, m = {width}, n = {samples}", trial.script))
    pairs += [aligned(Fraction(1, 2), Fraction(1, 3)), aligned(Fraction(2), Fraction(2, 5))]
    yield holds_on(pairs, "γ² λ_min(ΦᵀΦ)/(1 + ρ)⁴ ≤ λ_min(H)", kind="certified")

    # What the repaired scaling costs: lambda_min(H) falls as 1/m.
    rng, X = case.rng(), np.eye(3)
    widths = [40, 80, 160, 320] * 8
    found = []
    for width in widths:
        seed = int(rng.integers(2**31))
        network = ReLUNetwork.random(width=width, inputs=3, gamma0=0.25 / np.sqrt(width), init="half-normal", seed=seed)
        found.append(float(np.linalg.eigvalsh(np.asarray(network.gram(X)))[0]))
    yield power_law(widths, found, PowerLaw(Fraction(-1)), "λ_min(H) under γ = γ₀/m")
