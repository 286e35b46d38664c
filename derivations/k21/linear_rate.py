"""Global convergence at a linear rate, for the square and the logistic loss, at a width below samples and outputs.

dL/dt = -vec(G)^T D_t vec(G) <= -lambda_t ||G||^2 with lambda_t = inf_{s <= t} lambda_min(D_s). Where the loss of the
linear model satisfies ||grad L_0(W)||^2 >= 2 kappa (L_0(W) - L_*), Gronwall's lemma gives

    L(t) - L_* <= exp(-2 kappa lambda_t t) (L(0) - L_*).

Square loss: kappa is the least squared singular value of Phi that is not 0. Logistic loss: strongly convex on the
predictions visited, with kappa that times the least second derivative there; L_* is the loss at the end of the run.

Source: k21, Theorem 1 and Corollaries 1 and 2.
"""

import deqmath as dm
from deqmath.claims.instances import Pair, holds_on

from ._network import digits, j, net

# -dL/dt, as a quadratic form in G.
G = net.G
by_B = net.gradient_B(G)
by_A = net.gradient_A(G, j)


@dm.claim(
    "k21.energy",
    source="k21",
    equation="proof of Theorem 1",
    statement="‖∂L/∂A‖² + ‖∂L/∂B‖² = vec(G)ᵀ D_t vec(G) = -dL/dt",
)
def energy(case):
    """The flow loses ||dL/dA||^2 + ||dL/dB||^2 of the loss per unit of time, and also tr(G^T dWbar/dt)."""
    lost = (dm.squared_norm(by_A) + dm.squared_norm(by_B)) * dm.one()
    form = dm.vec(G).T * net.dynamics(j) * dm.vec(G)
    yield dm.check_equal(lost, form, seed=case.seed, level=case.level)


SCRIPT = """import deqmath as dm
net = dm.SoftmaxNetwork(A=[[0.0]], B=[[0.5]], gamma=0.6)
run = dm.gradient_flow(net, [[0.7]], [1.0], t_end=0.5, tol=1e-3, record=4)"""


def runs():
    """Both losses, one and several outputs, widths below the number of samples and of outputs."""
    for loss in ("square", "logistic"):
        for width, samples, outputs in ((6, 12, 1), (4, 10, 6), (24, 12, 2)):
            trial = digits(width=width, samples=samples, outputs=outputs)
            run = dm.gradient_flow(
                trial.network, trial.features, trial.targets, t_end=40.0, tol=1e-3, loss=loss, record=12
            )
            yield run, f"{loss} loss, m = {width}, n = {samples}, p = {outputs}", trial.script
    # One unit, one sample: D_t = 1/(1 - gamma)^2 stays the same, and the square loss decays exactly as the bound does.
    one = dm.SoftmaxNetwork(A=[[0.0]], B=[[0.5]], gamma=0.6)
    yield dm.gradient_flow(one, [[0.7]], [1.0], t_end=0.5, tol=1e-3, record=4), "square loss, m = n = p = 1", SCRIPT


@dm.claim(
    "k21.linear-rate",
    source="k21",
    equation="Theorem 1, Corollaries 1 and 2",
    statement="L(t) - L_* ≤ exp(-2 κ λ_t t) (L(0) - L_*) for the square and the logistic loss, at any width",
)
def linear_rate():
    """A run whose loss decays exactly as the bound; six on digits, four of them at a width below the number of samples, two below that of outputs."""
    decay, rate = [], []
    for run, where, script in runs():
        for name, pairs in (("loss", decay), ("rate", rate)):
            monitor = run.monitor(name)
            for k in range(1, len(run.times)):
                sides = (float(monitor.measured[k]), float(monitor.bound[k]))
                left, right = sides if name == "loss" else sides[::-1]
                pairs.append(Pair(max(left, 0.0), right, f"{where}, t = {run.times[k]:.4g}", script))
    # The flow is integrated to 1e-3 in the parameters a step; its error in the loss is second order near the optimum.
    yield holds_on(decay, "L(t) - L_* ≤ exp(-2 κ λ_t t) (L(0) - L_*) along the flow", tolerance=1e-3)
    yield holds_on(rate, "1/(m (1+γ)²) ≤ λ_min(D_t) along the flow", tolerance=1e-9)
