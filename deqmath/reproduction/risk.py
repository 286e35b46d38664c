"""Theorem 4.1 on data at a finite width: the bound, its parts as proved numbers, and the error on new samples.

For the limit g of the coupled flow (21) and the loss ``min(|g - y|, 1)``, with probability at least 1 - delta,

    risk(g) <= 2 B sqrt(tr H_0)/n + 3 sqrt(log(2/delta)/(2n)),      B^2 = (y - u_0)^T H_0^{-1} (y - u_0).

The first term is the complexity, the second the confidence. With the output at the start subtracted from the network,
u_0 = 0 and ``B^2 = y^T H_0^{-1} y``: the centred bound, which is about the labels alone.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from deqmath.bounds import Bound, BoundRecord, generalization
from deqmath.bounds.rationals import sqrt_down, sqrt_up
from deqmath.reproduction.proved import lower_end, upper_end
from deqmath.reproduction.tasks import DELTA, Problem, mean_error


def bound_of_network(given: Problem) -> dict[str, Any]:
    """Every part, proved, and the measured test error of g with and without the output at the start.

    Returns
    -------
    dict
        ``leading`` = sqrt(y'H^{-1}y/n), ``complexity``, ``confidence``, ``risk``; ``centred_complexity`` (with its lower end),
        ``centred_risk``; ``test_error``, ``centred_test_error``. Upper ends; None where undecided.
    """
    network, n = given.network, len(given.y)
    found = generalization(network, given.X, given.y, delta=DELTA, digits=4)
    centred = centred_complexity(found, n)
    confidence = found["confidence"]
    whole = None if centred.upper is None or confidence.upper is None else centred.upper + confidence.upper
    here, new = network.linearisation(given.X), network.linearisation(given.new_X)
    H, K = np.asarray(here.gram()), np.asarray(new.gram(here))
    fit = np.linalg.solve(H, np.column_stack([given.y - here.predictions, given.y]))
    return {
        "leading": upper_end(found["leading"]),
        "complexity": _doubled(found["rademacher"]),
        "confidence": upper_end(confidence),
        "risk": upper_end(found["risk"]),
        "centred_complexity": upper_end(centred),
        "centred_complexity_from_below": lower_end(centred),
        "centred_risk": None if whole is None else upper_end(Bound(None, whole)),
        "test_error": mean_error(new.predictions + K @ fit[:, 0], given.new_y),
        "centred_test_error": mean_error(K @ fit[:, 1], given.new_y),
    }


def centred_complexity(found: BoundRecord, n: int) -> Bound:
    """``2 sqrt(y'H^{-1}y tr H)/n``, from the proved ends of ``sqrt(y'H^{-1}y/n)``, ``B sqrt(tr H)/n`` and B."""
    parts = [found[name] for name in ("leading", "rademacher", "B")]
    ends = [(part.lower, part.upper) for part in parts if part.lower is not None and part.upper is not None]
    if len(ends) < 3 or ends[2][0] <= 0:
        return Bound.undecided("centred complexity", "a part of Theorem 4.1's bound is undecided")
    (low, high), (small, large), (least, most) = ends
    return Bound(2 * sqrt_down(Fraction(n)) * low * small / most, 2 * sqrt_up(Fraction(n)) * high * large / least)


def _doubled(bound: Bound) -> float | None:
    return None if bound.upper is None else upper_end(Bound(None, 2 * bound.upper))
