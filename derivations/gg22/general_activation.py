"""Lemma 3.2 for any smooth activation, and the full second derivative of f.

For z = sigma(u), u = gamma A z + phi, put D = diag(sigma'(u)), which now moves with A, and

    U = I - gamma D A,   V = I - gamma A D,   R = U^{-1} D = D V^{-1},   p = U^{-T} b,   q = R^T b = D p,
    T = V^{-T} diag(sigma''(u) o p) V^{-1}    (m x m, symmetric).

Then

    dz / d vec(A) = gamma (z^T kron R)
    dq / d vec(A) = gamma (R^T kron q^T) + gamma (z^T kron T)

and (11) is the case sigma'' = 0: for ReLU off the kinks T drops out. With f = b^T z / sqrt(m),

    d^2 f / d vec(A) d vec(A)^T = (gamma^2/sqrt(m)) (z^T kron R kron q  +  z kron R^T kron q^T  +  z z^T kron T),

which is symmetric, the first two terms being each other's transposes.

Source: gg22, Lemma 3.2, carried beyond ReLU (the paper treats ReLU only).
"""

import numpy as np
from sympy import Identity, Inverse, exp, log, sqrt, tanh

import deqmath as dm
from deqmath.claims.crosscheck import cross_check
from deqmath.expressions.smooth import instance, smooth
from deqmath.model import ReLUModel

from ._network import net as relu_net
from .lemma_3_2 import eq11

# The model of gg22 with an activation that stays unspecified.
sigma = smooth("sigma")
net = ReLUModel(activation=lambda u: dm.elementwise(sigma, u))
m, A, gamma, b, z, u = net.m, net.A, net.gamma, net.b, net.z(), net.u()

D = dm.diag(dm.elementwise(lambda t: sigma(t).diff(t), u))
curvature = dm.elementwise(lambda t: sigma(t).diff(t, 2), u)
U = Identity(m) - gamma * D * A
V = Identity(m) - gamma * A * D
R = Inverse(U) * D
p = Inverse(U).T * b
q = R.T * b
T = Inverse(V).T * dm.diag(dm.hadamard(curvature, p)) * Inverse(V)

dz = gamma * dm.kron(z.T, R)
dq = gamma * dm.kron(R.T, q.T) + gamma * dm.kron(z.T, T)
hessian = gamma**2 / sqrt(m) * (dm.kron(z.T, R, q) + dm.kron(z, R.T, q.T) + dm.kron(z * z.T, T))
# ReLU off the kinks: R and q are those of gg22, and T = 0.
relu_hessian = (
    gamma**2 / sqrt(m) * (dm.kron(z.T, relu_net.R(), relu_net.q()) + dm.kron(z, relu_net.R().T, relu_net.q().T))
)

NAMES = {"D": D, "U": U, "R": R, "V": V, "q": q}


def derive_dz():
    """From (2) by the implicit function theorem."""
    return dm.implicit_jacobian(net.residual(), z, A).where(**NAMES)


def derive_dq():
    """From q = R^T b, with z and so D moving along with A."""
    derived = dm.jacobian(q, A, implicit=net.equations(None)).where(**NAMES)
    return derived.then(dq, because="I + γ A R = V⁻¹ and diag(v) p = diag(p) v, terms collected")


def derive_hessian():
    """The gradient of f through the equilibrium, and its Jacobian through the equilibrium again."""
    gradient = dm.gradient(net.f(), A, implicit=net.equations(None)).result
    derived = dm.jacobian(gradient, A, implicit=net.equations(None)).where(**NAMES)
    return derived.then(hessian, because="∇f = (γ/√m) q zᵀ, then the two Jacobians above")


# --- the referee: the same model by hand in NumPy, and differences of it ---------------------------

ACTIVATIONS = {
    "tanh": (tanh, np.tanh, lambda t: 1 - np.tanh(t) ** 2),
    "softplus": (lambda t: log(1 + exp(t)), lambda t: np.logaddexp(0, t), lambda t: 1 / (1 + np.exp(-t))),
    "relu": (None, lambda t: np.maximum(t, 0), lambda t: (t > 0).astype(float)),
}
STEP = 1e-5


def numbers(seed, activation, slope, width=6):
    """A, phi, b and gamma of a small network with gamma ||A|| = 0.8, drawn until its signs tell.

    Some units are open and some closed, none is near the kink, and the signs of u are not those of
    phi, A z + phi, gamma^2 A z + phi or gamma A^T z + phi: a formula with a wrong gate must show.
    """
    rng = np.random.default_rng(seed)
    while True:
        weights = rng.standard_normal((width, width))
        phi, outputs = rng.standard_normal(width), rng.choice([-1.0, 1.0], width)
        scale = 0.8 / np.linalg.norm(weights, 2)
        state = by_hand(activation, slope, weights, phi, outputs, scale)[0]
        pushed = scale * weights @ state
        slips = (0 * pushed, pushed / scale, pushed * scale, scale * weights.T @ state)
        wrong = [(pushed + phi > 0) != (slip + phi > 0) for slip in slips]
        if np.abs(pushed + phi).min() > 1e-3 and 1 < (pushed + phi > 0).sum() < width and all(w.any() for w in wrong):
            return weights, phi, outputs, scale


