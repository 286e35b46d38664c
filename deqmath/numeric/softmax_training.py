"""Gradient flow and gradient descent of the softmax network, for the square and the logistic loss (k21)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError, NotConvergedError
from deqmath.numeric.arrays import frobenius, is_foreign, is_numpy, joint_norm
from deqmath.numeric.losses import find_loss
from deqmath.numeric.run import RunStatus
from deqmath.numeric.softmax import SoftmaxNetwork
from deqmath.numeric.softmax_journey import SoftmaxJourney
from deqmath.numeric.softmax_run import SoftmaxRun
from deqmath.numeric.softmax_state import SoftmaxState
from deqmath.numeric.softmax_steps import etd2_step, flatten, unflatten
from deqmath.numeric.training_options import DIVERGED, DescentOptions, FlowOptions, too_short

Matrix = NDArray[np.float64]
_Drive = Callable[[SoftmaxJourney, float, int], tuple[RunStatus, str]]

#: Fastest time scales after which a flow ends by default: features of one sign have one eigenvalue far above the rest.
_TIMES = 3000.0
#: Norms from which products and squares in a run may leave the range of float64.
_MOST = 1e60
#: An eigenvalue below this has no inverse that a run can be timed by.
_LEAST_RATE = 1e-250


def _prepare(net: SoftmaxNetwork, X: Any, y: Any, loss: str) -> tuple[Matrix, SoftmaxState]:
    """Validate what a run starts from and solve it once."""
    if is_foreign(X) or not is_numpy(net.xp):
        msg = "training runs on NumPy arrays; convert X and the parameters with np.asarray first"
        raise InputError(msg)
    form, data = find_loss(loss), net._samples(X)
    Y = net._targets(y, data.shape[0])
    form.check(np, Y)
    for name, array in (("samples X", data), ("targets y", Y), ("parameter B", np.asarray(net.B))):
        size = frobenius(np, array)
        if not size < _MOST:
            msg = f"{name} has norm {size:.3g}, whose powers leave the range of float64 in training; scale it down"
            raise InputError(msg)
    return data, SoftmaxState.solve(net, data, Y, form)


def softmax_flow(net: SoftmaxNetwork, X: Any, y: Any, options: FlowOptions) -> SoftmaxRun:
    """Integrate ``dP/dt = -dL/dP`` over the trainable parameters from 0 to t_end (k21).

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Rows phi(x), shape (n, m), and targets, shape (n,) or (n, p).
    options
        As in :func:`~deqmath.numeric.gradient_flow`. Without t_end: ``3000 / lambda_max(K(0))``, K as in
        :func:`softmax_descent`, 3000 times the fastest time scale. etd2 is done in the space of the predictions.

    Returns
    -------
    SoftmaxRun

    Examples
    --------
    >>> from deqmath.numeric import SoftmaxNetwork, gradient_flow
    >>> net = SoftmaxNetwork.random(width=3, gamma=0.5, seed=0)
    >>> run = gradient_flow(net, [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [1.0, -1.0], t_end=10.0)
    >>> run.status, run.monitor("rate").holds, run.monitor("loss").holds
    ('completed', True, True)
    """
    options.for_softmax()
    data, state = _prepare(net, X, y, options.loss)
    end = _TIMES * _fastest(state, "t_end") if options.t_end is None else options.t_end
    asked = {"t_end": end, "tol": options.tol, "max_steps": options.max_steps, "loss": options.loss}
    journey = SoftmaxJourney(options.method, data, state, end, options.stops(end), asked, options.progress)
    journey.begin(options.checkpoint, options.checkpoint_seconds)
    status: RunStatus
    drive: _Drive = _etd2 if options.method == "etd2" else _rk45
    try:
        return journey.close(*drive(journey, options.tol, options.max_steps))
    except NotConvergedError as error:
        status, message = "not-converged", f"stopped at t = {journey.time:.6g}: {error}"
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted at t = {journey.time:.6g} after {journey.steps} steps"
    return journey.close(status, message)


def _limit_reached(journey: SoftmaxJourney, limit: int) -> tuple[RunStatus, str]:
    return "step-limit", f"stopped at t = {journey.time:.6g} after max_steps = {limit} steps"


def _etd2(journey: SoftmaxJourney, tol: float, limit: int) -> tuple[RunStatus, str]:
    """Adaptive ETD2: accept where ``||P2 - P1|| <= tol sqrt m``, next step from exponent 1/2."""
    goal, speed = tol * math.sqrt(journey.state.net.width), journey.state.speed
    h = journey.step or (min(journey.end, goal / speed) if speed > 0 else journey.end)
    while journey.time < journey.end:
        if journey.steps >= limit:
            return _limit_reached(journey, limit)
        stop = journey.next_stop()
        lands = journey.time + h >= stop * (1 - 1e-14)
        step = stop - journey.time if lands else h
        if not journey.time + step > journey.time:
            return "not-converged", too_short(journey.time, step)
        trial = etd2_step(journey.state, journey.X, step)
        growth = 0.9 * math.sqrt(goal / trial.difference) if trial.difference > 0 else 5.0
        if not trial.difference <= goal:  # nan, too
            journey.refused += 1
            h = step * max(0.2, growth)
            continue
        state = SoftmaxState.solve(trial.net, journey.X, journey.state.Y, journey.state.form)
        h = max(h, step * min(5.0, growth)) if lands else step * min(5.0, max(0.2, growth))
        journey.arrive(stop if lands else journey.time + step, state, h)
    return "completed", f"reached t = {journey.end:.6g} in {journey.steps} steps"


def _rk45(journey: SoftmaxJourney, tol: float, limit: int) -> tuple[RunStatus, str]:
    """SciPy's RK45 on the stacked parameters, restarted at every recorded time with the slope and step it last had."""
    from scipy.integrate import RK45  # slow to import, and only this reference needs it

    net, Y, form = journey.state.net, journey.state.Y, journey.state.form

    def slope(_: float, flat: Matrix) -> Matrix:
        gradient = SoftmaxState.solve(unflatten(net, flat), journey.X, Y, form).gradient
        return -np.concatenate([gradient[name].ravel() for name in net.trainable])

    def solver_to(stop: float) -> Any:
        first = min(h, stop - journey.time)
        start = flatten(journey.state.net)
        solver = RK45(slope, journey.time, start, stop, rtol=max(tol, 1e-13), atol=tol / 1000, first_step=first)
        if journey.slope is not None:
            solver.f = journey.slope
        return solver

    speed = journey.state.speed
    h = journey.step or (min(journey.end, 0.01 * math.sqrt(net.width) / speed) if speed > 0 else journey.end)
    while journey.time < journey.end:
        stop = journey.next_stop()
        solver = solver_to(stop)
        while solver.status == "running":
            if journey.steps >= limit:
                return _limit_reached(journey, limit)
            failure = solver.step()
            if failure is not None:
                return "not-converged", f"stopped at t = {journey.time:.6g}: RK45 says {failure}"
            lands = float(solver.t) == stop  # a step cut short at a recorded time says little of the next
            h = float(max(h, solver.h_abs) if lands else solver.h_abs)
            state = SoftmaxState.solve(unflatten(net, solver.y), journey.X, Y, form)
            journey.arrive(float(solver.t), state, h, np.asarray(solver.f, dtype=np.float64))
    return "completed", f"reached t = {journey.end:.6g} in {journey.steps} steps"


def softmax_descent(net: SoftmaxNetwork, X: Any, y: Any, options: DescentOptions) -> SoftmaxRun:
    """Minimise the loss by ``P <- P - alpha dL/dP`` over the trainable parameters.

    Parameters
    ----------
    net, X, y
        As in :func:`softmax_flow`.
    options
        As in :func:`~deqmath.numeric.gradient_descent`. Without step_size: ``1/lambda_max(K(0))``, K the Gram matrix
        weighted by the second derivatives of the loss.

    Returns
    -------
    SoftmaxRun
        Where a step diverges the run stops before it, with status "not-converged"; what was computed is kept.

    Examples
    --------
    >>> from deqmath.numeric import SoftmaxNetwork, gradient_descent
    >>> net = SoftmaxNetwork.random(width=2, gamma=0.5, seed=0)
    >>> run = gradient_descent(net, [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], steps=50, loss="logistic")
    >>> bool(run.loss[-1] < run.loss[0])
    True
    """
    data, state = _prepare(net, X, y, options.loss)
    total, every = options.steps, int(options.record or 1)
    alpha = _fastest(state, "step_size") if options.step_size is None else options.step_size
    asked = {"steps": total, "step_size": alpha, "record": every, "loss": options.loss}
    journey = SoftmaxJourney("gradient-descent", data, state, total * alpha, None, asked, options.progress)
    journey.begin(options.checkpoint, options.checkpoint_seconds)
    status: RunStatus = "completed"
    message = f"{total} steps of size {alpha:.6g}"
    try:
        for k in range(journey.steps + 1, total + 1):
            moved = _descended(journey, alpha)
            if not moved.loss <= DIVERGED * max(journey.first.loss, 1.0):
                status, message = "not-converged", _divergence(journey, moved, alpha)
                break
            journey.arrive(k * alpha, moved, alpha, record=k % every == 0 or k == total)
        return journey.close(status, message)
    except NotConvergedError as error:
        status, message = "not-converged", f"stopped after step {journey.steps}: {error}"
    except KeyboardInterrupt:
        status, message = "interrupted", f"interrupted after step {journey.steps}"
    return journey.close(status, message)


def _descended(journey: SoftmaxJourney, alpha: float) -> SoftmaxState:
    """The state one step of gradient descent further."""
    state = journey.state
    with np.errstate(over="ignore"):
        change = {name: -alpha * g for name, g in state.gradient.items()}
    return SoftmaxState.solve(state.moved(change), journey.X, state.Y, state.form)


def _divergence(journey: SoftmaxJourney, moved: SoftmaxState, alpha: float) -> str:
    size = joint_norm({name: getattr(moved.net, name) for name in moved.net.trainable})
    most = 2 * _fastest(journey.first, "step_size")
    return (
        f"stopped after step {journey.steps}: the next one diverges, to a loss of {moved.loss:.3g} and ||P||_F = {size:.3g}, "
        f"from a loss of {journey.first.loss:.3g}; step_size is {alpha:.3g}, use at most 2/lambda_max(K(0)) = {most:.3g}"
    )


def _fastest(state: SoftmaxState, option: str) -> float:
    """``1/lambda_max(K(0))``, the fastest time scale."""
    top = float(state.spectrum[0][-1])
    if top > _LEAST_RATE:
        return 1.0 / top
    near = "next to " if top > 0 else ""
    msg = (
        f"the Gram matrix at the start is {near}0, so nothing moves on any time scale; pass {option}=, for example 1.0"
    )
    raise InputError(msg)
