"""Pictures of a training run; each function draws on the Axes it is given, or on new ones, and returns them.

Matplotlib is imported on the first call. Nothing is shown and no global style is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.numeric.softmax_run import SoftmaxRun
from deqmath.numeric.validate import real_array
from deqmath.writing import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deqmath.numeric.monitors import Monitor
    from deqmath.numeric.run import Run

_MEASURED, _BOUND, _LINEAR = "C0", "C3", "C1"
#: More curves than this cannot be told apart.
_CURVES = 40
#: Letters of a title that fit above one of two columns.
_LETTERS = 46
_SUFFIXES = ("png", "svg", "pdf")


def _any_run(run: Any, call: str) -> Any:
    """The run itself; what is none is refused."""
    from deqmath.numeric.run import Run

    if not isinstance(run, (Run, SoftmaxRun)):
        msg = f"{call} received {run!r:.80}; it needs a run, such as run = gradient_flow(net, X, y); {call}(run)"
        raise InputError(msg)
    return run


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    new: Axes = Figure(figsize=(6.4, 4.0), dpi=125, layout="constrained").subplots()  # 800 x 500 pixels
    return new


def _finish(ax: Axes, title: str, ylabel: str, xlabel: str = "time t", *, legend: bool = True) -> Axes:
    lines = [part for line in title.split("\n") for part in wrap(line, _LETTERS)]
    ax.set_title("\n".join(lines), fontsize=10)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    if legend:
        ax.legend(framealpha=0.8, edgecolor="none", fontsize=8)
    return ax


def _verdict(monitor: Monitor) -> str:
    return "holds" if monitor.holds else f"fails from record {monitor.first_failure}"


def _log_if_wide(ax: Axes, *series: NDArray[Any]) -> None:
    """A logarithmic axis where all values are positive and spread over more than a factor of 20."""
    values = np.concatenate([np.ravel(s) for s in series])
    if values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")


def plot_loss(run: Run | SoftmaxRun, ax: Axes | None = None) -> Axes:
    """The loss against its envelope.

    ReLU network: ``||r(t)||^2`` against the envelope of gg22 Theorem 3.1 (c), the linearised training beside it. Softmax
    network: ``L(t) - L_*`` against its linear decay (k21); after gradient descent, for which none is stated, L(t).

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
    if isinstance(run, SoftmaxRun):
        return _softmax_loss(run, _axes(ax))
    axes, monitor = _axes(ax), _any_run(run, "plot_loss").monitor("residual")
    linear = np.sum((run.linearised - run.targets) ** 2, axis=1)
    axes.plot(run.times, monitor.measured, color=_MEASURED, label="measured")
    axes.plot(run.times, linear, color=_LINEAR, linestyle=":", label="linearised")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label="envelope (c)")
    _log_if_wide(axes, monitor.measured, monitor.bound)
    return _finish(axes, f"residual, (c) {_verdict(monitor)}", r"$\|\hat y - y\|^2$")


def _softmax_loss(run: SoftmaxRun, axes: Axes) -> Axes:
    found = [monitor for monitor in run.monitors if monitor.name == "loss"]
    if not found:
        axes.plot(run.times, run.loss, color=_MEASURED, label="measured")
        _log_if_wide(axes, run.loss)
        return _finish(axes, "training loss", r"$L(t)$")
    monitor = found[0]
    shown = (monitor.measured > 0) & (monitor.measured > 1e-14 * run.loss[0])  # below is what rounding left
    axes.plot(run.times[shown], monitor.measured[shown], color=_MEASURED, label="measured")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label="envelope")
    _log_if_wide(axes, monitor.measured[shown], monitor.bound)
    goal = monitor.statement.rpartition("; ")[2].replace("L_*", "$L_*$")
    return _finish(axes, f"loss above its least value: {_verdict(monitor)}\n{goal}", r"$L(t) - L_*$")


