"""One picture for each data set: the loss and its envelope, complexity against width, and the bound against the number of samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deqmath.reproduction.tasks import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cells = Sequence[dict[str, Any]]
_COLOURS = {"true": "C0", "random": "C3"}
_STYLES = (":", "--", "-")


def draw(task: Task, cells: Cells, path: Path) -> None:
    """Write the picture as PNG."""
    from matplotlib.figure import Figure

    from deqmath.writing import write_atomically

    sheet = Figure(figsize=(13.5, 4.6), layout="constrained")
    left, middle, right = sheet.subplots(1, 3)
    _losses(left, [c for c in cells if c["settings"]["kind"] == "training"])
    bounds = [c for c in cells if c["settings"]["kind"] == "bound"]
    rows = [row for c in cells if c["settings"]["kind"] == "limit" for row in c["numbers"]["rows"]]
    _complexities(middle, bounds, rows)
    _bounds(right, bounds, rows)
    sheet.suptitle(f"{task.words}: true labels blue, random labels red", fontsize=11)
    for axes, place in ((left, "lower left"), (middle, "upper right"), (right, "upper left")):
        axes.legend(frameon=False, fontsize=8, handlelength=2.4, loc=place)
        axes.spines[["top", "right"]].set_visible(False)
        axes.title.set_fontsize(10)
    write_atomically(path, lambda stream: sheet.savefig(stream, format="png", dpi=110))


def _losses(axes: Axes, cells: Cells) -> None:
    """Loss over its start against lambda_0 t, below exp(-lambda_0 t) where (c) holds; a cross where rho reached 1."""
    import numpy as np

    widths, named, left = sorted({c["settings"]["width"] for c in cells}), set(), []
    for c in cells:
        s, r = c["settings"], c["numbers"]
        label = f"{s['labels']}, m = {s['width']}"
        style = _STYLES[widths.index(s["width"]) % len(_STYLES)]
        times, loss = r["scaled_times"][1:], [max(v, 1e-9) for v in r["loss"][1:]]
        axes.plot(
            times, loss, style, color=_COLOURS[s["labels"]], linewidth=1.2, label=None if label in named else label
        )
        named.add(label)
        if r["status"] != "completed":
            left.append((times[-1], loss[-1]))
    if left:
        axes.plot(*zip(*left, strict=True), "x", color="k", markersize=6, label="left rho < 1")
    end = max(c["numbers"]["scaled_times"][-1] for c in cells)
    grid = np.geomspace(1e-4 * end, end, 60)
    axes.plot(grid, np.exp(-grid), color="0.3", linewidth=2, label="envelope exp(-λ₀t)")
    axes.set(xlabel="λ₀ t", ylabel="loss over its start", xscale="log", yscale="log", ylim=(1e-9, 3))
    axes.set_title(f"Theorem 3.1 (c): gradient flow, n = {cells[0]['settings']['samples'][0]}")


def _complexities(axes: Axes, bounds: Cells, rows: Cells) -> None:
    """Centred complexity against the width, for the most samples that every width has, and its limit."""
    most = max(c["settings"]["samples"][0] for c in bounds)
    widths = sorted({c["settings"]["width"] for c in bounds})
    beyond = 3 * widths[-1]
    for labels, colour in _COLOURS.items():
        own = [c for c in bounds if (c["settings"]["labels"], c["settings"]["samples"][0]) == (labels, most)]
        known = [(c["settings"]["width"], c["numbers"]["centred_complexity"]) for c in own]
        known += [(beyond, row["complexity"]) for row in rows if (row["labels"], row["samples"]) == (labels, most)]
        shown = [(m, v) for m, v in known if v is not None]
        axes.plot(*zip(*shown, strict=True), "o", color=colour, markersize=5, label=f"{labels} labels")
    axes.axhline(1, color="0.4", linestyle="--", linewidth=1, label="vacuous from here up")
    axes.set(xscale="log", yscale="log", xlabel="width m", ylabel="2 √(yᵀH⁻¹y tr H) / n")
    axes.set_xticks([*widths, beyond], [*map(str, widths), "∞"])
    axes.minorticks_off()
    _plain_ticks(axes)
    axes.set_title(f"Theorem 4.1: complexity, n = {most}, a point for each seed")


def _bounds(axes: Axes, bounds: Cells, rows: Cells) -> None:
    """The centred bound and the measured test error against the number of samples, at the largest width and in the limit."""
    width = max(c["settings"]["width"] for c in bounds)
    for labels, colour in _COLOURS.items():
        own = [(c["settings"]["samples"][0], c["numbers"]) for c in bounds
               if (c["settings"]["labels"], c["settings"]["width"]) == (labels, width)]  # fmt: skip
        limit = [(row["samples"], row) for row in rows if row["labels"] == labels]
        for found, name, style, words in (
            (own, "centred_risk", "v--", f"bound, {labels}, m = {width}"),
            (limit, "risk", "^-", f"bound, {labels}, m = ∞"),
            (limit, "test_error", "o:", f"test error, {labels}, m = ∞"),
        ):
            means = _means(found, name)
            axes.plot(*zip(*means, strict=True), style, color=colour, markersize=4, linewidth=1, label=words)
    axes.axhline(1, color="0.4", linestyle="--", linewidth=1, label="vacuous from here up")
    counts = sorted({row["samples"] for row in rows})
    axes.set(xscale="log", yscale="log", xlabel="samples n", ylabel="risk")
    axes.set_xticks(counts, [str(n) for n in counts])
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.61)  # room for the legend
    axes.minorticks_off()
    _plain_ticks(axes)
    axes.set_title("Theorem 4.1: bound and measured test error")


def _means(found: Sequence[tuple[int, dict[str, Any]]], name: str) -> list[tuple[int, float]]:
    """Means over the seeds, for the numbers of samples where all are known."""
    counts = sorted({n for n, _ in found})
    columns = {n: [row[name] for k, row in found if k == n] for n in counts}
    return [(n, sum(column) / len(column)) for n, column in columns.items() if None not in column]


def _plain_ticks(axes: Axes) -> None:
    """1, 2, 5 (and some between on a short axis) and their multiples by ten in plain digits."""
    low, high = axes.get_ylim()
    finer = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if high < 10 * low else (1.0, 2.0, 5.0)
    ticks = [k * 10.0**e for e in range(-4, 6) for k in finer if low <= k * 10.0**e <= high]
    axes.set_yticks(ticks, [f"{v:g}" for v in ticks])
