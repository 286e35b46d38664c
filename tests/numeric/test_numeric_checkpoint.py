"""A run that was killed goes on to the same bits; a checkpoint of another run is refused."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

from deqmath.errors import DataError, InputError
from deqmath.numeric import ReLUNetwork, gradient_descent, gradient_flow
from deqmath.numeric.checkpoint_file import CheckpointFile

PROGRAM = """
import os, signal, sys
import numpy as np
from deqmath.numeric import ReLUNetwork, gradient_descent, gradient_flow

def task():
    X = np.random.default_rng(1).standard_normal((7, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=72, inputs=5, gamma0=0.2, seed=2, trainable=("A", "W", "b")[: int(sys.argv[3])])
    return net, X, np.sign(X[:, 0])

def kill(progress):
    if progress.step == 6:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    options = {"checkpoint": sys.argv[1], "checkpoint_seconds": 0.0, "progress": kill}
    if sys.argv[2] == "descent":
        gradient_descent(*task(), steps=15, record=4, **options)
    else:
        locate = sys.argv[4] == "True"
        gradient_flow(*task(), t_end=3.0, method=sys.argv[2], tol=float(sys.argv[5]), record=5, locate_switches=locate, **options)
"""

#: By the number of parameters: such that a flow takes more than six steps.
TOLERANCES = {1: 1e-5, 3: 1e-3}


def task(parameters: int):
    X = np.random.default_rng(1).standard_normal((7, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    trainable = ("A", "W", "b")[:parameters]
    return ReLUNetwork.random(width=72, inputs=5, gamma0=0.2, seed=2, trainable=trainable), X, np.sign(X[:, 0])


def run(method: str, parameters: int, locate: bool, **options):
    """A flow without located switches solves what it does not record less accurately."""
    tol = TOLERANCES[parameters]
    if method == "descent":
        return gradient_descent(*task(parameters), steps=15, record=4, **options)
    return gradient_flow(
        *task(parameters), t_end=3.0, method=method, tol=tol, record=5, locate_switches=locate, **options
    )


@pytest.mark.parametrize("parameters", [1, 3])
@pytest.mark.parametrize(
    ("method", "locate"), [("etd2", True), ("etd2", False), ("rk45", True), ("rk45", False), ("descent", False)]
)
def test_killed_and_resumed_to_the_same_bits(method, locate, parameters, tmp_path):
    path, script = tmp_path / "state.npz", tmp_path / "train.py"
    script.write_text(PROGRAM)
    words = [str(script), str(path), method, str(parameters), str(locate), str(TOLERANCES[parameters])]
    done = subprocess.run([sys.executable, *words], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".npz"] == ["state.npz"]
    steps = []
    resumed = run(method, parameters, locate, checkpoint=path, progress=lambda at: steps.append(at.step))
    assert steps[0] == 7  # step 6 was saved before the callback that killed it
    whole = run(method, parameters, locate)
    assert resumed.status == whole.status == "completed"
    assert (resumed.steps, resumed.rejected) == (whole.steps, whole.rejected)
    left, right = resumed.arrays(), whole.arrays()
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert array.dtype == right[name].dtype
        assert array.tobytes() == right[name].tobytes(), name
    # a run that has ended is found ended
    again = run(method, parameters, locate, checkpoint=path)
    assert again.steps == whole.steps
    assert again.predictions.tobytes() == whole.predictions.tobytes()


def test_what_cannot_be_resumed_is_refused(tmp_path):
    net, X, y = task(1)
    path = tmp_path / "state.npz"
    gradient_descent(net, X, y, steps=2, checkpoint=path)
    with pytest.raises(DataError, match="belongs to another run"):
        gradient_descent(net, X, -y, steps=2, checkpoint=path)
    with pytest.raises(DataError, match="belongs to another run"):
        gradient_descent(net, X, y, steps=3, checkpoint=path)
    with pytest.raises(DataError, match="belongs to another run"):
        gradient_flow(net, X, y, t_end=0.1, checkpoint=path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="is no checkpoint"):
        gradient_descent(net, X, y, steps=2, checkpoint=path)
    np.savez(path, x=np.ones(2))
    with pytest.raises(DataError, match="is no checkpoint"):
        gradient_descent(net, X, y, steps=2, checkpoint=path)
    for place in (tmp_path / "nowhere" / "x.npz", tmp_path / "x.txt"):
        with pytest.raises(InputError, match=r"needs a \.npz file in a folder that exists"):
            gradient_descent(net, X, y, steps=2, checkpoint=place)


def test_damaged_checkpoints_are_refused_or_read_right(tmp_path):
    """Whatever was done to the bytes: one clear error, or the same run."""
    X = np.random.default_rng(1).standard_normal((3, 2))
    net, y, path = ReLUNetwork.random(width=6, inputs=2, gamma0=0.2, seed=0), np.ones(3), tmp_path / "state.npz"
    want = gradient_descent(net, X, y, steps=3, checkpoint=path).arrays()
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for k in range(90):
        damaged = bytearray(whole)
        at = int(rng.integers(len(whole)))
        if k % 3 == 0:
            damaged = damaged[:at]
        elif k % 3 == 1:
            damaged[at] ^= 1 << int(rng.integers(8))
        else:
            damaged[at : at + 40] = rng.bytes(40)
        path.write_bytes(damaged)
        try:
            found = gradient_descent(net, X, y, steps=3, checkpoint=path).arrays()
        except DataError as error:
            said = str(error)
            refused += "state.npz is no checkpoint" in said
        else:
            said = ""
            assert all(found[name].tobytes() == want[name].tobytes() for name in want)
        assert said == "" or "state.npz" in said
    assert refused > 60


@pytest.mark.parametrize("method", ["etd2", "rk45", "descent"])
def test_a_full_disk_names_the_file_and_leaves_the_last_checkpoint(method, tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "state.npz"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress):
        if progress.step == 2:  # as if the disk were full from now on
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    try:
        with pytest.raises(DataError, match=r"state\.npz could not be written"):
            run(method, 1, True, checkpoint=path, checkpoint_seconds=0, progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]
    resumed = run(method, 1, True, checkpoint=path)
    assert resumed.predictions.tobytes() == run(method, 1, True).predictions.tobytes()


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    left, other = tmp_path / f".run.npz.{'0f' * 8}.part", tmp_path / f".run2.npz.{'0f' * 8}.part"
    for part in (left, other):
        part.write_bytes(b"half")
    CheckpointFile(tmp_path / "run.npz", "mark", 30.0)
    assert [path.name for path in tmp_path.iterdir()] == [other.name]


def test_a_checkpoint_of_an_earlier_version_is_another_run(tmp_path, monkeypatch):
    """It lacks what a state holds now, and its run would not go on to the same bits."""
    path = tmp_path / "state.npz"
    with monkeypatch.context() as earlier:
        earlier.setattr("deqmath.numeric.checkpoint._FORMAT", 1)
        run("etd2", 1, False, checkpoint=path)
    with pytest.raises(DataError, match="belongs to another run: network, data, method, options and version"):
        run("etd2", 1, False, checkpoint=path)
