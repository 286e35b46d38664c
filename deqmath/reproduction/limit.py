"""Theorem 4.1 on data as the width grows without bound: whether it is the width, or the samples, that a small bound asks for.

The limit kernel has a closed fixed point for phi = identity (`bounds.limit_kernel`), with every entry enclosed. In the limit
the output at the start is taken as subtracted, so that ``B^2 = y^T H^{-1} y``. Two facts make numbers of samples provable:

- ``y_n^T H_n^{-1} y_n`` grows with every added sample (Schur complement), so with H_ii = h the bound at any N samples that
  include these n is at least ``(2 B_n sqrt(h) + 3 sqrt(log(2/delta)/2))/sqrt(N)``: below 1 only for N above its numerator squared;
- for labels that are independent of the samples, with variance v, ``E y^T H^{-1} y >= v tr(H^{-1})`` and ``tr(H) tr(H^{-1}) >= n^2``:
  the complexity squared is at least 4 v in the mean, at every n and every width.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds import Bound, LimitKernel, inverse_quadratic_form, lambda_min, limit_kernel
from deqmath.bounds.balls import ball, ends, precision
from deqmath.bounds.coupling_width import coupling_width
from deqmath.bounds.rationals import sqrt_down, sqrt_up
from deqmath.reproduction.proved import lower_end, upper_end
from deqmath.reproduction.tasks import DELTA, GAMMA0, HELD_BACK, LABELS, Task, mean_error

#: ``||A(0)||, ||W|| <= c sqrt m``, which holds for Gaussian A and W but for an exponentially small probability once m is large.
C = 2.1


@dataclass(frozen=True, eq=False)
class Enclosed:
    """The limit kernel of all samples as float64 entries and a distance at most ``radius`` from each entry."""

    H: NDArray[np.float64]
    radius: Fraction

    @classmethod
    def of(cls, found: LimitKernel) -> Enclosed:
        """Round every centre; the rounding is part of the radius."""
        n = found.H.centre.values.shape[0]
        exact = [[found.H.centre.fraction(i, j) * found.H.factor for j in range(n)] for i in range(n)]
        H = np.array([[float(v) for v in row] for row in exact])
        rounding = max(abs(Fraction(float(v)) - v) for row in exact for v in row)
        return cls(H, found.H.radius + rounding)

    def part(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The kernel of some samples."""
        return np.ascontiguousarray(self.H[np.ix_(rows, rows)])


def complexity(kernel: Enclosed, rows: NDArray[np.intp], y: NDArray[np.float64]) -> tuple[Bound, Bound, Bound]:
    """``(2 B sqrt(tr H)/n, B^2, lambda_min(H))`` for the true limit kernel, enclosed.

    ``||H - F|| <= eps`` for the float64 matrix F, and ``eps < mu <= lambda_min(F)``, so as forms
    ``(1 - eps/mu) F <= H <= (1 + eps/mu) F``, and the inverses the other way round.
    """
    n, F = len(rows), kernel.part(rows)
    eps, least = n * kernel.radius, lambda_min(F, digits=6)
    form = inverse_quadratic_form(F, np.ascontiguousarray(y), digits=8)
    if least.lower is None or least.lower <= eps or form.lower is None or form.upper is None:
        reason = f"the limit kernel of {n} samples could not be proved positive definite"
        undecided = Bound.undecided("complexity", reason)
        return undecided, undecided, undecided
    share = eps / least.lower
    low, high = form.lower / (1 + share), form.upper / (1 - share)
    trace = sum((Fraction(float(v)) for v in F.diagonal()), Fraction(0))
    small, large = trace - n * kernel.radius, trace + n * kernel.radius
    whole = Bound(2 * sqrt_down(low * small) / n, 2 * sqrt_up(high * large) / n, "complexity")
    return whole, Bound(low, high, "y'H^{-1}y"), Bound(least.lower - eps, None, "lambda_min")


def confidence(n: int) -> tuple[Fraction, Fraction]:
    """``3 sqrt(log(2/delta)/(2 n))``, enclosed."""
    with precision(128):
        return ends(3 * ((2 / ball(Fraction(DELTA))).log() / (2 * n)).sqrt())


def least_samples(square: Bound, entry: Fraction) -> int | None:
    """No N samples that include these have a bound below 1 unless N is above this: ``(2 B sqrt(h) + 3 sqrt(log(2/delta)/2))^2``."""
    if square.lower is None:
        return None
    return int((2 * sqrt_down(square.lower * entry) + confidence(1)[0]) ** 2)


def bounds_in_the_limit(task: Task, samples: tuple[int, ...], seeds: int) -> list[dict[str, Any]]:
    """The centred bound, its parts and the test error of the limit predictor, for both labels, each seed and number of samples.

    The last number of samples is all but those held back. ``needed_samples`` and, where the bound is below 1,
    ``needed_width`` say what would make the bound of the trained network not vacuous.
    """
    X = task.inputs()
    kernel = Enclosed.of(limit_kernel(X, gamma0=GAMMA0, digits=12, phi="identity"))
    rows = []
    for labels in LABELS:
        for seed in range(seeds):
            order, y = task.draw(labels, seed)
            for n in sorted({*samples, len(X) - HELD_BACK}):
                rows.append({"labels": labels, "seed": seed, "samples": n, **_row(kernel, order, y, n)})
    return rows


def _row(kernel: Enclosed, order: NDArray[np.intp], y: NDArray[np.float64], n: int) -> dict[str, Any]:
    here, new = order[:n], order[n:]
    whole, square, least = complexity(kernel, here, y[:n])
    tail = confidence(n)
    risk = None if whole.upper is None else whole.upper + tail[1]
    weights = np.linalg.solve(kernel.part(here), y[:n])
    width = None
    if risk is not None and risk < 1 and least.lower is not None:
        found = coupling_width(n, room=1 - risk, lambda_0=least.lower, gamma0=GAMMA0, c=C)
        width = upper_end(found)
    return {
        "lambda_0": lower_end(least),
        "complexity": upper_end(whole),
        "complexity_from_below": lower_end(whole),
        "confidence": float(tail[1]),
        "risk": None if risk is None else upper_end(Bound(None, risk)),
        "test_error": mean_error(kernel.H[np.ix_(new, here)] @ weights, y[n:]),
        "needed_samples": least_samples(square, Fraction(float(kernel.H[0, 0])) - kernel.radius),
        "needed_width": width,
    }
