"""How far the training of a softmax network has come: what is recorded of it, and its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.interrupted_runs import delivered
from deqmath.numeric.arrays import joint_norm
from deqmath.numeric.checkpoint_file import CheckpointFile, digest
from deqmath.numeric.interrupts import CtrlCWaits
from deqmath.numeric.run import Pace, Progress, ProgressCallback, RunStatus
from deqmath.numeric.softmax_run import SoftmaxRun, decay_monitor, notes, rate_monitor, unknown_rates
from deqmath.numeric.softmax_state import SoftmaxState

Matrix = NDArray[np.float64]
_COLUMNS = ("time", "loss", "F", "rate", "distance")
_Row = tuple[float, float, Matrix, float, float]


@dataclass
class SoftmaxJourney:
    """Training under way: the state, and what was recorded of it.

    Attributes
    ----------
    method
        "etd2", "rk45" or "gradient-descent".
    X
        Samples, shape (n, m).
    state
        The last accepted state.
    end
        Final time.
    stops
        Times to record, or None for every step.
    options
        What the run was asked for.
    progress
        Callback, or None.
    time, step
        Its time, and the size of the next step to try (0: not yet known).
    slope
        rk45: the derivative of the stacked parameters at `time`, which its last stage has computed.
    refused
        Steps tried since the last accepted one; a checkpoint does not count them, since a resumed run tries them again.
    """

    method: str
    X: Matrix
    state: SoftmaxState
    end: float
    stops: Matrix | None
    options: dict[str, Any]
    progress: ProgressCallback | None
    time: float = 0.0
    step: float = 0.0
    slope: Matrix | None = None
    steps: int = 0
    rejected: int = 0
    refused: int = 0
    rows: list[_Row] = field(default_factory=list)
    file: CheckpointFile | None = None
    pace: Pace = field(default_factory=Pace)

    def begin(self, checkpoint: str | Path | None, seconds: float) -> None:
        """Record the start, or go on from the checkpoint where there is one."""
        self.first = self.last = self.state
        if checkpoint is not None:
            self.file = CheckpointFile(Path(checkpoint), self._mark(), seconds)
        if self.file is not None and self.file.exists():
            self._restore(self.file)
        else:
            self.keep()

    def keep(self) -> None:
        """Record the present state unless it is recorded."""
        if not self.rows or self.rows[-1][0] < self.time:
            self._put(self._row(self.time, self.state))

    def _row(self, time: float, state: SoftmaxState) -> _Row:
        """What is recorded of a state."""
        change = {name: getattr(state.net, name) - getattr(self.first.net, name) for name in state.net.trainable}
        return time, state.loss, state.F.copy(), state.rate, joint_norm(change)

    def _put(self, row: _Row) -> None:
        self.rows.append(row)
        self.last = self.state

    def next_stop(self) -> float:
        """The next time that has to be hit."""
        if self.stops is None:
            return self.end
        return float(self.stops[np.searchsorted(self.stops, self.time, side="right")])

    def arrive(
        self, time: float, state: SoftmaxState, step: float, slope: Matrix | None = None, record: bool | None = None
    ) -> None:
        """Take an accepted step: count it, record it where asked, save it, tell the callback."""
        asked = record if record is not None else self.stops is None or time in self.stops
        row = self._row(time, state) if asked else None
        with CtrlCWaits():
            self.time, self.state, self.step, self.steps, self.slope = time, state, step, self.steps + 1, slope
            self.rejected, self.refused = self.rejected + self.refused, 0
            if row is not None:
                self._put(row)
        if self.file is not None and self.file.due():
            self.save()
        if self.progress is not None:
            self.progress(Progress(self.steps, time, self.end, state.loss, self.pace.left(time, self.end)))

    def save(self) -> None:
        """Write the checkpoint, if there is one."""
        if self.file is None:
            return
        arrays = {
            f"row_{name}": np.array(column) for name, column in zip(_COLUMNS, zip(*self.rows, strict=True), strict=True)
        }
        arrays |= {name: getattr(self.state.net, name) for name in self.state.net.trainable}
        if self.slope is not None:
            arrays["slope"] = self.slope
        self.file.write(arrays, {"time": self.time, "step": self.step, "steps": self.steps, "rejected": self.rejected})

    def close(self, status: RunStatus, message: str) -> SoftmaxRun:
        """The run so far, saved: a Ctrl-C that comes now only changes its status."""
        with CtrlCWaits() as waiting:
            self.save()
            self.keep()
            self.rejected, self.refused = self.rejected + self.refused, 0
            run = self._run(status, message)
            run, waiting.came = run.interrupted() if waiting.came else run, False
        return delivered(run)

    def _run(self, status: RunStatus, message: str) -> SoftmaxRun:
        time, loss, predictions, rate, distance = (np.array(column) for column in zip(*self.rows, strict=True))
        net, flat = self.first.net, self.first.net.outputs == 1
        monitors, unknown = [], unknown_rates(rate)
        if "B" in net.trainable and not unknown:
            monitors.append(rate_monitor(time, rate, net))
        if self.method != "gradient-descent" and not unknown:
            monitors.append(decay_monitor(time, loss, rate, predictions, self.last, self.X))
        return SoftmaxRun(
            method=self.method,
            status=status,
            message=message,
            times=time,
            loss=loss,
            predictions=predictions[:, :, 0] if flat else predictions,
            rate=rate,
            distance=distance,
            targets=self.first.Y[:, 0] if flat else self.first.Y,
            initial=net,
            final=self.last.net,
            monitors=tuple(monitors),
            options=self.options,
            steps=self.steps,
            rejected=self.rejected,
            notes=(*notes(self.X), *unknown),
        )

    def _mark(self) -> str:
        net, stops = self.first.net, None if self.stops is None else self.stops.tolist()
        words: Mapping[str, Any] = {**self.options, "stops": stops}
        return digest(["softmax", self.method, net.gamma, net.trainable, words], (net.A, net.B, self.X, self.first.Y))

    def _restore(self, file: CheckpointFile) -> None:
        saved, numbers = file.read()
        columns = [saved[f"row_{name}"] for name in _COLUMNS]
        self.rows = [
            (float(time), float(loss), F, float(rate), float(distance))
            for time, loss, F, rate, distance in zip(*columns, strict=True)
        ]
        net = self.first.net.with_parameters(**{name: saved[name] for name in self.first.net.trainable})
        self.state = self.last = SoftmaxState.solve(net, self.X, self.first.Y, self.first.form)
        self.time, self.step = numbers["time"], numbers["step"]
        self.steps, self.rejected = numbers["steps"], numbers["rejected"]
        self.slope = saved.get("slope")
