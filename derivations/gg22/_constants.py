"""The constants of Theorem 3.1: what bounds in norms become under its hypotheses, and that the trainer's monitors use them.

Hypotheses: ||A(0)||, ||W|| <= c sqrt(m), ||A(t)|| <= 2 c sqrt(m), gamma = gamma_0/sqrt(m), rho = 2 c gamma_0 < 1, ||x_i|| = 1, ||b|| = sqrt(m), and
||A(t) - A(0)||_F <= omega.
"""

from __future__ import annotations

import numpy as np
from sympy import Expr, Symbol, sqrt

import deqmath as dm
from deqmath.checking import Verdict
from deqmath.claims.instances import Pair, holds_on

from ._network import net
from ._runs import runs

c, gamma0, omega, residual, lambda0 = (
    Symbol(name, positive=True) for name in ("c", "gamma_0", "omega", "r", "lambda_0")
)
m, n = net.m, net.n
rho = 2 * c * gamma0

#: (14), (12), (13) without its jumps, (15), and omega.
size_z, size_q = c * sqrt(m) / (1 - rho), sqrt(m) / (1 - rho)
change_z, change_q = gamma0 * c * omega / (1 - rho) ** 2, gamma0 * omega / (1 - rho) ** 2
change_gram = 4 * n * c**2 * gamma0**3 * omega / (sqrt(m) * (1 - rho) ** 5)
reach = 2 * gamma0 * c * sqrt(n) * residual / ((1 - rho) ** 2 * lambda0)

#: Norm symbols of the derived lines -> what the hypotheses give for them.
GIVEN = {"W": c * sqrt(m), "A": 2 * c * sqrt(m), "b": sqrt(m), "x": 1, "E": omega, "phi": c * sqrt(m), "z_0": size_z}


def under_the_hypotheses(bound: Expr, **norms: Expr) -> Expr:
    """A bound in norms with the hypotheses put in; ``norms`` adds to :data:`GIVEN`."""
    given = {f"norm_{name}": value for name, value in (GIVEN | norms).items()}
    at = {s: given[s.name] for s in bound.free_symbols if s.name in given}
    return bound.subs(at).subs(net.gamma, gamma0 / sqrt(m))


def gives(bound: Expr, stated: Expr, case, **norms: Expr) -> Verdict:
    """Is what the paper states the derived bound, with the hypotheses put in?"""
    found = under_the_hypotheses(bound, **norms)
    return dm.check_equal(stated * dm.one(), found * dm.one(), seed=case.seed, level=case.level)


def monitored(name: str, stated: Expr, what: str) -> Verdict:
    """Is the bound that the trainer monitors the stated one, to 9 digits, on every run?"""
    pairs = []
    for words, run in runs():
        start = run.initial
        values = {
            c: max(np.linalg.norm(start.A, 2), np.linalg.norm(start.W, 2)) / np.sqrt(start.width),
            gamma0: start.gamma * np.sqrt(start.width),
            residual: np.sqrt(2 * run.loss[0]),
            lambda0: run.lambda_min[0],
            m: start.width,
            n: run.predictions.shape[1],
        }
        value = float(stated.subs(omega, reach).subs(values))
        used = float(run.monitor(name).bound[0])
        pairs.append(Pair(abs(used - value), 1e-9 * value, words))
    return holds_on(pairs, f"|bound monitored - {what}| ≤ 10⁻⁹ of it")
