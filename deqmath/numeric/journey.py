"""How far a training run has come: what is recorded of it, and its checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.checkpoint import Checkpoint
from deqmath.numeric.recorder import Recorder, State
from deqmath.numeric.run import Pace, Progress, ProgressCallback
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

    def keep(self) -> None:
        """Record the present state."""
        lambda_0 = max(float(self.book.first.spectrum[0][0]), 0.0)
        self.book.record(self.time, self.state, math.exp(-lambda_0 * self.time))
        self.kept = self.time

    def keep_last(self) -> None:
        """Record the present state unless it is recorded."""
        if self.kept < self.time:
            self.keep()

    def next_stop(self) -> float:
        """The next time that has to be hit."""
        if self.stops is None:
            return self.end
        return float(self.stops[np.searchsorted(self.stops, self.time, side="right")])

    def arrive(self, time: float, state: State, step: float) -> None:
        """Take an accepted step: count it, locate its switches, record it where asked, save it, tell the callback."""
        before, start = self.state, self.time
        self.time, self.state, self.step = time, state, step
        self.book.steps += 1
        if self.locate:
            self.book.located.append(locate_switches(before, state, self.X, start, time))
        if self.book.motion is not None:
            self.book.motion.add(before, state, start, time)
        if self.stops is None or time in self.stops:
            self.keep()
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