def plot_lambda_min(run: Run | SoftmaxRun, ax: Axes | None = None) -> Axes:
    """The least eigenvalue that drives the training, against its bound. Parameters as in :func:`plot_loss`.

    ReLU network: ``lambda_min(H(t))`` against lambda_0/2, gg22 Theorem 3.1 (a). Softmax network: ``lambda_min(D_t)``
    against ``1/(m (1 + gamma)^2)`` (k21), where B is trained.
    """
    if isinstance(run, SoftmaxRun):
        return _softmax_rate(run, _axes(ax))
    axes, monitor = _axes(ax), _any_run(run, "plot_lambda_min").monitor("lambda_min")
    if not monitor.bound[0] > 0:
        return _unresolved_rate(run, monitor, axes)
    axes.plot(run.times, monitor.measured, color=_MEASURED, label=r"$\lambda_{\min}(H(t))$")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label=r"$\lambda_0/2$")
    if monitor.measured.min() > 0:
        axes.set_ylim(0, 1.25 * max(monitor.measured.max(), monitor.bound.max()))
    if axes.get_yscale() == "linear":
        axes.ticklabel_format(axis="y", style="scientific", scilimits=(-2, 4))
    return _finish(axes, f"smallest eigenvalue of H(t), (a) {_verdict(monitor)}", r"$\lambda_{\min}$")


def _unresolved_rate(run: Run, monitor: Monitor, axes: Axes) -> Axes:
    """Where lambda_0 is what rounding left of 0, (a) says nothing: the eigenvalue against what float64 tells from 0."""
    least = run.targets.size * np.finfo(np.float64).eps * run.lambda_max
    axes.plot(run.times, monitor.measured, color=_MEASURED, label=r"$\lambda_{\min}(H(t))$")
    axes.plot(
        run.times, least, color="0.5", linestyle=":", label=r"least that is told from 0, $n\,\epsilon\,\lambda_{\max}$"
    )
    top = float(max(monitor.measured.max(), least.max()))
    axes.set_ylim(*((-0.05 * top, 1.4 * top) if top > 0 else (-0.05, 1.0)))
    axes.ticklabel_format(axis="y", style="scientific", scilimits=(-2, 4))
    title = "smallest eigenvalue of H(t)\nlambda_0 is not resolved: (a) says nothing"
    return _finish(axes, title, r"$\lambda_{\min}$")


def _softmax_rate(run: SoftmaxRun, axes: Axes) -> Axes:
    axes.plot(run.times, run.rate, color=_MEASURED, label=r"$\lambda_{\min}(D_t)$")
    said = ""
    for monitor in run.monitors:
        if monitor.name == "rate":
            axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label=r"$1/(m(1+\gamma)^2)$")
            said = f": {_verdict(monitor)}"
            _log_if_wide(axes, run.rate, monitor.bound)
    return _finish(axes, "least eigenvalue of the dynamics" + said, r"$\lambda_{\min}$")


def plot_norms(run: Run | SoftmaxRun, ax: Axes | None = None) -> Axes:
    """Distances from the start, and for a ReLU network ``||A(t)||_2`` against its ball (b).

    Parameters as in :func:`plot_loss`. The distance is ``||A(t) - A(0)||_F``, for a softmax network
    ``||P(t) - P(0)||_F`` over the trainable parameters.
    """
    if isinstance(run, SoftmaxRun):
        axes = _axes(ax)
        axes.plot(run.times, run.distance, color="C2", label=r"$\|P(t)-P(0)\|_F$")
        names = " and ".join(run.initial.trainable)
        return _finish(axes, f"distance from the start, over {names}", "norm")
    axes, monitor = _axes(ax), _any_run(run, "plot_norms").monitor("norm_A")
    axes.plot(run.times, monitor.measured, color=_MEASURED, label=r"$\|A(t)\|_2$")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label=r"$2c\sqrt{m}$")
    axes.plot(run.times, run.distance, color="C2", label=rf"$\|A(t)-A(0)\|_F$ ({run.distance[-1]:.3g} at the end)")
    axes.set_ylim(0, 1.45 * max(monitor.measured.max(), monitor.bound.max(), run.distance.max()))  # the legend's room
    return _finish(axes, f"norms, (b) {_verdict(monitor)}", "norm")


