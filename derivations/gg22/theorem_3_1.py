"""Theorem 3.1: gradient flow on A alone converges at a linear rate.

Hypotheses: ||A(0)||, ||W|| <= c sqrt(m); gamma = gamma_0/sqrt(m) with rho = 2 c gamma_0 < 1; lambda_min(H(0)) >= lambda_0 > 0;
||x_i|| = 1; and m so large that omega <= c sqrt(m) and the right side of (15) is at most lambda_0/2, where

    omega = 2 gamma_0 c sqrt(n) ||r(0)|| / ((1 - rho)^2 lambda_0).

Conclusions, for all t:

    (a)  lambda_min(H(t)) >= lambda_0/2      (b)  ||A(t)|| <= 2 c sqrt(m)      (c)  ||r(t)||^2 <= exp(-lambda_0 t) ||r(0)||^2.

Proof. As long as (a) and (b) hold, d||r||^2/dt = -2 r^T H r <= -lambda_0 ||r||^2 gives (c). By the energy identity
||dA/dt||_F = sqrt(r^T H r) <= sqrt(tr H) ||r||, and (c) integrates to ||A(t) - A(0)||_F <= omega <= c sqrt(m): (b) holds strictly
before it can fail. By (12), (13') and (14), (15) bounds ||H(t) - H(0)|| by lambda_0/2, and Weyl's inequality gives (a).

The jumps of q at switches are part of ||H(t) - H(0)|| (see change_of_q.py). That the flow exists for all t is assumed: (6) alone does
not give it, since the flow can slide along a kink (see sliding.py).

Source: gg22, Theorem 3.1 and Appendix C.
"""

from fractions import Fraction
from math import isqrt

import numpy as np

import deqmath as dm
from deqmath.bounds import gaussian_norm, least_width
from deqmath.bounds import theorem_3_1 as constants
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.coverage import fails_at_most
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation
from deqmath.numeric import ReLUNetwork, gradient_flow

from ._network import i, j, net
from ._runs import pairs
from .energy import form
from .gradient_flow import flow, gram_entry

DELTA = 0.05
DRAWS = {"quick": 1000, "standard": 1500, "thorough": 20_000}


def derive_decay():
    """The rate at which ||r||^2 falls, bounded through the norm of H."""
    return derivation(norm_calculus(form).lines, "squared speed of A: rᵀ H r ≤ ‖r‖² ‖H‖")


@dm.claim(
    "gg22.thm3.1",
    source="gg22",
    equation="Theorem 3.1",
    statement="λ_min(H(t)) ≥ λ₀/2, ‖A(t)‖ ≤ 2c√m, ‖r(t)‖² ≤ exp(-λ₀ t) ‖r(0)‖², ‖A(t) - A(0)‖_F ≤ ω",
    derivation=derive_decay,
)
def convergence_of_the_flow(case):
    """The differential inequality, the chain closed with proved constants, and the conclusions along runs."""
    yield derive_decay()
    # d||r||^2/dt = -2 r^T H r, for one sample's share r_i^2: independently, by dual numbers.
    share = -2 * net.r(i) * dm.total(gram_entry(i, j) * net.r(j), j, net.n)
    yield dm.check_directional_derivative(
        share,
        net.r(i) * net.r(i),
        {net.A: flow.xreplace({i: j})},
        implicit=net.equations(i),
        seed=case.seed,
        level="quick",
    )

    for words, network, X, y in closing():
        yield from chain_closes(words, network, X, y)
    yield least_width_closes()

    for name, what in (
        ("lambda_min", "(a) λ₀/2 ≤ λ_min(H(t))"),
        ("norm_A", "(b) ‖A(t)‖ ≤ 2c√m"),
        ("residual", "(c) ‖r(t)‖² ≤ exp(-λ₀ t) ‖r(0)‖²"),
        ("distance", "‖A(t) - A(0)‖_F ≤ ω"),
    ):
        yield holds_on(pairs(name), what, tolerance=1e-9)
    yield fails_at_most(initial_norms(case), DELTA, f"‖A(0)‖ ≤ √m + √m + √(2 log(1/{DELTA})), m = 24,")
    yield fails_at_most(initial_residuals(case), DELTA, f"max |fᵢ(0)| ≤ ‖z‖ √(2 log(2n/{DELTA})/m), m = 24, n = 3,")


