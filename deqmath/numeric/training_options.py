"""What a flow and a descent were asked for, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.numeric.checkpoint_file import CheckpointFile
from deqmath.numeric.run import ProgressCallback
from deqmath.numeric.stops import record_times
from deqmath.numeric.validate import choice, count, positive, switch, tolerance

#: A descent whose loss grows by this factor has diverged; its squares are still far from overflow.
DIVERGED = 1e30


def too_short(time: float, step: float) -> str:
    """What is said where the error control asks for steps that no longer move the time."""
    return f"stopped at t = {time:.6g}: the error asks for a step of {step:.3g}, which float64 cannot add to t"


@dataclass(frozen=True)
class _Shared:
    """The options of both; each is described at :func:`~deqmath.numeric.gradient_flow`."""

    loss: str
    checkpoint: str | Path | None
    checkpoint_seconds: float
    progress: ProgressCallback | None

    def __post_init__(self) -> None:
        choice(self.loss, "loss", ("square", "logistic"))
        seconds = self.checkpoint_seconds
        if isinstance(seconds, bool) or not (
            isinstance(seconds, (int, float)) and seconds == 0
        ):  # 0 writes after every step
            positive(seconds, "checkpoint_seconds")
        progress: Any = self.progress
        if progress is not None and not callable(progress):
            msg = f"progress is {progress!r}; it needs a function of one argument, for example progress=print"
            raise InputError(msg)
        if self.checkpoint is not None:
            place: Any = self.checkpoint
            if not isinstance(place, (str, Path)):
                msg = f"checkpoint is {self.checkpoint!r}; it needs the name of a .npz file, for example 'state.npz'"
                raise InputError(msg)
            CheckpointFile(Path(self.checkpoint), "", 0.0)  # refuses a place that cannot be written

    def only_square(self) -> None:
        """Refuse any loss but the square one, for which gg22 states its theorem."""
        if self.loss != "square":
            msg = (
                f'a ReLUNetwork is trained with loss="square", received loss={self.loss!r}; "logistic" is for a '
                "SoftmaxNetwork"
            )
            raise InputError(msg)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class FlowOptions(_Shared):
    """What a gradient flow was asked for."""

    t_end: float | None
    method: str
    tol: float
    record: int | Iterable[float] | None
    max_steps: int
    locate_switches: bool
    split_adjoint: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.method, "method", ("etd2", "rk45"))
        self._set(tol=tolerance(self.tol), max_steps=count(self.max_steps, "max_steps"))
        self._set(**{name: switch(getattr(self, name), name) for name in ("locate_switches", "split_adjoint")})
        if self.record is not None and not isinstance(self.record, (bool, int, np.integer, np.ndarray)):
            self._set(record=_listed(self.record))  # looked at twice
        if self.t_end is not None:
            self._set(t_end=positive(self.t_end, "t_end"))
            self.stops(self.t_end)

    def stops(self, end: float) -> NDArray[np.float64] | None:
        """The times to record up to `end`, None for every step."""
        return record_times(self.record, end)

    def for_softmax(self) -> None:
        """Refuse the options that mean nothing for a softmax network."""
        given = [name for name in ("locate_switches", "split_adjoint") if getattr(self, name)]
        if given:
            msg = f"{', '.join(given)} is for a ReLUNetwork; leave it out for a SoftmaxNetwork"
            raise InputError(msg)


def _listed(record: Any) -> NDArray[np.float64]:
    """The times to record, read once."""
    try:
        return np.asarray(list(record), dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"record is {record!r}; it needs an integer or increasing times, for example record=np.linspace(0, t_end, 11)"
        raise InputError(msg) from error


@dataclass(frozen=True)
class DescentOptions(_Shared):
    """What a gradient descent was asked for."""

    steps: int
    step_size: float | None
    record: int | None

    def __post_init__(self) -> None:
        super().__post_init__()
        total = count(self.steps, "steps")
        every = max(1, total // 100) if self.record is None else count(self.record, "record")
        alpha = None if self.step_size is None else positive(self.step_size, "step_size")
        if alpha is not None and not total * alpha < math.inf:
            msg = (
                f"{total} steps of step_size={alpha!r} end at a time beyond float64 (1.8e308); use a smaller step_size"
            )
            raise InputError(msg)
        self._set(steps=total, record=every, step_size=alpha)