def plot_switches(run: Run, ax: Axes | None = None) -> Axes:
    """Gates that differ from t = 0, those that slide along their kink, and, where they were located, all switches so far.

    Parameters as in :func:`plot_loss`; locate switches with ``gradient_flow(..., locate_switches=True)``.
    """
    given = _any_run(run, "plot_switches")
    if isinstance(given, SoftmaxRun):
        msg = "plot_switches received a SoftmaxRun, and a softmax network has no gates; plot_predictions(run) works"
        raise InputError(msg)
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
    if np.any(run.sliding):
        axes.plot(run.times, run.sliding, color="C3", linestyle=":", label="gates that slide along $u = 0$")
    if axes.get_yscale() == "linear":
        top = axes.get_ylim()[1]
        axes.set_ylim(*((0, top) if top >= 1 else (-0.03, 1.0)))  # where nothing switches the line lies above the axis
        axes.locator_params(axis="y", integer=True)
    return _finish(axes, f"gate switches, of {total} gates", "count")


def plot_predictions(run: Run | SoftmaxRun, ax: Axes | None = None) -> Axes:
    """Every prediction over time, coloured by its target; at most 40 samples. Parameters as in :func:`plot_loss`."""
    axes = _axes(ax)
    values = _any_run(run, "plot_predictions").predictions.reshape(len(run.times), -1)
    goals = np.ravel(run.targets)
    shown = np.unique(np.linspace(0, goals.size - 1, min(goals.size, _CURVES)).astype(int))
    middle = 0.5 * (float(np.min(goals)) + float(np.max(goals)))
    for above, color in ((True, _MEASURED), (False, _BOUND)):
        chosen = [k for k in shown if (goals[k] > middle) is np.bool_(above)]
        level = ">" if above else "\N{LESS-THAN OR EQUAL TO}"
        for first, k in enumerate(chosen):
            label = f"target {level} {middle:.3g}" if first == 0 else None
            axes.plot(run.times, values[:, k], color=color, linewidth=0.8, alpha=0.7, label=label)
    levels = np.unique(goals)
    aimed_at = levels.size <= 2 and run.options.get("loss") != "logistic"  # logistic: a label, not a goal
    for goal in levels if aimed_at else []:
        axes.axhline(float(goal), color="0.6", linewidth=0.8, linestyle=":")
    part = "" if shown.size == goals.size else f", {shown.size} of {goals.size}"
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.15 * (high - low))  # room for the legend above the curves
    axes.legend(loc="upper center", ncols=2, columnspacing=1.2, framealpha=0.8, edgecolor="none", fontsize=8)
    return _finish(axes, f"predictions{part}", r"$\hat y_i(t)$", legend=False)


