"""Theorem 3.1, step 3: the equilibrium moves little.

Hypotheses as for (14), and ||A(t) - A(0)||_F <= omega. With E = A(0) - A(t),

    z_t - z_0 = [relu(gamma A_t z_t + phi) - relu(gamma A_t z_0 + phi)] + [relu(gamma A_t z_0 + phi) - relu(gamma A_0 z_0 + phi)],

the first bracket shrinks by rho, the second is at most gamma ||E|| ||z_0||; so

    (12)   ||z_i(t) - z_i(0)|| <= gamma omega ||z_i(0)||/(1 - rho) <= gamma_0 c omega/(1 - rho)^2.

No derivative is taken, so kinks and switches do not matter here.

Source: gg22, equation (12).
"""

import deqmath as dm
from deqmath.calculus.norm_calculus import perturbed_fixed_point
from deqmath.claims.instances import holds_on
from deqmath.derivation.derivation import derivation

from ._constants import change_z, gives, monitored
from ._network import net
from ._runs import pairs


def derive_eq12():
    """A contraction whose parameter is moved."""
    return derivation(perturbed_fixed_point(net.residual(), net.z(), net.A).lines, "change of the equilibrium")


@dm.claim(
    "gg22.eq12",
    source="gg22",
    equation="(12)",
    statement="‖zᵢ(t) - zᵢ(0)‖ ≤ γ₀ c ω/(1 - ρ)²",
    derivation=derive_eq12,
)
def change_of_the_equilibrium(case):
    """The two lines of the proof, attacked; its constants, exactly; then the whole bound along training runs."""
    derived = derive_eq12()
    yield derived
    for step in derived.steps:
        yield step.verdict
    yield gives(derived.steps[-1].expression, change_z, case)
    yield monitored("change_z", change_z, "γ₀ c ω/(1 - ρ)²")
    yield holds_on(pairs("change_z"), "‖zᵢ(t) - zᵢ(0)‖ ≤ γ₀ c ω/(1 - ρ)²", tolerance=1e-9)
