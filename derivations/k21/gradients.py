"""The gradients of the loss in A and in B.

With f(x) = Wbar phi(x), Wbar = B U^{-1}, and G = grad L_0(Wbar) of the loss of the linear model,

    dL/dB = G U^{-T},
    column j of dL/dA = gamma J_j [Wbar^T G U^{-T}]_j,   J_j = diag(s_j) - s_j s_j^T.

Source: k21, section 4 (the gradient dynamics).
"""

import deqmath as dm
from deqmath.claims.crosscheck import cross_check

from ._network import digits, j, net


def derive_gradient_B():
    """tr(G^T dB U^{-1}) = tr((G U^{-T})^T dB)."""
    return dm.gradient(net.first_order_loss(), net.B).where(**net.names())


def derive_gradient_A():
    """dWbar = gamma Wbar dS U^{-1}, and column j of dS is J_j da_j."""
    return dm.gradient(net.first_order_loss(), net.A).where(**net.names())


@dm.claim(
    "k21.gradient-B",
    source="k21",
    equation="Section 4",
    statement="∂L/∂B = G U⁻ᵀ",
    derivation=derive_gradient_B,
    exports=lambda: {"gradient_B": net.gradient_B(net.slope())},
)
def gradient_in_the_last_layer(case):
    """dL = tr(G^T dWbar) for every loss of the linear model, and dWbar = dB U^{-1}."""
    derived = derive_gradient_B()
    yield derived
    yield derived.proves(net.gradient_B(net.G))
    yield dm.check_derivative(net.gradient_B(net.slope()), net.loss(), net.B, seed=case.seed, level=case.level)
    trial = digits(width=24, samples=10, outputs=2)
    yield cross_check(
        net.gradient_B(net.slope()),
        trial.symbols(),
        trial.network.gradient(trial.features, trial.targets)["B"],
        tolerance=trial.tolerance(),
        what="dL/dB of the square loss on digits, m = 24, p = 2",
        script=trial.script,
    )


@dm.claim(
    "k21.gradient-A",
    source="k21",
    equation="Section 4",
    statement="column j of ∂L/∂A is γ J_j [W̄ᵀ G U⁻ᵀ]_j",
    derivation=derive_gradient_A,
    exports=lambda: {"gradient_A": net.gradient_A(net.slope(), j)},
)
def gradient_in_the_implicit_layer(case):
    """U dU^{-1} = gamma dS U^{-1}, so dWbar = gamma Wbar dS U^{-1} and

    dL = gamma tr(U^{-1} G^T Wbar dS) = gamma sum_j [Wbar^T G U^{-T}]_j^T J_j da_j;   J_j is symmetric.
    """
    derived = derive_gradient_A()
    yield derived
    yield derived.proves(net.gradient_A(net.G, j))
    yield dm.check_derivative(net.gradient_A(net.slope(), j), net.loss(), net.A, seed=case.seed, level=case.level)
    trial = digits(width=24, samples=10, outputs=2)
    yield cross_check(
        net.gradient_A(net.slope(), j),
        trial.symbols(),
        trial.network.gradient(trial.features, trial.targets)["A"],
        tolerance=trial.tolerance(),
        what="dL/dA of the square loss on digits, m = 24, p = 2",
        script=trial.script,
    )
