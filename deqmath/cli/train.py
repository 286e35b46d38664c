"""``deqmath train``."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deqmath.cli.problem import Problem, SoftmaxProblem
    from deqmath.numeric import Run, SoftmaxRun
    from deqmath.numeric.run import Progress as At

#: The file in a default folder that tells which options its run was asked for with.
_OPTIONS = "options.json"


def train_command(
    *,
    data: str,
    model: Literal["relu", "softmax"] = "relu",
    width: int = 512,
    samples: int | None = None,
    classes: tuple[float, float] | None = None,
    gamma0: float | None = None,
    gamma: float | None = None,
    init: Literal["gaussian", "half-normal", "diagonal"] | None = None,
    seed: int = 0,
    trainable: str | None = None,
    loss: Literal["square", "logistic"] = "square",
    method: Literal["flow", "descent"] = "flow",
    t_end: float | None = None,
    steps: int | None = None,
    checkpoint: Path | None = None,
    out: Path | None = None,
    plot: Path | None = None,
    json: Path | None = None,
) -> int:
    """Train a network while measuring what the theorem promises.

    Along the run the conclusions of gg22 Theorem 3.1 (for --model softmax: of k21) are measured
    against their bounds. Saved are run.npz (every array), run.json (summary, settings,
    provenance) and run.png. Ctrl-C keeps what has been computed.

    Parameters
    ----------
    data : SRC
        digits, diabetes, breast_cancer, iris, wine, or your own .csv (last column y) or
        .npz (arrays X and y).
    model : MODEL
        relu: z = relu(gamma A z + relu(W x)); softmax: z = gamma S z + phi(x), S the softmax of
        A down each column, phi(x) = relu(R x) sqrt(2/M), R Gaussian.
    width : M
        Width of the network.
    samples : N
        Use so many samples, drawn by the seed. Default: all.
    classes : A B
        Keep the samples of two classes. Default for digits: 3 8.
    gamma0 : G
        For --model relu: gamma is G / sqrt(M). Default: 0.25.
    gamma : G
        For --model softmax: gamma, between 0 and 1. Default: 0.5.
    init : INIT
        For --model relu: how A is drawn, gaussian, half-normal or diagonal. Default: gaussian.
    seed : N
        Seed of the network and of the choice of samples.
    trainable : NAMES
        The parameters to train, with commas: of A,W,b for relu (default A), of A,B for softmax
        (default A,B).
    loss : LOSS
        square, or for --model softmax logistic, with targets of -1 and +1.
    method : METHOD
        flow: gradient flow in continuous time; descent: gradient descent.
    t_end : T
        Final time, for --method flow. Default: 30 / lambda_max(H(0)), where most of the loss is
        gone; for softmax 3000 times the fastest time scale.
    steps : N
        Steps of size 1 / lambda_max(H(0)), for --method descent. Default: 30.
    checkpoint : FILE
        An .npz file to go on from if it exists, to the same bits; else it is written every 30
        seconds and at the end.
    out : DIR
        Folder for the results. Default: deqmath-runs/DATA-METHOD-mM-seedN, or
        deqmath-runs/softmax-DATA-METHOD-mM-seedN; with -2, -3, ... after it where a run with
        other options lies there, as options.json tells.
    plot : FILE
        Write the picture to this .png, .svg or .pdf file. Default: run.png in the folder.
    json : FILE
        Also write the summary to this file as JSON; - is stdout, instead of the table.
    """
    _check_options(method, t_end, steps)
    names = None if trainable is None else tuple(name.strip() for name in trainable.split(","))
    shared: dict[str, Any] = {"classes": classes, "samples": samples, "width": width, "seed": seed}
    problem = _make(model, data, {"gamma0": gamma0, "gamma": gamma, "init": init, "trainable": names}, shared)
    start = f"{'softmax-' if model == 'softmax' else ''}{Path(problem.data.name).stem}"
    asked = {**shared, "data": data, "gamma0": gamma0, "gamma": gamma, "init": init, "trainable": names}
    asked |= {"loss": loss, "t_end": t_end, "steps": steps}
    folder = out or _of_its_own(Path("deqmath-runs") / f"{start}-{method}-m{width}-seed{seed}", asked)
    _check_places(folder, {"--plot": plot, "--json": json, "--checkpoint": checkpoint})
    run = _train(problem, method, loss=loss, t_end=t_end, steps=steps, checkpoint=checkpoint)
    run = replace(run, notes=(f"data: {problem.data.note}", *run.notes))
    return _deliver(run, problem, folder, plot or folder / "run.png", json, None if out else asked)


def _of_its_own(folder: Path, asked: dict[str, Any]) -> Path:
    """The folder, or the first with a number after it, where no run lies that was asked for with other options."""
    from itertools import count

    places = (folder if k == 1 else folder.with_name(f"{folder.name}-{k}") for k in count(1))
    return next(place for place in places if not (place / "run.npz").exists() or _asked(place) == _plain(asked))


def _asked(folder: Path) -> Any:
    """The options that the run in a folder was asked for with; None where they are not known."""
    from json import loads

    try:
        return loads((folder / _OPTIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _plain(asked: dict[str, Any]) -> Any:
    """As JSON has them."""
    from json import dumps, loads

    return loads(dumps(asked))


def _deliver(
    run: Run | SoftmaxRun,
    problem: Problem | SoftmaxProblem,
    folder: Path,
    picture: Path,
    json: Path | None,
    asked: dict[str, Any] | None,
) -> int:
    """Show what was measured, save the run, its picture and what it was `asked` for with, and give the exit code."""
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import deliver, note, show
    from deqmath.numeric.plots import plot_run

    saved: list[Path] = []

    def tell() -> None:
        if str(json) != "-":
            show(*_table(run, problem))
        for line in run.notes:
            note(f"note: {line}")

    def save() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        saved.extend(run.save(folder / "run"))
        if asked is not None:
            write_text(folder / _OPTIONS, to_text(asked))

    def draw() -> None:
        plot_run(run, picture, X=problem.inputs, title=str(problem))
        saved.append(picture)

    def write() -> None:
        if json is not None:
            write_text(json, to_text({**run.summary(), "problem": problem.settings, "files": [str(p) for p in saved]}))

    def say_where() -> None:
        if saved:
            note(f"saved {', '.join(str(path) for path in saved)}")

    code = {"completed": 0, "interrupted": 130}.get(run.status, 3)
    return deliver(tell, [save, draw, write, say_where], code)


def _make(model: str, data: str, own: dict[str, Any], shared: dict[str, Any]) -> Problem | SoftmaxProblem:
    """The problem, from the options of its model; an option of the other model would be without effect."""
    from deqmath.cli.problem import make_problem, make_softmax_problem
    from deqmath.errors import InputError

    given = {name: value for name, value in own.items() if value is not None}
    for option in ("gamma0", "init") if model == "softmax" else ("gamma",):
        if option in given:
            other = "use --gamma G instead" if model == "softmax" else "use --gamma0 G instead"
            msg = f"--{option} has no effect with --model {model}; leave it out{'' if option == 'init' else ', or ' + other}"
            raise InputError(msg)
    if model == "softmax":
        return make_softmax_problem(data, **{"gamma": 0.5, **given}, **shared)
    return make_problem(data, **{"gamma0": 0.25, "init": "gaussian", **given}, **shared)


def _train(problem: Problem | SoftmaxProblem, method: str, **options: Any) -> Run | SoftmaxRun:
    from deqmath.cli.terminal import Progress
    from deqmath.numeric import gradient_descent, gradient_flow

    given = {name: value for name, value in options.items() if value is not None}
    net, X, y = problem.net, problem.inputs, problem.data.y
    with Progress() as progress:

        def tell(at: At) -> None:
            left = "" if math.isnan(at.seconds_left) else f", {at.seconds_left:.0f} s left"
            progress.say(f"t = {at.time:.4g} of {at.end:.4g}, loss {at.loss:.4g}{left}")

        progress.say("starting")
        if method == "descent":
            return gradient_descent(net, X, y, progress=tell, **given)
        return gradient_flow(net, X, y, progress=tell, **given)


def _check_places(folder: Path, targets: dict[str, Path | None]) -> None:
    """Refuse whatever cannot be written, or would take the place of something else, before the work is done."""
    from deqmath.cli.terminal import check_outputs
    from deqmath.errors import InputError

    plot = targets["--plot"]
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        msg = f"--plot {plot} needs a name that ends in .png, .svg or .pdf"
        raise InputError(msg)
    check_outputs(targets)
    _check_folder(folder)
    for option, target in targets.items():
        if target is not None and str(target) != "-" and target.resolve() == folder.resolve():
            msg = f"{option} {target} is the folder of the run; give the name of a file"
            raise InputError(msg)
        for name in ("run.npz", "run.json", _OPTIONS, *(["run.png"] if plot is None else [])):
            if target is not None and target.resolve() == (folder / name).resolve():
                msg = f"{option} {target} is where the run itself saves its {name}; give another name"
                raise InputError(msg)


def _check_options(method: str, t_end: float | None, steps: int | None) -> None:
    """Refuse an option of the other method: it would be silently without effect."""
    from deqmath.errors import InputError

    option, other = ("--t-end", "--steps N") if method == "descent" else ("--steps", "--t-end T")
    if (t_end if method == "descent" else steps) is not None:
        msg = f"{option} has no effect with --method {method}; leave it out, or use {other} instead"
        raise InputError(msg)


def _check_folder(folder: Path) -> None:
    """Refuse an output folder that cannot be made, before the work is done."""
    from deqmath.errors import InputError

    ancestor = folder
    while not ancestor.exists():
        ancestor = ancestor.parent
    if not ancestor.is_dir() or not os.access(ancestor, os.W_OK):
        why = "cannot be written to" if ancestor.is_dir() else "is a file"
        msg = f"--out {folder} cannot be made: {ancestor} {why}; give another folder"
        raise InputError(msg)


def _table(run: Run | SoftmaxRun, problem: Problem | SoftmaxProblem) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from deqmath.claims.table import new_table

    table: Table = new_table()
    table.add_column("k21 promises" if "model" in problem.settings else "Theorem 3.1 promises", ratio=1)
    for name in ("measured", "bound", "least slack"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("holds")
    for monitor in run.monitors:
        holds = Text("✓ yes", "green") if monitor.holds else Text("✗ no", "red")
        if monitor.name == "lambda_min" and monitor.holds and not monitor.bound.any():
            holds = Text("– lambda_0 = 0", "yellow")  # 0 >= 0, as the note on what float64 resolves says
        figures = (monitor.measured[-1], monitor.bound[-1], monitor.slack.min())
        table.add_row(Text(monitor.statement), *(Text(f"{float(x):.5g}") for x in figures), holds)
    head = Text(f"{problem}\n{run.method}, {run.status}: {run.message}", "dim")
    loss = Text(f"loss {run.loss[0]:.6g} -> {run.loss[-1]:.6g} at t = {run.times[-1]:.4g}, {run.steps} steps", "bold")
    return [head, table, loss, Text("measured and bound at the last record; least slack over all records", "dim")]
