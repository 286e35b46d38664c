"""Theorem 3.1, step 5: the Gram matrix moves little.

One factor of H_ij = (gamma^2/m) z_i^T z_j q_i^T q_j changes at a time, so with (14) for the sizes

    (15)   |H_ij(t) - H_ij(0)| <= (gamma^2/m) (2 s_z d_z s_q^2 + 2 s_z^2 s_q d_q),      ||H(t) - H(0)|| <= n max_ij |...|,

where s_z, s_q bound the sizes and d_z, d_q the changes of z_i and q_i. With (12) and with (13) this is the paper's
4 n c^2 gamma_0^3 omega/(sqrt(m) (1 - rho)^5). With the repaired (13') for d_q it also counts the jumps at switches:
they add a term of order m^(1/4)/sqrt(m), which still tends to 0.

Source: gg22, equation (15).
"""

import numpy as np
from sympy import MatrixSymbol, Symbol

import deqmath as dm
from deqmath.calculus.norm_calculus import telescoped
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation

from ._constants import change_gram, change_q, change_z, gives, monitored, size_q, size_z
from ._network import net
from ._runs import pairs, runs

front = Symbol("h", positive=True)


def derive_eq15():
    """H_ij as a product of four factors z^T, w, q^T, p with h = gamma^2/m in front."""
    z, w, q, p = (MatrixSymbol(name, net.m, 1) for name in ("z", "w", "q", "p"))
    return derivation(telescoped((z.T, w, q.T, p), front).lines, "change of an entry of H")


@dm.claim(
    "gg22.eq15",
    source="gg22",
    equation="(15)",
    statement="‖H(t) - H(0)‖ ≤ n (γ²/m)(2 s_z d_z s_q² + 2 s_z² s_q d_q)",
    derivation=derive_eq15,
)
def change_of_the_gram_matrix(case):
    """A telescoping product; n times the largest entry bounds the operator norm of an n x n matrix."""
    derived = derive_eq15()
    yield derived
    yield derived.steps[0].verdict
    # n entries, h = gamma^2/m; z and w are equilibria, q and p adjoints, at both ends.
    norms = {f"{new}{letter}": size for letter, size in zip("zwqp", (size_z, size_z, size_q, size_q), strict=True)
             for new in ("", "new_")}  # fmt: skip
    norms |= {f"d{letter}": move for letter, move in zip("zwqp", (change_z, change_z, change_q, change_q), strict=True)}
    entry = derived.steps[-1].expression.subs(front, net.gamma**2 / net.m)
    yield gives(net.n * entry, change_gram, case, **norms)
    yield monitored("change_gram", change_gram, "4nc²γ₀³ω/(√m(1 - ρ)⁵)")
    yield holds_on([measured(words, run) for words, run in runs()],
                   "(15) with the sizes and changes measured, jumps included", tolerance=1e-9)  # fmt: skip
    yield holds_on(pairs("change_gram"), "(15) with the constants of (12), (13), (14)", tolerance=1e-9)


def measured(words, run):
    """Both sides of (15) between the ends of a run, sizes and changes as they were."""
    gamma, m = run.initial.gamma, run.initial.width
    size_z, size_q, change_z, change_q = (
        float(run.monitor(name).measured[k].max()) if name.startswith("change") else
        float(run.monitor(name).measured.max())
        for name, k in (("size_z", 0), ("size_q", 0), ("change_z", -1), ("change_q", -1))
    )  # fmt: skip
    n = run.predictions.shape[1]
    entry = gamma**2 / m * (2 * size_z * change_z * size_q**2 + 2 * size_z**2 * size_q * change_q)
    return Pair(float(np.max(run.monitor("change_gram").measured[-1])), n * entry, words)
