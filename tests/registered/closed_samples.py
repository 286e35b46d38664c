"""Finding 10: under (26) a sample may close every unit at the start; then q = 0 where the gate at 0 counts as closed."""

from __future__ import annotations

import numpy as np

from deqmath.claims.coverage import clopper_pearson
from deqmath.numeric import ReLUNetwork
from tests.registered.picture import panels, save

DRAWS, SAMPLES, WIDTHS = 4000, (1, 8), range(1, 11)


def main() -> None:
    """One unit on both sides of the kink; how often a sample is closed; whether another gate at 0, or the sample itself, matters."""
    print("  A = 1/2, gamma = 1/4, b = 1, (26) gives q = 8/7:")
    for w in (1.0, 1e-9, -1e-9, -1.0):
        print(f"    W x = {w:g}: u = {float(unit(w).equilibrium([[1.0]]).U[0, 0]):.4g}, q = {adjoint(w):.6g}")
    shares = {n: [closed(m, n) for m in WIDTHS] for n in SAMPLES}
    for n, found in shares.items():
        for m, count in list(zip(WIDTHS, found, strict=True))[::3]:
            low, high = clopper_pearson(count, DRAWS)
            print(
                f"    n = {n}, m = {m}: {count / DRAWS:.4f} of {DRAWS} draws [{low:.4f}, {high:.4f}], expected {expected(m, n):.4f}"
            )
    print("  attack: the gate at 0 taken open, 500 networks, m = 2, three orthonormal samples")
    attack()
    draw(shares)


def unit(w: float) -> ReLUNetwork:
    """One unit, one input."""
    return ReLUNetwork(A=[[0.5]], W=[[w]], b=[1.0], gamma=0.25)


def adjoint(w: float) -> float:
    """Its q at x = 1."""
    return float(np.asarray(unit(w).adjoint([[1.0]]).Q)[0, 0])


def expected(m: int, n: int) -> float:
    """The probability that one of n orthonormal samples closes all units."""
    return 1 - (1 - 0.5**m) ** n


def closed(m: int, n: int) -> int:
    """Draws of W with phi = 0 at one of the orthonormal samples e_1, ..., e_n at least."""
    W = np.random.default_rng([10, m, n]).standard_normal((DRAWS, m, n))
    return int((W <= 0).all(axis=1).any(axis=1).sum())


def attack() -> None:
    """Is H, the gradient or (27) another where the gate at 0 is open, and does the repaired statement fail for any sample with phi != 0?"""
    X, worst, least, hit, gaps = np.eye(3), 0.0, np.inf, 0, []
    for seed in range(500):
        net = ReLUNetwork.random(width=2, inputs=3, gamma0=0.2, init="half-normal", seed=seed)
        if net.rho >= 1:
            continue
        U, Z, Q = (np.asarray(v) for v in (net.equilibrium(X).U, net.equilibrium(X).Z, net.adjoint(X).Q))
        full = np.linalg.solve((np.eye(2) - net.gamma * net.A).T, net.b)
        shut = (X @ net.W.T <= 0).all(axis=1)
        hit += int(shut.any())
        open_Q = np.where(shut[:, None], full, Q)
        H, other = (net.gamma**2 / 2 * (Z @ Z.T) * (P @ P.T) for P in (Q, open_Q))
        worst = max(worst, float(np.abs(H - other).max()), float(np.abs(H - np.asarray(net.gram(X))).max()))
        if not shut.all():
            least = min(least, float(U[~shut].min()))
            gaps.append(float(np.abs(Q[~shut] - full).max()))
        if shut.any():
            assert np.linalg.eigvalsh(H)[0] < 1e-15
    print(
        f"    {hit} of them have a closed sample; H differs by at most {worst:.1e} between the gates, and is singular in each of these"
    )
    print(f"    samples with phi != 0: least u {least:.2e}, largest |q - (I - gamma A)^-T b| {max(gaps):.1e}")


def draw(shares: dict[int, list[int]]) -> None:
    """q against W x, which jumps; and the share of draws with a closed sample against the width."""
    figure, (left, right) = panels(2)
    for side in (np.linspace(-1, 0, 30), np.linspace(1e-9, 1, 30)):
        left.plot(side, [adjoint(w) for w in side], color="C0", linewidth=2)
    left.plot([], [], color="C0", linewidth=2, label="q of the model, D = diag(1[u > 0])")
    left.axhline(8 / 7, color="C3", linestyle="--", label="(26): q = b/(1 - γa) = 8/7")
    left.set(xlabel="W x at the draw", ylabel="q", ylim=(-0.1, 1.7), title="One unit, one sample")
    for k, (n, found) in enumerate(shares.items()):
        right.plot(WIDTHS, [c / DRAWS if c else np.nan for c in found], "o", color=f"C{k}", label=f"measured, n = {n}")
        right.plot(
            WIDTHS, [expected(m, n) for m in WIDTHS], color=f"C{k}", linewidth=1, label=f"1 - (1 - 2⁻ᵐ)ⁿ, n = {n}"
        )
    right.set(
        yscale="log", xlabel="width m", ylabel="share of draws", title="Draws in which a sample closes every unit"
    )
    save(figure, "finding-10")
