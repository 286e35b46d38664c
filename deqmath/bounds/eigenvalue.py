"""The smallest eigenvalue of a symmetric operator: choose the route, refine, keep the best proved enclosure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from deqmath.bounds.candidates import LowPairs, cluster_sizes, low_eigenpairs
from deqmath.bounds.certificates.cholesky import factorise
from deqmath.bounds.certificates.deflation import Deflation, proof_slack, prove_gap
from deqmath.bounds.integers import Scaled
from deqmath.bounds.operators import SymmetricOperator, deflated
from deqmath.bounds.rationals import exact, floor_log2, round_down, round_up
from deqmath.bounds.refinement import Block

CLUSTER_LIMIT = 24
SMALL_BLOCK = 6
ZERO_DIGITS = 32
MOST_STALLS = 4
BITS_PER_DIGIT = 3.3219280948873627


@dataclass(frozen=True)
class Enclosure:
    """``lower <= lambda_1(S) <= upper`` with what the proof used; lower may be None."""

    lower: Fraction | None
    upper: Fraction
    method: str
    witness: Scaled
    details: dict[str, Any]


def smallest_eigenvalue(operator: SymmetricOperator, digits: int) -> Enclosure:
    """The tightest enclosure found, at ``digits`` significant digits where that can be had.

    Route B first (deflate, prove the gap, refine exactly); when no gap can be proved, one Cholesky (route A).
    """
    for count in (SMALL_BLOCK, CLUSTER_LIMIT + 1):
        pairs = low_eigenpairs(operator, min(count, operator.size))
        if pairs is None:
            break
        deflation = _find_gap(operator, pairs)
        if deflation is not None:
            return _refined(operator, deflation, digits)
        if pairs.values.size > CLUSTER_LIMIT:
            break
    return _one_cholesky(operator, pairs)


def _find_gap(operator: SymmetricOperator, pairs: LowPairs) -> Deflation | None:
    spread = float(pairs.values[-1] - pairs.values[0])
    slack = proof_slack(operator, float(pairs.values[0]), 1, spread)
    for p in cluster_sizes(pairs.values, slack, pairs.complete, CLUSTER_LIMIT):
        deflation = prove_gap(operator, pairs, p)
        if deflation is not None and deflation.nu > exact(pairs.values[p - 1]):
            return deflation
    return None


def _refined(operator: SymmetricOperator, deflation: Deflation, digits: int) -> Enclosure:
    """Passes of refinement until the digits are proved or passes stop narrowing; each must narrow fourfold in the end."""
    nu = deflation.nu - operator.remainder
    floor = exact(float(np.linalg.norm(operator.float_matrix))) / 10 ** (digits + ZERO_DIGITS)
    bits = int((digits + ZERO_DIGITS) * BITS_PER_DIGIT) + 40
    block = Block.start(operator, deflation.vectors)
    best = block.forms.enclosure(nu, bits, floor)
    passes, stalls, width = 0, 0, _width(best)
    while not _enough(best, digits, floor) and stalls < MOST_STALLS:
        block, moved = block.refine(operator, deflation)
        if not moved:
            break
        passes += 1
        best = _better(best, block.forms.enclosure(nu, bits, floor))
        narrower = _width(best)
        stalls = 0 if narrower is not None and (width is None or 4 * narrower <= width) else stalls + 1
        width = narrower if stalls == 0 else width
    lower, upper = best
    details = {
        "cluster": deflation.vectors.shape[1],
        "passes": passes,
        "nu": str(deflation.nu),
        "shift": deflation.shift.hex(),
    }
    low, high = _outward(None if lower is None else lower - operator.remainder, upper + operator.remainder)
    return Enclosure(low, high, "deflated Cholesky and Lehmann-Temple", block.x, details)


def _width(best: tuple[Fraction | None, Fraction]) -> Fraction | None:
    return None if best[0] is None else best[1] - best[0]


def _better(
    old: tuple[Fraction | None, Fraction], new: tuple[Fraction | None, Fraction]
) -> tuple[Fraction | None, Fraction]:
    lowers = [v for v in (old[0], new[0]) if v is not None]
    return (max(lowers) if lowers else None), min(old[1], new[1])


def _enough(best: tuple[Fraction | None, Fraction], digits: int, floor: Fraction) -> bool:
    """Whether ``rad <= 10**-digits |end|``, or the width is negligible against the matrix although zero is inside."""
    lower, upper = best
    if lower is None:
        return False
    width = upper - lower
    return bool(width * 10**digits <= min(abs(lower), abs(upper)) or width <= floor)


def _outward(lower: Fraction | None, upper: Fraction) -> tuple[Fraction | None, Fraction]:
    """Short dyadic ends around the enclosure: at most 1/64 of the width is given away, and no sign is lost."""
    if lower is None:
        return None, round_up(upper, _grid(upper, abs(upper)) - 60)
    if lower == upper:
        return lower, upper
    return round_down(lower, _grid(lower, upper - lower)), round_up(upper, _grid(upper, upper - lower))


def _grid(end: Fraction, width: Fraction) -> int:
    sizes = [v for v in (abs(end), width) if v]
    return floor_log2(min(sizes)) - 7 if sizes else 0


def _one_cholesky(operator: SymmetricOperator, pairs: LowPairs | None) -> Enclosure:
    """Route A: the lower end from one completed factorisation, the upper end an exact Rayleigh quotient."""
    n = operator.size
    if pairs is None:
        vector, guess = np.eye(n, 1), -float(np.linalg.norm(operator.float_matrix))
    else:
        vector, guess = pairs.vectors[:, :1], float(pairs.values[0])
    block = Block.start(operator, vector)
    upper = block.forms.rayleigh([1]) + operator.remainder
    slack = proof_slack(operator, guess, 0, 0.0)
    lower: Fraction | None = None
    for step in (0.05, 0.5, 1.5, 4.0, 64.0):
        shift = guess - step * slack
        matrix, error = deflated(operator, np.zeros((n, 0)), 0.0, shift)
        done = factorise(matrix)
        if done is not None:
            lower = exact(shift) - done.slack - error
            break
    low, high = _outward(lower, upper)
    return Enclosure(low, high, "one Cholesky and a Rayleigh quotient", block.x, {"shift": shift.hex()})
