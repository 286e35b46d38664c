"""The picture of a training run: each conclusion of the theorem, measured against its bound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deqmath.numeric import Monitor, Run

_LABELS = {"residual": r"$\|r(t)\|^2$", "lambda_min": r"$\lambda_{\min}(H(t))$", "norm_A": r"$\|A(t)\|_2$"}


def plot_run(run: Run, path: Path, title: str) -> Path:
    """Write the picture as PNG, in one step, and return its path."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3), ("residual", "lambda_min", "norm_A"), strict=True):
        plot_monitor(run, run.monitor(name), axes, label=_LABELS[name])
    figure.suptitle(title, fontsize=9, color="0.35")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        figure.savefig(part, format="png", dpi=150)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def plot_monitor(run: Run, monitor: Monitor, axes: Axes, *, label: str) -> Axes:
    """Draw one conclusion: what was measured, and the bound it is to keep."""
    axes.plot(run.times, monitor.measured, color="C0", label="measured")
    axes.plot(run.times, monitor.bound, color="C3", linestyle="--", label="bound")
    smallest = min(monitor.measured.min(), monitor.bound.min())
    largest = max(monitor.measured.max(), monitor.bound.max())
    if smallest > 0 and largest > 20 * smallest:
        axes.set_yscale("log")
    elif smallest >= 0:
        axes.set_ylim(0, 1.3 * largest)  # room for the legend
        axes.ticklabel_format(axis="y", scilimits=(-3, 4), useMathText=True)
    axes.set_xlabel("t")
    axes.set_title(
        f"{label}\n{monitor.statement.partition(') ')[0]}): {'holds' if monitor.holds else 'fails'}", fontsize=10
    )
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