def by_hand(activation, slope, weights, phi, outputs, scale):
    """z by 400 Picard steps (error 0.8^400), then q = R^T b and the gradient of f."""
    state = np.zeros_like(phi)
    for _ in range(400):
        state = activation(scale * weights @ state + phi)
    d = np.diag(slope(scale * weights @ state + phi))
    adjoint = d @ np.linalg.solve(np.eye(len(phi)) - scale * weights.T @ d, outputs)
    gradient = scale / np.sqrt(len(phi)) * np.outer(adjoint, state)
    return state, adjoint, gradient.ravel(order="F")


def differences(f, weights):
    """Central differences of a vector by vec(A) (columns stacked), error about STEP^2."""
    columns = []
    for j in range(weights.shape[1]):
        for i in range(weights.shape[0]):
            e = np.zeros_like(weights)
            e[i, j] = STEP
            columns.append((f(weights + e) - f(weights - e)) / (2 * STEP))
    return np.array(columns).T


def against_differences(case, expressions, which, what):
    """One cross-check an activation: the formula by generated NumPy, the model by hand."""
    for name, (symbol, activation, slope) in ACTIVATIONS.items():
        weights, phi, outputs, scale = numbers(case.seed % 1000, activation, slope)
        state = by_hand(activation, slope, weights, phi, outputs, scale)[0]
        at = {"A": weights, "phi": phi[:, None], "b": outputs[:, None], "gamma": scale, "z": state[:, None]}
        reference = differences(lambda W: by_hand(activation, slope, W, phi, outputs, scale)[which], weights)  # noqa: B023
        expression = expressions["relu"] if symbol is None else instance(expressions["smooth"], symbol)
        yield cross_check(expression, at, reference, tolerance=1e3 * STEP**2,
                          what=f"{what}, {name}, against differences of the model by hand")  # fmt: skip


@dm.claim(
    "gg22.general-activation",
    source="gg22",
    equation="Lemma 3.2, any smooth σ",
    statement="∂z/∂vec(A) = γ (zᵀ ⊗ R), ∂q/∂vec(A) = γ (Rᵀ ⊗ qᵀ) + γ (zᵀ ⊗ V⁻ᵀ diag(σ″(u) ∘ p) V⁻¹)",
    derivation=derive_dq,
)
def any_smooth_activation(case):
    """dq = D dp + dD p with dD = diag(sigma''(u) o du), and du = gamma V^{-1} dA z: off the ReLU's
    kinks sigma'' = 0, dD = 0 and (11) is left.
    """
    derived = derive_dz()
    yield derived
    yield derived.proves(dz)
    yield dm.check_implicit_derivative(dz, net.residual(), z, A, seed=case.seed, level=case.level)
    yield derive_dq()
    yield dm.check_derivative(dq, q, A, implicit=net.equations(None), seed=case.seed, level=case.level)
    # (11) is what is left when sigma'' = 0: for ReLU the engine finds it from the same model.
    relu_derived = dm.jacobian(relu_net.q(), relu_net.A, implicit=relu_net.equations(None))
    yield relu_derived.proves(eq11)
    relu_dz = relu_net.gamma * dm.kron(relu_net.z().T, relu_net.R())
    yield from against_differences(case, {"smooth": dz, "relu": relu_dz}, 0, "∂z/∂vec(A)")
    yield from against_differences(case, {"smooth": dq, "relu": eq11}, 1, "∂q/∂vec(A)")


@dm.claim(
    "gg22.second-derivative",
    source="gg22",
    equation="∂²f/∂A²",
    statement="∂²f/∂vec(A)∂vec(A)ᵀ = (γ²/√m)(zᵀ ⊗ R ⊗ q + z ⊗ Rᵀ ⊗ qᵀ + z zᵀ ⊗ V⁻ᵀ diag(σ″(u) ∘ p) V⁻¹)",
    derivation=derive_hessian,
)
def second_derivative_of_the_output(case):
    """grad f = (gamma/sqrt(m)) q z^T, so the Hessian is (gamma/sqrt(m)) ((I kron q) dz + (z kron I) dq)."""
    yield derive_hessian()
    gradient = gamma / sqrt(m) * q * z.T
    yield dm.check_derivative(hessian, gradient, A, implicit=net.equations(None), seed=case.seed, level=case.level)
    # From f itself, twice differentiated by second-order dual numbers: no gradient formula is used.
    yield dm.checking.check_second_derivative(
        hessian, net.f(), A, implicit=net.equations(None), seed=case.seed, level=case.level
    )
    yield dm.check_equal(hessian, hessian.T, seed=case.seed, level=case.level)
    yield dm.checking.check_second_derivative(
        relu_hessian, relu_net.f(), A, implicit=relu_net.equations(None), seed=case.seed, level=case.level
    )
    yield from against_differences(case, {"smooth": hessian, "relu": relu_hessian}, 2, "∂²f/∂A²")
