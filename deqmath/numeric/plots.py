"""Pictures of a training run; each function draws on the Axes it is given, or on new ones, and returns them.

Matplotlib is imported on the first call. Nothing is shown and no global style is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.numeric.provenance import write_atomically
from deqmath.numeric.validate import real_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deqmath.numeric.monitors import Monitor
    from deqmath.numeric.run import Run

_MEASURED, _BOUND, _LINEAR = "C0", "C3", "C1"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    new: Axes = Figure(figsize=(6.0, 4.0), layout="constrained").subplots()
    return new


def _finish(ax: Axes, title: str, ylabel: str, xlabel: str = "time t", *, legend: bool = True) -> Axes:
    ax.set_title(title, fontsize=10)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    if legend:
        ax.legend(frameon=False, fontsize=8)
    return ax


def _verdict(monitor: Monitor) -> str:
    return "holds" if monitor.holds else f"fails from record {monitor.first_failure}"


def _log_if_wide(ax: Axes, *series: NDArray[Any]) -> None:
    """A logarithmic axis where all values are positive and spread over more than a factor of 20."""
    values = np.concatenate([np.ravel(s) for s in series])
    if values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")


def plot_loss(run: Run, ax: Axes | None = None) -> Axes:
    """``||r(t)||^2`` against the envelope of Theorem 3.1 (c), and the linearised training beside it.

    Parameters
    ----------
    run
        The run.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from deqmath.numeric import ReLUNetwork, gradient_descent
    >>> from deqmath.numeric.plots import plot_loss
    >>> net = ReLUNetwork.random(width=32, inputs=2, gamma0=0.2, seed=0)
    >>> run = gradient_descent(net, [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], steps=5)
    >>> [line.get_label() for line in plot_loss(run).lines]
    ['measured', 'linearised', 'envelope (c)']
    """
    axes, monitor = _axes(ax), run.monitor("residual")
    linear = np.sum((run.linearised - run.targets) ** 2, axis=1)
    axes.plot(run.times, monitor.measured, color=_MEASURED, label="measured")
    axes.plot(run.times, linear, color=_LINEAR, linestyle=":", label="linearised")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label="envelope (c)")
    _log_if_wide(axes, monitor.measured, monitor.bound)
    return _finish(axes, f"residual, (c) {_verdict(monitor)}", r"$\|\hat y - y\|^2$")


def plot_lambda_min(run: Run, ax: Axes | None = None) -> Axes:
    """``lambda_min(H(t))`` against lambda_0/2, Theorem 3.1 (a). Parameters as in :func:`plot_loss`."""
    axes, monitor = _axes(ax), run.monitor("lambda_min")
    axes.plot(run.times, monitor.measured, color=_MEASURED, label=r"$\lambda_{\min}(H(t))$")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label=r"$\lambda_0/2$")
    if monitor.measured.min() > 0:
        axes.set_ylim(0, 1.25 * max(monitor.measured.max(), monitor.bound.max()))
    return _finish(axes, f"smallest eigenvalue of H(t), (a) {_verdict(monitor)}", r"$\lambda_{\min}$")


def plot_norms(run: Run, ax: Axes | None = None) -> Axes:
    """``||A(t)||_2`` against its ball (b), and ``||A(t) - A(0)||_F``. Parameters as in :func:`plot_loss`."""
    axes, monitor = _axes(ax), run.monitor("norm_A")
    axes.plot(run.times, monitor.measured, color=_MEASURED, label=r"$\|A(t)\|_2$")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label=r"$2c\sqrt{m}$")
    axes.plot(run.times, run.distance, color="C2", label=r"$\|A(t)-A(0)\|_F$")
    axes.set_ylim(0, 1.25 * max(monitor.measured.max(), monitor.bound.max(), run.distance.max()))
    return _finish(axes, f"norms, (b) {_verdict(monitor)}", "norm")


def plot_switches(run: Run, ax: Axes | None = None) -> Axes:
    """Gates that differ from t = 0, and, where they were located, all switches so far.

    Parameters as in :func:`plot_loss`; locate switches with ``gradient_flow(..., locate_switches=True)``.
    """
    axes = _axes(ax)
    total = run.predictions.shape[1] * run.final.width
    axes.plot(run.times, run.switches, color=_MEASURED, label="gates that differ from t = 0")
    if run.switch_times is not None:
        order = np.arange(1, len(run.switch_times) + 1)
        axes.step(
            np.append(run.switch_times.time, run.times[-1]),
            np.append(order, order[-1] if len(order) else 0),
            where="post",
            color="C2",
            label="switches so far",
        )
    axes.set_ylim(bottom=0)
    return _finish(axes, f"gate switches, of {total} gates", "count")


def plot_inequality(run: Run, name: str, ax: Axes | None = None) -> Axes:
    """Any monitor of the run by name, measured against bound. Other parameters as in :func:`plot_loss`."""
    axes, monitor = _axes(ax), run.monitor(name)
    shown = monitor.measured > 0  # a change is 0 at t = 0, which a logarithmic axis cannot show
    axes.plot(run.times[shown], monitor.measured[shown], color=_MEASURED, label="measured")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label="bound")
    _log_if_wide(axes, monitor.measured[shown], monitor.bound[monitor.bound > 0])
    statement = monitor.statement.replace(" <= ", "\n<= ", 1).replace(" >= ", "\n>= ", 1)
    return _finish(axes, f"{statement}: {_verdict(monitor)}", name)


def plot_spectrum(*grams: Any, labels: tuple[str, ...] = (), ax: Axes | None = None) -> Axes:
    """Eigenvalues of one or several Gram matrices H, from the largest down, on a logarithmic axis.

    Parameters
    ----------
    *grams
        Symmetric matrices, such as ``net.gram(X)`` or ``run.final.gram(X)``.
    labels
        One for each; none by default.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        Eigenvalues that are not positive in float64 are left out, and their number is said in the label.

    Raises
    ------
    InputError
        No matrix, one that is not square, or labels of another number.
    """
    if not grams or (labels and len(labels) != len(grams)):
        msg = f"plot_spectrum needs matrices and as many labels (or none); received {len(grams)} and {len(labels)}"
        raise InputError(msg)
    axes = _axes(ax)
    for k, gram in enumerate(grams):
        H = real_array(gram, "H", 2)
        if H.shape[0] != H.shape[1]:
            msg = f"H has shape {tuple(H.shape)}; it needs a square matrix, for example net.gram(X)"
            raise InputError(msg)
        w = np.linalg.eigvalsh(np.asarray(H))[::-1]
        shown = w > 0
        label = labels[k] if labels else f"H {k + 1}" if len(grams) > 1 else "H"
        left_out = "" if shown.all() else f" ({np.count_nonzero(~shown)} not positive)"
        axes.plot(np.flatnonzero(shown) + 1, w[shown], marker=".", markersize=4, linewidth=1, label=label + left_out)
    axes.set_yscale("log")
    return _finish(axes, "spectrum of H", "eigenvalue", "index")


def plot_run(run: Run, path: str | Path | None = None) -> NDArray[Any]:
    """Loss, lambda_min, norms and switches in one figure.

    Parameters
    ----------
    run
        The run.
    path
        Where to write the figure as PNG, atomically; None writes nothing.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Shape (2, 2).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 7.0), layout="constrained")
    axes: NDArray[Any] = figure.subplots(2, 2)
    drawers: tuple[Callable[[Run, Axes], Axes], ...] = (plot_loss, plot_lambda_min, plot_norms, plot_switches)
    for draw, ax in zip(drawers, axes.ravel(), strict=True):
        draw(run, ax)
    if path is not None:
        write_atomically(Path(path), lambda stream: figure.savefig(stream, format="png", dpi=150))
    return axes
