"""Gradient flow: the exponential integrator in function space, and SciPy's RK45 as the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, overload

import numpy as np

from deqmath.errors import DeqmathError, InputError, NotConvergedError, NotWellPosedError
from deqmath.numeric.checkpoint import Checkpoint, fingerprint
from deqmath.numeric.etd2 import etd2_step, inside_tolerance
from deqmath.numeric.journey import Journey
from deqmath.numeric.motion import AdjointMotion
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.recorder import Recorder, State, fastest_rate, prepare, stop_reason
from deqmath.numeric.rk45 import LEAST_STEP, drive_rk45
from deqmath.numeric.run import ProgressCallback, Run, RunStatus
from deqmath.numeric.softmax import SoftmaxNetwork
from deqmath.numeric.softmax_run import SoftmaxRun
from deqmath.numeric.softmax_training import softmax_flow
from deqmath.numeric.training_options import FlowOptions, too_short

#: Fastest time scales after which a flow ends by default.
_TIMES = 30.0
#: Below this part of ``||r(0)||`` a step is not made more accurate any more: round-off would stop the flow.
_SMALL = 1e-6


@overload
def gradient_flow(net: ReLUNetwork, X: Any, y: Any, **options: Any) -> Run: ...
@overload
def gradient_flow(net: SoftmaxNetwork, X: Any, y: Any, **options: Any) -> SoftmaxRun: ...


def gradient_flow(  # type: ignore[misc]  # the overloads leave the keywords to this list
    net: ReLUNetwork | SoftmaxNetwork,
    X: Any,
    y: Any,
    *,
    t_end: float | None = None,
    method: str = "etd2",
    tol: float = 1e-3,
    loss: str = "square",
    record: int | Iterable[float] | None = None,
    max_steps: int = 100_000,
    locate_switches: bool = False,
    split_adjoint: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 30.0,
    progress: ProgressCallback | None = None,
) -> Run | SoftmaxRun:
    """Integrate ``dP/dt = -dL/dP`` over the trainable parameters from 0 to t_end (gg22 eqs. 6, 7).

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Shapes (n, d) and (n,).
    t_end
        Final time; None: ``30 / lambda_max(H(0))``, thirty times the fastest time scale, where most of the loss is
        gone. A softmax network takes 3000 times the fastest time scale of its weighted Gram matrix.
    method
        "etd2": exponential integrator in function space, adaptive, no stiffness limit (see `etd2.py`).
        "rk45": `scipy.integrate.RK45`, the reference; slow where H is stiff.
    tol
        etd2: the two orders of a step may differ by ``tol sqrt(m) ||r|| / ||r(0)||`` in Frobenius norm (``||A||_2`` is
        of the order of ``sqrt m``), without the last factor where W is trained and phi = "relu". rk45: its rtol, with
        atol = tol/1000. Where the gates of z switch, etd2 keeps its order, also where the flow slides along a kink; where those of
        ``phi(W x)`` do, and for rk45 at both, the error is of first order in the step, and a small tol costs many.
    record
        None: every accepted step. An integer k >= 1: k + 1 equidistant times. Or increasing times in [0, t_end];
        0 and t_end are added. Recorded times are hit exactly. States between them are solved only as accurately as `tol`
        needs, which saves up to a quarter of the time.
    max_steps
        After so many accepted steps the status is "step-limit".
    locate_switches
        Locate in time every gate that switches, into ``run.switch_times``; seven more solves for a step with
        switches. They are counted in any case.
    split_adjoint
        Split the motion of every q_i into its smooth part and its jumps, into ``run.adjoint_motion``: every switch is
        located to round-off on the path of the steps, tens of solves for each. For A alone, without `checkpoint`.
    checkpoint
        A .npz file. If it exists, the run goes on from it, to the same bits as if it had not
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
        "interrupted" on Ctrl-C; what was computed is kept. For a softmax network a
        :class:`~deqmath.numeric.SoftmaxRun`, with the monitors of k21; it has no gates.

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
    options = FlowOptions(
        loss, checkpoint, checkpoint_seconds, progress, t_end, method, tol, record, max_steps, locate_switches,
        split_adjoint,
    )  # fmt: skip
    if isinstance(net, SoftmaxNetwork):
        return softmax_flow(net, X, y, options)
    return _relu_flow(net, X, y, options)


def _relu_flow(net: ReLUNetwork, X: Any, y: Any, options: FlowOptions) -> Run:
    journey = _set_out(net, X, y, options)
    drive: Callable[[Journey, float], tuple[RunStatus, str]] = _etd2 if options.method == "etd2" else drive_rk45
    try:
        return journey.close(*drive(journey, options.tol))
    except NotConvergedError as error:  # while the switches of an accepted step were looked for
        status, message = stop_reason(error, f"the end of the step from t = {journey.time:.6g}")
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted at t = {journey.time:.6g} after {journey.book.steps} steps"
    return journey.close(status, message)


