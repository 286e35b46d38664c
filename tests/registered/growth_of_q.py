"""The registered run on (13): how the change of q grows with the width. The design is in derivations/gg22/_switching.py.

``python tests/registered/growth_of_q.py run FILE`` runs it (minutes) and writes the data;
``python tests/registered/growth_of_q.py show FILE`` prints the exponents of such a file, ``draw FILE`` draws it beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from deqmath.claims.exponent import exponent_interval
from deqmath.errors import NotWellPosedError
from deqmath.numeric import ReLUNetwork

SEED, SETS, WIDTHS = 0, 12, (64, 128, 256, 512, 1024, 2048)


def run(file: Path) -> None:
    """Every draw of the design, width by width; the file is written anew after each width."""
    found: dict[str, list[list[float]]] = {}
    for count, width in enumerate(WIDTHS, 1):
        for name, column in _design().splits(SEED, SETS, [width]).items():
            found.setdefault(name, []).append([float(f"{v:.6g}") if np.isfinite(v) else None for v in column[:, 0]])
        record = {"seed": SEED, "sets": SETS, "widths": WIDTHS[:count], "by width": found}
        file.write_text(json.dumps(record) + "\n", encoding="utf-8")
        print(f"m = {width} done", flush=True)


def show(file: Path) -> None:
    """The exponents over all widths, over the lower half and over the upper half, and the geometric means."""
    record = json.loads(file.read_text(encoding="utf-8"))
    widths = np.array(record["widths"])
    left = np.isfinite(np.array(record["by width"]["change_q"], dtype=float)).all(axis=0)
    print(f"{left.sum()} of {len(left)} data sets stay in the region rho < 1 at every width")
    for name, columns in record["by width"].items():
        table = np.array(columns, dtype=float).T
        table = table[np.isfinite(table).all(axis=1)]
        parts = [slice(None), slice(0, 3), slice(3, None)]
        fits = [exponent_interval(widths[part], table[:, part]) for part in parts if len(widths[part]) > 1]
        means = " ".join(f"{v:.3g}" for v in np.exp(np.log(table).mean(axis=0)))
        print(f"{name:9s}" + "  ".join(f"{e:6.3f} [{low:6.3f}, {high:6.3f}]" for e, low, high in fits), f"  {means}")


def draw(file: Path) -> None:
    """The draws, their geometric means and the fitted powers, in the logarithms, as FILE with the ending .svg."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "growth"  # the same file at every drawing
    record = json.loads(file.read_text(encoding="utf-8"))
    widths = np.array(record["widths"], dtype=float)
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    shown = (
        ("change_q", "change of q", "C0", "o"),
        ("jump", "sum of its jumps", "C1", "s"),
        ("smooth", "smooth part", "C2", "^"),
    )
    for name, words, colour, marker in shown:
        table = np.array(record["by width"][name], dtype=float).T
        table = table[np.isfinite(table).all(axis=1)]
        exponent, low, high = exponent_interval(widths, table)
        means = np.exp(np.log(table).mean(axis=0))
        middle = np.exp(np.log(widths).mean()), np.exp(np.log(means).mean())
        axes.plot(widths, table.T, marker, color=colour, alpha=0.25, markersize=3)
        axes.plot(
            widths, means, marker, color=colour, label=f"{words}: exponent {exponent:.2f} [{low:.2f}, {high:.2f}]"
        )
        axes.plot(widths, middle[1] * (widths / middle[0]) ** exponent, color=colour)
    axes.set(xscale="log", yscale="log", xlabel="width m", ylabel="largest norm over five samples")
    axes.set_xticks(widths, [f"{w:.0f}" for w in widths])
    axes.set_yticks([2, 3, 5, 8, 12], ["2", "3", "5", "8", "12"])
    axes.minorticks_off()
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    figure.savefig(file.with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Finding 5: the table and the picture from the data that are kept, and a few of its draws made again and compared."""
    file = Path(__file__).resolve().parents[2] / "docs" / "figures" / "growth-of-q.json"
    show(file)
    record, again = json.loads(file.read_text(encoding="utf-8")), _splits(1, [64, 128])
    for k in range(2):
        kept, made = record["by width"]["change_q"][k][0], float(again["change_q"][0, k])
        print(f"  drawn again, data set 0, m = {WIDTHS[k]}: change of q {made:.6g}, kept {kept:.6g}")
        if abs(made - kept) > 1e-3 * kept:
            msg = f"the data of {file.name} are not those of the design"
            raise ArithmeticError(msg)
    attack()
    draw(file)


def attack() -> None:
    """Other inputs than those of the design: does the change of q still grow?"""
    print("  attack: labels 0.1 times as large, and inputs in R^3 (8 data sets, m = 64, 128, 256, 512)")
    for words, inputs, size in (("labels +-0.1", 10, 0.1), ("inputs in R^3", 3, 1.0)):
        found = _splits(8, (64, 128, 256, 512), inputs, size)
        for name in ("change_q", "jump"):
            table = found[name][np.isfinite(found[name]).all(axis=1) & (found[name] > 0).all(axis=1)]
            exponent, low, high = exponent_interval((64, 128, 256, 512), table)
            print(f"    {words}: {name} m^{exponent:.3f} [{low:.3f}, {high:.3f}], {len(table)} data sets")


def _splits(sets: int, widths: Sequence[int], inputs: int = 10, size: float = 1.0) -> dict[str, np.ndarray]:
    """The design's quantities, with other inputs or labels where asked."""
    module = _design()
    if (inputs, size) == (10, 1.0):
        return module.splits(SEED, sets, widths)
    rows = []
    for k in range(sets):
        row = []
        for width in widths:
            rng = np.random.default_rng([SEED, 1, k])
            X, y = rng.standard_normal((5, inputs)), size * rng.choice([-1.0, 1.0], 5)
            X /= np.linalg.norm(X, axis=1, keepdims=True)
            net = ReLUNetwork.random(width=width, inputs=inputs, gamma0=0.2, seed=1000 * k + width)
            row.append(_split(module, net, X, y))
        rows.append(row)
    return {name: np.array([[getattr(s, name) for s in row] for row in rows]) for name in ("change_q", "jump")}


def _split(module: ModuleType, net: ReLUNetwork, X: np.ndarray, y: np.ndarray) -> Any:
    """The parts of the change of q; nan where rho reaches 1 or the residual does not get small."""
    try:
        return module.split(net, X, y)
    except (NotWellPosedError, ArithmeticError):
        return module.Split(*[np.nan] * 5)


def _design() -> ModuleType:
    """A helper file of the derivations, which are no package."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "derivations" / "gg22"))
    return import_module("_switching")


if __name__ == "__main__":
    {"run": run, "show": show, "draw": draw}[sys.argv[1]](Path(sys.argv[2]))
