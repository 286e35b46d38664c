"""The record of training a softmax network, with the conclusions of k21 monitored along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deqmath.data.angles import duplicate_rows, parallel_rows
from deqmath.errors import InputError
from deqmath.numeric.monitors import Monitor
from deqmath.numeric.provenance import save_record
from deqmath.numeric.run import RunStatus
from deqmath.numeric.softmax import SoftmaxNetwork
from deqmath.numeric.softmax_state import SoftmaxState

Series = NDArray[np.float64]
_SERIES = ("times", "loss", "predictions", "rate", "distance", "targets")


@dataclass(frozen=True, eq=False)
class SoftmaxRun:
    """A training run of a :class:`~deqmath.numeric.SoftmaxNetwork`: what was computed, whatever ended it.

    Attributes
    ----------
    method
        "etd2", "rk45" or "gradient-descent".
    status, message
        "completed", "step-limit", "not-converged" or "interrupted", and one sentence on it. The softmax network is
        well posed for every A, so no run leaves the well-posed region.
    times, loss
        Shape (T,); the loss is summed over samples and outputs.
    predictions
        Shape (T, n) for one output, (T, n, p) for several.
    rate
        ``lambda_min(D_t)``, the least eigenvalue of the matrix of the dynamics ``d vec(Wbar)/dt = -D_t vec(G)``; nan
        where it was not found, and then neither monitor is there, and a note says so.
    distance
        ``||P(t) - P(0)||_F`` over the trainable parameters.
    targets
        y, shaped as one record of the predictions.
    initial, final
        The networks at the first and at the last record.
    monitors
        The conclusions of k21: "rate" (the bound on the least eigenvalue; with A and B, or B alone, trained) and
        "loss" (linear decay).
    options, steps, rejected, notes
        As in :class:`~deqmath.numeric.Run`.
    """

    method: str
    status: RunStatus
    message: str
    times: Series = field(repr=False)
    loss: Series = field(repr=False)
    predictions: Series = field(repr=False)
    rate: Series = field(repr=False)
    distance: Series = field(repr=False)
    targets: Series = field(repr=False)
    initial: SoftmaxNetwork = field(repr=False)
    final: SoftmaxNetwork = field(repr=False)
    monitors: tuple[Monitor, ...] = field(repr=False)
    options: Mapping[str, Any]
    steps: int
    rejected: int = 0
    notes: tuple[str, ...] = ()

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
        found: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _SERIES}
        for monitor in self.monitors:
            for side in ("measured", "bound", "slack"):
                found[f"monitor_{monitor.name}_{side}"] = getattr(monitor, side)
        for label, net in (("initial", self.initial), ("final", self.final)):
            found[f"{label}_A"], found[f"{label}_B"] = np.asarray(net.A), np.asarray(net.B)
        return found

    def summary(self) -> dict[str, Any]:
        """Status, options, last values and monitors, numbers as strings that read back to the same float64."""
        net = self.final
        return {
            "method": self.method,
            "status": self.status,
            "message": self.message,
            "notes": list(self.notes),
            "options": {name: value if isinstance(value, str) else repr(value) for name, value in self.options.items()},
            "steps": str(self.steps),
            "rejected": str(self.rejected),
            "network": {
                "model": "softmax",
                "width": str(net.width),
                "outputs": str(net.outputs),
                "gamma": repr(net.gamma),
                "trainable": list(net.trainable),
            },
            "last": {name: repr(float(getattr(self, name)[-1])) for name in ("times", "loss", "rate", "distance")},
            "monitors": [m.summary() for m in self.monitors],
        }

    def save(self, path: str | Path) -> tuple[Path, Path]:
        """Write ``path.npz`` (every array) and ``path.json`` (summary and provenance), each atomically.

        Parameters
        ----------
        path
            Where, with or without the suffix .npz or .json; its folder must exist.
        """
        return save_record(path, self.arrays(), self.summary())


def rate_monitor(times: Series, rate: Series, net: SoftmaxNetwork) -> Monitor:
    """``lambda_min(D_t) >= 1/(m (1 + gamma)^2)`` at every record (k21); needs B among the trained parameters."""
    bound = np.full_like(times, net.rate_bound)
    return Monitor("rate", "lambda_min(D_t) >= 1/(m (1+gamma)^2)", rate, bound, rate - bound)


def decay_monitor(
    times: Series, loss: Series, rate: Series, predictions: Series, last: SoftmaxState, X: Series
) -> Monitor:
    """``L(t) - L_* <= exp(-2 kappa lambda_t t) (L(0) - L_*)``, lambda_t the least ``lambda_min(D_s)`` for s <= t (k21).

    Along the flow ``dL/dt = -vec(G)^T D_t vec(G) <= -lambda_t ||G||^2``, and the loss of the linear model is strongly
    convex on the span of the data, so ``||G||^2 >= 2 kappa (L - L_*)`` with ``kappa = s^2 c``: s the least singular value
    of X that is not 0, c the least second derivative of the loss on the predictions visited. Square loss: c = 1 and ``L_*`` the least loss of
    any linear model. Logistic loss, whose least value is not attained: c at the largest ``|f|`` of the run, and ``L_*``
    the loss at its end.
    """
    values = np.linalg.svd(X, compute_uv=False)
    seen = values[values > values[0] * max(X.shape) * np.finfo(np.float64).eps]
    least = float(seen.min()) if seen.size else 0.0  # samples that are all 0: nothing moves
    if last.form.name == "square":
        best = np.linalg.lstsq(X, last.Y, rcond=None)[0]
        goal = 0.5 * float(np.sum((X @ best - last.Y) ** 2))
        curvature, named = 1.0, "L_*: the least loss of a linear model"
    else:
        goal = float(loss[-1])
        largest = np.full((1, 1), float(np.max(np.abs(predictions))))
        curvature = float(last.form.curvatures(np, largest, np.ones((1, 1)))[0, 0])
        named = "L_*: the loss at the end"
    kappa = least**2 * curvature
    # L and L_* cancel near the end: what rounding leaves of them belongs to the bound.
    rounding = 64 * np.finfo(np.float64).eps * np.maximum(loss, goal)
    bound = np.exp(-2 * kappa * np.minimum.accumulate(rate) * times) * (loss[0] - goal) + rounding
    statement = f"L(t) - L_* <= exp(-2 kappa lambda_t t) (L(0) - L_*), kappa = {kappa:.3g}; {named}"
    return Monitor("loss", statement, loss - goal, bound, bound - (loss - goal))


def notes(X: Series) -> tuple[str, ...]:
    """Rows that make the Gram matrix singular by themselves, with their indices: duplicates, multiples, zeros."""
    pairs = duplicate_rows(X)
    parallel = [pair for pair in parallel_rows(X) if pair not in pairs]
    zero = np.flatnonzero(~np.any(X != 0, axis=1)).tolist()
    found = (("duplicate", list(pairs)), ("parallel", parallel), ("zero", zero))
    return tuple(f"{word} samples {rows[:10]}: the Gram matrix is singular" for word, rows in found if rows)


def unknown_rates(rate: Series) -> tuple[str, ...]:
    """What is missing where ``lambda_min(D_t)`` was not found at some records, for which it is nan; else nothing."""
    missing = int(np.count_nonzero(np.isnan(rate)))
    if not missing:
        return ()
    return (
        (
            f"lambda_min(D_t) was not found at {missing} of {len(rate)} records (Lanczos did not converge, and D_t is too "
            "large to be formed), so what k21 promises by it is not monitored"
        ),
    )
