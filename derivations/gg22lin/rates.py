"""Gradient flow and gradient descent converge at a linear rate when all layers are trained.

With r = f - y and the Gram matrix H of the three layers (gradients.py), dr/dt = -H r along the flow, so

    d||r||^2/dt = -2 r^T H r <= -2 lambda_min(H) ||r||^2.

As long as lambda_min(H(s)) >= lambda_0/2 > 0, lambda_0 = lambda_min(H(0)), Gronwall's lemma gives the first of

    flow:     ||r(t)||^2 <= exp(-lambda_0 t) ||r(0)||^2,
    descent:  ||r(k)||^2 <= (1 - alpha lambda_0/2)^k ||r(0)||^2   for steps alpha small enough.

That H stays so large is what the width of order n, a hypothesis of the paper, is for (width.py). Without it the rate is lost: let m = n = 1, x = 1, W = 1, b = 2, A = 0 and
y = -1. While the unit is open, f = b W/(1 - gamma A), and b db/dt = W dW/dt, so b^2 - W^2 stays 3 and b stays above 0; so f >= 0. If W
reaches 0 the unit closes, f = 0, and nothing moves any more. Either way r = f + 1 >= 1 for ever, while the bound tends to 0.

Source: gg22lin, Theorems 1 and 2.
"""

from fractions import Fraction

from sympy import Identity, MatrixSymbol, Symbol

import deqmath as dm
from deqmath.bounds.balls import ball, ends, precision
from deqmath.claims.instances import Pair, holds_on
from deqmath.claims.sound import sound
from deqmath.data import load

from ._network import net

ALL = ("A", "W", "b")


def start(samples, width, seed):
    """A network with all layers trained, and real data."""
    data = load("digits", samples=samples, seed=seed)
    net = dm.ReLUNetwork.random(width=width, inputs=data.X.shape[1], gamma0=0.2, seed=seed, trainable=ALL)
    return net, data


def envelope(runs):
    """The residual monitor of the runs as instances of measured <= bound."""
    for run, where, script in runs:
        monitor = run.monitor("residual")
        for k in range(1, len(run.times)):
            yield Pair(float(monitor.measured[k]), float(monitor.bound[k]), f"{where}, t = {run.times[k]:.4g}", script)


def script(samples, width, seed):
    return (
        "import deqmath as dm\n"
        f'data = dm.data.load("digits", samples={samples}, seed={seed})\n'
        f"net = dm.ReLUNetwork.random(width={width}, inputs={64}, gamma0=0.2, seed={seed}, trainable={ALL})"
    )


# r along the flow, and H = lambda I + G^T G, which is what lambda_min(H) >= lambda says.
r = MatrixSymbol("r", net.n, 1)
H, G = (MatrixSymbol(name, net.n, net.n) for name in "HG")
least = Symbol("lambda", positive=True)


@dm.claim(
    "gg22lin.flow",
    source="gg22lin",
    equation="Theorem 1",
    statement="‖r(t)‖² ≤ e^{-λ₀t} ‖r(0)‖² along the gradient flow of all layers, as long as λ_min(H) ≥ λ₀/2",
)
def flow_rate(case):
    """dr/dt = -H r by gg22lin.gradients and gg22lin.gram; ||r||^2 along it; then runs on digits at widths of a few n."""
    falling = -r.T * (H + H.T) * r
    yield dm.check_directional_derivative(falling, r.T * r, {r: -H * r}, seed=case.seed, level=case.level)
    above = dm.equation(H - (least * Identity(net.n) + G.T * G), H)
    gap = r.T * H * r - least * r.T * r
    yield dm.check_equal(gap, (G * r).T * (G * r), assuming=[above], seed=case.seed, level=case.level)

    decay, hypothesis = [], []
    for samples, width, seed in ((8, 64, 0), (8, 128, 1), (16, 128, 2)):
        net_, data = start(samples, width, seed)
        run = dm.gradient_flow(net_, data.X, data.y, t_end=10.0, tol=1e-3, record=10)
        words = f"n = {samples}, m = {width}, seed {seed}"
        decay += envelope([(run, words, script(samples, width, seed))])
        hypothesis.append(Pair(float(run.lambda_min[0]) / 2, float(min(run.lambda_min)), words))
    # One unit and one sample above its target: H shrinks, so that the decay falls behind exp(-2 lambda_0 t).
    one = dm.ReLUNetwork(A=[[0.0]], W=[[1.0]], b=[1.0], gamma=0.25, trainable=ALL)
    run = dm.gradient_flow(one, [[1.0]], [0.6], t_end=2.0, tol=1e-3, record=8)
    decay += envelope([(run, "m = n = 1", SHRINKING)])
    hypothesis.append(Pair(float(run.lambda_min[0]) / 2, float(min(run.lambda_min)), "m = n = 1"))
    yield holds_on(decay, "‖r(t)‖² ≤ e^{-λ₀t} ‖r(0)‖²", tolerance=1e-3)
    yield holds_on(hypothesis, "the hypothesis λ₀/2 ≤ λ_min(H(t)) there", tolerance=1e-9)


