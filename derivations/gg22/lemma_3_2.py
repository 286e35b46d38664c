"""Lemma 3.2: the derivatives of the equilibrium z and of the adjoint q with respect to A.

Suppose rho = gamma ||A|| < 1 and no pre-activation u = gamma A z + phi is 0. Then z is uniquely
determined, and with D = diag(1[u > 0]), U = I - gamma D A, R = U^{-1} D and q = R^T b,

    (10)   dz / d vec(A) = gamma (z^T kron R)          (m x m^2)
    (11)   dq / d vec(A) = gamma (R^T kron q^T)        (m x m^2)

Source: gg22, Lemma 3.2 and Appendix B.
"""

import deqmath as dm
from deqmath.claims.crosscheck import cross_check, cross_check_digits, tolerance
from deqmath.codegen import DerivativeOf
from deqmath.numeric import (
    adjoint_jacobian,
    adjoint_jacobian_by_differences,
    equilibrium_jacobian,
    equilibrium_jacobian_by_differences,
)

from ._network import digits, for_differences, jacobian_by_differences, many_digits, net

# The paper's two formulas, in the paper's letters.
eq10 = net.gamma * dm.kron(net.z().T, net.R())
eq11 = net.gamma * dm.kron(net.R().T, net.q().T)


def derive_eq10():
    """From (2) by the implicit function theorem."""
    return dm.implicit_jacobian(net.residual(), net.z(), net.A).where(**net.names())


def derive_eq11():
    """From q = R^T b by the differential of an inverse; the gate is constant off the kinks."""
    return dm.jacobian(net.q(), net.A).where(**net.names())


@dm.claim(
    "gg22.eq10",
    source="gg22",
    equation="(10)",
    statement="∂z/∂vec(A) = γ (zᵀ ⊗ R)",
    derivation=derive_eq10,
    exports=lambda: {
        "dz_dvecA": eq10,
        "dz_along_V": eq10 * dm.vec(dm.direction(net.A, "V")),
        "dz_adjoint_w": eq10.T * dm.direction(net.z(), "w"),
    },
    derivatives=lambda: {
        "dz_dvecA": DerivativeOf(net.residual(), net.A, unknown=net.z()),
        "dz_along_V": DerivativeOf(net.residual(), net.A, along=dm.direction(net.A, "V"), unknown=net.z()),
    },
)
def derivative_of_equilibrium(case):
    """Take the differential of z = relu(gamma A z + phi): off the kinks,

        dz = D (gamma dA z + gamma A dz),   so   (I - gamma D A) dz = gamma D dA z.

    I - gamma D A is invertible (its least singular value is at least 1 - rho, (34)), and
    vec(D dA z) = (z^T kron D) vec(dA).
    """
    derived = derive_eq10()
    yield derived
    yield derived.proves(eq10)
    yield dm.check_implicit_derivative(eq10, net.residual(), net.z(), net.A, seed=case.seed, level=case.level)

    trial = digits(width=24, samples=6)
    x, at = trial.X[0], trial.sample(0)
    tol = tolerance(24, trial.network.rho)
    yield cross_check(
        eq10,
        at,
        equilibrium_jacobian(trial.network, x),
        tolerance=tol,
        what="(10) on digits, m = 24",
        script=trial.script,
    )
    h, small = 1e-6, digits(width=12, samples=6)
    yield cross_check(
        eq10,
        small.sample(0),
        equilibrium_jacobian_by_differences(small.network, x, h),
        tolerance=tolerance(12, small.network.rho) / h,
        what="(10) against central differences of z itself, digits, m = 12",
        script=small.script,
    )
    exact = many_digits(5, 2, for_differences(case.digits))
    sample = exact.X[:1].tolist()
    yield cross_check_digits(
        eq10,
        exact.sample(0),
        jacobian_by_differences(exact, lambda n: list(n.equilibrium(sample).Z), case.digits),
        context=exact.network.context,
        digits=case.digits,
        what="(10) against differences of z itself in mpmath, digits, m = 5",
    )


@dm.claim(
    "gg22.eq11",
    source="gg22",
    equation="(11)",
    statement="∂q/∂vec(A) = γ (Rᵀ ⊗ qᵀ)",
    derivation=derive_eq11,
    exports=lambda: {
        "dq_dvecA": eq11,
        "dq_along_V": eq11 * dm.vec(dm.direction(net.A, "V")),
        "dq_adjoint_w": eq11.T * dm.direction(net.z(), "w"),
    },
    derivatives=lambda: {
        "dq_dvecA": DerivativeOf(net.q(), net.A),
        "dq_along_V": DerivativeOf(net.q(), net.A, along=dm.direction(net.A, "V")),
    },
)
def derivative_of_adjoint(case):
    """R = (I - gamma D A)^{-1} D gives dR = gamma R dA R while D stays constant, so

        dq = dR^T b = gamma R^T dA^T q,

    a column, which equals its transpose as a vector: vec(q^T dA R) = (R^T kron q^T) vec(dA).
    """
    derived = derive_eq11()
    yield derived
    yield derived.proves(eq11)
    yield dm.check_derivative(eq11, net.q(), net.A, seed=case.seed, level=case.level)

    trial = digits(width=24, samples=6)
    x, at = trial.X[0], trial.sample(0)
    tol = tolerance(24, trial.network.rho)
    yield cross_check(
        eq11, at, adjoint_jacobian(trial.network, x), tolerance=tol, what="(11) on digits, m = 24", script=trial.script
    )
    h, small = 1e-6, digits(width=12, samples=6)
    yield cross_check(
        eq11,
        small.sample(0),
        adjoint_jacobian_by_differences(small.network, x, h),
        tolerance=tolerance(12, small.network.rho) / h,
        what="(11) against central differences of q itself, digits, m = 12",
        script=small.script,
    )
    exact = many_digits(5, 2, for_differences(case.digits))
    sample = exact.X[:1].tolist()
    yield cross_check_digits(
        eq11,
        exact.sample(0),
        jacobian_by_differences(exact, lambda n: list(n.adjoint(sample)), case.digits),
        context=exact.network.context,
        digits=case.digits,
        what="(11) against differences of q itself in mpmath, digits, m = 5",
    )
