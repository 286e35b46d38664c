"""How the linear model moves while A and B follow the gradient flow.

Under dA/dt = -dL/dA, dB/dt = -dL/dB,

    d vec(Wbar)/dt = -D_t vec(G),
    D_t = (U^{-T} kron I_p) blockdiag_j(I_p + gamma^2 Wbar J_j^2 Wbar^T) (U^{-1} kron I_p),

whatever the loss: G = grad L_0(Wbar). Every eigenvalue of D_t is at least 1/(m (1 + gamma)^2), because

    w^T D_t w = ||v||^2 + gamma^2 sum_j ||J_j Wbar^T v_j||^2,   v = (U^{-1} kron I_p) w,

with v_j the j-th block of p entries, and ||w|| = ||(U kron I_p) v|| <= ||U||_2 ||v||, ||U||_2 <= sqrt(m) ||U||_1 <= sqrt(m) (1 + gamma).

Source: k21, Theorem 1 and its proof.
"""

from fractions import Fraction

import numpy as np
from sympy import Identity, Inverse, MatrixSymbol

import deqmath as dm
from deqmath.bounds import lambda_min
from deqmath.claims.crosscheck import cross_check
from deqmath.claims.instances import Pair, holds_on

from ._network import digits, j, net

# The motion of Wbar, as vec(dWbar/dt).
motion = -net.dynamics(j) * dm.vec(net.G)


def derive_dynamics():
    """The Jacobian of Wbar in A along -dL/dA; the part of B is added by the claim."""
    moved = dm.jacobian(net.Wbar, net.A).where(**net.names())
    along = -net.gradient_A(net.G, j)
    return moved.along(along, net.A, because="dA/dt = -dL/dA", label="d vec(W̄)/dt by A")


def derive_dynamics_by_B():
    """The Jacobian of Wbar in B along -dL/dB."""
    moved = dm.jacobian(net.Wbar, net.B).where(**net.names())
    return moved.along(-net.gradient_B(net.G), net.B, because="dB/dt = -dL/dB", label="d vec(W̄)/dt by B")


@dm.claim(
    "k21.dynamics",
    source="k21",
    equation="Theorem 1, D_t",
    statement="d vec(W̄)/dt = -D_t vec(G), D_t = (U⁻ᵀ ⊗ I) blockdiag_j(I + γ² W̄ J_j² W̄ᵀ) (U⁻¹ ⊗ I)",
    derivation=derive_dynamics,
    exports=lambda: {"dWbar_dt": motion, "D_t": net.dynamics(j)},
)
def motion_of_the_linear_model(case):
    """dWbar = dB U^{-1} + gamma Wbar dS U^{-1}. Put the two gradients for dB and dA:

        dWbar/dt = -G U^{-T} U^{-1} - gamma^2 sum_j Wbar J_j^2 Wbar^T [G U^{-T}]_j e_j^T U^{-1},

    and vec of that is -D_t vec(G).
    """
    by_A, by_B = derive_dynamics(), derive_dynamics_by_B()
    yield by_A
    yield by_B
    yield dm.check_equal(by_A.result + by_B.result, motion, seed=case.seed, level=case.level)
    # Independently: the derivative of Wbar along both gradients at once, by dual numbers.
    both = {net.A: -net.gradient_A(net.G, j), net.B: -net.gradient_B(net.G)}
    yield dm.check_directional_derivative(motion, dm.vec(net.Wbar), both, seed=case.seed, level=case.level)

    trial = digits(width=12, samples=6, outputs=2)
    network = trial.network
    slope = network.loss_slope(trial.features, trial.targets)
    gradient = network.gradient(trial.features, trial.targets)
    h = 1e-5
    ahead, behind = (
        network.with_parameters(**{name: getattr(network, name) - s * g for name, g in gradient.items()}).Wbar
        for s in (h, -h)
    )
    yield cross_check(
        motion,
        {**trial.symbols(), "G": slope},
        ((ahead - behind) / (2 * h)).T.reshape(-1, 1),
        tolerance=trial.tolerance() / h,
        what="d vec(Wbar)/dt against differences of Wbar along the trainer's gradients, digits, m = 12, p = 2",
        script=trial.script,
    )


V = MatrixSymbol("V", net.p, net.m)
# w = vec(V U^T), so that v = (U^{-1} kron I) w = vec(V).
w = dm.vec(V * net.U.T)


@dm.claim(
    "k21.rate",
    source="k21",
    equation="Theorem 1",
    statement="λ_min(D_t) ≥ 1/(m (1+γ)²), whatever the width",
)
def least_eigenvalue(case):
    """w^T D_t w >= ||v||^2 = ||(U^{-1} kron I) w||^2 >= ||w||^2/||U||_2^2, and ||U||_2^2 <= m ||U||_1^2 <= m (1 + gamma)^2:
    the columns of U are e_j - gamma s_j, and ||s_j||_1 = 1.
    """
    block = Identity(net.p) + net.gamma**2 * net.Wbar * net.J(j) * net.J(j) * net.Wbar.T
    form = dm.total(dm.column(V, j).T * block * dm.column(V, j), j, net.m)
    yield dm.check_equal(w.T * net.dynamics(j) * w, form, seed=case.seed, level=case.level)
    yield dm.check_equal(dm.kron(Inverse(net.U), Identity(net.p)) * w, dm.vec(V), seed=case.seed, level=case.level)
    yield holds_on(list(instances()), "1/(m (1+γ)²) ≤ λ_min of D_t as computed in float64", kind="certified")


def instances():
    """The exact bound against a proved lower end of lambda_min, for the float64 matrix taken exactly.

    All columns of S near one unit vector bring ||U||_2 near sqrt(m) gamma; a small B leaves only the part of B in D_t.
    """
    for m in (1, 2, 5, 20):
        for gamma in (0.1, 0.6, 0.99):
            for outputs, raised in ((1, 1.0), (3, 30.0)):
                network = dm.SoftmaxNetwork.random(width=m, outputs=outputs, gamma=gamma, seed=m)
                A = np.asarray(network.A).copy()
                A[0] += raised
                network = network.with_parameters(A=A, B=1e-3 * network.B)
                D = network.dynamics_matrix()
                proved = lambda_min(0.5 * (D + D.T), digits=6).lower
                where = f"m = {m}, p = {outputs}, gamma = {gamma}, first row of A raised by {raised:g}"
                yield Pair(1 / (m * (1 + Fraction(gamma)) ** 2), proved, where)
