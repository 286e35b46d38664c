"""Section 5: a lower bound on lambda_min(H) that separates z from q.

For M, Q symmetric and positive semidefinite and lambda = lambda_min(M), M - lambda I is positive semidefinite, so by Schur's
theorem (9) is (M - lambda I) o Q. Hence

    M o Q = (M - lambda I) o Q + lambda (I o Q)  >=  lambda diag(Q_ii),

    (25)   lambda_min(M o Q) >= lambda_min(M) min_i Q_ii,

and with M = Z^T Z, Q_ii = ||q_i||^2:  lambda_min(H) >= (gamma^2/m) lambda_min(Z^T Z) min_i ||q_i||^2.

Source: gg22, equation (25).
"""

from fractions import Fraction

import numpy as np
from sympy import Identity, MatrixSymbol, Symbol, Trace

import deqmath as dm
from deqmath.bounds import gram_lambda_min, lambda_min
from deqmath.claims.instances import Pair, holds_on

from ._network import digits, net

n = net.n
M, Q, G, F = (MatrixSymbol(name, n, n) for name in "MQGF")
c, shift = MatrixSymbol("c", n, 1), Symbol("lambda", positive=True)
split = dm.hadamard(M - shift * Identity(n), Q) + shift * dm.hadamard(Identity(n), Q)
# The first part's quadratic form, for M - lambda I = G^T G and Q = F^T F.
form = c.T * dm.hadamard(G.T * G, F.T * F) * c
weighted = F * dm.diag(c) * G.T


def derive_eq25():
    """lambda I o Q split off."""
    return dm.rewriting(dm.hadamard(M, Q), title="a Hadamard product from below", label="M ∘ Q").then(
        split, because="the entrywise product is linear in its first factor"
    )


@dm.claim(
    "gg22.eq25",
    source="gg22",
    equation="(25)",
    statement="λ_min(M ∘ Q) ≥ λ_min(M) minᵢ Qᵢᵢ for M, Q ⪰ 0",
    derivation=derive_eq25,
)
def least_eigenvalue_of_a_hadamard_product(case):
    """The split is an identity, its first part a sum of squares; the bound certified on digits, and attacked."""
    yield derive_eq25()
    squares = Trace(weighted.T * weighted) * dm.one()
    yield dm.check_equal(form, squares, seed=case.seed, level=case.level)

    trial = digits(width=64, samples=12)
    network = trial.network
    Z, V = np.asarray(network.equilibrium(trial.X).Z), np.asarray(network.adjoint(trial.X).Q)
    low, whole = gram_lambda_min(Z, digits=6), lambda_min(exact_symmetric(Z, V), digits=6)
    least = min(sum(Fraction(float(x)) ** 2 for x in row) for row in V)
    # M o Q is formed in float64: its entries carry a relative 1e-13, which the factor below leaves room for.
    pair = Pair(low.upper * least * (1 - Fraction(1, 10**8)), whole.lower, "digits, m = 64, n = 12", trial.script)
    yield holds_on([pair], "λ_min(ZᵀZ) minᵢ ‖qᵢ‖² ≤ λ_min(ZᵀZ ∘ QᵀQ)", kind="certified")
    yield holds_on(list(small(case)), "λ_min(M) minᵢ Qᵢᵢ ≤ λ_min(M ∘ Q) for small matrices", tolerance=1e-7)


def exact_symmetric(Z, V):
    """(Z Z^T) o (V V^T) for rows as samples, symmetric in float64."""
    product = (Z @ Z.T) * (V @ V.T)
    return (product + product.T) / 2


def small(case):
    """Random positive definite pairs; every fourth has a nearly constant M, or a Q near the identity."""
    rng = case.rng()
    for k in range(200):
        size = int(rng.integers(1, 5))
        A, B = rng.standard_normal((2, size, size + 1))
        left, right = A @ A.T, B @ B.T
        if k % 4 == 0:
            right = np.eye(size) + 1e-3 * right
        bound = np.linalg.eigvalsh(left)[0] * np.diag(right).min()
        yield Pair(float(bound), float(np.linalg.eigvalsh(left * right)[0]), f"pair {k}, n = {size}")
