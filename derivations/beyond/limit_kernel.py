"""The limit of the implicit layer's Gram matrix for a Gaussian A, which gg22 leaves to future work.

For A_ij, W_ij ~ N(0, 1), b_i = +-1, gamma = gamma_0/sqrt(m) and m to infinity, the pre-activations of two samples become Gaussian (and,
for phi = relu, a Gaussian plus a rectified one). With kappa_0, kappa_1 the arc-cosine maps of a covariance C,

    kappa_0(C)_ij = P(u_i > 0, u_j > 0),   kappa_1(C)_ij = E[relu(u_i) relu(u_j)],   u ~ N(0, C),

phi = identity:  S = kappa_1(gamma_0^2 S + X X^T),   K_0 = kappa_0(gamma_0^2 S + X X^T);
phi = relu:      S = E[relu(u) relu(u)^T],   K_0 = P(u_i, u_j > 0),   u = g + relu(h), g ~ N(0, gamma_0^2 S), h ~ N(0, X X^T);
both:            <z_i, z_j>/m -> S_ij,   <q_i, q_j>/m -> K_0/(1 - gamma_0^2 K_0),   H -> gamma_0^2 S o K_0/(1 - gamma_0^2 K_0).

The diagonal is closed for the identity, S_ii = ||x_i||^2/(2 - gamma_0^2). Each entry off it is a fixed point of a map with slope
gamma_0^2 kappa_0 <= gamma_0^2/2 < 1 (at most 3 gamma_0^2/4 for relu), so it exists and is unique by Banach's theorem. That the network
tends to this kernel is shown by simulation, not proved: A appears in every iteration of z, and the heuristic takes it as fresh each time.

Source: not in the papers; gg22, Section 6, names it as future work.
"""

from fractions import Fraction
from functools import lru_cache

import flint
import numpy as np

import deqmath as dm
from deqmath.bounds import limit_kernel
from deqmath.bounds.balls import ball, ends, hull, precision
from deqmath.claims.instances import Pair, holds_on

from ._simulation import GAMMA0, INPUTS, convergence


@lru_cache(maxsize=4)
def enclosed(phi):
    """The enclosures of deqmath.bounds, and their centres as arrays: S, S_q, H."""
    found = limit_kernel(INPUTS, gamma0=GAMMA0, digits=20, phi=phi)
    n = len(INPUTS)
    centres = [
        np.array([[float(part.entry(i, j).mid) for j in range(n)] for i in range(n)])
        for part in (found.S, found.S_q, found.H)
    ]
    return found, centres


def arc_cosine_maps(C, i, j):
    """``kappa_0`` and ``kappa_1`` of two Gaussians, in balls, by angles."""
    a, b, c = C[i][i], C[j][j], C[i][j]
    root = (a * b - c * c).sqrt()
    opened = flint.arb.pi() - flint.arb.atan2(root, c)
    return opened / (2 * flint.arb.pi()), (root + c * opened) / (2 * flint.arb.pi())


def certified_identity():
    """How far the enclosed S and S_q are from solving their equations: proved upper ends."""
    found, _ = enclosed("identity")
    tiny, n = Fraction(1, 10**19), len(INPUTS)
    gap = [[np.dot(x, y) for y in INPUTS] for x in INPUTS]
    with precision(160):
        S = [[hull(found.S.entry(i, j).lower, found.S.entry(i, j).upper) for j in range(n)] for i in range(n)]
        gg = ball(GAMMA0) ** 2
        C = [[gg * S[i][j] + ball(float(gap[i][j])) for j in range(n)] for i in range(n)]
        for i in range(n):
            closed = ball(float(gap[i][i])) / (2 - gg)
            yield Pair(ends(abs(S[i][i] - closed))[1], tiny, f"S_ii = ||x||²/(2 - γ₀²), i = {i}")
            for j in range(i):
                k0, k1 = arc_cosine_maps(C, i, j)
                S_q = hull(found.S_q.entry(i, j).lower, found.S_q.entry(i, j).upper)
                yield Pair(ends(abs(S[i][j] - k1))[1], tiny, f"S = κ₁(C), ({i}, {j})")
                yield Pair(ends(abs(S_q * (1 - gg * k0) - k0))[1], tiny, f"S_q (1 - γ₀² κ₀) = κ₀, ({i}, {j})")


def contraction():
    """``|h(s) - h(t)| <= (gamma_0^2/2) |s - t|`` for the map of one entry, at pairs over its whole interval."""
    with precision(120):
        gg, top = ball(GAMMA0) ** 2, Fraction(1, 2)
        variance = 2 / (2 - gg)
        for x in (Fraction(-3, 4), Fraction(0), Fraction(7, 8)):
            grid = [top * k / 8 for k in range(-8, 9)]
            images = []
            for s in grid:
                C = [[variance, gg * ball(s) + ball(x)], [gg * ball(s) + ball(x), variance]]
                images.append(arc_cosine_maps(C, 0, 1)[1])
            for k in range(16):
                rise = ends(abs(images[k + 1] - images[k]))[1]
                yield Pair(rise, Fraction(GAMMA0) ** 2 / 2 * top / 8, f"x = {float(x)}, s = {float(grid[k])}")


@dm.claim(
    "beyond.limit-identity",
    source="beyond",
    equation="φ = identity",
    statement="A Gaussian: S = κ₁(γ₀²S + XXᵀ), K₀ = κ₀(γ₀²S + XXᵀ), H → γ₀² S ∘ K₀/(1 - γ₀²K₀) as m → ∞; the fixed point exists",
)
def limit_for_the_identity(case):
    """The enclosed solution solves its equations, the map contracts, and simulated networks tend to the kernel."""
    yield holds_on(list(certified_identity()), "residual of the enclosed fixed point ≤ 10⁻¹⁹", kind="certified")
    yield holds_on(list(contraction()), "|h(s) - h(t)| ≤ (γ₀²/2)|s - t|", kind="certified")
    yield from convergence("identity", enclosed("identity")[1], case)


def certified_relu():
    """sigma = E relu(g + relu(h))^2 in polar coordinates: h < 0 gives a^2/4, h > 0 an integral over angles, a^2 = gamma_0^2 sigma."""
    found, _ = enclosed("relu")
    with precision(160):
        for i, x in enumerate(INPUTS):
            size = ball(float(x @ x))
            sigma = hull(found.S.entry(i, i).lower, found.S.entry(i, i).upper) / size
            a = ball(GAMMA0) * sigma.sqrt()

            def antiderivative(t, a=a):
                # of (a sin t + cos t)^2
                return (a * a + 1) * t / 2 + (1 - a * a) * (2 * t).sin() / 4 - a * (2 * t).cos() / 2

            upper, lower = flint.arb.pi() / 2, -(1 / a).atan()
            image = a * a / 4 + (antiderivative(upper) - antiderivative(lower)) / flint.arb.pi()
            yield Pair(ends(abs(image - sigma))[1], Fraction(1, 10**18), f"sigma from row {i}")


@dm.claim(
    "beyond.limit-relu",
    source="beyond",
    equation="φ = relu",
    statement="A Gaussian: S = E[relu(u) relu(u)ᵀ], u = g + relu(h), K₀ = P(uᵢ, uⱼ > 0), H → γ₀² S ∘ K₀/(1 - γ₀²K₀) as m → ∞",
)
def limit_for_relu(case):
    """The diagonal against its own closed form in balls; every entry, enclosed by certified quadrature, against simulated networks."""
    yield holds_on(list(certified_relu()), "residual of the enclosed diagonal ≤ 10⁻¹⁸", kind="certified")
    yield from convergence("relu", enclosed("relu")[1], case)
