"""Lemma 4.4: the trained network stays near the coupled flow at every input, uniformly in time.

Hypotheses: those of Theorem 3.1, and ||x|| = 1, so that (12) and (14) hold at x too. Write k_t for the vector of the
K_t(x, x_i), e = f - u on the samples, and let d bound ||H_t - H_0|| and n times the largest change of a K_t(x, x_i).

    df_t(x)/dt - dg_t(x)/dt = -(k_t - k_0)^T r(t) - k_0^T e(t)

    (37)   |K_t(x, x_i) - K_0(x, x_i)| <= (gamma^2/m) (sum over the four factors of one change and three sizes)
    (38)   ||k_t - k_0|| <= sqrt(n) max_i |...| = d/sqrt(n)
    (39)   int_0^oo ||k_t - k_0|| ||r|| + ||k_0|| ||e|| dt <= 2 d ||r(0)||/(sqrt(n) lambda_0) + 2 sqrt(n) h d ||r(0)||/lambda_0^2
    (24)   |f_t(x) - g_t(x)| <= the same, for every t,

with h the bound on the entries of H. For (39): ||r|| <= p ||r(0)|| with p = exp(-lambda_0 t/2), and ||u - y|| <= p^2 ||r(0)|| in
(23), whose integral is then (2/lambda_0) d ||r(0)|| (p - p^2).

The paper takes one d for the samples and for every x, by (13). But (13) leaves out the switches (change_of_q.py), and x may lie
on a kink itself. There D_t(x) jumps at t = 0+, the rates of f_t(x) and g_t(x) differ from the start, and |f_t(x) - g_t(x)| is
of the order of ||r(0)||, not of its square. What is proved at x, with h = b + gamma A(0)^T q(x) at t = 0:

    (13')  ||q_t(x) - q_0(x)|| <= (gamma omega ||q_0(x)|| + J)/(1 - rho),   J >= ||(D_t(x) - D_0(x)) h||,

with J = ||h|| <= ||b||/(1 - rho/2) where any unit may switch; J = 0 where every |u_k(x)| at t = 0 is more than u(x) can
change; and at a sample |f_t(x_i) - g_t(x_i)| <= ||e(t)|| <= d ||r(0)||/(2 lambda_0) from (23) alone. `generalization` gives all
three.

Source: gg22, Lemma 4.4, equations (24), (37), (38), (39), and Appendix F.
"""

import numpy as np
from scipy.linalg import expm
from sympy import MatrixSymbol, Symbol

import deqmath as dm
from deqmath.bounds import generalization
from deqmath.calculus.norm_calculus import norm_calculus, telescoped
from deqmath.claims.instances import Pair, holds_on
from deqmath.derivation.derivation import derivation
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork, gradient_flow, multiprecision_flow

from ._network import net
from ._trajectory import trajectories
from .lemma_4_3 import coupled
from .theorem_3_1 import closing

n = net.n
kt, k0, f, u, y, e = (MatrixSymbol(name, n, 1) for name in ("k_t", "k_0", "f", "u", "y", "e"))
one = Symbol("h", positive=True)
# (39): p = exp(-lambda t/2) is opaque, with p' = -(lambda/2) p; d, r, h, N stand for d, ||r(0)||, the entries, sqrt(n).
p = MatrixSymbol("p", 1, 1)
lam, d, r, h, N = (Symbol(name, positive=True) for name in ("lambda", "d", "r", "h", "N"))
fade = {p: -lam / 2 * p}
tracking = 2 * d * r / lam * (p - p * p)
integrand = d * r / N * p + N * h * tracking
primitive = 2 * d * r / (N * lam) * (dm.one() - p) + 2 * N * h * d * r / lam**2 * (
    2 * (dm.one() - p) - (dm.one() - p * p)
)


def derive_eq24():
    """The rate of f_t(x) - g_t(x), with f = e + u on the samples."""
    difference = -kt.T * (f - y) + k0.T * (u - y)
    return dm.rewriting(difference, title="rate of f_t(x) - g_t(x)", label="d(f - g)/dt").then(
        -(kt - k0).T * (f - y) - k0.T * (f - u), because="k₀ᵀ (f - y) added and taken away"
    )


def derive_eq37():
    """A product of four factors, one changed at a time."""
    z, w, q, s = (MatrixSymbol(name, net.m, 1) for name in ("z", "w", "q", "s"))
    return derivation(telescoped((z.T, w, q.T, s), one).lines, "change of the kernel at x")


def derive_eq38():
    """The norm of the rate, by the norm calculus."""
    change, residual = MatrixSymbol("dk", n, 1), MatrixSymbol("r", n, 1)
    return derivation(norm_calculus(-change.T * residual - k0.T * e).lines, "rate of f_t(x) - g_t(x), bounded")