def closing():
    """Networks whose residual at the start is so small that the chain of inequalities closes at their own width."""
    one = ReLUNetwork(A=[[1.0]], W=[[1.0]], b=[1.0], gamma=0.05)
    yield "m = n = 1", one, np.eye(1), one.predict(np.eye(1)) + 0.01
    wide = ReLUNetwork.random(width=16, inputs=2, gamma0=0.1, seed=0)
    yield "m = 16, n = 2, ‖r(0)‖ = 1.4e-8", wide, np.eye(2), wide.predict(np.eye(2)) + 1e-8 * np.array([1.0, -1.0])


def chain_closes(words, network, X, y):
    """The two inequalities that close the chain, proved, switches included; then the run that they promise."""
    record = constants(network, X, y, delta=DELTA)
    reach = record["c"].upper * isqrt(network.width)
    sides = (
        (record["omega"].upper, reach, "ω ≤ c√m"),
        (
            record["change_gram_with_jumps"].upper,
            record["lambda_0"].lower / 2,
            "‖H(t) - H(0)‖ ≤ λ₀/2, switches included",
        ),
    )
    for left, right, what in sides:
        yield holds_on([Pair(left, right, words)], what, kind="certified")
    slowest = float(record["lambda_0"].lower)
    run = gradient_flow(network, X, y, t_end=4 / slowest, record=3, tol=1e-3)
    for monitor in run.monitors:
        lower = monitor.name == "lambda_min"
        both = (monitor.bound, monitor.measured) if lower else (monitor.measured, monitor.bound)
        found = [Pair(float(s), float(t), words) for s, t in zip(both[0][1:], both[1][1:], strict=True)]
        yield holds_on(found, monitor.statement, tolerance=1e-9)


def least_width_closes():
    """The width at which the chain closes for given constants: proved there, and proved not to close one below.

    Both ends are integers, so less than 1/2 apart means equal.
    """
    found = least_width(5, delta=DELTA, lambda_0=Fraction(1, 100), gamma0=Fraction(1, 5), c=Fraction(2))
    exact = [Pair(found.upper, found.lower + Fraction(1, 2), "n = 5, δ = 0.05, λ₀ = 0.01, γ₀ = 0.2, c = 2")]
    what = f"the chain closes at m = {float(found.upper):.6g} and not one below: upper ≤ lower end + 1/2"
    return holds_on(exact, what, kind="certified")


def initial_norms(case):
    """||A(0)|| over its bound, Gaussian A of 24 rows."""
    rng, bound = case.rng(), float(gaussian_norm(24, 24, DELTA).upper)
    draws = rng.standard_normal((DRAWS[case.level], 24, 24))
    return np.linalg.norm(draws, 2, axis=(1, 2)) / bound


def initial_residuals(case):
    """max_i |f_i(0)| over its bound: by Hoeffding's inequality over the signs b, for one fixed A and W."""
    rng, n, m = case.rng(), 3, 24
    network = ReLUNetwork.random(width=m, inputs=n, gamma0=0.2, seed=int(rng.integers(2**31)))
    Z = np.asarray(network.equilibrium(np.eye(n)).Z)
    signs = rng.choice([-1.0, 1.0], (DRAWS[case.level], m))
    bounds = np.linalg.norm(Z, axis=1) * np.sqrt(2 * np.log(2 * n / DELTA) / m)
    return np.max(np.abs(signs @ Z.T / np.sqrt(m)) / bounds, axis=1)
