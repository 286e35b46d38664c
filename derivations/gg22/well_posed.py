"""Well-posedness: when z = relu(gamma A z + phi) has one and only one solution.

Write rho = gamma ||A||. If rho < 1 the right side is a contraction in z, so z exists and is unique,

    ||z|| <= ||phi|| / (1 - rho),   and Picard's error after k steps is at most rho^k/(1 - rho) ||z^1 - z^0||.

Source: gg22, Section 2, equation (2), and gg22lin, Lemma 3.1.
"""

from fractions import Fraction

import deqmath as dm
from deqmath.bounds import operator_norm
from deqmath.claims.instances import Pair, holds_on

from ._network import digits, net


def derive():
    """The Lipschitz constant by structure, then Banach's theorem."""
    return dm.well_posedness(net.residual(), net.z())


@dm.claim(
    "gg22.well-posed",
    source="gg22",
    equation="(2)",
    statement="γ‖A‖ < 1: z = relu(γ A z + φ) has exactly one solution, ‖z‖ ≤ ‖φ‖/(1 - γ‖A‖)",
    derivation=derive,
    exports=lambda: {"residual": net.residual(), "picard_step": net.z() - net.residual()},
)
def one_and_only_one_equilibrium():
    """relu is 1-Lipschitz entry by entry, so ||F(z) - F(z')|| <= gamma ||A|| ||z - z'|| for
    F(z) = relu(gamma A z + phi); and ||F(0)|| = ||relu(phi)|| <= ||phi||.
    """
    derived = derive()
    yield derived
    # Every inequality is attacked: small exact instances that come as close as they can.
    for step in derived.steps[1:]:
        yield step.verdict

    # On real data: rho < 1 is certified, and the equilibrium found lies in a proved ball.
    trial = digits(width=128, samples=20)
    net_, eq = trial.network, trial.network.equilibrium(trial.X)
    norm = operator_norm(net_.A, digits=6)
    rho = Fraction(net_.gamma) * norm.upper
    where = f"20 digits, m = 128, ‖A‖ = {norm}; the trainer's residual is {eq.residual:.1e}"
    yield holds_on([Pair(rho, Fraction(1), where, trial.script)], "γ‖A‖ < 1, so each z is unique", kind="certified")
