"""Finding 4: what the tolerance of the exponential integrator bounds."""

from __future__ import annotations

import numpy as np

from deqmath.data import load
from deqmath.numeric import ReLUNetwork, gradient_flow
from tests.registered.picture import panels, save

TOLS = (0.0625, 0.025, 0.00625, 0.0025)


def main() -> None:
    """The error in A at t = 10/lambda_max(H(0)) over the tolerance, relative to sqrt(m) and absolute, at three widths."""
    found = {}
    for width in (64, 256, 576):
        data = load("digits", samples=20)
        net = ReLUNetwork.random(width=width, inputs=64, gamma0=0.25, seed=0)
        end = 10 / float(np.linalg.eigvalsh(np.asarray(net.gram(data.X)))[-1])
        best = gradient_flow(net, data.X, data.y, t_end=end, tol=1e-4, record=1).final.A
        found[width] = [
            float(np.linalg.norm(gradient_flow(net, data.X, data.y, t_end=end, tol=tol, record=1).final.A - best)) for tol in TOLS
        ]  # fmt: skip
        shares = ", ".join(f"{e / tol / width**0.5:.2f}" for e, tol in zip(found[width], TOLS, strict=True))
        print(f"  m = {width}: error in A over tol sqrt(m) at tol = {TOLS}: {shares}")
    wide, narrow = (np.array(found[m]) for m in (576, 64))
    print(
        f"  attack: were tol absolute, errors would not grow with m; from m = 64 to 576 they grow by {wide / narrow}, sqrt: 3"
    )
    figure, (axes,) = panels()
    for k, (width, errors) in enumerate(found.items()):
        axes.plot(TOLS, errors, "o-", color=f"C{k}", label=f"error in A, m = {width}")
        axes.plot(TOLS, [t * width**0.5 for t in TOLS], ":", color=f"C{k}", label=f"tol √m, m = {width}")
    axes.set(
        xscale="log", yscale="log", xlabel="tol", ylabel="Frobenius norm", title="ETD2 to t = 10/λmax(H(0)), 20 digits"
    )
    axes.set_xticks(TOLS, [f"{tol:g}" for tol in TOLS])
    axes.minorticks_off()
    save(figure, "finding-4")
