"""Finding 11: the last term of (20) belongs to a loss in [0, 1]; for a Lipschitz loss without that the bound fails, at every n."""

from __future__ import annotations

import numpy as np

from deqmath.claims.coverage import clopper_pearson
from deqmath.numeric import ReLUNetwork
from tests.registered.picture import panels, save

DELTA, WIDTH, NETWORKS, LOSS = 0.05, 128, 400, 100


def main() -> None:
    """The two-point population; every n; a start drawn by (4); and how close the repaired bound comes to failing."""
    net = ReLUNetwork(A=np.zeros((2, 2)), W=np.ones((2, 2)), b=[1.0, -1.0], gamma=0.1)
    moved = float(np.abs(net.gradient(np.eye(2)[:1], [0.0])).max())
    print(
        f"  two points: f_0 = {net.predict(np.eye(2))}, the gradient at the sample e_1 is {moved}, the risk {LOSS / 10:g}, the bound {tail(1):.3f}"
    )
    constant = 0.1 * (1 + 100)
    print(f"  attack: Lip = 1 in the prediction, loss |f - y| + 100 [y = 1]: risk {constant:g}, the same bound")
    print(
        "  attack: more samples. Targets 0 but 1 on a part of the population of mass p = 1 - (2 delta)^(1/n): B = 0 in 2 delta of the samples"
    )
    for n in (1, 10, 100, 1000, 10_000):
        print(
            f"    n = {n}: risk over the Lipschitz constant {mass(n):.2e}; the bound fails from Lip = {tail(n) / mass(n):.1f} up"
        )
    print(
        f"  attack: the start drawn by (4), m = {WIDTH}, n = 1, {NETWORKS} networks, output not centred, mass 0.45 at e_2"
    )
    for lip in (1, 10, 100, 1000, 10_000):
        count = sum(random_start(lip, seed) for seed in range(NETWORKS))
        low, high = clopper_pearson(count, NETWORKS)
        print(
            f"    Lip = {lip}: the bound fails in {count / NETWORKS:.3f} [{low:.3f}, {high:.3f}] of the draws, allowed {DELTA}"
        )
    grid = [(n, d) for n in range(1, 200) for d in np.linspace(0.001, 0.999, 100)]
    closest = max((1 - d ** (1 / n)) / tail(n, d) for n, d in grid)
    print(
        f"  attack on the repair, R times the last term: over n to 199 and delta these populations come to {closest:.2f} of it"
    )
    draw()


def tail(n: int, delta: float = DELTA) -> float:
    """The last term of (20)."""
    return float(3 * np.sqrt(np.log(2 / delta) / (2 * n)))


def mass(n: int) -> float:
    """The mass p that all n samples miss with probability 2 delta."""
    return float(1 - (2 * DELTA) ** (1 / n))


def random_start(lip: float, seed: int) -> bool:
    """Whether the limit (21) of one random network and one sample breaks the bound with loss lip |g - y|; e_1 has target 0, e_2 target 1."""
    net = ReLUNetwork.random(width=WIDTH, inputs=2, gamma0=0.2, seed=seed)
    K, f0, y = np.asarray(net.gram(np.eye(2))), net.predict(np.eye(2)), np.array([0.0, 1.0])
    weights = np.array([0.55, 0.45])
    drawn = np.random.default_rng([11, seed]).choice(2, p=weights)
    g = f0 + K[:, drawn] / K[drawn, drawn] * (y[drawn] - f0[drawn])
    # n = 1: B sqrt(tr H) is |y - u_0|, and the empirical risk of the limit is 0.
    return bool(lip * weights @ np.abs(g - y) > 2 * lip * abs(y[drawn] - f0[drawn]) + tail(1))


def draw() -> None:
    """The risk that occurs with probability 2 delta, the bound as it stands and the repaired one, against n."""
    figure, (axes,) = panels()
    sizes = np.unique(np.geomspace(1, 10_000, 80).astype(int))
    axes.plot(sizes, [LOSS * mass(int(n)) for n in sizes], color="k", label="risk, in 2δ = 10% of the samples")
    axes.plot(sizes, [tail(int(n)) for n in sizes], "--", color="C3", label="(20) there: 3√(log(2/δ)/2n)")
    axes.plot(sizes, [LOSS * tail(int(n)) for n in sizes], color="C0", label="repaired: R times that, R = 100")
    axes.plot([1], [LOSS / 10], "o", color="k", label="the two points of the claim, in 90% of the samples")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="samples n",
        ylabel="risk and bounds",
        title="Loss 100 |f - y|, training moves nothing, δ = 0.05",
    )
    save(figure, "finding-11")
