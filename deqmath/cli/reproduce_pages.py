"""What ``deqmath reproduce`` draws and writes from its cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Cells = Sequence[dict[str, Any]]
_HEAD = ("data", "labels", "m", "seed", "(c) holds", "√(yᵀH⁻¹y/n)", "Rademacher", "confidence", "bound", "train error", "test error", "least m")  # fmt: skip


def table(cells: Cells) -> str:
    """The bound, its parts and the measured errors, a row for each cell, as Markdown."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + " --- |" * len(_HEAD)]
    for c in cells:
        parts = (c["leading"], c["rademacher"], c["confidence"], c["risk"])
        numbers = ["undecided" if part is None else f"{part:.3g}" for part in parts]
        numbers[-1] += " (vacuous)" if (c["risk"] or 1) >= 1 else ""
        least = "undecided" if c["least_width"] is None else f"{c['least_width']:.1e}"
        row = (c["data"], c["labels"], c["width"], c["seed"], "yes" if c["holds"] else "no", *numbers)
        lines.append(
            "| " + " | ".join(map(str, (*row, f"{c['train_error']:.3f}", f"{c['test_error']:.3f}", least))) + " |"
        )
    return "\n".join(lines) + "\n"


def page(cells: Cells) -> str:
    """The table with what its columns mean."""
    return (
        "# Theorems 3.1 and 4.1 on data\n\nWritten by `deqmath reproduce`. (c): the residual stays below its envelope along the gradient flow. "
        "Bound: Theorem 4.1's risk of the coupled flow's limit, upper ends that are proved, for the loss min(|f - y|, 1), which is at most 1: a bound "
        "of 1 or more is vacuous. Least m: the width from which Theorem 3.1's chain of inequalities closes, below which nothing is proved "
        "for the trained network.\n\n" + table(cells)
    )


def figure(cells: Cells, path: Path) -> None:
    """Residual over its envelope, and the bound beside the measured error, a colour for each kind of labels; written as PNG."""
    from matplotlib.figure import Figure

    from deqmath.numeric.provenance import write_atomically

    sheet = Figure(figsize=(11, 4), layout="constrained")
    left, right = sheet.subplots(1, 2)
    for labels, colour in (("true", "C0"), ("random", "C3")):
        own = [c for c in cells if c["labels"] == labels]
        for k, c in enumerate(own):
            ratio = [m / e for m, e in zip(c["measured"], c["envelope"], strict=True)]
            left.plot(c["times"], ratio, color=colour, alpha=0.6, label=f"{labels} labels" if k == 0 else None)
        widths = [c["width"] for c in own]
        bounds = [(c["width"], c["risk"]) for c in own if c["risk"] is not None]
        right.scatter(
            *zip(*bounds, strict=True), color=colour, marker="v", label=f"bound, {labels}"
        ) if bounds else None
        right.scatter(widths, [c["test_error"] for c in own], color=colour, marker="o", label=f"measured, {labels}")
    left.axhline(1, color="0.4", linestyle="--", linewidth=1, label="envelope (c)")
    left.set(xlabel="time t", ylabel="residual² / envelope", yscale="log", title="Theorem 3.1 (c)")
    right.axhline(1, color="0.4", linestyle="--", linewidth=1, label="vacuous from here up")
    right.set(
        xlabel="width m", ylabel="risk", xscale="log", yscale="log", title="Theorem 4.1: bound and measured test error"
    )
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    write_atomically(path, lambda stream: sheet.savefig(stream, format="png", dpi=110))
