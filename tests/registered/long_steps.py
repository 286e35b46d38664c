"""Finding 3: gradient descent with the step 1/lambda_max(H(0)) need not lower the loss at every step."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

from deqmath.numeric import ReLUNetwork, Run, gradient_descent
from tests.registered.picture import panels, save

STEPS, DRAWS = 60, 24


def main() -> None:
    """How often the loss rises, by width; whether it is the Gram matrix that has grown; and whether half the step cures it."""
    shown: dict[int, Run] = {}
    print(
        f"  random networks, n = 10 unit inputs in R^10, labels +-1, gamma_0 = 0.25, {STEPS} steps, {DRAWS} draws a width"
    )
    for width in (16, 48, 144, 432):
        counts = dict.fromkeys((1.0, 0.5), 0)
        growth = []
        for seed in range(DRAWS):
            for share in counts:
                run = descend(width, seed, share)
                rises = np.flatnonzero(np.diff(run.loss) > 1e-12 * run.loss[0])
                counts[share] += rises.size > 0
                if rises.size and share == 1.0:
                    growth.append(float(run.lambda_max[rises[0]] / run.lambda_max[0]))
                    shown.setdefault(width, run)
        ends = {share: f"{hits} of {DRAWS} {interval(hits, DRAWS)}" for share, hits in counts.items()}
        more = f"; lambda_max(H) has grown by {min(growth):.2g} to {max(growth):.2g} there" if growth else ""
        print(f"    m = {width}: the loss rises in {ends[1.0]}; with half the step in {ends[0.5]}{more}")
    draw(shown)


def descend(width: int, seed: int, share: float) -> Run:
    """Descent with that share of the default step; a run that leaves the well-posed region ends there."""
    rng = np.random.default_rng([seed, width])
    X = rng.standard_normal((10, 10))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=width, inputs=10, gamma0=0.25, seed=seed)
    step = share / float(np.linalg.eigvalsh(np.asarray(net.gram(X)))[-1])
    return gradient_descent(net, X, rng.choice([-1.0, 1.0], 10), step_size=step, steps=STEPS)


def interval(hits: int, draws: int) -> str:
    """The Clopper-Pearson interval at 99%."""
    low = beta.ppf(0.005, hits, draws - hits + 1) if hits else 0.0
    high = beta.ppf(0.995, hits + 1, draws - hits) if hits < draws else 1.0
    return f"[{low:.2f}, {high:.2f}]"


def draw(shown: dict[int, Run]) -> None:
    """The loss and lambda_max(H(t)) over its start of the first run that rises, at each width."""
    figure, (left, right) = panels(2)
    for k, (width, run) in enumerate(shown.items()):
        left.plot(run.loss / run.loss[0], color=f"C{k}", label=f"m = {width}")
        right.plot(run.lambda_max / run.lambda_max[0], color=f"C{k}", label=f"m = {width}")
    right.axhline(2, color="0.4", linestyle="--", linewidth=1, label="limit of stability for this step")
    left.set(xlabel="step", ylabel="loss over its start", yscale="log", title="Step 1/λmax(H(0)): the loss rises")
    right.set(xlabel="step", ylabel="λmax(H(t)) over its start", title="because H moves")
    save(figure, "finding-3")
