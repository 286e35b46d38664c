"""One cell of ``deqmath reproduce``: a data set, a width, a seed, and true or random labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

#: Length of a run in units of 1/lambda_max(H(0)), and its tolerance relative to sqrt(m).
SCALES, TOL = 10, 0.01
GAMMA0, RECORDS = 0.2, 12


@dataclass(frozen=True)
class Cell:
    """What is trained, and for which the bounds are taken."""

    data: str
    labels: str
    width: int
    seed: int
    samples: int

    @property
    def name(self) -> str:
        """The file it is kept in."""
        return f"{self.data}-{self.labels}-m{self.width}-seed{self.seed}-n{self.samples}"


def compute(cell: Cell) -> dict[str, Any]:
    """Train by gradient flow with the monitors of Theorem 3.1, certify Theorem 4.1's terms, and measure the error on new data.

    The loss of the bound and of the error is ``min(|f - y|, 1)``. Random labels are drawn for training and for the new data alike, so
    that the error on new data is that of the same distribution.
    """
    from deqmath.bounds import generalization, theorem_3_1
    from deqmath.data import load
    from deqmath.numeric import ReLUNetwork, gradient_flow

    data = load(cell.data, seed=0)
    rng = np.random.default_rng([cell.seed, cell.samples])
    order = rng.permutation(len(data.y))
    y = data.y if cell.labels == "true" else rng.choice([-1.0, 1.0], len(data.y))
    here, new = order[: cell.samples], order[cell.samples :]
    net = ReLUNetwork.random(width=cell.width, inputs=data.X.shape[1], gamma0=GAMMA0, seed=cell.seed)
    fastest = float(np.linalg.eigvalsh(net.gram(data.X[here]))[-1])
    run = gradient_flow(net, data.X[here], y[here], t_end=SCALES / fastest, tol=TOL, record=RECORDS)
    residual = run.monitor("residual")
    found = generalization(net, data.X[here], y[here], digits=4)
    # There is no least width where 2 c gamma_0 >= 1: the theorem gives no constants then.
    chain = [e.bound.upper for e in theorem_3_1(net, data.X[here], y[here]).entries if e.name == "least_width"]
    parts = ("leading", "B", "rademacher", "confidence", "risk")

    def error(rows: np.ndarray[Any, Any]) -> float:
        return float(np.minimum(np.abs(run.final.predict(data.X[rows]) - y[rows]), 1).mean())

    return {
        **asdict(cell),
        "times": run.times.tolist(),
        "measured": residual.measured.tolist(),
        "envelope": residual.bound.tolist(),
        "holds": bool(residual.holds),
        **{name: _upper(found[name].upper) for name in parts},
        "least_width": _upper(chain[0]) if chain else None,
        "train_error": error(here),
        "test_error": error(new),
    }


def _upper(end: Fraction | None) -> float | None:
    """The proved upper end as a number of the report; None where the bound is undecided."""
    return None if end is None else float(end)
