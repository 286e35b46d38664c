"""How far a training run has come: what is recorded of it, and its checkpoint."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import DeqmathError
from deqmath.interrupted_runs import delivered
from deqmath.numeric.checkpoint import Checkpoint
from deqmath.numeric.interrupts import CtrlCWaits
from deqmath.numeric.network import DEFAULT_TOL
from deqmath.numeric.recorder import FULL, Recorder, Row, State, Tolerances
from deqmath.numeric.run import Pace, Progress, ProgressCallback, Run, RunStatus
from deqmath.numeric.switches import Switches, locate_switches


@dataclass
class Journey:
    """A gradient flow under way.

    Attributes
    ----------
    book
        Its records.
    X
        Samples, shape (n, d).
    end
        Final time.
    stops
        Times to record, or None for every step.
    limit
        Most accepted steps.
    progress
        Callback, or None.
    checkpoint
        Where to keep the state, or None.
    locate
        Whether switches are located in time.
    state
        The last accepted state.
    time, step
        Its time, and the size of the next step to try (0: not yet known).
    kept
        The time of the last record.
    slope
        rk45: the derivative of the stacked parameters at `time`, which its last stage has computed.
    refused
        Steps tried since the last accepted one; a checkpoint does not count them, since a resumed run tries them again.
    """

    book: Recorder
    X: NDArray[np.float64]
    end: float
    stops: NDArray[np.float64] | None
    limit: int
    progress: ProgressCallback | None
    checkpoint: Checkpoint | None
    locate: bool
    state: State
    time: float = 0.0
    step: float = 0.0
    kept: float = -1.0
    slope: NDArray[np.float64] | None = None
    refused: int = 0
    pace: Pace = field(default_factory=Pace)

    def begin(self) -> None:
        """Record the start, or go on from the checkpoint."""
        if self.checkpoint is not None and self.checkpoint.exists():
            self.state, numbers = self.checkpoint.load(self.state, self.book)
            self.time, self.step, self.kept = (numbers[name] for name in ("time", "step", "kept"))
            self.slope = self.checkpoint.vectors.get("slope")
            return
        if self.locate:
            self.book.located.append(Switches.none())
        self.keep()

    def _row(self, time: float, state: State) -> Row:
        """What is recorded of a state: all of it with every gate open or closed."""
        lambda_0 = max(float(self.book.first.spectrum[0][0]), 0.0)
        sliding = 0 if state.sliding is None else len(state.sliding)
        return self.book.row(time, state.whole, math.exp(-lambda_0 * time), sliding)

    def _put(self, row: Row) -> None:
        self.book.add(row, self.state)
        self.kept = self.time

    def keep(self) -> None:
        """Record the present state."""
        self._put(self._row(self.time, self.state))

    def keep_last(self) -> str:
        """Record the present state unless it is recorded, solved as accurately as every state that is.

        Where it cannot be solved so, it is recorded as it is, and what the message of the run has to say is returned.
        """
        if self.kept >= self.time:
            return ""
        remark, tol = "", self.state.J.adjoint.tol
        if tol > DEFAULT_TOL:
            try:
                self.state = State.solve(self.state.net, self.X, self.state.y, self.state, sliding=self.state.sliding)
            except DeqmathError as error:
                remark = f"; its last state is solved to {tol:.2g} only: {error}"
        self.keep()
        return remark

    def accuracy(self, lands: bool, inside: Tolerances, slides: bool) -> Tolerances:
        """The relative residuals for the state that ends a step: `inside` where nothing is recorded or located of it.

        Where it slides, what is recorded has an adjoint of its own (:attr:`State.whole`).
        """
        if self.locate or self.book.motion is not None:
            return FULL
        if self.stops is not None and not lands:
            return inside
        return Tolerances(FULL.z, inside.q) if slides else FULL

    def next_stop(self) -> float:
        """The next time that has to be hit."""
        if self.stops is None:
            return self.end
        return float(self.stops[np.searchsorted(self.stops, self.time, side="right")])

    def arrive(self, time: float, state: State, step: float, slope: NDArray[np.float64] | None = None) -> None:
        """Take an accepted step: count it, locate its switches, record it where asked, save it, tell the callback."""
        located = [locate_switches(self.state, state, self.X, self.time, time)] if self.locate else []
        motion = deepcopy(self.book.motion)
        if motion is not None:
            motion.add(self.state.whole, state.whole, self.time, time)
        row = self._row(time, state) if self.stops is None or time in self.stops else None
        with CtrlCWaits():
            self.time, self.state, self.step, self.slope = time, state, step, slope
            self.book.steps += 1
            self.book.rejected, self.refused = self.book.rejected + self.refused, 0
            self.book.located += located
            self.book.motion = motion
            if row is not None:
                self._put(row)
        if self.checkpoint is not None and self.checkpoint.due():
            self.save()
        if self.progress is not None:
            self.progress(Progress(self.book.steps, time, self.end, state.loss, self.pace.left(time, self.end)))

    def save(self) -> None:
        """Write the checkpoint, if there is one."""
        if self.checkpoint is not None:
            if self.slope is not None:
                self.checkpoint.vectors["slope"] = self.slope
            self.checkpoint.save(self.state, self.book, {"time": self.time, "step": self.step, "kept": self.kept})

    def close(self, status: RunStatus, message: str) -> Run:
        """The run so far, saved: a Ctrl-C that comes now only changes its status."""
        with CtrlCWaits() as waiting:
            self.save()
            message += self.keep_last()
            self.book.rejected, self.refused = self.book.rejected + self.refused, 0
            run = self.book.close(status, message, "exp(-lambda_0 t)")
            run, waiting.came = run.interrupted() if waiting.came else run, False
        return delivered(run)
