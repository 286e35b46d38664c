"""The implicit layer moves as a trust region Newton method of the shallow model does.

For one output, w = Wbar^T moves as dw/dt = -D_t g with g = grad L_0(w),

    D_t = U^{-T} S_t U^{-1},   S_t = I + gamma^2 diag_j(||J_j Wbar^T||^2).

Let F be the Hessian of L_0 at w and delta > 0 small enough that G_t = D_t^{-1} - delta F is positive definite. Then
v = -delta D_t g is the one solution of the trust region problem

    minimise  L_0(w) + g^T v + 1/2 v^T F v   over   v^T G_t v <= delta^2 g^T D_t G_t D_t g,

since it lies on the boundary and (F + mu G_t) v = -g with the multiplier mu = 1/delta > 0 and F + mu G_t = D_t^{-1}/delta
positive definite (k21, Theorem 2; the condition is necessary and sufficient for trust regions).

Source: k21, Theorem 2.
"""

import numpy as np
from sympy import Identity, Inverse, MatrixSymbol, Symbol

import deqmath as dm
from deqmath.claims.instances import Pair, holds_on
from deqmath.claims.search import climbed

from ._network import digits, j, net

delta = Symbol("delta", positive=True)
m = net.m
D = MatrixSymbol("D", m, m)
F = MatrixSymbol("F", m, m)
g = MatrixSymbol("g", m, 1)
B1 = MatrixSymbol("B", 1, m)

metric = Inverse(D) - delta * F
step = -delta * D * g


def dynamics_of_one_output():
    """D_t for p = 1, from the general one: the blocks are numbers."""
    Wbar = B1 * Inverse(net.U)
    J = net.J(j)
    weight = Identity(1) + net.gamma**2 * Wbar * J * J * Wbar.T
    S_t = dm.total(net.e(j) * weight * net.e(j).T, j, m)
    return Inverse(net.U).T * S_t * Inverse(net.U)


@dm.claim(
    "k21.newton",
    source="k21",
    equation="Theorem 2",
    statement="-δ D_t g solves the trust region Newton problem with metric G_t = D_t⁻¹ - δF: (F + G_t/δ) v = -g",
    exports=lambda: {"trust_region_step": step},
)
def trust_region_newton(case):
    """F + G_t/delta = D_t^{-1}/delta, whatever F, so that (F + G_t/delta)(-delta D_t g) = -g."""
    stationarity = dm.rewriting((F + metric / delta) * step, title="the step is stationary", label="(F + G_t/δ) v")
    yield stationarity.then(-g, because="F + (D⁻¹ - δF)/δ = D⁻¹/δ, applied to -δ D g")
    yield dm.check_equal((F + metric / delta) * step, -g, seed=case.seed, level=case.level)
    # D_t of one output is the general D_t, with blocks of one entry.
    general = type(net)(m=net.m, n=net.n, p=1, gamma=net.gamma)
    yield dm.check_equal(general.dynamics(j), dynamics_of_one_output(), seed=case.seed, level=case.level)
    yield holds_on(list(instances(case)), "model at -δ D_t g ≤ model at other points of the region", tolerance=1e-9)


def instances(case):
    """On digits: the quadratic model at the flow's step against other points on the boundary of its region, climbed."""
    rng = case.rng()
    for width, samples, loss in ((10, 30, "square"), (10, 30, "logistic"), (24, 12, "square")):
        trial = digits(width=width, samples=samples)
        network, X = trial.network, trial.features
        D_t = network.dynamics_matrix()
        slope = network.loss_slope(X, trial.targets, loss=loss)[0]
        f = X @ np.asarray(network.Wbar)[0]
        curvature = np.ones_like(f) if loss == "square" else 0.25 / np.cosh(f / 2) ** 2
        hessian = X.T @ (curvature[:, None] * X)
        inverse = np.linalg.inv(D_t)
        size = 0.5 * np.linalg.eigvalsh(inverse)[0] / np.linalg.eigvalsh(hessian)[-1]
        region = inverse - size * hessian
        direction = -size * D_t @ slope
        radius = direction @ region @ direction

        def model(v, slope=slope, hessian=hessian):
            return float(slope @ v + 0.5 * v @ hessian @ v)

        best, length, where = model(direction), np.linalg.norm(direction), f"{loss} loss, m = {width}, n = {samples}"

        def at(point, direction=direction, region=region, radius=radius, model=model, best=best, length=length,
               where=where, script=trial.script):  # fmt: skip
            v = direction + length * point
            v = v * np.sqrt(radius / (v @ region @ v))
            # The model is negative at the step: how much less is reached elsewhere, as parts of it.
            return Pair(max(-model(v), 0.0), -best, where, script)

        # From the step itself, which must be a maximum, and from points far from it.
        starts = np.vstack([np.zeros(width), rng.standard_normal((2, width))])
        yield from climbed(at, starts, rng, steps=400)
