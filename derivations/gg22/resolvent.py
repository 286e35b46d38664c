"""Appendix B: the matrix U_i = I - gamma D_i A is invertible.

Hypothesis: rho = gamma ||A|| < 1. A gate has norm at most 1, so for every v

    ||U_i v|| >= ||v|| - gamma ||D_i A v|| >= (1 - rho) ||v||,      which is

    (34)   sigma_min(U_i) >= 1 - rho > 0,      ||U_i^{-1}|| <= 1/(1 - rho).

Source: gg22, Appendix B, equation (34).
"""

from fractions import Fraction

import numpy as np
from sympy import Inverse, MatrixSymbol

import deqmath as dm
from deqmath.bounds import operator_norm, resolvent_norm
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation
from deqmath.expressions.statements import NormAtMost

from ._network import digits, net

rho = net.gamma * dm.norm_symbol(net.A)


def derive_eq34():
    """||U^{-1}|| <= 1/(1 - rho), by the norm calculus."""
    return derivation(norm_calculus(Inverse(net.U())).lines, "least singular value of U").where(U=net.U())


@dm.claim(
    "gg22.eq34",
    source="gg22",
    equation="(34)",
    statement="γ‖A‖ < 1: σ_min(I - γ D A) ≥ 1 - γ‖A‖, so U is invertible",
    derivation=derive_eq34,
)
def least_singular_value_of_u(case):
    """The reverse triangle inequality, with ||D|| <= 1; then ||U^{-1}|| = 1/sigma_min(U)."""
    yield derive_eq34()
    # The form of the paper, attacked: ||v|| <= ||U v|| / (1 - rho) for every v.
    v, size = MatrixSymbol("v", net.m, 1), dm.norm_symbol(MatrixSymbol("Uv", net.m, 1))
    norms = ((size, net.U() * v), (dm.norm_symbol(net.A), net.A))
    yield dm.checking.judge(NormAtMost(v, size / (1 - rho), norms, (), rho), seed=case.seed)

    # On digits: the resolvent norm of every sample, certified, against the certified 1/(1 - rho).
    trial = digits(width=48, samples=6)
    network = trial.network
    norm = operator_norm(network.A, digits=6)
    right = 1 / (1 - Fraction(network.gamma) * norm.lower)
    gates = np.asarray(network.equilibrium(trial.X).gates, dtype=np.float64)
    found = [resolvent_norm(network.A, network.gamma, row) for row in gates]
    pairs = [Pair(bound.upper, right, f"sample {k}", trial.script) for k, bound in enumerate(found)]
    yield holds_on(pairs, "‖U⁻¹‖ ≤ 1/(1 - ρ) on digits, m = 48", kind="certified")