@dm.claim(
    "gg22.eq37",
    source="gg22",
    equation="(37)",
    statement="|K_t(x, xᵢ) - K₀(x, xᵢ)| ≤ (γ²/m) Σ (one change) × (three sizes)",
    derivation=derive_eq37,
)
def change_of_the_kernel():
    """The same telescoping product as (15); measured along flows with the sizes and changes as they were."""
    yield derive_eq37()
    yield holds_on([kernel_change(words, path) for words, path in trajectories()], "(37) along flows", tolerance=1e-9)


@dm.claim(
    "gg22.eq38",
    source="gg22",
    equation="(38)",
    statement="‖k_t - k₀‖ ≤ √n maxᵢ |K_t(x, xᵢ) - K₀(x, xᵢ)|, |d(f - g)/dt| ≤ ‖k_t - k₀‖ ‖r‖ + ‖k₀‖ ‖e‖",
    derivation=derive_eq38,
)
def rate_of_the_difference():
    """Triangle inequality and Cauchy and Schwarz; each line is attacked."""
    derived = derive_eq38()
    yield derived
    for step in derived.steps:
        yield step.verdict
    pairs = []
    for words, path in trajectories():
        change = kernel_row(path, path.last) - kernel_row(path, path.first)
        bound = np.sqrt(len(path.y)) * np.abs(change).max()
        pairs.append(Pair(float(np.linalg.norm(change)), float(bound), words))
    yield holds_on(pairs, "‖k_t - k₀‖ ≤ √n maxᵢ |...|", tolerance=1e-9)


@dm.claim(
    "gg22.eq39",
    source="gg22",
    equation="(39)",
    statement="∫₀^∞ ‖k_t - k₀‖ ‖r‖ + ‖k₀‖ ‖e‖ dt ≤ 2d‖r(0)‖/(√n λ₀) + 2√n h d‖r(0)‖/λ₀²",
)
def integral_of_the_rate(case):
    """The integral has a primitive in p = exp(-lambda t/2); it is 0 at p = 1, and the right side at p = 0."""
    # (23) with constant bounds: E = (2/lambda) d r (p - p^2) solves E' = -(lambda/2) E + d r p^2, E(0) = 0.
    forced = -lam / 2 * tracking + d * r * p * p
    yield dm.check_directional_derivative(forced, tracking, fade, seed=case.seed, level=case.level)
    yield dm.check_directional_derivative(integrand, primitive, fade, seed=case.seed, level=case.level)
    yield dm.check_equal(primitive.subs(p, dm.one()).doit(), 0 * p, seed=case.seed, level=case.level)
    whole = 2 * d * r / (N * lam) + 2 * N * h * d * r / lam**2
    at_zero = dm.equation(p - 0 * p, p)
    yield dm.check_equal(whole * dm.one(), primitive, assuming=[at_zero], seed=case.seed, level=case.level)


@dm.claim(
    "gg22.lemma4.4",
    source="gg22",
    equation="(24)",
    statement="|f_t(x) - g_t(x)| ≤ 2d‖r(0)‖/(√n λ₀) + 2√n h d‖r(0)‖/λ₀² for every t",
    derivation=derive_eq24,
)
def distance_at_every_input():
    """The identity is exact; the integral bounds the trainer's own f_T - g_T; and where the chain of Theorem 3.1 closes, the
    closed form (39) with proved constants bounds it at the samples, at inputs that are none, and on a kink, where (24) with
    no switch at x is exceeded.
    """
    yield derive_eq24()
    yield holds_on([both_sides(words, path) for words, path in trajectories()],
                   "|f_T(x) - g_T(x)| ≤ ∫ ‖k_t - k₀‖ ‖r‖ + ‖k₀‖ ‖e‖ dt", tolerance=1e-6)  # fmt: skip
    at_samples, elsewhere, off_kinks = [], [], []
    for words, network, X, targets in closing():
        proved = generalization(network, X, targets)
        slowest = float(np.linalg.eigvalsh(np.asarray(network.gram(X)))[0])
        run = gradient_flow(network, X, targets, t_end=3 / slowest, record=2, tol=1e-4)
        apart = np.abs(run.predictions - run.linearised).max()
        at_samples.append(Pair(float(apart), float(proved["coupling_at_samples"].upper), words))
        for x in (*np.eye(X.shape[1]), *near_kinks(network, X.shape[1])):
            left = float(abs(apart_at(network, run.final, X, targets, x[None], run.times[-1])))
            margin = np.abs(preactivations(network, x[None])).min()
            elsewhere.append(Pair(left, float(proved["coupling"].upper), f"{words}, x = {x}"))
            if margin > proved["change_u"].upper:
                off_kinks.append(Pair(left, float(proved["coupling_off_kinks"].upper), f"{words}, x = {x}"))
    yield holds_on(at_samples, "(23) with proved constants, at the samples", tolerance=1e-9)
    yield holds_on(off_kinks, "(24) with proved constants, where no unit can switch", tolerance=1e-9)
    at_kink, exceeded = [], []
    for size in (1e-2, 1e-3, 1e-6):
        left, proved = on_a_kink(size)
        words = f"x on a kink, ‖r(0)‖ = {size:g}"
        at_kink.append(Pair(left, float(proved["coupling"].upper), words))
        if size < 1e-2:
            exceeded.append(Pair(float(proved["coupling_off_kinks"].upper), left, words))
    yield holds_on([*elsewhere, *at_kink], "(24) with proved constants, any unit switching at x", tolerance=1e-9)
    yield holds_on(exceeded, "(24) without switches at x is exceeded on a kink: it is no bound there")


