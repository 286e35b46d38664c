"""The reference flow: SciPy's RK45 on the stacked parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import DeqmathError, NotWellPosedError
from deqmath.numeric.etd2 import inside_tolerance
from deqmath.numeric.journey import Journey
from deqmath.numeric.network import ReLUNetwork
from deqmath.numeric.recorder import State, stop_reason
from deqmath.numeric.run import RunStatus

if TYPE_CHECKING:
    from scipy.integrate import RK45

#: Below this fraction of the final time a step that still leaves rho < 1 is the boundary itself.
LEAST_STEP = 1e-9


def drive_rk45(journey: Journey, tol: float) -> tuple[RunStatus, str]:
    """Integrate to the end, restarted at every recorded time; status and message."""
    from scipy.integrate import RK45  # slow to import, and only this reference needs it

    near = journey.state
    names = near.net.trainable
    shapes = [getattr(near.net, name).shape for name in names]

    def network(flat: NDArray[np.float64]) -> ReLUNetwork:
        parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        return near.net.with_parameters(
            **{name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        )

    def slope(_: float, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        found = State.solve(network(flat), journey.X, near.y, near, inside_tolerance(tol, near))
        return -np.concatenate([found.gradient[name].ravel() for name in names])

    def solver_to(stop: float, h: float) -> RK45:
        """SciPy's solver from the present state, with step size h and the derivative that it last had."""
        start = np.concatenate([getattr(near.net, name).ravel() for name in names])
        first = min(h, stop - journey.time)
        solver = RK45(slope, journey.time, start, stop, rtol=max(tol, 1e-13), atol=tol / 1000, first_step=first)
        if journey.slope is not None:
            solver.f = journey.slope
        return solver

    speed = near.speed
    h = journey.step or (0.01 * math.sqrt(near.net.width) / speed if speed > 0 else journey.end)
    solver: RK45 | None = None
    while journey.time < journey.end:
        if journey.book.steps >= journey.limit:
            return "step-limit", f"stopped at t = {journey.time:.6g} after max_steps = {journey.limit} steps"
        stop = journey.next_stop()
        try:
            solver = solver if solver is not None and solver.status == "running" else solver_to(stop, h)
            failure = solver.step()
            if failure is not None:
                return "not-converged", f"stopped at t = {journey.time:.6g}: RK45 says {failure}"
            lands = float(solver.t) == stop
            accuracy = journey.accuracy(lands, inside_tolerance(tol, near), slides=False)
            near = State.solve(network(solver.y), journey.X, near.y, near, accuracy)
        except NotWellPosedError as error:  # a stage of the step left rho < 1: again from the last state, shorter
            journey.refused += 1
            solver, h = None, min(h, stop - journey.time) / 4
            if h < LEAST_STEP * journey.end:
                return stop_reason(error, f"t = {journey.time + h:.6g}")
            continue
        except DeqmathError as error:
            return stop_reason(error, f"the step from t = {journey.time:.6g}")
        h = float(max(h, solver.h_abs) if lands else solver.h_abs)  # a step cut short says little of the next
        journey.arrive(float(solver.t), near, h, np.asarray(solver.f, dtype=np.float64))
    return "completed", f"reached t = {journey.end:.6g} in {journey.book.steps} steps"
