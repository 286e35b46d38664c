"""Lemma 4.2: the coupled flow decays, and the Rademacher complexity of its solutions.

    (i)    ||u(t) - y|| <= exp(-lambda_0 t) ||u(0) - y||, lambda_0 = lambda_min(H);
    (ii)   it has the limit (21) (see linearised_flow.py);
    (iii)  by (36) every g_t - g_0 lies in F = { <w, psi(x)> : ||w|| <= B }, whose empirical Rademacher complexity is

    (22)   R = E sup_{||w|| <= B} (1/n) sum_i eps_i <w, psi_i> = (B/n) E ||sum_i eps_i psi_i|| <= (B/n) sqrt(tr H).

Proof of (22). Cauchy and Schwarz, with equality for w along the sum; E||.|| <= sqrt(E||.||^2) (Jensen); and the expectation of
eps^T H eps over independent signs is tr H.

Source: gg22, Lemma 4.2, equation (22), and Appendix D.
"""

from fractions import Fraction
from itertools import product

import flint
import numpy as np
from scipy.linalg import expm
from sympy import MatrixSymbol

import deqmath as dm
from deqmath.bounds.balls import ball, ends, precision
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation

from ._network import digits, net
from .linearised_flow import E, eq18, sample_run, start, y

w, s = (MatrixSymbol(name, dm.dim("p"), 1) for name in ("w", "s"))  # s = sum_i eps_i psi_i


def derive_eq22():
    """The supremum over the ball, by Cauchy and Schwarz."""
    return derivation(norm_calculus(w.T * s).lines, "supremum over the ball")


def derive_decay():
    """||E (u_0 - y)|| <= ||E|| ||u_0 - y||, and ||exp(-H t)|| = exp(-lambda_min t) for symmetric H."""
    gap = MatrixSymbol("v", net.n, 1)  # u_0 - y
    return derivation(norm_calculus(E * gap).lines, "decay of the coupled flow")


@dm.claim(
    "gg22.lemma4.2",
    source="gg22",
    equation="Lemma 4.2",
    statement="‖u(t) - y‖ ≤ exp(-λ₀ t) ‖u(0) - y‖ for the coupled flow",
    derivation=derive_decay,
)
def coupled_flow_decays(case):
    """By (18) u - y = E (u_0 - y); the norm of E is the largest exp(-lambda_k t)."""
    yield derive_decay()
    yield dm.check_equal(eq18 - y, E * (start - y), seed=case.seed, level=case.level)
    trial, gram, u0, times = sample_run()
    values, vectors = np.linalg.eigh(gram)
    pairs = []
    for words, gap in (("digits", u0 - trial.y), ("the slowest eigenvector", vectors[:, 0])):
        for t in times:
            left = float(np.linalg.norm(expm(-gram * t) @ gap))
            pairs.append(Pair(left, float(np.exp(-values[0] * t) * np.linalg.norm(gap)), f"{words}, t = {t:.3g}"))
    yield holds_on(pairs, "‖u(t) - y‖ ≤ exp(-λ₀ t) ‖u(0) - y‖", tolerance=1e-9)


@dm.claim(
    "gg22.eq22",
    source="gg22",
    equation="(22)",
    statement="R(F) = (B/n) E‖Σ εᵢ ψᵢ‖ ≤ (B/n) √(tr H)",
    derivation=derive_eq22,
)
def rademacher_complexity(case):
    """All 2^n signs for n = 8 digits, in balls: the exact complexity under its bound; and 30 digits by random signs."""
    yield derive_eq22()
    gram = np.asarray(digits(64, 8).network.gram(digits(64, 8).X))
    gram = (gram + gram.T) / 2
    cases = (("8 digits, m = 64", gram), ("orthonormal features", np.eye(8)))
    yield holds_on(
        [average(words, H) for words, H in cases], "E‖Σ εᵢ ψᵢ‖ ≤ √(tr H) over all 256 signs", kind="certified"
    )
    yield holds_on(list(second_moments(cases)), "E εᵀ H ε ≤ tr H, with equality, over all 256 signs", kind="certified")

    trial = digits(64, 30)
    H = np.asarray(trial.network.gram(trial.X))
    signs = case.rng().choice([-1.0, 1.0], (4000, 30))
    sizes = np.sqrt(np.einsum("ki,ij,kj->k", signs, H, signs))
    error = 2.6 * sizes.std() / np.sqrt(len(sizes))
    pair = Pair(
        float(sizes.mean() + error), float(np.sqrt(np.trace(H))), "30 digits, m = 64, mean of 4000 draws + 2.6 s.e."
    )
    yield holds_on([pair], "E‖Σ εᵢ ψᵢ‖ ≤ √(tr H)")


def average(words, gram):
    """E sqrt(eps^T H eps) over all signs, enclosed, and sqrt(tr H)."""
    n = len(gram)
    with precision(128):
        forms = [ball(max(form, Fraction(0))).sqrt() for form in exact_forms(gram)]
        left = sum(forms, flint.arb(0)) / len(forms)
        right = ball(sum(Fraction(float(gram[k, k])) for k in range(n))).sqrt()
        # A relative 2^-100 covers the radius of the square roots where both sides are equal.
        return Pair(ends(left)[1], ends(right)[1] * (1 + Fraction(1, 2**100)), words)


def second_moments(cases):
    """The mean of eps^T H eps over all signs and the trace: both exact rationals."""
    for words, gram in cases:
        forms = exact_forms(gram)
        yield Pair(sum(forms) / len(forms), sum(Fraction(float(x)) for x in np.diag(gram)), words)


def exact_forms(gram):
    """eps^T H eps for every eps in {-1, 1}^n, in rationals."""
    exact = [[Fraction(float(x)) for x in row] for row in gram]
    n = len(exact)
    diagonal = sum(exact[k][k] for k in range(n))
    return [
        diagonal + 2 * sum(e[a] * e[b] * exact[a][b] for a in range(n) for b in range(a))
        for e in product((-1, 1), repeat=n)
    ]
