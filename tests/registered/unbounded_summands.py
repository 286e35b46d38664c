"""Finding 6: Hoeffding's inequality is false, not only unproved, for the summands of K_1."""

from __future__ import annotations

import flint
import numpy as np

from tests.registered.picture import panels, save

DRAWS, M = 20_000, 100


def main() -> None:
    """For each assumed range R, a deviation where Hoeffding's bound is below the true probability: in balls for one summand,
    and by simulation for the mean of a hundred.
    """
    print(
        "  one summand Y = relu(g)^2, mean 1/2: P(Y > 1/2 + t) = erfc(sqrt((1/2 + t)/2))/2, in balls, against exp(-2 t^2/R^2)"
    )
    for R in (1, 3, 10, 30, 100):
        t = 2 * flint.arb(R) ** 2
        exact = ((flint.arb("0.5") + t) / 2).sqrt().erfc() / 2
        hoeffding = (-2 * t**2 / flint.arb(R) ** 2).exp()
        assert exact > hoeffding
        print(f"    R = {R}: t = 2 R^2: {exact.str(4)} > {hoeffding.str(4)}, proved")
    rng = np.random.default_rng(0)
    means = np.array([(np.maximum(rng.standard_normal(M), 0) ** 2).mean() for _ in range(DRAWS)])
    grid = np.linspace(0.02, 0.6, 30)
    measured = [(means - 0.5 > t).mean() for t in grid]
    # E Y^q <= q!/2 (3/2) 2^(q-2), so P(mean - 1/2 > t) <= exp(-m t^2/(2 (3/2 + 2 t))).
    bernstein = np.exp(-M * grid**2 / (2 * (1.5 + 2 * grid)))
    hits = [t for t, p, h in zip(grid, measured, np.exp(-2 * M * grid**2), strict=True) if p > h]
    print(
        f"  mean of {M}: Hoeffding with R = 1 is exceeded at every t from {min(hits):.2f} to {max(hits):.2f}, {DRAWS} draws"
    )
    worst = max(p / b for p, b in zip(measured, bernstein, strict=True))
    print(
        f"  attack on the replacement: Bernstein's bound is kept at every t; the measured share comes to {worst:.2f} of it"
    )
    assert worst <= 1
    figure, (axes,) = panels()
    axes.plot(grid, measured, "o", color="C0", markersize=4, label=f"measured, {DRAWS} draws, m = {M}")
    axes.plot(grid, np.exp(-2 * M * grid**2), "--", color="C3", label="Hoeffding, range 1")
    axes.plot(grid, bernstein, color="C2", label="Bernstein with (3/2, 2)")
    axes.set(
        yscale="log",
        ylim=(2e-5, 2),
        xlabel="deviation t",
        ylabel="P(mean - 1/2 > t)",
        title="Mean of relu(g)², an entry of K₁",
    )
    save(figure, "finding-6")
