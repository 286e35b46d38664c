"""A Ctrl-C that a training run inside a claim, or a cell of the reproduction, takes: half a run is no verdict and no number."""

from __future__ import annotations

import json
import signal

import pytest

import deqmath as dm
from deqmath.claims import run, run_claim
from deqmath.claims.cache import Cache
from deqmath.interrupted_runs import runs_raise_ctrl_c
from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, gradient_descent, gradient_flow
from deqmath.numeric.recorder import Recorder
from deqmath.reproduction import TASKS, Cell, kept_or_computed

X, y = [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0]


def ctrl_c(_):
    """A progress callback in which Ctrl-C comes."""
    signal.raise_signal(signal.SIGINT)


def relu():
    return ReLUNetwork.random(width=16, inputs=2, gamma0=0.25, seed=0)


def softmax():
    return SoftmaxNetwork.random(width=2, inputs=2, gamma=0.5, seed=0)


RUNS = {
    "flow": lambda: gradient_flow(relu(), X, y, t_end=5.0, progress=ctrl_c),
    "rk45": lambda: gradient_flow(relu(), X, y, t_end=5.0, method="rk45", progress=ctrl_c),
    "descent": lambda: gradient_descent(relu(), X, y, steps=20, progress=ctrl_c),
    "softmax flow": lambda: gradient_flow(softmax(), X, y, t_end=5.0, progress=ctrl_c),
    "softmax descent": lambda: gradient_descent(softmax(), X, y, steps=20, progress=ctrl_c),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_user_gets_what_is_done_and_a_claim_the_interrupt(name):
    assert RUNS[name]().status == "interrupted"
    with runs_raise_ctrl_c(), pytest.raises(KeyboardInterrupt, match="interrupted"):
        RUNS[name]()
    assert RUNS[name]().status == "interrupted"


def test_an_interrupt_while_the_run_is_closed_counts(monkeypatch):
    close = Recorder.close
    monkeypatch.setattr(Recorder, "close", lambda *given: (ctrl_c(None), close(*given))[1])
    assert gradient_flow(relu(), X, y, t_end=0.1).status == "interrupted"
    with runs_raise_ctrl_c(), pytest.raises(KeyboardInterrupt, match="then interrupted"):
        gradient_flow(relu(), X, y, t_end=0.1)


@pytest.mark.parametrize("name", RUNS)
def test_no_verdict_is_drawn_from_half_a_run(name, tmp_path):
    @dm.claim(f"half.{name.replace(' ', '-')}", "here", "(1)", "every run is completed")
    def whole():
        found = RUNS[name]()
        status = "verified" if found.status == "completed" else "refuted"
        return dm.Evidence("numeric", status, f"{found.status}", figures={"steps": 1, "tolerance": "1 ulp"})

    with pytest.raises(KeyboardInterrupt):
        run_claim(whole)
    cache = Cache(tmp_path)
    found = run([whole, whole], cache=cache)
    assert (found.interrupted, found.exit_code, found.claims) == (True, 130, ())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_cell_is_kept_from_half_a_run(monkeypatch, tmp_path):
    cell = Cell(TASKS[0], "training", "true", 16, 0, (4,))
    made = []

    def compute(_):
        made.append(RUNS["flow"]())
        return {"status": made[-1].status}

    monkeypatch.setattr(Cell, "compute", compute)
    with pytest.raises(KeyboardInterrupt):
        kept_or_computed(cell, tmp_path)
    assert (made, list(tmp_path.iterdir())) == ([], [])
    monkeypatch.undo()
    numbers = kept_or_computed(cell, tmp_path)["numbers"]
    assert numbers["status"] == "completed"
    assert json.loads(next(tmp_path.iterdir()).read_text())["numbers"] == numbers
