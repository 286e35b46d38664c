"""Ctrl-C, wherever it comes: whole records, the checkpoint at the last step done, the same bits after it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, gradient_descent, gradient_flow
from deqmath.numeric.interrupts import CtrlCWaits
from deqmath.numeric.softmax_run import SoftmaxRun

#: Where the books of a run are kept.
BOOKKEEPING = {"flow.py", "descent.py", "journey.py", "recorder.py", "motion.py"}
BOOKKEEPING |= {"softmax_journey.py", "softmax_training.py", "interrupts.py", "interrupted_runs.py"}
X = np.random.default_rng(1).standard_normal((3, 2))
FEATURES = np.abs(np.random.default_rng(2).standard_normal((3, 6)))


def relu(method: str, **options):
    net = ReLUNetwork.random(width=8, inputs=2, gamma0=0.2, seed=2)
    if method == "descent":
        return gradient_descent(net, X, np.sign(X[:, 0]), steps=5, record=2, **options)
    options |= {"split": {"split_adjoint": True}, "few": {"record": 2}}.get(method, {"locate_switches": True})
    method = "etd2" if method in ("split", "few") else method
    return gradient_flow(net, X, np.sign(X[:, 0]), t_end=5.0, method=method, tol=2e-3, **options)


def softmax(method: str, **options):
    net = SoftmaxNetwork.random(width=6, gamma=0.5, seed=2)
    if method == "descent":
        return gradient_descent(net, FEATURES, np.sign(X[:, 0]), steps=5, record=2, **options)
    return gradient_flow(net, FEATURES, np.sign(X[:, 0]), t_end=1.0, method=method, tol=5e-2, record=2, **options)


class Lines:
    """Runs something, counting the lines of the bookkeeping; sends SIGINT at the line of that number."""

    def __init__(self, at: int = -1) -> None:
        self.at, self.count, self.steps = at, 0, []

    def progress(self, _) -> None:
        self.steps.append(self.count)

    def __call__(self, frame, _event, _arg):
        return self._line if Path(frame.f_code.co_filename).name in BOOKKEEPING else None

    def _line(self, _frame, event, _arg):
        if event == "line":
            self.count += 1
            if self.count == self.at:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return self._line

    def run(self, train, method: str, **options):
        before = sys.gettrace()
        sys.settrace(self)
        try:
            return train(method, progress=self.progress, **options)
        finally:
            sys.settrace(before)


CASES = [(relu, "etd2"), (relu, "few"), (relu, "rk45"), (relu, "split"), (relu, "descent")]
CASES += [(softmax, "etd2"), (softmax, "rk45"), (softmax, "descent")]


@pytest.mark.parametrize(("train", "method"), CASES)
def test_ctrl_c_at_any_line(train, method, tmp_path):
    """All lines of a step and of the end, thinned out: what was recorded belongs to the network that is given back."""
    watch = Lines()
    whole = watch.run(train, method)
    inputs = X if train is relu else FEATURES
    last = watch.steps[-1]
    lines = [*range(watch.steps[1], watch.steps[2]), *range(last, watch.count - 60)]
    for number, at in enumerate(lines[:: max(1, len(lines) // 8)]):
        options = {} if method == "split" else {"checkpoint": tmp_path / f"{number}.npz"}
        run = Lines(at).run(train, method, **options)
        assert run.status == "interrupted", run.message
        assert np.all(np.diff(run.times) > 0)
        assert len(run.loss) == len(run.times)
        assert run.loss[-1] == pytest.approx(run.final.loss(inputs, np.sign(X[:, 0])), rel=1e-12)
        if method == "split":
            moved = run.final.adjoint(X).Q - run.initial.adjoint(X).Q
            assert np.max(np.abs(moved - run.adjoint_motion.total)) <= 1e-12
            assert run.adjoint_motion.gap <= 1e-9
            continue
        if train is relu and method in ("etd2", "rk45"):
            assert len(run.switch_times) == np.count_nonzero(whole.switch_times.time <= run.times[-1])
        went_on = []
        resumed = train(method, progress=lambda now, steps=went_on: steps.append(now.step), **options)
        assert went_on == list(range(run.steps + 1, whole.steps + 1))  # nothing is done again
        assert (resumed.status, resumed.steps, resumed.rejected) == ("completed", whole.steps, whole.rejected)
        left, right = resumed.arrays(), whole.arrays()
        assert all(left[name].tobytes() == right[name].tobytes() for name in right)


def test_a_run_that_is_done_keeps_what_it_has():
    """Ctrl-C while a run that has ended is put together changes its status and nothing else."""
    watch = Lines()
    whole = watch.run(softmax, "etd2")
    run = Lines(watch.count - 7).run(softmax, "etd2")
    assert run.message == f"{whole.message}; then interrupted"
    assert isinstance(run, SoftmaxRun)
    assert all(run.arrays()[name].tobytes() == array.tobytes() for name, array in whole.arrays().items())


def test_ctrl_c_waits_and_is_then_raised():
    waiting, after = CtrlCWaits(), []

    def block():
        with waiting:
            signal.raise_signal(signal.SIGINT)
            after.append(waiting.came)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert after == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with CtrlCWaits() as waiting:
            signal.raise_signal(signal.SIGINT)
        assert not waiting.came
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_that_left_the_region_counts_its_refused_steps_once(tmp_path):
    net = ReLUNetwork.random(width=8, inputs=2, gamma0=0.2, seed=2)
    for method in ("etd2", "rk45"):
        ask = {"t_end": 1e4, "tol": 0.1, "method": method, "checkpoint": tmp_path / f"{method}.npz"}
        run, again = (gradient_flow(net, X, 40 * np.sign(X[:, 0]), **ask) for _ in range(2))
        assert run.status == again.status == "left-well-posed-region"
        assert run.rejected == again.rejected > 0
        assert run.predictions.tobytes() == again.predictions.tobytes()
