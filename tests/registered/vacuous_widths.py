"""Finding 7: the least width of Theorem 3.1's chain, and whether better constants or easier data bring it within reach."""

from __future__ import annotations

import numpy as np

from deqmath.bounds import least_width, limit_kernel
from deqmath.data import load
from tests.registered.picture import panels, save

GAMMAS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.15, 0.2, 0.23)


def main() -> None:
    """Every n and gamma_0 with the lambda_0 of the limit kernel, proved; c = 2.0001 is the least that a Gaussian A allows."""
    digits = load("digits", samples=20).X
    inputs = {"20 digits": digits, "5 digits": digits[::4], "2 orthonormal inputs": np.eye(2), "1 input": np.eye(1)}
    curves: dict[str, list[float]] = {}
    for words, X in inputs.items():
        curves[words] = []
        for gamma0 in GAMMAS:
            low = limit_kernel(X, gamma0=gamma0, digits=12, phi="identity").lambda_min.lower
            found = least_width(len(X), delta=0.05, lambda_0=low, gamma0=gamma0, c=2.0001)
            curves[words].append(float(found.upper))
        best = int(np.argmin(curves[words]))
        print(
            f"  {words}: least at gamma_0 = {GAMMAS[best]}: m = {curves[words][best]:.2g}; at 0.15: {curves[words][7]:.2g}"
        )
    figure, (axes,) = panels()
    for k, (words, curve) in enumerate(curves.items()):
        axes.plot(GAMMAS, curve, "o-", color=f"C{k}", markersize=4, label=words)
    axes.axhspan(1, 1e5, color="0.9", label="widths that can be trained")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="γ₀",
        ylabel="least width m",
        title="Width from which Theorem 3.1's smooth chain closes, c = 2",
    )
    save(figure, "finding-7")