def preactivations(network, X):
    """u, one row an input."""
    return np.asarray(network.equilibrium(X).U)


def near_kinks(network, d):
    """Unit inputs at which a pre-activation of the network at the start changes its sign, and one on each side."""
    angles = np.linspace(0, 2 * np.pi, 61)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) if d > 1 else np.array([[1.0], [-1.0], [0.0]])
    found = list(circle[::10])
    if d > 1:
        signs = preactivations(network, circle) > 0
        for t, k in np.argwhere(signs[1:] != signs[:-1])[:6]:
            low, high = angles[t], angles[t + 1]
            for _ in range(60):
                middle = (low + high) / 2
                x = np.array([[np.cos(middle), np.sin(middle)]])
                low, high = (middle, high) if (preactivations(network, x)[0, k] > 0) == signs[t, k] else (low, middle)
            found += [np.array([np.cos(v), np.sin(v)]) for v in (low - 1e-10, low, high + 1e-10)]
    return found


def apart_at(first, last, X, y, x, end):
    """f_T(x) - g_T(x) with the coupled flow's own exponential."""
    gram, gap = np.asarray(first.gram(X)), y - np.asarray(first.predict(X))
    coupled_by = np.asarray(first.kernel(x, X))[0] @ np.linalg.solve(gram, (np.eye(len(gap)) - expm(-gram * end)) @ gap)
    return float(np.asarray(last.predict(x))[0] - np.asarray(first.predict(x))[0] - coupled_by)


def on_a_kink(size):
    """A = 0 and W = I, one sample (4/5, 3/5): at x = (4/5, -3/5) unit 2 lies on its kink and opens at t = 0+, in 30 digits.

    f_t(x) then moves at twice the rate of g_t(x), which keeps the gate shut, so that half of the motion is left over.
    """
    network = ReLUNetwork(A=np.zeros((2, 2)), W=np.eye(2), b=np.ones(2), gamma=0.05)
    X, x = np.array([[0.8, 0.6]]), np.array([[0.8, -0.6]])
    y = np.asarray(network.predict(X)) + size
    start, slowest = MultiprecisionNetwork.from_network(network, digits=30), float(np.asarray(network.gram(X))[0, 0])
    flow = multiprecision_flow(start, X, y, t_end=8 / slowest)
    gap = float(y[0] - start.predict(X)[0])
    coupled_by = float(np.asarray(network.kernel(x, X))[0, 0]) / slowest * gap * (1 - np.exp(-8.0))
    moved = float(flow.networks[-1].predict(x)[0] - start.predict(x)[0])
    return abs(moved - coupled_by), generalization(network, X, y)


def kernel_row(path, network):
    """k_t(x): the kernel between the input outside and the samples."""
    return np.asarray(network.kernel(path.x, path.X))[0]


def kernel_change(words, path):
    """The largest |K_T - K_0| at x, and the telescoping sum with measured norms."""
    first, last = ([net.linearisation(part) for part in (path.x, path.X)] for net in (path.first, path.last))
    sizes, changes = [], []
    for before, after in zip(first, last, strict=True):
        for name in ("Z", "Q"):
            old, new = (np.asarray(getattr(s, name)) for s in (before, after))
            sizes.append(max(np.linalg.norm(old, axis=1).max(), np.linalg.norm(new, axis=1).max()))
            changes.append(np.linalg.norm(new - old, axis=1).max())
    total = sum(changes[k] * np.prod([s for j, s in enumerate(sizes) if j != k]) for k in range(4))
    left = np.abs(kernel_row(path, path.last) - kernel_row(path, path.first)).max()
    return Pair(float(left), float(path.first.gamma**2 / path.first.width * total), words)


def both_sides(words, path):
    """|f_T(x) - g_T(x)| of the trainer, and the integral by Gauss quadrature."""
    k_first = kernel_row(path, path.first)
    gram = np.asarray(path.first.gram(path.X))
    gap = path.y - path.first.predict(path.X)
    limit = k_first @ np.linalg.solve(gram, (np.eye(len(gap)) - expm(-gram * path.end)) @ gap)
    apart = path.last.predict(path.x)[0] - path.first.predict(path.x)[0] - limit
    inside = []
    for t, network in zip(path.nodes, path.networks, strict=True):
        residual = network.predict(path.X) - path.y
        error = residual - coupled(path, t)
        moved = kernel_row(path, network) - k_first
        inside.append(
            np.linalg.norm(moved) * np.linalg.norm(residual) + np.linalg.norm(k_first) * np.linalg.norm(error)
        )
    return Pair(float(abs(apart)), float(path.weights @ inside), words)
