"""Section 5.1: the limit of Phi^T Phi/m, and the width at which its least eigenvalue is near that of the limit.

For w ~ N(0, I) and unit vectors x_i, x_j at angle theta, t = cos(theta), the pair (w.x_i, w.x_j) is a plane Gaussian; in polar
coordinates the radius integrates to int r^3 exp(-r^2/2) dr = 2 and leaves, over the angles at which both are positive,

    (28)   K_ij = E[relu(w.x_i) relu(w.x_j)] = (1/pi) int_{theta - pi/2}^{pi/2} cos(a) cos(a - theta) da
                = (sqrt(1 - t^2) + t (pi - arccos t))/(2 pi).

Width. Phi^T Phi/m is a mean of m independent matrices phi phi^T, phi = relu(X w). Matrix Chernoff asks for phi phi^T <= R I, which
no R gives for Gaussian w; it is used for the vectors with ||phi||^2 <= R only. Dropping the others makes Phi^T Phi smaller, so with
mu = lambda_min(E[phi phi^T; ||phi||^2 <= R]) >= lambda_min(K) - E[||phi||^2; ||phi||^2 > R],

    P(lambda_min(Phi^T Phi)/m <= (1 - eps) mu) <= delta      for  m >= R log(n/delta)/(mu (eps + (1 - eps) log(1 - eps))).

Source: gg22, Section 5.1, equation (28) and the display after it.
"""

from fractions import Fraction

import flint
import numpy as np

import deqmath as dm
from deqmath.bounds import arc_cosine, matrix_chernoff_width
from deqmath.bounds.balls import ball, ends, precision
from deqmath.claims.coverage import fails_at_most
from deqmath.claims.instances import Pair, holds_on

EPSILON, DELTA, CUT = 0.5, 0.05, 12.0
DRAWS = {"quick": 1000, "standard": 1000, "thorough": 10_000}
#: Three unit vectors in the plane, 0, 70 and 160 degrees.
ANGLES = np.radians([0.0, 70.0, 160.0])
X = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


@dm.claim(
    "gg22.eq28",
    source="gg22",
    equation="(28)",
    statement="E[relu(w·xᵢ) relu(w·xⱼ)] = (√(1 - t²) + t(π - arccos t))/(2π); width by matrix Chernoff",
)
def arc_cosine_kernel(case):
    """The angle integral enclosed by rigorous quadrature against the closed form; then a thousand feature matrices at the width
    that matrix Chernoff asks for."""
    pairs = [pair for t in (-3, -1, 0, 1, 2, 3) for pair in both_ways(Fraction(t, 4))]
    yield holds_on(pairs, "|quadrature - closed form| ≤ 10⁻⁴⁵ at t = -3/4, ..., 3/4, both proved", kind="certified")
    rng = case.rng()
    yield fails_at_most(simulated(rng), 0.05, "|mean of 4000 products - K_ij| ≤ 2.6 standard errors,")

    features = relu_features(rng, 400_000)
    kept = (features**2).sum(axis=1) <= CUT
    mu = float(np.linalg.eigvalsh((features[kept].T @ features[kept]) / len(features))[0])
    # 0.97: mu is a mean of 400,000 draws, known to better than 1%.
    width = int(np.ceil(float(matrix_chernoff_width(3, Fraction(0.97 * mu), CUT, EPSILON, DELTA).upper)))
    ratios = []
    for _ in range(DRAWS[case.level]):
        drawn = relu_features(rng, width)
        ratios.append((1 - EPSILON) * 0.97 * mu / np.linalg.eigvalsh(drawn.T @ drawn / width)[0])
    yield fails_at_most(ratios, DELTA, f"(1 - ε) μ ≤ λ_min(ΦᵀΦ)/m at m = {width}, R = {CUT:g}, ε = {EPSILON},")


def both_ways(t):
    """The two differences between the enclosed integral and the closed form, against 10^-45; t = cos(theta)."""
    closed = arc_cosine(1, 1, 1, t, digits=40)
    with precision(160):
        theta = ball(t).acos()
        pi = flint.arb.pi()
        found = flint.acb.integral(lambda a, _: a.cos() * (a - theta).cos(), theta - pi / 2, pi / 2).real / pi
        low, high = ends(found)
    limit = Fraction(1, 10**45)
    yield Pair(max(high - closed.lower, Fraction(0)), limit, f"t = {t}, from above")
    yield Pair(max(closed.upper - low, Fraction(0)), limit, f"t = {t}, from below")


def relu_features(rng, count):
    """phi = relu(X w) for that many draws of w, as rows."""
    return np.maximum(rng.standard_normal((count, 2)) @ X.T, 0)


def simulated(rng):
    """1000 estimates of K_01 from 4000 draws each: the error over 2.6 standard errors."""
    exact = float(arc_cosine(1, 1, 1, Fraction(float(np.cos(ANGLES[1]))), digits=15).mid)
    ratios = []
    for _ in range(1000):
        features = relu_features(rng, 4000)
        product = features[:, 0] * features[:, 1]
        ratios.append(abs(product.mean() - exact) / (2.6 * product.std() / np.sqrt(4000)))
    return ratios
