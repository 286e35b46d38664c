"""The energy identity of the flow: the squared speed of A is the rate at which the loss falls.

With dA/dt = -(gamma/sqrt(m)) Q diag(r) Z^T from (6) and H from (8), both in terms of the residuals r = f - y,

    ||dA/dt||_F^2  =  r^T H r  =  -dL/dt.

Hypotheses: those of Lemma 3.2 (gamma ||A|| < 1, no pre-activation is 0). H is positive semidefinite by (9), so the
loss never grows along the flow.

Source: gg22, Section 3 and Appendix C.
"""

from sympy import MatrixSymbol, Trace, sqrt

import deqmath as dm
from deqmath.claims.crosscheck import cross_check, tolerance

from ._network import digits, i, j, net
from .gradient_flow import flow, gram_entry

r = MatrixSymbol("r", net.n, 1)
speed = -net.gamma / sqrt(net.m) * net.Q * dm.diag(r) * net.Z.T
form = r.T * net.gram() * r
# -r^T H r, written out over pairs of samples with the r_i, z_i and q_i of the model.
falling = -dm.total(dm.total(net.r(i) * gram_entry(i, j) * net.r(j), j, net.n), i, net.n)


def derive_energy():
    """The squared Frobenius norm of (6) as a quadratic form in the residuals."""
    squared = Trace(speed.T * speed) * dm.one()
    return dm.rewriting(squared, title="energy identity", label="‖dA/dt‖²").then(
        form, because="tr(diag(r) M diag(r) N) = rᵀ (M ∘ N) r for the Gram matrices M = ZᵀZ, N = QᵀQ"
    )


@dm.claim(
    "gg22.energy",
    source="gg22",
    equation="energy identity",
    statement="‖dA/dt‖²_F = rᵀ H r = -dL/dt",
    derivation=derive_energy,
    exports=lambda: {"dA_dt": speed, "rHr": form},
)
def speed_of_the_weights(case):
    """The left equality is algebra; the right one is the derivative of the loss along (6), by dual numbers."""
    yield derive_energy()
    yield dm.check_equal(form, Trace(speed.T * speed) * dm.one(), seed=case.seed, level=case.level)
    # net.loss binds its index, so the flow that it moves along sums over another one.
    other = flow.xreplace({i: j})
    yield dm.check_directional_derivative(
        falling, net.loss(i), {net.A: other}, implicit=net.equations(i), seed=case.seed, level="quick"
    )

    trial = digits(width=32, samples=10)
    network, X, y = trial.network, trial.X, trial.y
    at = trial.symbols() | {"r": (network.predict(X) - y)[:, None]}
    gradient = network.gradient(X, y)
    tol = tolerance(32, network.rho)
    for what, reference in (
        ("‖dA/dt‖² of the trainer", (gradient**2).sum()),
        ("-dL/dt by differences of the trainer's loss", slope_of_the_loss(network, X, y, gradient)),
    ):
        loosened = tol if what.endswith("trainer") else tol / STEP
        yield cross_check(form, at, [[reference]], tolerance=loosened, what=f"rᵀHr, digits, m = 32: {what}",
                          script=trial.script)  # fmt: skip


#: The step of the central differences: their error is of order STEP^2 of the loss's third derivative.
STEP = 1e-5


def slope_of_the_loss(network, X, y, gradient):
    """``-dL/dt`` along ``dA/dt = -gradient``, by central differences of the loss itself."""
    ahead, behind = (network.with_parameters(A=network.A - gradient * h).loss(X, y) for h in (STEP, -STEP))
    return -(ahead - behind) / (2 * STEP)