def _set_out(net: ReLUNetwork, X: Any, y: Any, options: FlowOptions) -> Journey:
    """The flow at its start, or where its checkpoint left it."""
    options.only_square()
    if options.split_adjoint and (options.checkpoint is not None or getattr(net, "trainable", ("A",)) != ("A",)):
        msg = (
            f"split_adjoint=True needs trainable=('A',) and checkpoint=None, received trainable={net.trainable} and "
            f"checkpoint={options.checkpoint!r}: the split is not saved, and (11) is the motion of q in A"
        )
        raise InputError(msg)
    net, data, state = prepare(net, X, y)
    end = _TIMES / fastest_rate(state, "t_end") if options.t_end is None else options.t_end
    stops = options.stops(end)
    asked = {
        "t_end": end,
        "tol": options.tol,
        "max_steps": options.max_steps,
        "record": "every step" if stops is None else "times",
    }
    place = None
    if options.checkpoint is not None:
        everything = {**asked, "stops": None if stops is None else stops.tolist(), "locate": options.locate_switches}
        mark = fingerprint(state, data, options.method, everything)
        place = Checkpoint(Path(options.checkpoint), mark, options.checkpoint_seconds)
    book = Recorder(options.method, state, asked)
    if options.split_adjoint:
        book.motion = AdjointMotion.still(len(data), net.width)
    journey = Journey(
        book, data, end, stops, options.max_steps, options.progress, place, options.locate_switches, state
    )
    journey.begin()
    return journey


def _etd2(journey: Journey, tol: float) -> tuple[RunStatus, str]:
    """Adaptive ETD2: accept where ``||P2 - P1||`` is at most :func:`_allowed`, next step from exponent 1/2."""
    state, first = journey.state, journey.book.first
    h = journey.step or _first_step(journey, tol)
    while journey.time < journey.end:
        if journey.book.steps >= journey.limit:
            return "step-limit", f"stopped at t = {journey.time:.6g} after max_steps = {journey.limit} steps"
        stop = journey.next_stop()
        lands = journey.time + h >= stop * (1 - 1e-14)
        step = stop - journey.time if lands else h
        if not journey.time + step > journey.time:
            return "not-converged", too_short(journey.time, step)
        try:
            inside, goal = inside_tolerance(tol, state), _allowed(tol, state, first)
            trial = etd2_step(state, journey.X, step, inside)
            growth = 0.9 * math.sqrt(goal / trial.difference) if trial.difference > 0 else 5.0
            if not trial.difference <= goal:  # nan, too
                journey.refused += 1
                h = step * max(0.2, growth)
                continue
            accuracy = journey.accuracy(lands, inside, trial.sliding is not None)
            state = State.solve(trial.net, journey.X, state.y, trial.near, accuracy, trial.sliding)
        except NotWellPosedError as error:
            journey.refused += 1
            h = step / 4
            if h < LEAST_STEP * journey.end:
                return stop_reason(error, f"t = {journey.time + step:.6g}")
            continue
        except DeqmathError as error:
            return stop_reason(error, f"t = {journey.time + step:.6g}")
        h = max(h, step * min(5.0, growth)) if lands else step * min(5.0, max(0.2, growth))
        journey.arrive(stop if lands else journey.time + step, state, h)
    return "completed", f"reached t = {journey.end:.6g} in {journey.book.steps} steps"


def _first_step(journey: Journey, tol: float) -> float:
    """``sqrt(tol m)`` over the speed: the two orders of a step differ by about its square over ``sqrt m``.

    Where units start on their kinks, as below a ReLU where A is 0 or diagonal, the first step decides where they go, and
    is as short as ``tol sqrt m`` over the speed.
    """
    state = journey.state
    on_kinks = bool(np.any(state.J.adjoint.equilibrium.U == 0))
    moves = (tol if on_kinks else math.sqrt(tol)) * math.sqrt(state.net.width)
    return min(journey.end, moves / state.speed) if state.speed > 0 else journey.end


def _allowed(tol: float, state: State, first: State) -> float:
    """``tol sqrt m ||r|| / ||r(0)||``, so that r is followed as accurately when it has become small; down to a millionth of r(0).

    ``tol sqrt m`` where W is trained below a ReLU, whose kinks are not treated: steps there have to be short as it is.
    """
    if "W" in state.net.trainable and state.net.phi != "identity":
        return tol * math.sqrt(state.net.width)
    whole, left = float(np.linalg.norm(first.residual)), float(np.linalg.norm(state.residual))
    return tol * math.sqrt(state.net.width) * (min(1.0, max(left / whole, _SMALL)) if whole > 0 else 1.0)