def plot_inequality(run: Run | SoftmaxRun, name: str, ax: Axes | None = None) -> Axes:
    """Any monitor of the run by name, measured against bound. Other parameters as in :func:`plot_loss`."""
    axes, monitor = _axes(ax), _any_run(run, "plot_inequality").monitor(name)
    shown = monitor.measured > 0  # a change is 0 at t = 0, which a logarithmic axis cannot show
    axes.plot(run.times[shown], monitor.measured[shown], color=_MEASURED, label="measured")
    axes.plot(run.times, monitor.bound, color=_BOUND, linestyle="--", label="bound")
    _log_if_wide(axes, monitor.measured[shown], monitor.bound[monitor.bound > 0])
    statement = monitor.statement.replace(" <= ", "\n<= ", 1).replace(" >= ", "\n>= ", 1)
    side = re.sub(r"^\(.+?\) ", "", statement.partition("\n")[0])
    return _finish(axes, f"{statement}: {_verdict(monitor)}", side)


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
        Eigenvalues that float64 does not tell from 0 are left out, and their number is said in the label.

    Raises
    ------
    InputError
        No matrix, one that is empty or not square, or labels of another number.
    """
    if not grams or (labels and len(labels) != len(grams)):
        msg = f"plot_spectrum needs matrices and as many labels (or none); received {len(grams)} and {len(labels)}"
        raise InputError(msg)
    axes = _axes(ax)
    for k, gram in enumerate(grams):
        H = real_array(gram, "H", 2)
        if H.shape[0] != H.shape[1] or H.shape[0] == 0:
            msg = (
                f"H has shape {tuple(H.shape)}; it needs a square matrix with at least one row, for example net.gram(X)"
            )
            raise InputError(msg)
        w = np.linalg.eigvalsh(np.asarray(H))[::-1]
        shown = w > max(len(w) * np.finfo(np.float64).eps * w[0], 0.0)
        label = labels[k] if labels else f"H {k + 1}" if len(grams) > 1 else "H"
        left_out = "" if shown.all() else f" ({np.count_nonzero(~shown)} not resolved from 0)"
        axes.plot(np.flatnonzero(shown) + 1, w[shown], marker=".", markersize=4, linewidth=1, label=label + left_out)
    axes.set_yscale("log")
    return _finish(axes, "spectrum of H", "eigenvalue", "index")


def plot_run(run: Run | SoftmaxRun, path: str | Path | None = None, *, X: Any = None, title: str = "") -> NDArray[Any]:
    """The run in one figure 8 inches wide; as .png 1200 pixels wide, at 150 dots an inch.

    Parameters
    ----------
    run
        The run.
    path
        Where to write the figure, atomically, as .png, .svg or .pdf; None writes nothing.
    X
        The inputs of the run; with them predictions and the spectrum of H at both ends are drawn, too.
    title
        Stands above the figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Shape (2, 2): loss, least eigenvalue, norms, and switches or (softmax) predictions. Shape (3, 2) with X.

    Raises
    ------
    InputError
        A path with another ending, or what is no run.
    """
    from matplotlib.figure import Figure

    _any_run(run, "plot_run")
    kind = "png" if path is None else Path(path).suffix.lower().removeprefix(".")
    if kind not in _SUFFIXES:
        msg = f"path is {str(path)!r}; it needs a name that ends in .png, .svg or .pdf, for example 'run.png'"
        raise InputError(msg)
    drawers: list[Callable[[Any, Axes], Axes]] = [plot_loss, plot_lambda_min, plot_norms]
    drawers.append(plot_predictions if isinstance(run, SoftmaxRun) else plot_switches)
    if X is not None:
        drawers.append(lambda run, ax: _spectra(run, X, ax))
        drawers.append(_late_loss if isinstance(run, SoftmaxRun) else plot_predictions)
    rows = len(drawers) // 2
    figure = Figure(figsize=(8.0, 3.1 * rows), layout="constrained")
    axes: NDArray[Any] = figure.subplots(rows, 2)
    for draw, ax in zip(drawers, axes.ravel(), strict=True):
        draw(run, ax)
    if title:
        figure.suptitle("\n".join(wrap(title, 100)), fontsize=9, color="0.35")
    if path is not None:
        write_atomically(Path(path), lambda stream: figure.savefig(stream, format=kind, dpi=150))
    return axes


def _spectra(run: Run | SoftmaxRun, X: Any, ax: Axes) -> Axes:
    end = f"t = {run.times[-1]:.4g}"
    return plot_spectrum(run.initial.gram(X), run.final.gram(X), labels=("t = 0", end), ax=ax)


def _late_loss(run: SoftmaxRun, ax: Axes) -> Axes:
    """The loss on a logarithmic axis of time, where a softmax network's slow end can be seen."""
    later = run.times > 0
    ax.plot(run.times[later], run.loss[later], color=_MEASURED, label="measured")
    ax.set_xscale("log")
    ax.set_yscale("log")
    return _finish(ax, "training loss", r"$L(t)$", "time t, logarithmic")
