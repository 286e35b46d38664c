"""Saving a run: every number comes back to the same bits, and no half-written file is left."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deqmath.errors import InputError
from deqmath.numeric import gradient_descent


@pytest.fixture
def run(small):
    net, X, y = small
    return gradient_descent(net, X, y, steps=4)


def test_round_trip(run, tmp_path):
    npz, summary = run.save(tmp_path / "first")
    assert (npz.name, summary.name) == ("first.npz", "first.json")
    with np.load(npz, allow_pickle=False) as archive:
        assert set(archive.files) == set(run.arrays())
        for name, array in run.arrays().items():
            assert np.array_equal(archive[name], array)
        assert np.array_equal(archive["final_A"], run.final.A)
        assert np.array_equal(archive["monitor_norm_A_slack"], run.monitor("norm_A").slack)
    content = json.loads(summary.read_text())
    assert content["status"] == "completed"
    assert float(content["last"]["loss"]) == run.loss[-1]
    assert isinstance(content["last"]["loss"], str)
    assert float(content["options"]["step_size"]) == run.options["step_size"]
    assert [m["holds"] for m in content["monitors"]] == [m.holds for m in run.monitors]
    assert float(content["monitors"][0]["least slack"]) == run.monitors[0].slack.min()
    assert content["provenance"]["versions"]["numpy"] == np.__version__
    assert content["network"]["trainable"] == ["A"]


def test_suffixes_name_the_same_pair(run, tmp_path):
    for name in ("r", "r.npz", "r.json"):
        run.save(tmp_path / name)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.json", "r.npz"]
    run.save(tmp_path / "v1.5")
    assert (tmp_path / "v1.5.npz").exists()


def test_a_missing_folder_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="does not exist; create it first"):
        run.save(tmp_path / "nowhere" / "r")
    assert list(tmp_path.iterdir()) == []
