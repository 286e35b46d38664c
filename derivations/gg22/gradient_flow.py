"""The gradient flow on A: equations (6) and (7).

With f_i = b^T z_i / sqrt(m), r = f - y and L = 1/2 ||r||^2, the flow dA/dt = -grad_A L is

    (6)   dA/dt = -(gamma/sqrt(m)) sum_i r_i q_i z_i^T

and along it the predictions move as

    (7)   df/dt = -H (f - y).

Source: gg22, equations (6) and (7).
"""

from sympy import S, sqrt

import deqmath as dm
from deqmath.claims.crosscheck import cross_check, cross_check_digits, tolerance
from deqmath.numeric import MultiprecisionNetwork

from ._network import digits, for_differences, i, j, many_digits, net

# (6), for the samples' own q_i = R_i^T b.
flow = -net.gamma / sqrt(net.m) * dm.total(net.q(i) * net.r(i) * net.z(i).T, i, net.n)


def gram_entry(i, j):
    """H_ij = (gamma^2/m) <z_i, z_j> <q_i, q_j>, a 1 x 1 expression."""
    return net.gamma**2 / net.m * (net.z(i).T * net.z(j)) * (net.q(i).T * net.q(j))


# (7), entry i: minus row i of H times r.
motion = -dm.total(gram_entry(i, j) * net.r(j), j, net.n)


def derive_eq6():
    """The gradient of the loss through the equilibria of all samples, with the sign of descent."""
    derived = dm.gradient(net.loss(i), net.A, implicit=net.equations(i)).where(**net.names(i))
    return derived.then(S.NegativeOne * flow, because="r_i = f_i - y_i collected; this is -dA/dt")


def derive_eq7():
    """The differential of f_i along dA, then dA put to (6)."""
    derived = dm.jacobian(net.f(i), net.A, implicit=net.equations(i)).where(**net.names(i))
    return derived.along(flow, net.A, because="dA/dt is (6)", label="df_i/dt").then(
        motion, because="b^T R_i = q_i^T; products of scalars commute"
    )


@dm.claim(
    "gg22.eq6",
    source="gg22",
    equation="(6)",
    statement="dA/dt = -(γ/√m) Σᵢ rᵢ qᵢ zᵢᵀ",
    derivation=derive_eq6,
    exports=lambda: {"dA_dt": flow},
)
def gradient_of_the_loss(case):
    """dL = sum_i r_i b^T dz_i / sqrt(m), and dz_i = gamma R_i dA z_i by (10); so
    dL = tr(G^T dA) with G = (gamma/sqrt(m)) sum_i r_i q_i z_i^T, and dA/dt = -G.
    """
    yield derive_eq6()
    minus_gradient = dm.check_derivative(
        flow, -net.loss(i), net.A, implicit=net.equations(i), seed=case.seed, level=case.level
    )
    yield minus_gradient

    trial = digits(width=32, samples=10)
    yield cross_check(
        flow,
        trial.symbols(),
        -trial.network.gradient(trial.X, trial.y),
        tolerance=tolerance(32, trial.network.rho),
        what="(6) on digits, m = 32, n = 10",
        script=trial.script,
    )
    exact = many_digits(8, 3, case.digits)
    gradient = exact.network.gradient(exact.X.tolist(), exact.y.tolist())
    yield cross_check_digits(
        flow,
        exact.symbols(),
        -gradient,
        context=exact.network.context,
        digits=case.digits,
        what="(6) on digits, m = 8, n = 3",
    )


@dm.claim(
    "gg22.eq7",
    source="gg22",
    equation="(7)",
    statement="df/dt = -H (f - y)",
    derivation=derive_eq7,
    exports=lambda: {"df_dt": -net.gram() * (net.Z.T * net.b / sqrt(net.m) - net.y)},
)
def motion_of_the_predictions(case):
    """df_i/dt = <grad_A f_i, dA/dt>, and grad_A f_i = (gamma/sqrt(m)) q_i z_i^T."""
    yield derive_eq7()
    # Independently: the derivative of f_i along the direction (6), by dual numbers.
    yield dm.check_directional_derivative(
        motion, net.f(i), {net.A: flow}, implicit=net.equations(i), seed=case.seed, level=case.level
    )

    trial = digits(width=32, samples=10)
    s = trial.symbols()
    matrix_form = -net.gram() * (net.Z.T * net.b / sqrt(net.m) - net.y)
    # The trainer's side: central differences of its own predictions along its own gradient.
    h = 1e-5
    gradient = trial.network.gradient(trial.X, trial.y)
    ahead, behind = (
        trial.network.with_parameters(A=trial.network.A - gradient * step).predict(trial.X) for step in (h, -h)
    )
    yield cross_check(
        matrix_form,
        s,
        ((ahead - behind) / (2 * h))[:, None],
        tolerance=tolerance(32, trial.network.rho) / h,
        what="(7) against differences of the predictions along the flow, digits, m = 32",
        script=trial.script,
    )
    exact = many_digits(6, 3, for_differences(case.digits))
    yield cross_check_digits(
        matrix_form,
        exact.symbols(),
        differences_along_the_flow(exact, case.digits),
        context=exact.network.context,
        digits=case.digits,
        what="(7) against differences of the predictions along the flow in mpmath, digits, m = 6",
    )


def differences_along_the_flow(many, digits_wanted):
    """Central differences of the mpmath trainer's predictions along its own negative gradient; n x 1."""
    network, X = many.network, many.X.tolist()
    gradient = network.gradient(X, many.y.tolist())
    h = network.context.mpf(10) ** -(digits_wanted // 2 + 5)
    ahead, behind = (
        MultiprecisionNetwork(
            network.A - gradient * step, network.W, network.b, network.gamma, digits=for_differences(digits_wanted)
        ).predict(X)
        for step in (h, -h)
    )
    return network.context.matrix([(p - q) / (2 * h) for p, q in zip(ahead, behind, strict=True)])
