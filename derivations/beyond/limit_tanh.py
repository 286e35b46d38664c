"""The limit of the implicit layer's Gram matrix for sigma = tanh, phi = identity and a Gaussian A.

As for relu (limit_kernel.py), the pre-activations become Gaussian as m grows, u ~ N(0, C), and with sigma = tanh

    S_ij = E[sigma(u_i) sigma(u_j)],   C = gamma_0^2 S + X X^T,   K_ij = E[sigma'(u_i) sigma'(u_j)],
    <z_i, z_j>/m -> S_ij,   <q_i, q_j>/m -> K_ij/(1 - gamma_0^2 K_ij),   H -> gamma_0^2 S o K/(1 - gamma_0^2 K).

Existence. An entry S_ij off the diagonal is a fixed point of s -> E[sigma(u_i) sigma(u_j)], whose slope is gamma_0^2 E[sigma' sigma'] (Price's
theorem), at most gamma_0^2 as 0 < sigma' <= 1. An entry S_ii is a fixed point of a map of slope (gamma_0^2/2) E[(sigma^2)''], and |(sigma^2)''| <= 2.
So for gamma_0 < 1 each exists and is unique by Banach's theorem, and lies within |h(s) - s|/(1 - gamma_0^2) of any s.

Quadrature. With a_k(c) = E[sigma(sqrt(c) Z) He_k(Z)]/sqrt(k!), Z ~ N(0, 1), and the correlation t = C_ij/sqrt(C_ii C_jj), Mehler's formula gives

    E[sigma(u_i) sigma(u_j)] = sum_k t^k a_k(C_ii) a_k(C_jj),    |terms above K| <= |t|^(K+1) sqrt(R_i R_j),    R = E sigma^2 - sum_{k <= K} a_k^2,

by Parseval. Every a_k is an integral over [-12, 12], enclosed by python-flint, and a tail of at most P(|Z| > 12)^(1/2) < 10^-16 (Cauchy and
Schwarz, as E He_k^2 = k!). That networks tend to this kernel is shown by simulation, not proved.

Source: not in the papers; gg22, Section 6, names it as future work.
"""

from fractions import Fraction
from functools import lru_cache
from math import factorial

import flint
import numpy as np

import deqmath as dm
from deqmath.bounds.balls import ball, ends, precision
from deqmath.claims.instances import Pair, holds_on

from ._simulation import GAMMA0, INPUTS, convergence

#: Terms of Mehler's series; range of quadrature, and what is left outside it.
TERMS, RANGE, TAIL = 40, 12, 1e-16
BITS, WANTED = 90, Fraction(1, 10**17)


def bell(u):
    """tanh'."""
    return 1 - u.tanh() ** 2


def square_of_tanh(u):
    return u.tanh() ** 2


def expectation(function, hermite=(1,)):
    """``E[function(Z) He(Z)]/sqrt(E He^2)`` for a function at most 1 on the real line, He given by its coefficients."""

    def weighted(z, _):
        value = flint.acb(0)
        for c in hermite[::-1]:
            value = value * z + c
        return function(z) * value * (-z * z / 2).exp()

    whole = flint.acb.integral(weighted, -RANGE, RANGE, rel_tol=ball(WANTED), abs_tol=ball(WANTED)).real
    size = flint.arb(factorial(len(hermite) - 1)).sqrt()
    return whole / size / (2 * flint.arb.pi()).sqrt() + flint.arb(0, TAIL)


class Series:
    """a_0, ..., a_K of sigma at one variance, and the rest R; sigma is odd or even, so every other one is 0."""

    def __init__(self, sigma, odd, variance):
        root = variance.sqrt()
        self.terms = []
        for k in range(TERMS + 1):
            he = [int(c) for c in np.polynomial.hermite_e.herme2poly([0] * k + [1])]
            value = expectation(lambda z: sigma(root * z), he) if k % 2 == odd else flint.arb(0)
            self.terms.append(value)
        self.whole = expectation(lambda z: sigma(root * z) ** 2)
        self.rest = ends(self.whole - sum((a * a for a in self.terms), flint.arb(0)))[1]

    def times(self, other, t):
        """E[sigma(u) sigma(v)] for the correlation t, by Mehler's formula with its rest."""
        total = sum((t**k * a * b for k, (a, b) in enumerate(zip(self.terms, other.terms, strict=True))), flint.arb(0))
        left = abs(t) ** (TERMS + 1) * (ball(self.rest) * ball(other.rest)).sqrt()
        return total + flint.arb(0, 1.001 * float(ends(left)[1]))


