"""``deqmath reproduce``: small cells, resumed, and a data set whose library is missing."""

from __future__ import annotations

import json

from deqmath.cli import reproduce
from deqmath.errors import MissingBackendError


def test_cells_are_kept_and_not_computed_again(deqmath, refused, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "DATA", ("digits",))
    arguments = ("reproduce", "-o", "out", "--samples", "3", "--widths", "12", "16", "--seeds", "1")
    assert deqmath(*arguments).code == 0
    out = tmp_path / "out"
    found = json.loads((out / "results.json").read_text())
    assert [(c["labels"], c["width"]) for c in found] == [("true", 12), ("true", 16), ("random", 12), ("random", 16)]
    assert all(c["holds"] and c["risk"] >= c["test_error"] for c in found)
    assert "(vacuous)" in (out / "results.md").read_text()
    assert (out / "digits.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr("deqmath.cli.reproduce_cell.compute", None)  # would fail if a cell were computed
    assert deqmath(*arguments).code == 0
    assert "needed 2 samples" in refused("reproduce", "-o", "x", "--samples", "1")


def test_a_missing_library_leaves_its_data_out(deqmath, tmp_path, monkeypatch):
    def missing(_):
        msg = 'scikit-learn is missing: pip install "deqmath[data]"'
        raise MissingBackendError(msg)

    monkeypatch.setattr("deqmath.cli.reproduce_cell.compute", missing)
    answer = deqmath("reproduce", "-o", "out")
    assert answer.code == 0
    assert answer.err.count("is left out: scikit-learn is missing") == 2
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == []
