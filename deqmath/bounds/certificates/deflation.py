r"""A proved lower bound of the eigenvalue above the lowest p: one Cholesky factorisation of a deflated matrix.

For any V of p columns and tau >= 0, ``S + tau V V^T`` is S plus a positive semidefinite matrix of rank p, so by
interlacing (Horn and Johnson, Corollary 4.3.5)

.. math:: \lambda_{p+1}(S) \ge \lambda_1(S + \tau V V^T).

Nothing is asked of V: a poor V only makes the factorisation fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from deqmath.bounds.candidates import UNIT, LowPairs
from deqmath.bounds.certificates.cholesky import factorise
from deqmath.bounds.inputs import Array
from deqmath.bounds.operators import SymmetricOperator, deflated
from deqmath.bounds.rationals import exact, floor_log2, round_down

NEAR = 2.0**-20
"""The shift lies above the cluster by this part of the gap (or six slacks): refinement contracts by as much a step."""


@dataclass(frozen=True)
class Deflation:
    """``lambda_{p+1}(S) >= nu``, proved; `factor` is a Cholesky factor of the deflated matrix, good for solving.

    When p is the whole dimension there is no eigenvalue p + 1 and nu is any number above the spectrum.
    """

    vectors: Array
    nu: Fraction
    factor: Array
    tau: float
    shift: float
    lowest: float


def proof_slack(operator: SymmetricOperator, level: float, p: int, tau: float) -> float:
    """About what a deflated Cholesky proof loses; only used to choose the shift."""
    n = operator.size
    trace = abs(float(np.trace(operator.float_matrix))) + n * abs(level) + p * tau
    norm = float(np.linalg.norm(operator.float_matrix)) + p * tau
    return 1.01 * UNIT * ((n + 10) * trace + (p + 4) * norm) + float(operator.approximation_error)


def prove_gap(operator: SymmetricOperator, pairs: LowPairs, p: int) -> Deflation | None:
    """Try to prove a nu a little above the p lowest eigenvalues; None when the factorisation stops."""
    n, values = operator.size, pairs.values
    below = float(values[p - 1])
    above = float(values[p]) if p < values.size else below + max(abs(below), float(values[-1] - values[0]), 1e-3)
    tau = _power_of_four(2.0 * (above - float(values[0])))
    slack = proof_slack(operator, below, p, tau)
    gap = above - below
    shift = below + min(max(6 * slack, gap * NEAR), gap / 2)
    vectors = np.ascontiguousarray(pairs.vectors[:, :p])
    matrix, error = deflated(operator, vectors, tau, shift)
    done = factorise(matrix)
    if done is None:
        return None
    if p == n:
        return Deflation(vectors, exact(above + gap), done.factor, tau, shift, float(values[0]))
    nu = exact(shift) - done.slack - error
    nu = round_down(nu, floor_log2(done.slack + error) - 8)
    return Deflation(vectors, nu, done.factor, tau, shift, float(values[0]))


def _power_of_four(value: float) -> float:
    """A power of four between value and four times value."""
    exponent = int(np.frexp(value)[1])
    return 2.0 ** (exponent + exponent % 2)
