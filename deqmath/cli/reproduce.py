"""``deqmath reproduce``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deqmath.reproduction import Plan, Task


def reproduce_command(*, output: Path = Path("deqmath-reproduce"), samples: tuple[int, int, int] = (20, 60, 180), widths: tuple[int, int, int] = (32, 128, 512), seeds: int = 2) -> int:  # fmt: skip
    """Recompute tables and figures on data, from stored seeds.

    Theorems 3.1 and 4.1 on digits and diabetes, true and random labels: the loss of the gradient flow against its envelope; the bound, its
    parts and the measured test error, at three widths and in the limit of width. Minutes. Finished parts are kept in the folder: a run that
    was interrupted goes on where it stopped.

    Parameters
    ----------
    output : DIR
        Folder for results.json, results.md and one figure for each data set.
    samples : N1 N2 N3
        Numbers of samples at which the bound is taken; the first is trained on.
    widths : M1 M2 M3
        Three widths.
    seeds : N
        Number of seeds, 0 to N - 1.
    """
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import note
    from deqmath.errors import InputError, MissingBackendError
    from deqmath.reproduction import TASKS, Plan
    from deqmath.reproduction.figure import draw
    from deqmath.reproduction.page import page

    if min(samples) < 2 or seeds < 1 or min(widths) < 1:
        msg = f"samples {samples}, widths {widths}, seeds {seeds}; needed 2 samples, width 1 and 1 seed at least"
        raise InputError(msg)
    plan = Plan(tuple(sorted(set(samples))), tuple(sorted(set(widths))), seeds)
    for folder in (output, output / "cells"):
        _check_folder(folder)
    output.mkdir(parents=True, exist_ok=True)
    found = []
    for task in TASKS:
        try:
            own = _cells(plan, task, output / "cells")
        except MissingBackendError as error:
            note(f"note: {task.name} is left out: {error}")
            continue
        draw(task, own, output / f"{task.name}.png")
        found += own
        write_text(output / "results.json", to_text(found))
        write_text(output / "results.md", page(found))
    note(
        f"saved {output / 'results.md'}, results.json and {len({c['settings']['task']['name'] for c in found})} figures"
    )
    return 0


def _check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to, before the work is done."""
    from deqmath.errors import InputError

    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        why = "may not be written to" if there.is_dir() else "is a file"
        msg = f"the results would go into the folder {folder}, but {there} {why}; needed a folder, as in: deqmath reproduce -o results"
        raise InputError(msg)


def _cells(plan: Plan, task: Task, folder: Path) -> list[dict[str, Any]]:
    """Every cell of one data set, with a line of progress."""
    from time import perf_counter

    from deqmath.cli.terminal import Progress, note
    from deqmath.reproduction import kept_or_computed

    folder.mkdir(exist_ok=True)
    cells, own, start = list(plan.cells(task)), [], perf_counter()
    with Progress() as progress:
        for k, cell in enumerate(cells):
            progress.say(f"{task.name}: {k} of {len(cells)} done, {perf_counter() - start:.0f} s, now {cell.name}")
            own.append(kept_or_computed(cell, folder))
    note(f"{task.name}: {len(cells)} cells, {perf_counter() - start:.0f} s")
    return own
