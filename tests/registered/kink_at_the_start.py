"""Finding 2: with A diagonal and phi = relu, half of the pre-activations are exactly 0 at the start."""

from __future__ import annotations

import numpy as np

from deqmath.data import load
from deqmath.numeric import ReLUNetwork, gradient_flow
from tests.registered.picture import panels, save


def main() -> None:
    """The share of units at the kink for several data and injections, the two one-sided slopes, and what training leaves there."""
    print("  share of pre-activations that are exactly 0 at the start")
    inputs = {
        "digits": load("digits", samples=20).X,
        "orthonormal": np.eye(8),
        "one direction": np.array([[1.0], [-1.0]]),
    }
    for words, X in inputs.items():
        for phi in ("relu", "identity"):
            shares = [float((U(network(X, phi, seed), X) == 0).mean()) for seed in range(10)]
            print(f"    {words}, phi = {phi}: {min(shares):.2f} to {max(shares):.2f} of 10 networks")
    net, slopes = network(np.eye(8), "relu", 0), None
    unit = int(np.flatnonzero(U(net, np.eye(8)[:1])[0] == 0)[0])
    other = int(np.argmax(np.asarray(net.equilibrium(np.eye(8)[:1]).Z[0])))
    grid = np.linspace(-1, 1, 81)
    curve = [moved(net, unit, other, step) for step in grid]
    slopes = [(moved(net, unit, other, s * 1e-6) - moved(net, unit, other, 0.0)) / (s * 1e-6) for s in (-1, 1)]
    print(
        f"  d z_{unit}/d A_{unit},{other}: from the left {slopes[0]:.4g}, from the right {slopes[1]:.4g}; (10) says 0"
    )
    print("  attack: does training leave the kink? Pre-activations still exactly 0 at the end of a flow:")
    for words, X in inputs.items():
        y = np.resize([1.0, -1.0], len(X))
        start = network(X, "relu", 0)
        run = gradient_flow(start, X, y, tol=0.05, record=1)
        print(f"    {words}: {(U(start, X) == 0).mean():.2f} -> {(U(run.final, X) == 0).mean():.2f}")
    draw(grid, curve)


def network(X: np.ndarray, phi: str, seed: int) -> ReLUNetwork:
    """A diagonal network of 64 units."""
    return ReLUNetwork.random(width=64, inputs=X.shape[1], gamma0=0.25, init="diagonal", seed=seed, phi=phi)


def U(net: ReLUNetwork, X: np.ndarray) -> np.ndarray:
    """The pre-activations."""
    return np.asarray(net.equilibrium(X).U)


def moved(net: ReLUNetwork, unit: int, other: int, step: float) -> float:
    """z of the unit after one off-diagonal entry of A is moved."""
    A = net.A.copy()
    A[unit, other] += step
    return float(net.with_parameters(A=A).equilibrium(np.eye(8)[:1]).Z[0, unit])


def draw(grid: np.ndarray, curve: list[float]) -> None:
    """z of one closed unit against one entry of A: a corner at the start of training."""
    figure, (axes,) = panels()
    axes.plot(grid, curve, color="C0", label="z of a closed unit")
    axes.plot(grid, 0 * grid, "--", color="C3", linewidth=1, label="slope that (10) gives, D = diag(1[u > 0])")
    axes.plot([0], [0], "o", color="k", markersize=5, label="start of training: u = 0 exactly")
    axes.set(xlabel="change of one off-diagonal entry of A", ylabel="z", title="No derivative in A at a diagonal start")
    save(figure, "finding-2")
