"""Lemma 4.2, first and second part: the flow linearised at t = 0, and its limit.

The coupled flow keeps the kernel of t = 0. With H = H(0), k_0(x) the column of K_0(x, x_i), and E_t = exp(-H t), that is
E' = -H E with E_0 = I (E_t is opaque here: nothing else of it is used),

    dg_t(x)/dt = -k_0(x)^T (u(t) - y),      u(t) = g_t at the samples,

    (18)   u(t) - y = E_t (u(0) - y)
    (19)   g_t(x) = g_0(x) + k_0(x)^T H^{-1} (I - E_t) (y - u(0))
    (21)   g_oo(x) = g_0(x) + k_0(x)^T H^{-1} (y - u(0))

and in the norm of the kernel's RKHS the solution stays in a ball that does not depend on t:

    (36)   (y - u_0)^T (I - E_t) H^{-1} (I - E_t) (y - u_0)  <=  (y - u_0)^T H^{-1} (y - u_0) =: B^2.

Hypothesis: lambda_min(H) >= lambda_0 > 0, so that H^{-1} exists and E_t tends to 0. The two sides of (18), and of (19), have
one derivative and one value at t = 0; a linear differential equation has one solution.

Source: gg22, Lemma 4.2, equations (18), (19), (21), (36), and Appendix D.
"""

from fractions import Fraction

import flint
import numpy as np
from scipy.linalg import expm
from sympy import Identity, Inverse, MatrixSymbol, Symbol

import deqmath as dm
from deqmath.bounds.balls import ball, ends, precision
from deqmath.calculus.norm_calculus import norm_calculus
from deqmath.claims.crosscheck import cross_check
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation
from deqmath.numeric import gradient_flow

from ._network import digits, net

n = net.n
H, E = MatrixSymbol("H", n, n), MatrixSymbol("E", n, n)
start, y, k = (MatrixSymbol(name, n, 1) for name in ("u_0", "y", "k"))
g = MatrixSymbol("g_0", 1, 1)
I = Identity(n)
motion = {E: -H * E}
regular = dm.invertible(H)

eq18 = y + E * (start - y)
eq19 = g + k.T * Inverse(H) * (I - E) * (y - start)
eq21 = g + k.T * Inverse(H) * (y - start)
v = MatrixSymbol("v", n, 1)  # y - u_0 in (36); (I - E)(y - u_0) where (19) is evaluated


def derive_eq18():
    """The derivative of y + E (u_0 - y), with E' = -H E."""
    moved = dm.jacobian(eq18, E).along(-H * E, E, because="E' = -H E", label="du/dt")
    return moved.then(-H * (eq18 - y), because="E (u₀ - y) = u - y by (18)")


def derive_eq19():
    """The derivative of (19) is -k^T (u - y) with u from (18)."""
    moved = dm.jacobian(eq19, E).along(-H * E, E, because="E' = -H E", label="dg/dt")
    return moved.then(-k.T * (eq18 - y), because="H⁻¹ H = I, and E (u₀ - y) = u - y", assuming=[regular])


def derive_eq21():
    """What is left of (19) is k^T H^{-1} E (y - u_0), bounded by the norm of E."""
    rest = MatrixSymbol("K", n, n)  # H^{-1}
    return derivation(norm_calculus(k.T * rest * E * (y - start)).lines, "distance of g_t from its limit")


def sample_run():
    """Five digits: H(0), u(0), y and five times up to 3/lambda_0."""
    trial = digits(96, 5, 0, 0.2)
    network = trial.network
    gram = np.asarray(network.gram(trial.X))
    times = np.array([0.01, 0.1, 0.5, 1.0, 3.0]) / float(np.linalg.eigvalsh(gram)[0])
    return trial, (gram + gram.T) / 2, network.predict(trial.X), times


def skewed(gram):
    """H with a skew part: (18) and (19) ask for no symmetry, and a transpose put wrong must show."""
    part = np.triu(gram, 1) / 2
    return gram + part - part.T


