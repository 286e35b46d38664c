"""The smallest eigenvalue of a symmetric operator: choose the route, refine, keep the best proved enclosure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from deqmath.bounds.candidates import LowPairs, cluster_sizes, low_eigenpairs
from deqmath.bounds.certificates.characteristic import MOST_ROWS, is_small, smallest_root
from deqmath.bounds.certificates.cholesky import factorise
from deqmath.bounds.certificates.deflation import Deflation, proof_slack, prove_gap
from deqmath.bounds.certificates.kernel import exact_eigenvalue, worth_trying
from deqmath.bounds.certificates.wide_block import wide_enclosure
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.operators import SymmetricOperator, deflated
from deqmath.bounds.progress import Progress
from deqmath.bounds.rationals import exact, floor_log2, round_down, round_up
from deqmath.bounds.refinement import CORRECTION_BITS, Block, BorderedSolver
from deqmath.stages import stage

CLUSTER_LIMIT = 24
SMALL_BLOCK = 6
FULL_SIZE = 2048
"""Up to this size a cluster of any width is taken: every eigenpair is computed in float64 to find where it ends."""
ZERO_DIGITS = 32
MOST_STALLS = 4
BITS_PER_DIGIT = 3.3219280948873627
POLYNOMIAL = "characteristic polynomial in exact integers"
EXACT = "deflated Cholesky and an exact eigenspace"
Ends: TypeAlias = tuple[Fraction | None, Fraction]


@dataclass(frozen=True)
class Enclosure:
    """``lower <= lambda_1(S) <= upper`` with what the proof used; lower may be None."""

    lower: Fraction | None
    upper: Fraction
    method: str
    witness: Scaled
    details: dict[str, Any]


def smallest_eigenvalue(operator: SymmetricOperator, digits: int, progress: Progress = stage) -> Enclosure:
    """The tightest enclosure found, at ``digits`` significant digits where that can be had.

    Route B first (deflate, prove the gap, refine exactly); a cluster too wide to refine is enclosed at once, from
    exact forms; a multiple rational eigenvalue is proved exactly; when no gap can be proved, one Cholesky (route A).
    What these leave open of a small matrix, its characteristic polynomial settles.
    """
    found = _by_cholesky(operator, digits, progress)
    if operator.size > MOST_ROWS or _reached(found, digits):
        return found
    whole = operator.whole()
    if not is_small(whole):
        return found
    progress("characteristic polynomial", 0, 1)
    ends = smallest_root(whole, digits)
    return found if ends is None else Enclosure(*outward(*ends), POLYNOMIAL, found.witness, {})


def _reached(found: Enclosure, digits: int) -> bool:
    lower, upper = found.lower, found.upper
    return lower is not None and (upper - lower) * 10**digits <= min(abs(lower), abs(upper)) and lower * upper >= 0


def _by_cholesky(operator: SymmetricOperator, digits: int, progress: Progress) -> Enclosure:
    pairs: LowPairs | None = None
    for count, limit in _attempts(operator.size):
        progress("eigenvectors in float64", 0, 1)
        if pairs is None or not pairs.complete:
            pairs = low_eigenpairs(operator, min(count, operator.size))
        if pairs is None:
            break
        progress("gap above the smallest eigenvalues", 0, 1)
        deflation = _find_gap(operator, pairs, limit)
        if deflation is not None:
            found = _above_the_gap(operator, deflation, digits, progress)
            if found.lower is not None:
                return found
    return _one_cholesky(operator, pairs)


def _attempts(n: int) -> list[tuple[int, int]]:
    """Eigenpairs to compute, and the widest cluster to look for among them."""
    few = [(SMALL_BLOCK, CLUSTER_LIMIT), (CLUSTER_LIMIT + 1, CLUSTER_LIMIT)]
    return [*few, (n, n)] if CLUSTER_LIMIT < n <= FULL_SIZE else few


def _find_gap(operator: SymmetricOperator, pairs: LowPairs, limit: int) -> Deflation | None:
    spread = float(pairs.values[-1] - pairs.values[0])
    slack = proof_slack(operator, float(pairs.values[0]), 1, spread)
    for p in cluster_sizes(pairs.values, slack, pairs.complete, limit):
        deflation = prove_gap(operator, pairs, p)
        if deflation is not None and deflation.nu > exact(pairs.values[p - 1]):
            return deflation
    return None


def _above_the_gap(operator: SymmetricOperator, deflation: Deflation, digits: int, progress: Progress) -> Enclosure:
    if deflation.vectors.shape[1] <= CLUSTER_LIMIT:
        return _refined(operator, deflation, Block.start(operator, deflation.vectors), digits, progress)
    progress("a wide cluster: exact eigenspace", 0, 2)
    middle, doubt = exact(deflation.lowest), exact(float(np.linalg.norm(operator.float_matrix))) / 2**44
    value = _exact_end(operator, deflation, deflation.vectors, (middle - doubt, middle + doubt))
    x = Scaled.rounded(deflation.vectors, CORRECTION_BITS)
    if value is not None:
        return Enclosure(value, value, EXACT, x, _details(deflation, 0))
    progress("a wide cluster: exact forms", 1, 2)
    sx, nu = operator.apply(x), deflation.nu - operator.remainder
    low, high = _widened(operator, wide_enclosure(x, sx, nu, middle))
    return Enclosure(low, high, "deflated Cholesky and Lehmann, wide block", x, _details(deflation, 0))


def _refined(
    operator: SymmetricOperator, deflation: Deflation, block: Block, digits: int, progress: Progress
) -> Enclosure:
    """Passes of refinement until the digits are proved or passes stop narrowing; each must narrow fourfold in the end."""
    nu = deflation.nu - operator.remainder
    floor = exact(float(np.linalg.norm(operator.float_matrix))) / 10 ** (digits + ZERO_DIGITS)
    bits = int((digits + ZERO_DIGITS) * BITS_PER_DIGIT) + 40
    solver = BorderedSolver(operator, deflation)
    best = block.forms.enclosure(nu, bits, floor)
    passes, stalls, width = 0, 0, _width(best)
    while not _enough(best, digits, floor) and stalls < MOST_STALLS:
        progress("digits", min(_digits(best), digits), digits)
        if passes <= 1 and _exact_end(operator, deflation, np.ldexp(*block.x.floats()), best) is not None:
            break
        block, moved = block.refine(operator, solver)
        if not moved:
            break
        passes += 1
        best = _better(best, block.forms.enclosure(nu, bits, floor))
        narrower = _width(best)
        stalls = 0 if narrower is not None and (width is None or 4 * narrower <= width) else stalls + 1
        width = narrower if stalls == 0 else width
    value = _exact_end(operator, deflation, np.ldexp(*block.x.floats()), best)
    if value is not None:
        return Enclosure(value, value, EXACT, block.x, _details(deflation, passes))
    low, high = _widened(operator, best)
    return Enclosure(low, high, "deflated Cholesky and Lehmann-Temple", block.x, _details(deflation, passes))


def _details(deflation: Deflation, passes: int) -> dict[str, Any]:
    cluster, shift = deflation.vectors.shape[1], deflation.shift.hex()
    return {"cluster": cluster, "passes": passes, "nu": str(deflation.nu), "shift": shift}


def _widened(operator: SymmetricOperator, ends: Ends) -> Ends:
    lower, upper = ends
    return outward(None if lower is None else lower - operator.remainder, upper + operator.remainder)


def _exact_end(operator: SymmetricOperator, deflation: Deflation, vectors: Array, ends: Ends) -> Fraction | None:
    """The eigenvalue itself where it is a simple fraction and its eigenspace can be written down."""
    lower, upper = ends
    if lower is None or not worth_trying((lower, upper)):
        return None
    return exact_eigenvalue(operator, vectors, deflation.nu, (lower, upper))


def _digits(best: Ends) -> float:
    """About how many digits are proved; for the progress only."""
    width = _width(best)
    if not width:
        return 0.0
    return max(0.0, (floor_log2(abs(best[1]) or width) - floor_log2(width)) / BITS_PER_DIGIT)


def _width(best: Ends) -> Fraction | None:
    return None if best[0] is None else best[1] - best[0]


def _better(old: Ends, new: Ends) -> Ends:
    lowers = [v for v in (old[0], new[0]) if v is not None]
    return (max(lowers) if lowers else None), min(old[1], new[1])


def _enough(best: Ends, digits: int, floor: Fraction) -> bool:
    """Whether ``rad <= 10**-digits |end|``, or the width is negligible against the matrix although zero is inside."""
    lower, upper = best
    if lower is None:
        return False
    width = upper - lower
    return bool(width * 10**digits <= min(abs(lower), abs(upper)) or width <= floor)


def outward(lower: Fraction | None, upper: Fraction) -> Ends:
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
    low, high = outward(lower, upper)
    return Enclosure(low, high, "one Cholesky and a Rayleigh quotient", block.x, {"shift": shift.hex()})
