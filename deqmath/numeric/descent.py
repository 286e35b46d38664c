"""Gradient descent with a fixed step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, overload

import numpy as np

from deqmath.errors import DeqmathError, NotConvergedError
from deqmath.interrupted_runs import delivered
from deqmath.numeric.checkpoint import Checkpoint, fingerprint
from deqmath.numeric.interrupts import CtrlCWaits
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.recorder import Recorder, Row, State, fastest_rate, prepare, stop_reason
from deqmath.numeric.run import Pace, Progress, ProgressCallback, Run, RunStatus
from deqmath.numeric.softmax import SoftmaxNetwork
from deqmath.numeric.softmax_run import SoftmaxRun
from deqmath.numeric.softmax_training import softmax_descent
from deqmath.numeric.training_options import DIVERGED, DescentOptions

_DECAY = "(1 - alpha lambda_0/2)^k"


#: Steps by default, each one fastest time scale long.
_STEPS = 30


@overload
def gradient_descent(net: ReLUNetwork, X: Any, y: Any, **options: Any) -> Run: ...
@overload
def gradient_descent(net: SoftmaxNetwork, X: Any, y: Any, **options: Any) -> SoftmaxRun: ...


def gradient_descent(  # type: ignore[misc]  # the overloads leave the keywords to this list
    net: ReLUNetwork | SoftmaxNetwork,
    X: Any,
    y: Any,
    *,
    steps: int = _STEPS,
    step_size: float | None = None,
    loss: str = "square",
    record: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 30.0,
    progress: ProgressCallback | None = None,
) -> Run | SoftmaxRun:
    """Minimise ``L = ||yhat - y||^2 / 2`` by ``P <- P - alpha dL/dP`` over the trainable parameters.

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Shapes (n, d) and (n,).
    steps
        Number of steps; 30 steps of the default size take the time that `gradient_flow` takes by default.
    step_size
        alpha; None: ``1 / lambda_max(H(0))``, the step at which the linearised residual
        ``r <- (I - alpha H) r`` shrinks in every direction and not slower than ``1 - alpha lambda_0``.
    loss
        "square"; for a :class:`~deqmath.numeric.SoftmaxNetwork` "logistic", too, with y = +-1 (k21).
    record
        Record every so many steps (first and last always); None: about 100 records.
    checkpoint, checkpoint_seconds
        As in :func:`~deqmath.numeric.gradient_flow`: go on from this .npz file where it exists, to the same bits;
        else write it every so many seconds and at the end.
    progress
        Called with a :class:`~deqmath.numeric.run.Progress` after every step. The library prints nothing.

    Returns
    -------
    Run
        With the monitors of gg22 Theorem 3.1, the envelope of (c) being ``(1 - alpha lambda_0/2)^k`` (gg22lin).
        Where a step would leave rho < 1 the run stops before it, with status "left-well-posed-region"; on Ctrl-C
        it ends with status "interrupted". What was computed is kept. For a softmax network a
        :class:`~deqmath.numeric.SoftmaxRun`.

    Raises
    ------
    InputError, ShapeError, NotWellPosedError
        Before anything is computed, on arguments that cannot be used.

    Examples
    --------
    >>> from deqmath.numeric import ReLUNetwork, gradient_descent
    >>> net = ReLUNetwork.random(width=64, inputs=2, gamma0=0.25, seed=0)
    >>> run = gradient_descent(net, [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], steps=20)
    >>> run.status, bool(run.loss[-1] < run.loss[0])
    ('completed', True)
    """
    options = DescentOptions(loss, checkpoint, checkpoint_seconds, progress, steps, step_size, record)
    if isinstance(net, SoftmaxNetwork):
        return softmax_descent(net, X, y, options)
    return _Descent(net, X, y, options).run()


class _Descent:
    """A gradient descent of a ReLU network under way."""

    def __init__(self, net: ReLUNetwork, X: Any, y: Any, options: DescentOptions) -> None:
        options.only_square()
        net, self.X, state = prepare(net, X, y)
        alpha = 1.0 / fastest_rate(state, "step_size") if options.step_size is None else options.step_size
        self.alpha, self.total, self.every = alpha, options.steps, int(options.record or 1)
        self.shrink = max(0.0, 1.0 - alpha * max(float(state.spectrum[0][0]), 0.0) / 2)
        asked = {"steps": self.total, "step_size": alpha, "record": self.every}
        self.book = Recorder("gradient-descent", state, asked)
        self.progress, self.pace = options.progress, Pace()
        self.place: Checkpoint | None = None
        if options.checkpoint is not None:
            mark = fingerprint(state, self.X, self.book.method, asked)
            self.place = Checkpoint(Path(options.checkpoint), mark, options.checkpoint_seconds)
        self.at, self.recorded = (0, state), -1  # step and state in one, so that an interrupt leaves a pair
        if self.place is not None and self.place.exists():
            state, numbers = self.place.load(state, self.book)
            self.at, self.recorded = (self.book.steps, state), int(numbers["recorded"])
        else:
            self._keep()

    def run(self) -> Run:
        """To the last step, or to where it has to stop."""
        status: RunStatus = "completed"
        message = f"{self.total} steps of size {self.alpha:.6g}"
        try:
            for k in range(self.at[0] + 1, self.total + 1):
                try:
                    state = self._moved()
                except DeqmathError as error:
                    status, message = stop_reason(error, f"step {k}, t = {k * self.alpha:.6g}")
                    if self._shorter() not in message and self.alpha > self._most():
                        message += self._shorter()
                    break
                self._arrive(k, state)
            return self._close(status, message + (self._grown() if self._shorter() not in message else ""))
        except KeyboardInterrupt:
            status, message = "interrupted", f"interrupted after step {self.at[0]}, t = {self.at[0] * self.alpha:.6g}"
        return self._close(status, message)

    def _close(self, status: RunStatus, message: str) -> Run:
        """The run so far, saved: a Ctrl-C that comes now only changes its status."""
        with CtrlCWaits() as waiting:
            self._save()
            self._keep()
            run = self.book.close(status, message, _DECAY)
            run, waiting.came = run.interrupted() if waiting.came else run, False
        return delivered(run)

    def _moved(self) -> State:
        """The state one step further."""
        state = self.at[1]
        with np.errstate(over="ignore"):
            change = {name: -self.alpha * g for name, g in state.gradient.items()}
        found = State.solve(state.moved(change), self.X, state.y, state)
        if not found.loss <= DIVERGED * max(self.book.first.loss, 1.0):
            msg = (
                f"the training diverges, to a loss of {found.loss:.3g} from {self.book.first.loss:.3g}{self._shorter()}"
            )
            raise NotConvergedError(msg)
        return found

    def _shorter(self) -> str:
        """The step size that the start allows."""
        return f"; step_size is {self.alpha:.3g}, use at most 2/lambda_max(H(0)) = {self._most():.3g}"

    def _most(self) -> float:
        """``2/lambda_max(H(0))``, above which steps grow."""
        top = float(self.book.first.spectrum[0][-1])
        return 2 / top if top > 0 else math.inf

    def _grown(self) -> str:
        """What the message says of a run that has not lowered the loss, beyond round-off."""
        before, after = self.book.first.loss, self.at[1].loss
        if not after > before * (1 + 1e-9) + 1e-25:
            return ""
        return f", but the loss has grown from {before:.3g} to {after:.3g}{self._shorter()}"

    def _arrive(self, k: int, state: State) -> None:
        """Take the k-th step, record it where asked, save it, tell the callback."""
        row = self._row(k, state) if k % self.every == 0 or k == self.total else None
        with CtrlCWaits():
            self.at, self.book.steps = (k, state), k
            if row is not None:
                self._put(row)
        if self.place is not None and self.place.due():
            self._save()
        if self.progress is not None:
            left = self.pace.left(k, self.total)
            self.progress(Progress(k, k * self.alpha, self.total * self.alpha, state.loss, left))

    def _keep(self) -> None:
        """Record the present state unless it is recorded."""
        k, state = self.at
        if self.recorded < k:
            self._put(self._row(k, state))

    def _row(self, k: int, state: State) -> Row:
        return self.book.row(k * self.alpha, state, self.shrink**k)

    def _put(self, row: Row) -> None:
        self.book.add(row, self.at[1])
        self.recorded = self.at[0]

    def _save(self) -> None:
        """Write the checkpoint, if there is one; before a record is added that was not asked for."""
        if self.place is not None:
            self.place.save(self.at[1], self.book, {"recorded": self.recorded})
