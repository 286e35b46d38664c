"""The cells of the design, each computed once and kept as a file, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deqmath.interrupted_runs import runs_raise_ctrl_c
from deqmath.reproduction.tasks import DELTA, GAMMA0, LABELS, PHI, Task
from deqmath.reproduction.training import END, TOL


@dataclass(frozen=True)
class Plan:
    """Sizes: the first number of samples is trained on, the bounds are taken at each."""

    samples: tuple[int, ...]
    widths: tuple[int, ...]
    seeds: int

    def cells(self, task: Task) -> Iterator[Cell]:
        """Training runs and bounds at every width, then the bounds in the limit, all for one data set."""
        for width in self.widths:
            for seed in range(self.seeds):
                for labels in LABELS:
                    yield Cell(task, "training", labels, width, seed, self.samples[:1])
                    for n in self.samples:
                        yield Cell(task, "bound", labels, width, seed, (n,))
        yield Cell(task, "limit", "both", 0, self.seeds, self.samples)


@dataclass(frozen=True)
class Cell:
    """What is computed at one place of the design; of a limit, ``seed`` is the number of seeds and ``width`` is 0."""

    task: Task
    kind: str
    labels: str
    width: int
    seed: int
    samples: tuple[int, ...]

    @property
    def name(self) -> str:
        """The file it is kept in."""
        sizes = "-".join(map(str, self.samples))
        return f"{self.task.name}-{self.kind}-{self.labels}-m{self.width}-seed{self.seed}-n{sizes}"

    def settings(self) -> dict[str, Any]:
        """Everything that its numbers depend on, as JSON has it."""
        fixed = {"gamma0": GAMMA0, "phi": PHI, "delta": DELTA, "tol": TOL, "end": END}
        return json.loads(json.dumps({**asdict(self), **fixed}))  # type: ignore[no-any-return]

    def compute(self) -> dict[str, Any]:
        """The numbers of the cell."""
        from deqmath.reproduction.limit import bounds_in_the_limit
        from deqmath.reproduction.risk import bound_of_network
        from deqmath.reproduction.tasks import problem
        from deqmath.reproduction.training import train

        if self.kind == "limit":
            return {"rows": bounds_in_the_limit(self.task, self.samples, self.seed)}
        given = problem(self.task, self.labels, self.width, self.seed, self.samples[0])
        return train(given) if self.kind == "training" else bound_of_network(given)


def kept_or_computed(cell: Cell, folder: Path) -> dict[str, Any]:
    """Settings and numbers of a cell: from its file where that was made with the same settings, else computed and kept."""
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text

    path = folder / f"{cell.name}.json"
    found = _read(path)
    if found is not None and found.get("settings") == cell.settings():
        return found
    with runs_raise_ctrl_c():  # half a run is no cell
        made = {"settings": cell.settings(), "numbers": cell.compute()}
    write_text(path, to_text(made))
    return made


def _read(path: Path) -> dict[str, Any] | None:
    """What the file holds; None where it is missing or no JSON."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
