"""``deqmath train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deqmath.cli.problem import Problem
    from deqmath.numeric import Run


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
    steps: int = 30,
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
        Final time of the flow. Default: 30 / lambda_max(H(0)), where most of the loss is gone.
    steps : N
        Steps of gradient descent, of size 1 / lambda_max(H(0)).
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


def _train(problem: Problem, method: str, t_end: float | None, steps: int) -> Run:
    from deqmath.cli.terminal import Progress
    from deqmath.numeric import gradient_descent, gradient_flow

    net, X, y = problem.net, problem.data.X, problem.data.y
    with Progress() as progress:

        def tell(at: object) -> None:
            progress.say(
                f"t = {getattr(at, 'time', 0):.4g} of {getattr(at, 'end', 0):.4g}, loss {getattr(at, 'loss', 0):.4g}"
            )

        progress.say("starting")
        if method == "descent":
            return gradient_descent(net, X, y, steps=steps, progress=tell)
        return gradient_flow(net, X, y, t_end=_default_end(problem) if t_end is None else t_end, progress=tell)


def _default_end(problem: Problem) -> float:
    """Thirty times the fastest time scale: seconds of work, and most of the loss is gone."""
    import numpy as np

    return 30 / float(np.linalg.norm(problem.net.gram(problem.data.X), 2))


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
