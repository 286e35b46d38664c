"""The pictures of docs/findings.md: one look, and the same file at every drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "figures"


def panels(count: int = 1) -> tuple[Figure, list[Any]]:
    """A figure with that many axes side by side."""
    mpl.rcParams["svg.hashsalt"] = "findings"  # ids of the SVG do not change from run to run
    figure = Figure(figsize=(5.2 * count if count > 1 else 6.4, 4.0), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False)[0].tolist()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Figure, name: str) -> None:
    """Write docs/figures/NAME.svg."""
    for axes in figure.axes:
        if axes.get_legend_handles_labels()[0] and axes.get_legend() is None:
            axes.legend(frameon=False, fontsize=8)
        axes.title.set_fontsize(10)
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    print(f"drawn: docs/figures/{name}.svg")
