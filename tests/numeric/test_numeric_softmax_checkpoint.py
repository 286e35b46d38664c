"""A softmax run that was killed goes on to the same bits; a checkpoint of another run is refused."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

from deqmath.errors import DataError
from deqmath.numeric import SoftmaxNetwork, gradient_descent, gradient_flow

PROGRAM = """
import os, signal, sys
import numpy as np
from deqmath.numeric import SoftmaxNetwork, gradient_descent, gradient_flow

def task(outputs):
    rng = np.random.default_rng(1)
    net = SoftmaxNetwork.random(width=24, outputs=outputs, gamma=0.7, seed=2)
    X = rng.standard_normal((7, 24))
    y = np.sign(rng.standard_normal((7, outputs)))
    return net, X, y

def run(method, outputs, loss, **options):
    if method == "descent":
        return gradient_descent(*task(outputs), steps=15, record=4, loss=loss, **options)
    return gradient_flow(
        *task(outputs), t_end=4.0, method=method, tol=1e-5, record=3, loss=loss, **options
    )

def kill(progress):
    if progress.step == 6:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    run(sys.argv[2], int(sys.argv[3]), sys.argv[4], checkpoint=sys.argv[1], checkpoint_seconds=0, progress=kill)
"""


def task(outputs: int):
    rng = np.random.default_rng(1)
    net = SoftmaxNetwork.random(width=24, outputs=outputs, gamma=0.7, seed=2)
    X = rng.standard_normal((7, 24))
    return net, X, np.sign(rng.standard_normal((7, outputs)))


def run(method: str, outputs: int, loss: str, **options):
    if method == "descent":
        return gradient_descent(*task(outputs), steps=15, record=4, loss=loss, **options)
    return gradient_flow(*task(outputs), t_end=4.0, method=method, tol=1e-5, record=3, loss=loss, **options)


@pytest.mark.parametrize(("outputs", "loss"), [(1, "square"), (2, "logistic")])
@pytest.mark.parametrize("method", ["etd2", "rk45", "descent"])
def test_killed_and_resumed_to_the_same_bits(method, outputs, loss, tmp_path):
    path, script = tmp_path / "state.npz", tmp_path / "train.py"
    script.write_text(PROGRAM)
    command = [sys.executable, str(script), str(path), method, str(outputs), loss]
    assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL
    steps = []
    resumed = run(method, outputs, loss, checkpoint=path, progress=lambda at: steps.append(at.step))
    assert steps[0] == 7  # step 6 was saved before the callback that killed it
    whole = run(method, outputs, loss)
    assert resumed.status == whole.status == "completed"
    assert (resumed.steps, resumed.rejected) == (whole.steps, whole.rejected)
    left, right = resumed.arrays(), whole.arrays()
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert array.tobytes() == right[name].tobytes(), name
    # a run that has ended is found ended
    again = run(method, outputs, loss, checkpoint=path)
    assert again.steps == whole.steps
    assert again.predictions.tobytes() == whole.predictions.tobytes()


def test_another_run_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    net, X, y = task(1)
    gradient_descent(net, X, y, steps=2, checkpoint=path)
    for call in (
        lambda: gradient_descent(net, X, -y, steps=2, checkpoint=path),
        lambda: gradient_descent(net, X, y, steps=2, loss="logistic", checkpoint=path),
        lambda: gradient_flow(net, X, y, t_end=1.0, checkpoint=path),
        lambda: gradient_descent(SoftmaxNetwork(A=net.A, B=net.B, gamma=0.5), X, y, steps=2, checkpoint=path),
    ):
        with pytest.raises(DataError, match="belongs to another run"):
            call()
    np.savez(path, x=np.ones(2))
    with pytest.raises(DataError, match="is no checkpoint"):
        gradient_descent(net, X, y, steps=2, checkpoint=path)
