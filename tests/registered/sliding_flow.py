"""Finding 9: the gradient flow slides along kinks; how often, for other widths, samples and targets."""

from __future__ import annotations

import numpy as np

from deqmath.errors import NotConvergedError, NotWellPosedError
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork, multiprecision_flow
from tests.registered.picture import panels, save

DRAWS = 16


def main() -> None:
    """Counts of flows that slide, in ten digits, with every switch located; and the two-unit network with small steps."""
    print(f"  attack: other sizes. Of {DRAWS} random networks, flows to t = 4 in 10 digits")
    for m, n, target in ((3, 1, 1.0), (3, 1, 3.0), (4, 2, 1.0), (4, 2, 3.0), (6, 2, 3.0)):
        words = [outcome(m, n, target, seed) for seed in range(DRAWS)]
        counts = ", ".join(f"{words.count(w)} {w}" for w in ("slide", "cross", "do not switch", "leave rho < 1"))
        print(f"    m = {m}, n = {n}, targets +-{target:g}: {counts}")
    figure, (axes,) = panels()
    for sign, colour in ((1.0, "C3"), (-1.0, "C0")):
        times, values = path(sign)
        end = "stays at the kink" if abs(values[-1]) < 1e-4 else "crosses it"
        print(
            f"  b = (1, {sign:+.0f}): u_2 from {values[0]:.5f} to {values[-1]:.5f}, largest below 0 {min(values):.2e}: {end}"
        )
        axes.plot(times, 1e4 * np.array(values), color=colour, label=f"b = (1, {sign:+.0f}): {end}")
    axes.axhline(0, color="0.4", linewidth=1)
    axes.set(xlabel="time t", ylabel="10⁴ u₂", title="Two units, one sample: descent with steps of 0.01")
    save(figure, "finding-9")


def outcome(m: int, n: int, target: float, seed: int) -> str:
    """What the flow of one random network does first."""
    rng = np.random.default_rng([m, n, seed])
    net = ReLUNetwork.random(width=m, inputs=3, gamma0=0.2, seed=int(rng.integers(2**31)))
    X = rng.standard_normal((n, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    y = target * rng.choice([-1.0, 1.0], n)
    try:
        flow = multiprecision_flow(MultiprecisionNetwork.from_network(net, digits=10), X, y, t_end=4)
    except NotWellPosedError:
        return "leave rho < 1"
    except NotConvergedError as error:
        return "slide" if "slides" in str(error) else "other"
    return "cross" if flow.switches else "do not switch"


def path(sign: float, step: float = 0.01, count: int = 4000) -> tuple[list[float], list[float]]:
    """u_2 along descent with small steps, the prediction on the far side of its target."""
    net = ReLUNetwork(A=[[0.0, 0.0], [-0.499, 0.0]], W=[[1.0], [0.125]], b=[1.0, sign], gamma=0.25)
    y = net.predict([[1.0]]) - 0.005 * sign
    values = []
    for _ in range(count):
        values.append(float(net.equilibrium([[1.0]]).U[0, 1]))
        net = net.with_parameters(A=net.A - step * net.gradient([[1.0]], y))
    return [step * k for k in range(count)], values
