"""The record of a training run."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.numeric.arrays import to_numpy
from deqmath.numeric.monitors import Monitor
from deqmath.numeric.motion import AdjointMotion
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.provenance import save_record
from deqmath.numeric.switches import Switches

#: Seconds over which the pace is measured.
_WINDOW = 60.0

RunStatus = Literal["completed", "left-well-posed-region", "step-limit", "not-converged", "interrupted"]


@dataclass(frozen=True)
class Progress:
    """What a progress callback is told after every step.

    Attributes
    ----------
    step, time, end, loss
        Step, time of the flow (k alpha for descent), final time, loss.
    seconds_left
        What the rest takes at the pace of the last steps; nan where no pace is known.
    """

    step: int
    time: float
    end: float
    loss: float
    seconds_left: float = math.nan


class Pace:
    """Seconds left, from the pace over about the last minute of work, since steps of a flow grow."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque(maxlen=64)

    def left(self, time: float, end: float) -> float:
        """Seconds until `end`, now that `time` is reached; nan at the first call."""
        now = perf_counter()
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()
        self._marks.append((now, time))
        seconds, covered = now - self._marks[0][0], time - self._marks[0][1]
        return seconds * (end - time) / covered if covered > 0 else math.nan


#: A progress callback; its return value is not used.
ProgressCallback = Callable[[Progress], object]


@dataclass(frozen=True, eq=False)
class Run:
    """A training run: what was computed, whatever ended it.

    Attributes
    ----------
    method
        "gradient-descent", "etd2" or "rk45".
    status
        "completed"; "left-well-posed-region" (rho reached 1: the last record is the last well-posed state);
        "not-converged" (a solve did not reach its tolerance); "step-limit"; "interrupted" (Ctrl-C).
    message
        One sentence on the status, with time and norm where the run was stopped.
    times
        Flow time of each record, k alpha for descent; shape (T,).
    loss
        ``||yhat - y||^2 / 2``, shape (T,).
    predictions
        yhat, shape (T, n).
    lambda_min, lambda_max
        Extreme eigenvalues of H(t), shape (T,).
    norm_A
        ``||A(t)||_2``, shape (T,).
    distance
        ``||A(t) - A(0)||_F``, shape (T,).
    switches
        How many of the n m gates differ from their state at t = 0, shape (T,).
    sliding
        Along the kinks of how many gates the flow slides, shape (T,); those gates count as the sign of round-off in all
        other records. Zero but for "etd2".
    linearised
        Predictions of the linearised training, ``y + exp(-H_0 t) r_0`` (gg22 eq. 18), shape (T, n).
    targets
        y, shape (n,).
    initial, final
        The networks at the first and at the last record.
    monitors
        The conclusions of gg22 Theorem 3.1: "lambda_min", "norm_A", "residual"; where A alone is trained and the
        proof's constants exist, also "distance" and the inequalities (12) to (15): "change_z", "change_q", "size_z",
        "size_q", "change_gram".
    options
        The options the run was made with.
    steps, rejected
        Steps accepted and rejected.
    notes
        What the reader should know: duplicate rows, an unresolved lambda_0.
    switch_times
        The gate switches located in time, where that was asked for; else None.
    adjoint_motion
        The motion of q split into smooth part and jumps, where that was asked for; else None.
    """

    method: str
    status: RunStatus
    message: str
    times: NDArray[np.float64] = field(repr=False)
    loss: NDArray[np.float64] = field(repr=False)
    predictions: NDArray[np.float64] = field(repr=False)
    lambda_min: NDArray[np.float64] = field(repr=False)
    lambda_max: NDArray[np.float64] = field(repr=False)
    norm_A: NDArray[np.float64] = field(repr=False)
    distance: NDArray[np.float64] = field(repr=False)
    switches: NDArray[np.int64] = field(repr=False)
    sliding: NDArray[np.int64] = field(repr=False)
    linearised: NDArray[np.float64] = field(repr=False)
    targets: NDArray[np.float64] = field(repr=False)
    initial: ReLUNetwork = field(repr=False)
    final: ReLUNetwork = field(repr=False)
    monitors: tuple[Monitor, ...] = field(repr=False)
    options: Mapping[str, Any]
    steps: int
    rejected: int = 0
    notes: tuple[str, ...] = ()
    switch_times: Switches | None = field(default=None, repr=False)
    adjoint_motion: AdjointMotion | None = field(default=None, repr=False)

    def interrupted(self) -> Self:
        """This run, after a Ctrl-C that came when its last step was done."""
        return replace(self, status="interrupted", message=f"{self.message}; then interrupted")

    def monitor(self, name: str) -> Monitor:
        """The monitor of that name."""
        for monitor in self.monitors:
            if monitor.name == name:
                return monitor
        msg = f"there is no monitor {name!r}; there are {', '.join(repr(m.name) for m in self.monitors)}"
        raise InputError(msg)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every array of the run by name, as :meth:`save` writes them."""
        series: dict[str, NDArray[Any]] = {
            name: getattr(self, name)
            for name in (
                "times", "loss", "predictions", "lambda_min", "lambda_max", "norm_A", "distance", "switches",
                "sliding", "linearised", "targets",
            )
        }  # fmt: skip
        if self.switch_times is not None:
            for name in ("time", "width", "sample", "unit", "opened"):
                series[f"switch_{name}"] = getattr(self.switch_times, name)
        if self.adjoint_motion is not None:
            for name in ("total", "smooth", "jumps", "smooth_length", "jump_length", "sizes"):
                series[f"motion_{name}"] = getattr(self.adjoint_motion, name)
        for monitor in self.monitors:
            for side in ("measured", "bound", "slack"):
                series[f"monitor_{monitor.name}_{side}"] = getattr(monitor, side)
        for label, net in (("initial", self.initial), ("final", self.final)):
            for name in ("A", "W", "b"):
                series[f"{label}_{name}"] = to_numpy(getattr(net, name))
        return series

    def summary(self) -> dict[str, Any]:
        """Status, options, last values and monitors, numbers as strings that read back to the same float64."""
        return {
            "method": self.method,
            "status": self.status,
            "message": self.message,
            "notes": list(self.notes),
            "options": {name: _text(value) for name, value in self.options.items()},
            "steps": str(self.steps),
            "rejected": str(self.rejected),
            "network": {
                "width": str(self.final.width),
                "inputs": str(self.final.inputs),
                "gamma": repr(self.final.gamma),
                "phi": self.final.phi,
                "trainable": list(self.final.trainable),
            },
            "last": {
                name: _text(getattr(self, name)[-1])
                for name in ("times", "loss", "lambda_min", "lambda_max", "norm_A", "distance", "switches", "sliding")
            },
            "monitors": [m.summary() for m in self.monitors],
        }

    def save(self, path: str | Path) -> tuple[Path, Path]:
        """Write ``path.npz`` (every array) and ``path.json`` (summary and provenance), each atomically.

        Parameters
        ----------
        path
            Where, with or without the suffix .npz or .json; its folder must exist.

        Returns
        -------
        (Path, Path)
            The two files.

        Raises
        ------
        InputError
            The folder does not exist.

        Examples
        --------
        >>> import tempfile
        >>> from deqmath.numeric import ReLUNetwork, gradient_descent
        >>> net = ReLUNetwork.random(width=16, inputs=2, gamma0=0.25, seed=0)
        >>> run = gradient_descent(net, [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], steps=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [file.name for file in run.save(folder + "/first")]
        ['first.npz', 'first.json']
        """
        return save_record(path, self.arrays(), self.summary())


def _text(value: Any) -> str:
    """A number as the shortest string that reads back to it."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, str) else repr(value)
