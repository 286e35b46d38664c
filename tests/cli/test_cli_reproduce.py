"""``deqmath reproduce``: a small data set, resumed, and a data set whose library is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deqmath import reproduction
from deqmath.errors import MissingBackendError
from deqmath.reproduction import Cell, Task

ARGUMENTS = ("reproduce", "-o", "out", "--samples", "3", "3", "6", "--widths", "12", "12", "16", "--seeds", "1")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Sixty random samples whose labels are those of a half space, as the only task."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((60, 6))
    np.savez(tmp_path / "small.npz", X=X, y=np.where(X[:, 0] > 0, 1.0, -1.0))
    monkeypatch.setattr(reproduction, "TASKS", (Task("small", str(tmp_path / "small.npz"), None, "a half space"),))


@pytest.mark.usefixtures("small")
def test_cells_are_kept_and_not_computed_again(deqmath, refused, tmp_path, monkeypatch):
    assert deqmath(*ARGUMENTS).code == 0
    out = tmp_path / "out"
    found = json.loads((out / "results.json").read_text())
    kinds = [c["settings"]["kind"] for c in found]
    assert [kinds.count(k) for k in ("training", "bound", "limit")] == [4, 8, 1]
    runs = [c["numbers"] for c in found if c["settings"]["kind"] == "training"]
    assert all(r["c"] and r["loss"][-1] < 0.01 for r in runs if r["status"] == "completed")
    bounds = [c["numbers"] for c in found if c["settings"]["kind"] == "bound"]
    assert all(b["risk"] >= b["test_error"] for b in bounds)
    assert "(vacuous)" in (out / "results.md").read_text()
    assert (out / "small.png").read_bytes().startswith(b"\x89PNG")

    whole = (out / "results.json").read_bytes()
    name = "small-training-true-m12-seed0-n3"
    (out / "cells" / f"{name}.json").write_text("{ torn", encoding="utf-8")
    computed, compute = [], Cell.compute
    monkeypatch.setattr(Cell, "compute", lambda cell: computed.append(cell.name) or compute(cell))
    assert deqmath(*ARGUMENTS).code == 0
    assert computed == [name]  # the torn file, and nothing else
    assert (out / "results.json").read_bytes() == whole
    assert "needed 2 samples" in refused("reproduce", "-o", "x", "--samples", "1", "2", "3")


@pytest.mark.usefixtures("small")
def test_an_interrupted_run_keeps_what_is_done(deqmath, tmp_path, monkeypatch):
    compute = Cell.compute

    def stop(cell):
        if cell.kind == "bound":
            raise KeyboardInterrupt
        return compute(cell)

    monkeypatch.setattr(Cell, "compute", stop)
    assert deqmath(*ARGUMENTS).code == 130
    assert [p.name for p in (tmp_path / "out" / "cells").iterdir()] == ["small-training-true-m12-seed0-n3.json"]


@pytest.mark.usefixtures("small")
def test_cells_of_other_settings_are_not_taken(tmp_path, monkeypatch):
    folder = tmp_path / "cells"
    folder.mkdir()
    (task,) = reproduction.TASKS
    monkeypatch.setattr(Cell, "compute", lambda cell: {"seed": cell.seed})
    first = Cell(task, "bound", "true", 12, 0, (3,))
    assert reproduction.kept_or_computed(first, folder)["numbers"] == {"seed": 0}
    monkeypatch.setattr("deqmath.reproduction.cells.GAMMA0", 0.3)
    monkeypatch.setattr(Cell, "compute", lambda _: {"seed": "anew"})
    assert reproduction.kept_or_computed(first, folder)["numbers"] == {"seed": "anew"}


def test_a_missing_library_leaves_its_data_out(deqmath, tmp_path, monkeypatch):
    def missing(_):
        msg = 'scikit-learn is missing: pip install "deqmath[data]"'
        raise MissingBackendError(msg)

    monkeypatch.setattr(Cell, "compute", missing)
    answer = deqmath("reproduce", "-o", "out")
    assert answer.code == 0
    assert answer.err.count("is left out: scikit-learn is missing") == 3
    assert not (tmp_path / "out" / "results.json").exists()
