"""The conclusions of Theorem 3.1 along a run: measured value, bound and slack of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Monitor:
    """One conclusion, at every recorded time.

    Attributes
    ----------
    name
        "lambda_min", "norm_A", "residual", or one of the inequalities of `theorem.py`.
    statement
        The inequality, with its equation or letter in gg22 Theorem 3.1.
    measured, bound
        The two sides, one entry a record.
    slack
        How much room is left, >= 0 where the inequality holds: ``measured - bound`` for a lower bound,
        ``bound - measured`` for an upper bound.
    holds
        Whether it held at every record. Float64 evidence, not a proof.
    """

    name: str
    statement: str
    measured: Series = field(repr=False)
    bound: Series = field(repr=False)
    slack: Series = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether the slack is nowhere negative."""
        return bool(np.all(self.slack >= 0))

    @property
    def first_failure(self) -> int | None:
        """The index of the first record where it fails, or None."""
        failed = np.flatnonzero(~(self.slack >= 0))
        return int(failed[0]) if failed.size else None

    def summary(self) -> dict[str, Any]:
        """Name, statement, whether it held, least slack and first failure, numbers as strings."""
        return {
            "name": self.name,
            "statement": self.statement,
            "holds": self.holds,
            "least slack": repr(float(np.min(self.slack))),
            "first failure": None if self.first_failure is None else str(self.first_failure),
        }


def theorem_3_1(
    *,
    residual_squared: Series,
    lambda_min: Series,
    lambda_max: Series,
    norm_A: Series,
    decay: Series,
    decay_text: str,
    c: float,
    width: int,
    samples: int,
    rounding: float = 0.0,
) -> tuple[Monitor, ...]:
    """The three conclusions (a), (b), (c) of gg22 Theorem 3.1, with lambda_0 = lambda_min(H(0)).

    Parameters
    ----------
    residual_squared
        ``||yhat - y||^2`` at the records.
    lambda_min, lambda_max, norm_A
        The extreme eigenvalues of H and ``||A||_2`` at the records. An eigenvalue below ``n eps lambda_max`` in size is
        what rounding left of 0, and counts as 0 in (a).
    decay
        The factor that multiplies ``||r(0)||^2`` in (c): ``exp(-lambda_0 t)`` for the flow,
        ``(1 - alpha lambda_0/2)^k`` for descent with step alpha (gg22lin).
    decay_text
        How it is written.
    c
        The constant with ``||A(0)||, ||W|| <= c sqrt m``.
    width
        m.
    samples
        n.
    rounding
        How large ``||r||`` may be by rounding alone; its square belongs to the bound in (c), which falls below it in time.
    """
    least = np.where(np.abs(lambda_min) <= samples * np.finfo(np.float64).eps * lambda_max, 0.0, lambda_min)
    half = np.full_like(least, least[0] / 2)
    ball = np.full_like(norm_A, 2 * c * math.sqrt(width))
    envelope = decay * residual_squared[0] + rounding**2
    return (
        Monitor("lambda_min", "(a) lambda_min(H(t)) >= lambda_0/2", least, half, least - half),
        Monitor("norm_A", "(b) ||A(t)|| <= 2 c sqrt(m)", norm_A, ball, ball - norm_A),
        Monitor(
            "residual",
            f"(c) ||r(t)||^2 <= {decay_text} ||r(0)||^2",
            residual_squared,
            envelope,
            envelope - residual_squared,
        ),
    )
