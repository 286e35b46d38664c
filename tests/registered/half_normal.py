"""Finding 1: the half-normal initialisation at gamma = gamma_0/sqrt(m), its repair, and lambda_0 under the repair."""

from __future__ import annotations

import numpy as np

from deqmath.bounds import operator_norm
from deqmath.claims.exponent import exponent_interval
from deqmath.numeric import ReLUNetwork
from tests.registered.picture import panels, save

WIDTHS = (50, 100, 200, 400, 800)


def main() -> None:
    """Norms at five widths; the first width that fails for smaller and smaller gamma_0; two-sided bounds on m lambda_0."""
    norms = {m: [float(np.linalg.norm(half_normal(m, seed), 2)) for seed in range(6)] for m in WIDTHS}
    exponent, low, high = exponent_interval(WIDTHS, np.array(list(norms.values())).T)
    print(f"  ||A|| grows as m^{exponent:.4f}, 99% interval [{low:.4f}, {high:.4f}], m = 50 to 800, 6 draws each")
    print("  attack: a smaller gamma_0. The first width with gamma_0 ||A||/sqrt(m) > 1, proved by the least row sum:")
    for gamma0 in (0.5, 0.25, 0.1, 0.05):
        print(f"    gamma_0 = {gamma0}: m = {first_failure(gamma0)}; (pi/2)/gamma_0^2 = {np.pi / 2 / gamma0**2:.0f}")
    print("  attack: does the repaired scaling keep m lambda_0 away from 0 and infinity, as the two-sided bound says?")
    table = {m: scaled_lambda(m) for m in (40, 80, 160, 320, 640, 1280)}
    for m, (lower, value, upper) in table.items():
        print(f"    m = {m:4d}: {lower:.2e} <= m lambda_0 = {value:.2e} <= {upper:.2e} (mean of 6 draws)")
    draw(norms, table)


def half_normal(m: int, seed: int) -> np.ndarray:
    """The absolute values of Gaussian entries."""
    return np.abs(np.random.default_rng([m, seed]).standard_normal((m, m)))


def first_failure(gamma0: float) -> int:
    """The least m of a fine grid where the least row sum, which bounds the spectral radius, proves divergence in every one of 5 draws."""
    for m in np.unique(np.geomspace(4, 4000, 150).astype(int)):
        sums = [half_normal(int(m), seed).sum(axis=1).min() for seed in range(5)]
        if min(sums) * gamma0 / np.sqrt(m) > 1:
            return int(m)
    return -1


def scaled_lambda(m: int) -> tuple[float, float, float]:
    """Means of m times the lower bound (27), lambda_min(H), and gamma_0^2 c^2/((1 - rho)^4 m), under gamma = 0.25/m; X = I_3."""
    found, X = [], np.eye(3)
    for seed in range(6):
        net = ReLUNetwork.random(width=m, inputs=3, gamma0=0.25 / np.sqrt(m), init="half-normal", seed=seed)
        norm = float(operator_norm(net.A, digits=6).upper)
        rho, phi = net.gamma * norm, np.maximum(X @ net.W.T, 0)
        below = net.gamma**2 * np.linalg.eigvalsh(phi @ phi.T)[0] / (1 + rho) ** 4
        above = net.gamma**2 * float((phi**2).sum(axis=1).min()) / (1 - rho) ** 4
        found.append([m * below, m * np.linalg.eigvalsh(np.asarray(net.gram(X)))[0], m * above])
    assert all(a <= b <= c for a, b, c in found)
    return tuple(np.mean(found, axis=0))


def draw(norms: dict[int, list[float]], table: dict[int, tuple[float, float, float]]) -> None:
    """||A||/sqrt(m) against ||A||/m, and m lambda_0 between its bounds."""
    figure, (left, right) = panels(2)
    for scale, words, colour in ((0.5, "‖A‖/√m (the paper's scaling)", "C3"), (1.0, "‖A‖/m (repaired)", "C0")):
        left.plot(list(norms), [np.mean(v) / m**scale for m, v in norms.items()], "o-", color=colour, label=words)
    for axes, widths in ((left, norms), (right, table)):
        axes.set(xscale="log")
        axes.set_xticks(list(widths), [str(m) for m in widths])
        axes.minorticks_off()
    left.set(yscale="log")
    left.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    left.minorticks_off()
    left.axhline(np.sqrt(2 / np.pi), color="0.4", linestyle="--", linewidth=1, label="√(2/π)")
    left.set(xlabel="width m", ylabel="norm, scaled", title="Norm of a half-normal matrix")
    for k, (words, style) in enumerate((("bound (27)", "v--"), ("m λ₀", "o-"), ("upper bound", "^--"))):
        right.plot(list(table), [v[k] for v in table.values()], style, color="C0", label=words, markersize=4)
    right.set(ylim=(0, 0.1), xlabel="width m", ylabel="m λ₀", title="λ₀ falls like 1/m under the repair")
    save(figure, "finding-1")
