"""Finding 8: the radius of Theorem 4.1 comes from the samples; what a union over radii costs, and an attack on the bound as stated."""

from __future__ import annotations

import numpy as np

from deqmath.data import load
from deqmath.numeric import ReLUNetwork
from tests.registered.picture import panels, save

DELTA, DRAWS = 0.05, 300


def main() -> None:
    """Risk, bound as stated and bound for a radius fixed in advance, where the bound is below 1: digits 0 and 1, output centred."""
    data = load("digits", classes=(0, 1))
    net = ReLUNetwork.random(width=1024, inputs=64, gamma0=0.15, seed=0, phi="identity")
    K, y = np.asarray(net.gram(data.X)), data.y
    rng, points, spread = np.random.default_rng(0), {}, {}
    for n in (60, 180, 340):
        found = np.array([one(K, y, rng.integers(len(y), size=n)) for _ in range(DRAWS)])
        points[n], spread[n] = found, found[:, 2].max() / found[:, 2].min()
        ratio = (found[:, 0] / found[:, 1]).max()
        below = int((found[:, 1] < 1).sum())
        print(f"  n = {n}: bound {found[:, 1].mean():.2f}, repaired {found[:, 3].mean():.2f}; below 1 in {below} of {DRAWS} samples; risk at most "
              f"{ratio:.2f} of the bound; B varies by a factor {spread[n]:.2f}")  # fmt: skip
    print("  attack: samples chosen for a small B (the smallest of 300 draws) instead of drawn once")
    for n, found in points.items():
        least = found[np.argmin(found[:, 2])]
        print(f"    n = {n}: risk {least[0]:.3f}, bound {least[1]:.2f}")
    draw(points)


def one(K: np.ndarray, y: np.ndarray, drawn: np.ndarray) -> tuple[float, float, float, float]:
    """(risk over the whole population, bound as stated, B, bound by a union over the radii 1.1^k)."""
    n, chosen = len(drawn), np.unique(drawn)
    weights = np.linalg.solve(K[np.ix_(chosen, chosen)], y[chosen])
    risk = np.minimum(np.abs(K[:, chosen] @ weights - y), 1).mean()
    radius, trace = np.sqrt(y[chosen] @ weights), K[drawn, drawn].sum()
    # Radii 1.1^k, k an integer, with probability delta/(3 (1 + k^2)) each (the sum over k of 1/(1 + k^2) is 3.16 < 3.2).
    k = np.ceil(np.log(radius) / np.log(1.1))
    share = DELTA / (3.2 * (1 + k**2))
    tails = [3 * np.sqrt(np.log(2 / d) / (2 * n)) for d in (DELTA, share)]
    complexities = [2 * b * np.sqrt(trace) / n for b in (radius, 1.1**k)]
    return float(risk), float(complexities[0] + tails[0]), float(radius), float(complexities[1] + tails[1])


def draw(points: dict[int, np.ndarray]) -> None:
    """A point for each sample: its risk against its two bounds."""
    figure, (axes,) = panels()
    for k, (n, every) in enumerate(points.items()):
        found, style = every[:80], {"color": f"C{k}", "markersize": 3, "alpha": 0.5}
        axes.plot(found[:, 1], found[:, 0], "o", label=f"bound as stated, n = {n}", **style)
        axes.plot(found[:, 3], found[:, 0], "x", label=f"union over radii, n = {n}", **style)
    ends = np.array([0.02, 3])
    axes.plot(ends, ends, color="0.3", linewidth=1, label="risk = bound")
    axes.axvline(1, color="0.4", linestyle="--", linewidth=1)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="bound (vacuous from 1 up)",
        ylabel="risk over the population",
        title="Theorem 4.1, digits 0 and 1",
    )
    save(figure, "finding-8")