def around(image):
    """A ball that holds the fixed point of a map of slope at most gamma_0^2, and the residual |h(s) - s| at its centre."""
    s = ball(Fraction(1, 2))
    for _ in range(16):
        s = image(s).mid()
    residual = ends(abs(image(s) - s))[1]
    return s + flint.arb(0, 1.001 * float(residual) / (1 - GAMMA0**2)), residual


@lru_cache(maxsize=1)
def limit():
    """S, K/(1 - gamma_0^2 K) and H in balls, and (residual, name) of every entry of S."""
    n, gap, residuals = len(INPUTS), INPUTS @ INPUTS.T, []
    S, K = ([[flint.arb(0)] * n for _ in range(n)] for _ in range(2))
    with precision(BITS):
        gg = ball(GAMMA0) ** 2
        variance = []
        for i in range(n):
            own = ball(float(gap[i, i]))
            S[i][i], left = around(lambda s, own=own: expectation(lambda z: square_of_tanh((gg * s + own).sqrt() * z)))
            residuals.append((left, f"S_{i}{i}"))
            variance.append(gg * S[i][i] + own)
        odd, even = ([Series(sigma, parity, v) for v in variance] for sigma, parity in ((flint.acb.tanh, 1), (bell, 0)))
        for i, j in np.ndindex(n, n):
            if i < j:
                continue
            own, size = ball(float(gap[i, j])), (variance[i] * variance[j]).sqrt()
            if i > j:
                S[i][j], left = around(
                    lambda s, i=i, j=j, own=own, size=size: odd[i].times(odd[j], (gg * s + own) / size)
                )
                residuals.append((left, f"S_{i}{j}"))
            K[i][j] = even[i].whole if i == j else even[i].times(even[j], (gg * S[i][j] + own) / size)
            S[j][i], K[j][i] = S[i][j], K[i][j]
        S_q = [[k / (1 - gg * k) for k in row] for row in K]
        H = [[gg * s * q for s, q in zip(*rows, strict=True)] for rows in zip(S, S_q, strict=True)]
    return S, S_q, H, residuals


def floats(balls):
    return np.array([[float(entry.mid()) for entry in row] for row in balls])


def radii(balls, name):
    """Twice the radius of every entry, its width."""
    for i, j in zip(*np.tril_indices(len(balls)), strict=True):
        low, high = ends(balls[i][j])
        yield Pair(high - low, Fraction(1, 10**8), f"{name}_{i}{j} = {float(low):.9f}...")


@dm.claim(
    "beyond.limit-tanh",
    source="beyond",
    equation="σ = tanh, φ = identity",
    statement="A Gaussian, σ = tanh: S = E[σ(u)σ(u)ᵀ], K = E[σ'(u)σ'(u)ᵀ], u ~ N(0, γ₀²S + XXᵀ), H → γ₀² S ∘ K/(1 - γ₀²K) as m → ∞; S exists for γ₀ < 1",
)
def limit_for_tanh(case):
    """The fixed point by certified quadrature, the slope that makes it unique, and simulated networks."""
    S, S_q, H, residuals = limit()
    solved = [Pair(left, Fraction(1, 10**10), name) for left, name in residuals]
    yield holds_on(solved, "|h(s) - s| ≤ 10⁻¹⁰ at the centre of each entry of S", kind="certified")
    wide = [pair for part, name in ((S, "S"), (S_q, "(S_q)"), (H, "H")) for pair in radii(part, name)]
    yield holds_on(wide, "width of every enclosed entry ≤ 10⁻⁸", kind="certified")
    yield holds_on(list(slopes()), "|h(s) - h(t)| ≤ γ₀² |s - t| for the map of S₀₀", kind="certified")
    yield from convergence("tanh", tuple(map(floats, (S, S_q, H))), case)


def slopes():
    """The map of one entry at neighbouring points of [0, 1]: what it rises by, and gamma_0^2 times the step."""
    with precision(BITS):
        gg = ball(GAMMA0) ** 2
        grid = [Fraction(k, 8) for k in range(9)]
        # A sample of length 1/4, where the pre-activations are small and the slope is largest.
        images = [
            expectation(lambda z, s=s: square_of_tanh((gg * ball(s) + ball(Fraction(1, 16))).sqrt() * z)) for s in grid
        ]
        for s, low, high in zip(grid, images, images[1:], strict=False):
            yield Pair(ends(abs(high - low))[1], Fraction(GAMMA0) ** 2 / 8, f"||x|| = 1/4, from s = {s}")
