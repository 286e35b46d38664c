"""Gradient flow: the exponential integrator in function space, and SciPy's RK45 as the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import RK45

from deqmath.errors import DeqmathError, InputError, NotWellPosedError
from deqmath.numeric.etd2 import etd2_step
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.recorder import Recorder, State, prepare, stop_reason
from deqmath.numeric.run import Progress, ProgressCallback, Run, RunStatus
from deqmath.numeric.validate import choice, count, positive, tolerance

#: Below this fraction of t_end a step that still leaves rho < 1 is the boundary itself.
_LEAST_STEP = 1e-9


def gradient_flow(
    net: ReLUNetwork,
    X: Any,
    y: Any,
    *,
    t_end: float,
    method: str = "etd2",
    tol: float = 1e-3,
    record: int | Iterable[float] | None = None,
    max_steps: int = 100_000,
    progress: ProgressCallback | None = None,
) -> Run:
    """Integrate ``dP/dt = -dL/dP`` over the trainable parameters from 0 to t_end (gg22 eqs. 6, 7).

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Shapes (n, d) and (n,).
    t_end
        Final time.
    method
        "etd2": exponential integrator in function space, adaptive, no stiffness limit (see `etd2.py`).
        "rk45": `scipy.integrate.RK45`, the reference; slow where H is stiff.
    tol
        etd2: the two orders of a step may differ by ``tol sqrt(m)`` in Frobenius norm (``||A||_2`` is of the order
        of ``sqrt m``). rk45: its rtol, with atol = tol/1000. The flow is only piecewise smooth, since gates
        switch, so a small tol buys less than the order of the method promises.
    record
        None: every accepted step. An integer k >= 1: k + 1 equidistant times. Or increasing times in [0, t_end];
        0 and t_end are added. Recorded times are hit exactly.
    max_steps
        After so many accepted steps the status is "step-limit".
    progress
        Called with a :class:`~deqmath.numeric.run.Progress` after every step. The library prints nothing.

    Returns
    -------
    Run
        With the monitors of gg22 Theorem 3.1. Status "left-well-posed-region" where rho reaches 1,
        "interrupted" on Ctrl-C; what was computed is kept.

    Raises
    ------
    InputError, ShapeError, NotWellPosedError
        Before anything is computed, on arguments that cannot be used.

    Examples
    --------
    >>> from deqmath.numeric import ReLUNetwork, gradient_flow
    >>> net = ReLUNetwork.random(width=64, inputs=2, gamma0=0.25, seed=0)
    >>> run = gradient_flow(net, [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], t_end=5.0)
    >>> run.status, bool(run.loss[-1] < run.loss[0])
    ('completed', True)
    """
    end, accuracy, limit = positive(t_end, "t_end"), tolerance(tol), count(max_steps, "max_steps")
    choice(method, "method", ("etd2", "rk45"))
    stops = _stops(record, end)
    net, data, state = prepare(net, X, y)
    options = {"t_end": end, "tol": accuracy, "max_steps": limit, "record": "every step" if stops is None else "times"}
    book = Recorder(method, state, options)
    journey = _Journey(book, data, end, stops, limit, progress, max(float(state.spectrum[0][0]), 0.0))
    journey.keep(0.0, state)
    drive: Callable[[_Journey, State, float], tuple[RunStatus, str]] = _etd2 if method == "etd2" else _rk45
    try:
        status, message = drive(journey, state, accuracy)
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted at t = {journey.time:.6g} after {book.steps} steps"
    journey.keep_last()
    return book.close(status, message, "exp(-lambda_0 t)")


def _stops(record: int | Iterable[float] | None, end: float) -> NDArray[np.float64] | None:
    """The times to record, from 0 to `end`; None for every accepted step."""
    if record is None:
        return None
    if isinstance(record, (bool, int, np.integer)):
        return np.linspace(0.0, end, count(record, "record") + 1)
    times = np.asarray(record if isinstance(record, np.ndarray) else list(record), dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
        msg = (
            "record needs an integer or strictly increasing finite times, for example record=np.linspace(0, t_end, 11)"
        )
        raise InputError(msg)
    if times.size and (times[0] < 0 or times[-1] > end):
        msg = f"record holds times from {times[0]} to {times[-1]}; they must lie in [0, t_end] = [0, {end}]"
        raise InputError(msg)
    return np.unique(np.concatenate([[0.0], times, [end]]))


@dataclass
class _Journey:
    """How far a flow has come, and what of it is recorded."""

    book: Recorder
    X: NDArray[np.float64]
    end: float
    stops: NDArray[np.float64] | None
    limit: int
    progress: ProgressCallback | None
    lambda_0: float
    time: float = 0.0
    state: State | None = None
    kept: float = -1.0

    def keep(self, time: float, state: State) -> None:
        self.book.record(time, state, math.exp(-self.lambda_0 * time))
        self.kept, self.time, self.state = time, time, state

    def keep_last(self) -> None:
        if self.state is not None and self.kept < self.time:
            self.keep(self.time, self.state)

    def next_stop(self) -> float:
        if self.stops is None:
            return self.end
        return float(self.stops[np.searchsorted(self.stops, self.time, side="right")])

    def arrive(self, time: float, state: State) -> None:
        """Take an accepted step: count it, record it where asked, tell the callback."""
        self.time, self.state = time, state
        self.book.steps += 1
        if self.stops is None or time in self.stops:
            self.keep(time, state)
        if self.progress is not None:
            self.progress(Progress(self.book.steps, time, self.end, state.loss))


def _etd2(journey: _Journey, state: State, tol: float) -> tuple[RunStatus, str]:
    """Adaptive ETD2: accept where ``||P2 - P1|| <= tol sqrt m``, next step from exponent 1/2."""
    goal = tol * math.sqrt(state.net.width)
    slope = math.sqrt(sum(float(np.sum(g * g)) for g in state.gradient.values()))
    h = min(journey.end, goal / slope if slope > 0 else journey.end)
    while journey.time < journey.end:
        if journey.book.steps >= journey.limit:
            return "step-limit", f"stopped at t = {journey.time:.6g} after max_steps = {journey.limit} steps"
        stop = journey.next_stop()
        lands = journey.time + h >= stop * (1 - 1e-14)
        step = stop - journey.time if lands else h
        try:
            trial = etd2_step(state, journey.X, step)
            growth = 0.9 * math.sqrt(goal / trial.difference) if trial.difference > 0 else 5.0
            if trial.difference > goal:
                journey.book.rejected += 1
                h = step * max(0.2, growth)
                continue
            state = State.solve(trial.net, journey.X, state.y, state)
        except NotWellPosedError as error:
            journey.book.rejected += 1
            h = step / 4
            if h < _LEAST_STEP * journey.end:
                return stop_reason(error, f"t = {journey.time + step:.6g}")
            continue
        except DeqmathError as error:
            return stop_reason(error, f"t = {journey.time + step:.6g}")
        journey.arrive(stop if lands else journey.time + step, state)
        h = max(h, step * min(5.0, growth)) if lands else step * min(5.0, max(0.2, growth))
    return "completed", f"reached t = {journey.end:.6g} in {journey.book.steps} steps"


def _rk45(journey: _Journey, state: State, tol: float) -> tuple[RunStatus, str]:
    """SciPy's RK45 on the stacked parameters, restarted at every recorded time."""
    names = state.net.trainable
    shapes = [getattr(state.net, name).shape for name in names]
    near = state

    def network(flat: NDArray[np.float64]) -> ReLUNetwork:
        parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        return near.net.with_parameters(
            **{name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        )

    def slope(_: float, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        found = State.solve(network(flat), journey.X, near.y, near)
        return -np.concatenate([found.gradient[name].ravel() for name in names])

    speed = math.sqrt(sum(float(np.sum(g * g)) for g in near.gradient.values()))
    h = 0.01 * math.sqrt(near.net.width) / speed if speed > 0 else journey.end
    while journey.time < journey.end:
        stop = journey.next_stop()
        start = np.concatenate([getattr(near.net, name).ravel() for name in names])
        try:
            first = min(h, stop - journey.time)
            solver = RK45(slope, journey.time, start, stop, rtol=max(tol, 1e-13), atol=tol / 1000, first_step=first)
            while solver.status == "running":
                if journey.book.steps >= journey.limit:
                    return "step-limit", f"stopped at t = {journey.time:.6g} after max_steps = {journey.limit} steps"
                h = float(solver.h_abs)
                failure = solver.step()
                if failure is not None:
                    return "not-converged", f"stopped at t = {journey.time:.6g}: RK45 says {failure}"
                near = State.solve(network(solver.y), journey.X, near.y, near)
                journey.arrive(float(solver.t), near)
        except NotWellPosedError as error:  # a stage of the step left rho < 1: again from the last state, shorter
            journey.book.rejected += 1
            h = min(h, stop - journey.time) / 4
            if h < _LEAST_STEP * journey.end:
                return stop_reason(error, f"t = {journey.time + h:.6g}")
        except DeqmathError as error:
            return stop_reason(error, f"the step from t = {journey.time:.6g}")
    return "completed", f"reached t = {journey.end:.6g} in {journey.book.steps} steps"
