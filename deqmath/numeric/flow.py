"""Gradient flow: the exponential integrator in function space, and SciPy's RK45 as the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import DeqmathError, InputError, NotWellPosedError
from deqmath.numeric.checkpoint import Checkpoint, fingerprint
from deqmath.numeric.etd2 import etd2_step
from deqmath.numeric.journey import Journey
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.recorder import Recorder, State, prepare, stop_reason
from deqmath.numeric.rk45 import LEAST_STEP, drive_rk45
from deqmath.numeric.run import ProgressCallback, Run, RunStatus
from deqmath.numeric.validate import choice, count, positive, tolerance


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
    locate_switches: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 30.0,
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
    locate_switches
        Locate in time every gate that switches, into ``run.switch_times``; seven more solves for a step with
        switches. They are counted in any case.
    checkpoint
        A .npz file, for method "etd2". If it exists, the run goes on from it, to the same bits as if it had not
        stopped; network, data and options must be those it was made with. Else it is written every
        `checkpoint_seconds`, and at the end.
    checkpoint_seconds
        Seconds between two writes; 0 writes after every step.
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
    place = None
    if checkpoint is not None:
        if method != "etd2":
            msg = f'checkpoint= needs method="etd2", received method={method!r}: SciPy keeps its own state inside'
            raise InputError(msg)
        everything = {**options, "stops": None if stops is None else stops.tolist(), "locate": bool(locate_switches)}
        place = Checkpoint(Path(checkpoint), fingerprint(state, data, method, everything), checkpoint_seconds)
    book = Recorder(method, state, options)
    journey = Journey(book, data, end, stops, limit, progress, place, bool(locate_switches), state)
    journey.begin()
    drive: Callable[[Journey, float], tuple[RunStatus, str]] = _etd2 if method == "etd2" else drive_rk45
    try:
        status, message = drive(journey, accuracy)
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted at t = {journey.time:.6g} after {book.steps} steps"
    if status != "interrupted":  # Ctrl-C may have come between two assignments: the last checkpoint is whole
        journey.save()
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


def _etd2(journey: Journey, tol: float) -> tuple[RunStatus, str]:
    """Adaptive ETD2: accept where ``||P2 - P1|| <= tol sqrt m``, next step from exponent 1/2."""
    state = journey.state
    goal, speed = tol * math.sqrt(state.net.width), state.speed
    h = journey.step or min(journey.end, goal / speed if speed > 0 else journey.end)
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
            if h < LEAST_STEP * journey.end:
                return stop_reason(error, f"t = {journey.time + step:.6g}")
            continue
        except DeqmathError as error:
            return stop_reason(error, f"t = {journey.time + step:.6g}")
        h = max(h, step * min(5.0, growth)) if lands else step * min(5.0, max(0.2, growth))
        journey.arrive(stop if lands else journey.time + step, state, h)
    return "completed", f"reached t = {journey.end:.6g} in {journey.book.steps} steps"
