"""``deqmath train``."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deqmath.cli.problem import Problem
    from deqmath.numeric import Run
    from deqmath.numeric.run import Progress as At


def train_command(
    *,
    data: str,
    width: int = 512,
    samples: int | None = None,
    classes: tuple[float, float] | None = None,
    gamma0: float = 0.25,
    init: Literal["gaussian", "half-normal", "diagonal"] = "gaussian",
    seed: int = 0,
    method: Literal["flow", "descent"] = "flow",
    t_end: float | None = None,
    steps: int | None = None,
    out: Path | None = None,
    json: Path | None = None,
) -> int:
    """Train a network while measuring what the theorem promises.

    Along the run the conclusions of gg22 Theorem 3.1 are measured against their bounds. Saved
    are run.npz (every array), run.json (summary, settings, provenance) and run.png. Ctrl-C
    keeps what has been computed.

    Parameters
    ----------
    data : SRC
        digits, diabetes, breast_cancer, iris, wine, or your own .csv (last column y) or
        .npz (arrays X and y).
    width : M
        Width of the network.
    samples : N
        Use so many samples, drawn by the seed. Default: all.
    classes : A B
        Keep the samples of two classes. Default for digits: 3 8.
    gamma0 : G
        The network's gamma is G / sqrt(M).
    init : INIT
        How A is drawn: gaussian, half-normal or diagonal.
    seed : N
        Seed of the network and of the choice of samples.
    method : METHOD
        flow: gradient flow in continuous time; descent: gradient descent.
    t_end : T
        Final time, for --method flow. Default: 30 / lambda_max(H(0)), where most of the loss is gone.
    steps : N
        Steps of size 1 / lambda_max(H(0)), for --method descent. Default: 30.
    out : DIR
        Folder for the results. Default: deqmath-runs/DATA-METHOD-mM-seedN.
    json : FILE
        Also write the summary to this file as JSON; - is stdout, instead of the table.
    """
    from deqmath.claims.report import to_text
    from deqmath.claims.write import check_target, write_text
    from deqmath.cli.plot_run import plot_run
    from deqmath.cli.problem import make_problem
    from deqmath.cli.terminal import note, show

    _check_options(method, t_end, steps)
    problem = make_problem(data, classes=classes, samples=samples, width=width, gamma0=gamma0, init=init, seed=seed)
    folder = out or Path("deqmath-runs") / f"{Path(problem.data.name).stem}-{method}-m{width}-seed{seed}"
    check_target(json, "--json")
    _check_folder(folder)
    run = _train(problem, method, t_end, steps)
    folder.mkdir(parents=True, exist_ok=True)
    saved = [*run.save(folder / "run"), plot_run(run, folder / "run.png", title=str(problem))]
    if json is not None:
        write_text(json, to_text({**run.summary(), "problem": problem.settings, "files": [str(p) for p in saved]}))
    if str(json) != "-":
        show(*_table(run, problem))
    for line in run.notes:
        note(f"note: {line}")
    note(f"saved {', '.join(str(path) for path in saved)}")
    return {"completed": 0, "interrupted": 130}.get(run.status, 3)


def _train(problem: Problem, method: str, t_end: float | None, steps: int | None) -> Run:
    from deqmath.cli.terminal import Progress
    from deqmath.numeric import gradient_descent, gradient_flow

    own: dict[str, Any] = {"t_end": t_end, "steps": steps}
    given = {name: value for name, value in own.items() if value is not None}
    net, X, y = problem.net, problem.data.X, problem.data.y
    with Progress() as progress:

        def tell(at: At) -> None:
            left = "" if math.isnan(at.seconds_left) else f", {at.seconds_left:.0f} s left"
            progress.say(f"t = {at.time:.4g} of {at.end:.4g}, loss {at.loss:.4g}{left}")

        progress.say("starting")
        if method == "descent":
            return gradient_descent(net, X, y, progress=tell, **given)
        return gradient_flow(net, X, y, progress=tell, **given)


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


def _table(run: Run, problem: Problem) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from deqmath.claims.table import new_table

    table: Table = new_table()
    table.add_column("Theorem 3.1 promises", ratio=1)
    for name in ("measured", "bound", "least slack"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("holds")
    for monitor in run.monitors:
        holds = Text("✓ yes", "green") if monitor.holds else Text("✗ no", "red")
        figures = (monitor.measured[-1], monitor.bound[-1], monitor.slack.min())
        table.add_row(Text(monitor.statement), *(Text(f"{float(x):.5g}") for x in figures), holds)
    head = Text(f"{problem}\n{run.method}, {run.status}: {run.message}", "dim")
    loss = Text(f"loss {run.loss[0]:.6g} -> {run.loss[-1]:.6g} at t = {run.times[-1]:.4g}, {run.steps} steps", "bold")
    return [head, table, loss, Text("measured and bound at the last record; least slack over all records", "dim")]