@dm.claim(
    "gg22.eq18",
    source="gg22",
    equation="(18)",
    statement="u(t) - y = exp(-H₀ t)(u(0) - y)",
    derivation=derive_eq18,
    exports=lambda: {"u": eq18},
)
def linearised_training_error(case):
    """du/dt = -H E (u_0 - y) = -H (u - y), and u = u_0 where E = I: the one solution of the coupled flow."""
    from scipy.integrate import solve_ivp  # slow to import, and not needed from the cache

    yield derive_eq18()
    yield dm.check_directional_derivative(-H * (eq18 - y), eq18, motion, seed=case.seed, level=case.level)
    yield dm.check_equal(start, eq18, assuming=[dm.equation(E - I, E)], seed=case.seed, level=case.level)

    trial, symmetric, u0, times = sample_run()
    gram = skewed(symmetric)

    def rate(_t, u):
        return -gram @ (u - trial.y)

    found = solve_ivp(rate, (0, times[-1]), u0, "DOP853", t_eval=times, rtol=1e-12, atol=1e-13)
    run = gradient_flow(trial.network, trial.X, trial.y, t_end=times[1], record=times[:2], tol=0.1)
    for t, by_steps in zip(times, found.y.T, strict=True):
        at = {"E": expm(-gram * t), "u_0": u0[:, None], "y": trial.y[:, None]}
        yield cross_check(eq18, at, by_steps[:, None], tolerance=1e-9,
                          what=f"(18) against the coupled flow integrated, digits, t = {t:.3g}")  # fmt: skip
    at = {"E": expm(-symmetric * times[1]), "u_0": u0[:, None], "y": trial.y[:, None]}
    yield cross_check(eq18, at, run.linearised[-1][:, None], tolerance=1e-10,
                      what="(18) against the linearised predictions of the trainer's run")  # fmt: skip


@dm.claim(
    "gg22.eq19",
    source="gg22",
    equation="(19)",
    statement="g_t(x) = g₀(x) + k₀(x)ᵀ H₀⁻¹ (I - exp(-H₀ t))(y - u(0))",
    derivation=derive_eq19,
    exports=lambda: {"g": eq19},
)
def linearised_prediction(case):
    """The derivative along E' = -H E is -k^T (u - y), and g = g_0 where E = I; at a sample, k is a column of H and (19) is (18)."""
    from scipy.integrate import solve_ivp  # slow to import, and not needed from the cache

    yield derive_eq19()
    yield dm.check_directional_derivative(
        -k.T * (eq18 - y), eq19, motion, assuming=[regular], seed=case.seed, level=case.level
    )
    yield dm.check_equal(g, eq19, assuming=[dm.equation(E - I, E), regular], seed=case.seed, level=case.level)

    trial, symmetric, u0, times = sample_run()
    gram = skewed(symmetric)
    network, outside = trial.network, digits(96, 6, 0, 0.2).X[-1:]
    column = np.asarray(network.kernel(outside, trial.X)).T
    before = network.predict(outside)

    def rate(_t, both):
        return np.append(-gram @ (both[:-1] - trial.y), -column[:, 0] @ (both[:-1] - trial.y))

    found = solve_ivp(rate, (0, times[-1]), np.append(u0, before), "DOP853", t_eval=times, rtol=1e-12, atol=1e-13)
    for t, both in zip(times, found.y.T, strict=True):
        at = {
            "H": gram,
            "k": column,
            "g_0": before[:, None],
            "v": (np.eye(5) - expm(-gram * t)) @ (trial.y - u0)[:, None],
        }
        yield cross_check(g + k.T * Inverse(H) * v, at, [[both[-1]]], tolerance=1e-8,
                          what=f"(19) at an input outside the samples, t = {t:.3g}")  # fmt: skip


