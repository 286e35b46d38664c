"""Theorem 3.1, step 1: how large the equilibrium and the adjoint can be.

Hypotheses: ||A(0)||, ||W|| <= c sqrt(m), ||x_i|| = 1, and ||A(t)|| <= 2 c sqrt(m) with rho = 2 c gamma_0 < 1. Then

    (14)   ||z_i(t)|| <= c sqrt(m)/(1 - rho),      ||q_i(t)|| <= sqrt(m)/(1 - rho),

because ||phi_i|| <= ||W|| ||x_i||, ||z|| <= ||phi||/(1 - rho) and ||q|| <= ||b||/(1 - rho), with ||b|| = sqrt(m).

Source: gg22, equation (14).
"""

import deqmath as dm
from deqmath.calculus.lipschitz import contraction_lines
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.instances import holds_on
from deqmath.derivation.derivation import derivation

from ._constants import gives, monitored, size_q, size_z
from ._network import net
from ._runs import pairs


def derive_eq14():
    """The feature, then the equilibrium by Banach's theorem, then the adjoint by the Neumann lemma."""
    feature = norm_calculus(net.features()).lines
    _, solution = contraction_lines(net.residual(), net.z())
    adjoint = norm_calculus(net.q()).lines
    return derivation((*feature, *solution[1:3], *adjoint), "sizes of z and q").where(D=net.D())


@dm.claim(
    "gg22.eq14",
    source="gg22",
    equation="(14)",
    statement="‖zᵢ(t)‖ ≤ c√m/(1 - ρ), ‖qᵢ(t)‖ ≤ √m/(1 - ρ)",
    derivation=derive_eq14,
)
def sizes_along_the_run(case):
    """Each line is a norm inequality; each is attacked on small exact instances, then on whole runs; the constants, exactly."""
    derived = derive_eq14()
    yield derived
    for step in derived.steps:
        yield step.verdict
    solution, adjoint = derived.steps[3].expression, derived.steps[-1].expression
    yield gives(solution, size_z, case)
    yield gives(adjoint, size_q, case)
    yield monitored("size_z", size_z, "c√m/(1 - ρ)")
    yield monitored("size_q", size_q, "√m/(1 - ρ)")
    yield holds_on(pairs("size_z"), "‖zᵢ(t)‖ ≤ c√m/(1 - ρ)", tolerance=1e-9)
    yield holds_on(pairs("size_q"), "‖qᵢ(t)‖ ≤ √m/(1 - ρ)", tolerance=1e-9)
