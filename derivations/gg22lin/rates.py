"""Gradient flow and gradient descent converge at a linear rate when all layers are trained.

With lambda_0 = lambda_min(H(0)) > 0 and the width of order n,

    flow:     ||r(t)||^2 <= exp(-lambda_0 t) ||r(0)||^2,
    descent:  ||r(k)||^2 <= (1 - alpha lambda_0/2)^k ||r(0)||^2   for steps alpha small enough.

Source: gg22lin, Theorems 1 and 2.
"""

import deqmath as dm
from deqmath.claims.instances import Pair, holds_on
from deqmath.data import load

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


@dm.claim(
    "gg22lin.flow",
    source="gg22lin",
    equation="Theorem 1",
    statement="‖r(t)‖² ≤ e^{-λ₀t} ‖r(0)‖² along the gradient flow of all layers",
)
def flow_rate():
    """Runs on digits at widths of a few n, from several seeds."""

    def runs():
        for samples, width, seed in ((8, 64, 0), (8, 128, 1), (16, 128, 2)):
            net, data = start(samples, width, seed)
            run = dm.gradient_flow(net, data.X, data.y, t_end=10.0, tol=1e-3, record=10)
            yield run, f"n = {samples}, m = {width}, seed {seed}", script(samples, width, seed)

    yield holds_on(list(envelope(runs())), "‖r(t)‖² ≤ e^{-λ₀t} ‖r(0)‖²", tolerance=1e-3)


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
            run = dm.gradient_descent(net, data.X, data.y, steps=60, step_size=0.5 / float(top), record=10)
            yield run, f"n = {samples}, m = {width}, seed {seed}", script(samples, width, seed)

    yield holds_on(list(envelope(runs())), "‖r(k)‖² ≤ (1 - αλ₀/2)^k ‖r(0)‖²", tolerance=1e-9)