@dm.claim(
    "gg22.eq21",
    source="gg22",
    equation="(21)",
    statement="g_∞(x) = g₀(x) + k₀(x)ᵀ H₀⁻¹ (y - u(0)), which fits every sample",
    derivation=derive_eq21,
    exports=lambda: {"g_limit": eq21},
)
def limit_of_the_linearised_prediction(case):
    """(19) minus (21) is -k^T H^{-1} E (y - u_0), whose norm is at most ||k|| exp(-lambda_0 t) ||y - u_0||/lambda_0."""
    yield derive_eq21()
    rest = -k.T * Inverse(H) * E * (y - start)
    yield dm.check_equal(eq19 - eq21, rest, assuming=[regular], seed=case.seed, level=case.level)
    # At the samples k is a column of H and g_0 is u_0: the limit is y.
    fit = start + H * Inverse(H) * (y - start)
    yield dm.check_equal(fit, y, assuming=[regular], seed=case.seed, level=case.level)

    trial, gram, u0, times = sample_run()
    weights = np.linalg.solve(gram, trial.y - u0)
    column = np.asarray(trial.network.kernel(digits(96, 6, 0, 0.2).X[-1:], trial.X))[0]
    pairs = [distance_from_the_limit(gram, column, weights, t, "digits") for t in times]
    one = np.ones((1, 1))
    pairs += [distance_from_the_limit(one, one[0], one[0], t, "n = 1, H = k = 1") for t in (0.5, 2.0)]
    yield holds_on(pairs, "|g_t(x) - g_∞(x)| ≤ ‖k‖ exp(-λ₀ t) ‖y - u₀‖/λ₀", tolerance=1e-9)


def distance_from_the_limit(gram, column, weights, t, words):
    """|g_t(x) - g_oo(x)| = |k^T exp(-H t) H^{-1} (y - u_0)|, and its bound; weights = H^{-1} (y - u_0)."""
    slowest, size = float(np.linalg.eigvalsh(gram)[0]), float(np.linalg.norm(gram @ weights))
    bound = float(np.linalg.norm(column) * np.exp(-slowest * t) * size / slowest)
    return Pair(float(abs(column @ expm(-gram * t) @ weights)), bound, f"{words}, t = {t:.3g}")


@dm.claim(
    "gg22.eq36",
    source="gg22",
    equation="(36)",
    statement="(y - u₀)ᵀ (I - e^{-Ht}) H⁻¹ (I - e^{-Ht}) (y - u₀) ≤ (y - u₀)ᵀ H⁻¹ (y - u₀) = B²",
)
def rkhs_norm_stays_bounded(case):
    """The left side is a squared norm of weights; in H's eigenbasis the gap is a sum of squares; both sides in balls."""
    # The weights of g_t - g_0 are Psi^T a with H a = (I - E) v, H = Psi Psi^T.
    features, a = MatrixSymbol("Psi", n, dm.dim("p")), MatrixSymbol("a", n, 1)
    weights = features.T * a
    solved = dm.equation(features * features.T * a - (I - E) * v, a)
    yield dm.check_equal(weights.T * weights, v.T * (I - E).T * a, assuming=[solved], seed=case.seed, level=case.level)
    # In the eigenbasis, one term: l the eigenvalue, s^2 = exp(-l t), and 0 <= s <= 1 makes the gap at least 0.
    c, s, l = (Symbol(name, positive=True) for name in ("c", "s", "l"))
    gap = c**2 / l - c**2 * (1 - s**2) ** 2 / l
    yield dm.check_equal(gap * dm.one(), c**2 * s**2 * (2 - s**2) / l * dm.one(), seed=case.seed, level=case.level)
    yield holds_on(list(in_balls()), "(36) on digits, m = 96, n = 5, t from 0.01/λ₀ to 3/λ₀", kind="certified")


def in_balls():
    """Both sides enclosed, the exponential and the solve by python-flint, H and y - u_0 the float64 numbers."""
    trial, gram, u0, times = sample_run()
    with precision(160):
        h = flint.arb_mat(5, 5, [ball(float(x)) for x in gram.ravel()])
        gap = flint.arb_mat(5, 1, [ball(float(x)) for x in trial.y - u0])
        right = (gap.transpose() * h.solve(gap))[0, 0]
        for t in times:
            moved = gap - (h * ball(-Fraction(float(t)))).exp() * gap
            left = (moved.transpose() * h.solve(moved))[0, 0]
            yield Pair(ends(left)[1], ends(right)[0], f"t = {t:.3g}", trial.script)
