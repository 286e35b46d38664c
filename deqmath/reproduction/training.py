"""Theorem 3.1 on data: the gradient flow until the theorem promises 1% of the loss, against what it promises."""

from __future__ import annotations

from typing import Any

import numpy as np

from deqmath.bounds import theorem_3_1
from deqmath.numeric import gradient_flow
from deqmath.reproduction.proved import upper_end
from deqmath.reproduction.tasks import Problem, mean_error

#: The flow ends at ``lambda_0 t = log 100``, where (c) promises 1% of the loss; its tolerance is relative to sqrt(m).
END, TOL = float(np.log(100)), 0.05
RECORDS = 25


def train(given: Problem) -> dict[str, Any]:
    """The run's loss and its envelope over ``lambda_0 t``, whether (a), (b), (c) held, errors, and the proof's width.

    Returns
    -------
    dict
        ``scaled_times`` (lambda_0 t), ``loss`` (over its start), ``a``, ``b``, ``c`` (held at every record),
        ``least_ratio_a`` (``min lambda_min(H(t))/lambda_0``), ``largest_ratio_b`` (``max ||A(t)||/(2 c sqrt m)``), ``status``,
        ``train_error``, ``test_error``, and ``least_width``, from which the smooth part of the chain closes (proved; None
        where ``2 c gamma0 >= 1``).
    """
    network = given.network
    slowest = float(np.linalg.eigvalsh(np.asarray(network.gram(given.X)))[0])
    times = np.geomspace(1e-4, 1, RECORDS - 1) * END / slowest
    run = gradient_flow(network, given.X, given.y, t_end=float(times[-1]), tol=TOL, record=times)
    eigenvalue, norm, residual = (run.monitor(name) for name in ("lambda_min", "norm_A", "residual"))
    width = [e.bound for e in theorem_3_1(network, given.X, given.y, digits=4).entries if e.name == "least_width"]
    return {
        "lambda_0": slowest,
        "scaled_times": (slowest * run.times).tolist(),
        "loss": (run.loss / run.loss[0]).tolist(),
        "status": run.status,
        "a": eigenvalue.holds,
        "b": norm.holds,
        "c": residual.holds,
        "least_ratio_a": float(run.lambda_min.min() / run.lambda_min[0]),
        "largest_ratio_b": float((norm.measured / norm.bound).max()),
        "steps": run.steps,
        "least_width": upper_end(width[0]) if width else None,
        "train_error": mean_error(run.final.predict(given.X), given.y),
        "test_error": mean_error(run.final.predict(given.new_X), given.new_y),
    }
