"""The path of a prediction: the tangent kernel, equations (16) and (17).

For any two inputs x and x', with z, q at x and z', q' at x',

    (16)   K_t(x, x') = <grad_A f_t(x), grad_A f_t(x')> = (gamma^2/m) <z, z'> <q, q'>

and along the flow (6) the prediction at x, seen in training or not, moves as df_t(x)/dt = -sum_i K_t(x, x_i) r_i(t); so

    (17)   f_T(x) = f_0(x) - int_0^T sum_i K_t(x, x_i) r_i(t) dt.

Hypotheses: those of Lemma 3.2 at every t (gamma ||A|| < 1; no kink but at isolated times, where f is still continuous).

Source: gg22, equations (16) and (17).
"""

import numpy as np
from sympy import sqrt

import deqmath as dm
from deqmath.claims.crosscheck import cross_check, tolerance
from deqmath.claims.quadrature import integral_matches

from ._network import i, net
from ._trajectory import RTOL, trajectory
from .gradient_flow import flow

# K(x, x_i) for one more input with its own z and q, and sample i.
kernel = net.gamma**2 / net.m * (net.z().T * net.z(i)) * (net.q().T * net.q(i))
# The same for all samples at once, given their Z and Q: 1 x n.
q = dm.direction(net.z(), "q")
kernel_row = net.gamma**2 / net.m * dm.hadamard(net.z().T * net.Z, q.T * net.Q)
motion = -dm.total(kernel * net.r(i), i, net.n)


def derive_eq16():
    """The product of two gradients, each through its own equilibrium."""
    row = dm.jacobian(net.f(), net.A, implicit=net.equations(None)).where(**net.names())
    column = dm.jacobian(net.f(i), net.A, implicit=net.equations(i)).result.T
    because = "times the transpose at xᵢ; mixed product: (zᵀ ⊗ qᵀ)(zᵢ ⊗ qᵢ) = zᵀzᵢ qᵀqᵢ"
    return row.times(column, because=because, label="K(x, xᵢ)", names=net.names(i))


def derive_eq17():
    """df/dt at an input outside the samples, then integrated from 0 to T."""
    derived = dm.jacobian(net.f(), net.A, implicit=net.equations(None)).where(**net.names())
    return derived.along(flow, net.A, because="dA/dt is (6)", label="df(x)/dt").then(
        motion, because="bᵀR = qᵀ; products of scalars commute"
    )


@dm.claim(
    "gg22.eq16",
    source="gg22",
    equation="(16)",
    statement="K_t(x, x') = ⟨∇f_t(x), ∇f_t(x')⟩ = (γ²/m) ⟨z, z'⟩ ⟨q, q'⟩",
    derivation=derive_eq16,
    exports=lambda: {"kernel_row": kernel_row},
)
def tangent_kernel(case):
    """grad_A f(x) = (gamma/sqrt(m)) q z^T at every input, by (10); the inner product of two of them factors."""
    derived = derive_eq16()
    yield derived
    yield derived.proves(kernel)
    gradient = net.gamma * net.q(i) * net.z(i).T / sqrt(net.m)
    yield dm.check_directional_derivative(
        kernel, net.f(), {net.A: gradient}, implicit=net.equations(None), seed=case.seed, level=case.level
    )
    path = trajectory()
    reference = np.asarray(path.first.kernel(path.x, path.X))
    yield cross_check(
        kernel_row,
        at(path.first, path),
        reference,
        tolerance=tolerance(12, path.first.rho),
        what="(16) on digits, m = 12, an input outside the samples",
    )


@dm.claim(
    "gg22.eq17",
    source="gg22",
    equation="(17)",
    statement="f_T(x) = f_0(x) - ∫₀ᵀ Σᵢ K_t(x, xᵢ) rᵢ(t) dt",
    derivation=derive_eq17,
)
def prediction_along_the_path(case):
    """The rate, derived and by dual numbers; then Gauss quadrature of it against the trainer's own f_T - f_0."""
    yield derive_eq17()
    yield dm.check_directional_derivative(
        motion, net.f(), {net.A: flow}, implicit=net.equations(None, i), seed=case.seed, level="quick"
    )
    path = trajectory()
    r = dm.direction(net.y, "r")
    values = [at(network, path) | {"r": (network.predict(path.X) - path.y)[:, None]} for network in path.networks]
    yield integral_matches(
        -kernel_row * r,
        values,
        path.weights,
        path.last.predict(path.x) - path.first.predict(path.x),
        tolerance=1e4 * RTOL,
        what=f"(17) on digits, m = 12, n = 3, an input outside, T = {path.end:.3g}, 12 Gauss nodes",
    )


def at(network, path):
    """The symbols of the kernel row for the samples and the input outside."""
    inside, outside = network.linearisation(path.X), network.linearisation(path.x)
    return {
        "gamma": network.gamma,
        "Z": inside.Z.T,
        "Q": inside.Q.T,
        "z": outside.Z.T,
        "q": outside.Q.T,
    }
