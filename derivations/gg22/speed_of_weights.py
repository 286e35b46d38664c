"""Theorem 3.1, step 2: how fast A moves, and how far.

By the energy identity ||dA/dt||_F^2 = r^T H r <= lambda_max(H) ||r||^2, and lambda_max(H) <= tr H, as H is positive semidefinite by (9). With (8)
and (14), tr H = (gamma^2/m) sum_i ||z_i||^2 ||q_i||^2 <= n gamma_0^2 c^2/(1 - rho)^4, so

    (35)   ||dA/dt||_F <= sqrt(lambda_max(H)) ||r|| <= gamma_0 c sqrt(n) ||r||/(1 - rho)^2,

and where ||r(t)|| <= exp(-lambda_0 t/2) ||r(0)||, integration gives

    ||A(t) - A(0)||_F <= omega = 2 gamma_0 c sqrt(n) ||r(0)||/((1 - rho)^2 lambda_0).

Hypotheses: those of (14).

Source: gg22, Theorem 3.1 and Appendix C, equation (35).
"""

import numpy as np
from sympy import MatrixSymbol, sqrt

import deqmath as dm
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.instances import Pair, holds_on
from deqmath.claims.search import climbed
from deqmath.derivation.derivation import derivation

from ._constants import c, gamma0, gives, lambda0, m, monitored, n, reach, residual, rho, size_q, size_z
from ._network import net
from ._runs import pairs
from .change_of_q import gates_and_adjoint

z, q = (MatrixSymbol(name, m, 1) for name in "zq")
#: sqrt(m) grad_A f for one sample; its squared Frobenius norm is m H_ii.
part = net.gamma * q * z.T
speed = gamma0 * c * sqrt(n) * residual / (1 - rho) ** 2


def derive_eq35():
    """sqrt(m) ||grad_A f_i|| by the norm calculus."""
    return derivation(norm_calculus(part).lines, "the gradient of one prediction")


@dm.claim(
    "gg22.eq35",
    source="gg22",
    equation="(35)",
    statement="‖dA/dt‖_F ≤ √λ_max(H) ‖r‖ ≤ γ₀ c √n ‖r‖/(1 - ρ)², and ‖A(t) - A(0)‖_F ≤ ω",
    derivation=derive_eq35,
)
def speed_of_the_weights(case):
    """Both inequalities climbed to their closest at three units and two samples; the constants, exactly; and omega along runs."""
    derived = derive_eq35()
    yield derived
    for step in derived.steps:
        yield step.verdict
    # sqrt(n/m) times the bound on one of them, times ||r||; then its integral against exp(-lambda_0 t/2).
    yield gives(sqrt(n) / sqrt(m) * residual * derived.steps[-1].expression, speed, case, z=size_z, q=size_q)
    yield dm.check_equal(reach * dm.one(), 2 * speed / lambda0 * dm.one(), seed=case.seed, level=case.level)
    first, second = climbs(case)
    yield holds_on(first, "‖dA/dt‖_F ≤ √λ_max(H) ‖r‖", tolerance=1e-9)
    yield holds_on(second, "‖dA/dt‖_F ≤ (γ/√m) √n max ‖φᵢ‖ ‖b‖ ‖r‖/(1 - γ‖A‖)²", tolerance=1e-9)
    yield monitored("distance", reach, "ω")
    yield holds_on(pairs("distance"), "‖A(t) - A(0)‖_F ≤ ω", tolerance=1e-9)


def climbs(case):
    """The closest approach to each inequality, A, phi_1, phi_2, b and r being free."""
    rng, gamma = case.rng(), 0.25

    def sides(point):
        A, phis, b, r = point[:9].reshape(3, 3), point[9:15].reshape(2, 3), point[15:18], point[18:]
        size = gamma * np.linalg.norm(A, 2)
        if size >= 0.95:
            return None
        found = [gates_and_adjoint(A, phi, b, gamma) for phi in phis]
        Q = np.array([q for _, q in found])
        Z = np.array(
            [
                gates * np.linalg.solve(np.eye(3) - gamma * A * gates, phi)
                for (gates, _), phi in zip(found, phis, strict=True)
            ]
        )
        moved = gamma / np.sqrt(3) * np.linalg.norm((Q.T * r) @ Z)
        H = gamma**2 / 3 * (Z @ Z.T) * (Q @ Q.T)
        sharp = np.sqrt(np.linalg.eigvalsh(H)[-1]) * np.linalg.norm(r)
        largest = np.linalg.norm(phis, axis=1).max() * np.linalg.norm(b)
        whole = gamma / np.sqrt(3) * np.sqrt(2) * largest * np.linalg.norm(r) / (1 - size) ** 2
        return [Pair(float(moved), float(right), "three units, two samples") for right in (sharp, whole)]

    # Random starts, and one where everything is along the first unit: both samples, b, and the direction that A stretches.
    starts = rng.standard_normal((3, 20))
    starts[2] = 0
    starts[2, [0, 9, 12, 15, 18, 19]] = 1
    return [climbed(lambda point, k=k: (both := sides(point)) and both[k], starts, rng, steps=200) for k in range(2)]