SHRINKING = """import deqmath as dm
net = dm.ReLUNetwork(A=[[0.0]], W=[[1.0]], b=[1.0], gamma=0.25, trainable=("A", "W", "b"))
run = dm.gradient_flow(net, [[1.0]], [0.6], t_end=2.0, tol=1e-3, record=8)"""

SCRIPT = """import deqmath as dm
net = dm.ReLUNetwork(A=[[0.0]], W=[[1.0]], b=[2.0], gamma=0.25, trainable=("A", "W", "b"))
run = dm.gradient_flow(net, [[1.0]], [-1.0], t_end=1.0, tol=1e-3, record=8)
print(run.lambda_min[0], run.predictions.ravel())       # the prediction stays above 0, and the target is -1"""


@dm.claim(
    "gg22lin.any-width",
    source="gg22lin",
    equation="Theorem 1, without its width",
    statement="‖r(t)‖² ≤ e^{-λ₀t} ‖r(0)‖² along the gradient flow of all layers, at any width",
    expect="refuted",
)
def flow_rate_at_width_one(case):
    """m = n = 1: b^2 - W^2 is conserved, so f >= 0 and the target -1 is never reached; both sides at t = 1 in balls."""
    # d(b^2)/dt = d(W^2)/dt while the unit is open: x = 1, f = b W/(1 - gamma A), residual r.
    a, b, w, gamma, r = (Symbol(name, real=True) for name in ("a", "b", "w", "gamma", "r"))
    one, share = dm.one(), 1 / (1 - gamma * a)
    by_b, by_w = -r * w * share, -r * b * share
    yield sound(dm.check_equal(2 * b * by_b * one, 2 * w * by_w * one, seed=case.seed, level=case.level))
    gamma, z, q, x = Fraction(1, 4), 1, 2, 1
    slowest = z * z * (1 + gamma**2 * q * q) + x * x * q * q  # H(0), with A = 0
    first = (q * z + 1) ** 2
    with precision(120):
        bound = ends(ball(first) * ball(-slowest).exp())[1]
    where = f"m = n = 1, r(0)² = {first}, λ₀ = {slowest}: r(1)² ≥ 1"
    yield holds_on([Pair(Fraction(1), bound, where, SCRIPT)], "r(1)² ≤ e^{-λ₀} r(0)²", kind="certified")


@dm.claim(
    "gg22lin.descent",
    source="gg22lin",
    equation="Theorem 2",
    statement="‖r(k)‖² ≤ (1 - αλ₀/2)^k ‖r(0)‖² along gradient descent on all layers",
)
def descent_rate():
    """Runs on digits with the step 1/(2 lambda_max(H(0))), from several seeds."""

    def runs():
        for samples, width, seed in ((8, 64, 0), (8, 128, 1), (16, 128, 2)):
            net, data = start(samples, width, seed)
            top = dm.gradient_descent(net, data.X, data.y, steps=1).lambda_max[0]
            run = dm.gradient_descent(net, data.X, data.y, steps=60, step_size=0.5 / float(top), record=1)
            yield run, f"n = {samples}, m = {width}, seed {seed}", script(samples, width, seed)

    yield holds_on(list(envelope(runs())), "‖r(k)‖² ≤ (1 - αλ₀/2)^k ‖r(0)‖²", tolerance=1e-9)
