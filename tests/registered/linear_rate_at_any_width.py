"""Finding 12: with all layers trained the linear rate needs a width; one start at every width, and random starts."""

from __future__ import annotations

import numpy as np

from deqmath.claims.coverage import clopper_pearson
from deqmath.errors import NotConvergedError, NotWellPosedError
from deqmath.numeric import ReLUNetwork, Run, gradient_flow
from tests.registered.picture import panels, save

ALL, DRAWS = ("A", "W", "b"), 60


def main() -> None:
    """The flow of the counterexample; the same start with m equal units; and the share of random starts that break the rate."""
    run = copies(1)
    print(
        f"  m = n = 1: lambda_0 = {run.lambda_min[0]:.4g}; f falls from {run.predictions[0, 0]:.4g} to {run.predictions[-1, 0]:.3g}, the target is -1"
    )
    print("  attack: the same start with m equal units, gamma = 1/(4 m): r(2)^2 against exp(-2 lambda_0) r(0)^2")
    for m in (1, 4, 16, 64):
        monitor = copies(m).monitor("residual")
        print(f"    m = {m}: {monitor.measured[-1]:.4f} > {monitor.bound[-1]:.2e}")
        assert monitor.measured[-1] >= 1 > monitor.bound[-1]
    print(
        f"  attack: random starts, orthonormal inputs, targets +-1, t to 20: the rate is broken in how many of {DRAWS}"
    )
    shares = {n: {m: share(m, n) for m in (1, 2, 4, 8, 16, 32, 64)} for n in (1, 2, 4)}
    for n, found in shares.items():
        for m, (count, closed, other) in found.items():
            low, high = clopper_pearson(count, DRAWS)
            print(
                f"    n = {n}, m = {m}: {count} [{low:.2f}, {high:.2f}], lambda_0 = 0 in {closed}, no flow in {other}"
            )
    draw(run, shares)


def copies(m: int) -> Run:
    """m equal units with W = 1, b = 2, A = 0, one sample x = 1, target -1; f(0) = 2 sqrt(m)."""
    net = ReLUNetwork(A=np.zeros((m, m)), W=np.ones((m, 1)), b=np.full(m, 2.0), gamma=0.25 / m, trainable=ALL)
    return gradient_flow(net, [[1.0]], [-1.0], t_end=2.0, tol=1e-3, record=80)


def share(m: int, n: int) -> tuple[int, int, int]:
    """(rate broken, lambda_0 = 0 so that the rate says nothing, stopped by rho = 1 or by the step count)."""
    broken = closed = other = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng([12, m, n, seed])
        net = ReLUNetwork.random(width=m, inputs=n, gamma0=0.2, seed=int(rng.integers(2**31)), trainable=ALL)
        try:
            run = gradient_flow(
                net, np.eye(n), rng.choice([-1.0, 1.0], n), t_end=20.0, tol=1e-2, record=20, max_steps=4000
            )
        except (NotWellPosedError, NotConvergedError):
            other += 1
            continue
        if run.lambda_min[0] < 1e-12:
            closed += 1
            continue
        monitor = run.monitor("residual")
        # The tolerance of the flow, and a residual that is settled, are no breach.
        over = (np.asarray(monitor.measured) > 1.05 * np.asarray(monitor.bound)) & (np.asarray(monitor.measured) > 1e-2)
        broken += int(over.any())
    return broken, closed, other


def draw(run: Run, shares: dict[int, dict[int, tuple[int, int, int]]]) -> None:
    """r^2 against its bound at width 1, and the share of random starts that break it against m."""
    figure, (left, right) = panels(2)
    monitor = run.monitor("residual")
    left.plot(run.times, monitor.measured, color="C0", label="r(t)²")
    left.plot(run.times, monitor.bound, "--", color="C3", label="e^(-λ₀t) r(0)²")
    left.axhline(1, color="0.4", linewidth=1, label="r² ≥ 1: f ≥ 0, target -1")
    left.set(yscale="log", xlabel="time t", ylabel="r²", title="m = n = 1, W = 1, b = 2: b² - W² is conserved")
    for k, (n, found) in enumerate(shares.items()):
        right.plot(list(found), [c / DRAWS for c, _, _ in found.values()], "o-", color=f"C{k}", label=f"n = {n}")
    right.set(
        xscale="log",
        xlabel="width m",
        ylabel=f"share of {DRAWS} random starts",
        title="Random starts that break the rate, λ₀ > 0",
    )
    right.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    right.minorticks_off()
    save(figure, "finding-12")
