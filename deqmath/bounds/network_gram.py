r"""The Gram matrix of a network, enclosed from proved equilibria and adjoints, and the smallest eigenvalue of the true one.

``H_ij = (gamma^2/m) <z_i, z_j> <q_i, q_j>`` (gg22 eq. 8). Once every sign is proved the gates D_i are known, z_i and
``q_i = D_i (b + gamma A^T q_i)`` solve linear systems, and both lie within ``||residual||/c`` of what was computed.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certificate
from deqmath.bounds.equilibria import CHUNK_ENTRIES, MOST_CHUNK, Weights, equilibria_of, norm_up, samples_of, weights_of
from deqmath.bounds.equilibrium_record import EquilibriumEnclosure
from deqmath.bounds.exact_products import ExactMatrix
from deqmath.bounds.gated_systems import Factor, GatedSystem
from deqmath.bounds.gram_enclosure import GramEnclosure, enclosure_lambda_min
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, require_digits
from deqmath.bounds.network_certificates import witness_of
from deqmath.bounds.rationals import short_up, two_to
from deqmath.stages import stage

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

GUARD_DIGITS = 6
MOST_TRIES = 4


def network_gram(net: ReLUNetwork, X: Array, digits: int = 15) -> GramEnclosure:
    """The Gram matrix H of the network on X (gg22 eq. 8), enclosed entry by entry.

    Parameters
    ----------
    net : ReLUNetwork
        Parameters are taken exactly; H is that for training A alone.
    X : ndarray of float64, shape (n, d)
    digits : int
        The equilibria and adjoints are enclosed to so many digits.

    Returns
    -------
    GramEnclosure
        Undecided when well-posedness or a sign could not be proved: at a kink H is not defined by the gates.

    Raises
    ------
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import network_gram
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork(A=[[0.0]], W=[[2.0]], b=[1.0], gamma=0.5)
    >>> print(network_gram(net, np.array([[3.0]])).entry(0, 0))                 # z = 6, q = 1: H = 36/4
    9 (exact)
    """
    call = "dm.bounds.network_gram(net, X, digits=15)"
    wanted, weights, data = require_digits(digits, call), weights_of(net, call), samples_of(net, X, call)
    return gram_of(weights, equilibria_of(net, weights, data, wanted), wanted)[0]


def gram_of(
    weights: Weights, found: EquilibriumEnclosure, digits: int
) -> tuple[GramEnclosure, list[tuple[Scaled, Fraction]]]:
    """H from enclosed equilibria, and the adjoints, which are enclosed to ``digits`` digits here."""
    reason = found.reason
    if not reason and found.undecided_signs:
        reason = f"the signs of {found.undecided_signs} pre-activations could not be proved; H jumps where one is zero"
    if reason:
        nothing = Scaled(np.zeros((0, 0), dtype=object), 0)
        return GramEnclosure(nothing, Fraction(0), Fraction(0), "undecided", reason), []
    duals = adjoints(weights, found, digits)
    stage("Gram matrix")
    first, first_error = _inner_products([(b.centre, b.radius) for b in found.balls])
    second, second_error = _inner_products(duals)
    values = Scaled(first.values * second.values, first.exponent + second.exponent)
    sizes = [_largest(m) for m in (first, second)]
    error = sizes[0] * second_error + first_error * sizes[1] + first_error * second_error
    factor = weights.network_gamma**2 / weights.width
    return GramEnclosure(values, factor, short_up(error * factor)), duals


def adjoints(weights: Weights, found: EquilibriumEnclosure, digits: int) -> list[tuple[Scaled, Fraction]]:
    """``q_i`` and a proved radius, ``||residual||/c``, for gates that are proved."""
    gates = np.stack([ball.signs > 0 for ball in found.balls], axis=1)
    bits = int(digits * 3.3219281) + 16
    m, out = weights.width, []
    offset = Scaled.from_floats(weights.b.reshape(-1, 1))
    scale = offset.largest_bits() + offset.exponent
    offset = Scaled(offset.values, offset.exponent - scale)
    size = max(1, min(MOST_CHUNK, CHUNK_ENTRIES // m**2))
    for first in range(0, gates.shape[1], size):
        stage("adjoints", first, gates.shape[1])
        part = gates[:, first : first + size]
        rows = np.flatnonzero(part.any(axis=1))
        values = np.zeros((m, part.shape[1]), dtype=object)
        left, slip, low = values, weights.slip, 0
        if rows.size:
            matrix = ExactMatrix(np.ascontiguousarray(weights.a[np.ix_(rows, rows)]))
            gated = Scaled(np.where(part[rows], offset.values[rows], 0), offset.exponent)
            factors = [_factor(weights, part[:, j]).within(rows) for j in range(part.shape[1])]
            q, residual = GatedSystem(matrix, weights.gamma, factors, transposed=True).solve(gated, bits)
            low = min(q.exponent, residual.exponent)
            values[rows] = q.shifted(low).values
            left = np.zeros_like(values)
            left[rows] = residual.shifted(low).values
            slip = slip + matrix.remainder
        for j in range(part.shape[1]):
            column, rest = Scaled(values[:, [j]], low), Scaled(left[:, [j]], low)
            radius = short_up((norm_up(rest) + weights.gamma * slip * norm_up(column)) / found.monotonicity)
            out.append((Scaled(column.values, low + scale), radius * two_to(scale)))
    return out


def _factor(weights: Weights, gate: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Factor:
    factor = Factor.of(weights.a, weights.float_gamma, gate)
    rows = np.flatnonzero(gate)
    identity = Factor(rows, np.eye(rows.size, order="F"), np.arange(rows.size, dtype=np.int32))
    return identity if factor is None else factor


def _inner_products(vectors: list[tuple[Scaled, Fraction]]) -> tuple[Scaled, Fraction]:
    """``<v_i, v_j>`` of the centres, and a bound of the error that the radii make in any of them."""
    low = min(v.exponent for v, _ in vectors)
    stacked = Scaled(np.concatenate([v.shifted(low).values for v, _ in vectors], axis=1), low)
    largest, radius = max(norm_up(v) for v, _ in vectors), max(r for _, r in vectors)
    return gram(stacked, stacked), short_up(radius * (2 * largest + radius))


def _largest(block: Scaled) -> Fraction:
    return max(abs(int(v)) for v in block.values.ravel().tolist()) * two_to(block.exponent)


def network_lambda_min(net: ReLUNetwork, X: Array, digits: int = 15) -> Bound:
    r"""The smallest eigenvalue of the network's TRUE Gram matrix H (gg22 eq. 8), not of its float64 approximation.

    Parameters
    ----------
    net : ReLUNetwork
    X : ndarray of float64, shape (n, d)
    digits : int

    Returns
    -------
    Bound
        Undecided when well-posedness or a sign could not be proved.

    Raises
    ------
    InputError, ShapeError

    Notes
    -----
    The centre of the enclosure of H has an exact smallest eigenvalue's enclosure (Lehmann-Temple); by Weyl's
    inequality H's own is off by at most ``||H - centre||_2 <= n max_ij |H_ij - centre_ij|``.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import network_lambda_min
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.25, seed=0)
    >>> X = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> bound = network_lambda_min(net, X, digits=30)
    >>> bound.status, bound.digits >= 30
    ('proved', True)
    """
    call = "dm.bounds.network_lambda_min(net, X, digits=15)"
    wanted = require_digits(digits, call)
    weights, data, precision = weights_of(net, call), samples_of(net, X, call), wanted + GUARD_DIGITS
    best: Bound | None = None
    for _ in range(MOST_TRIES):
        states = equilibria_of(net, weights, data, precision)
        found, duals = gram_of(weights, states, precision)
        if found.status == "undecided":
            return Bound.undecided("lambda_min(H)", found.reason, ASSUMPTIONS)
        stage("smallest eigenvalue")
        best = enclosure_lambda_min(found, wanted + 1, "lambda_min(H)")
        if best.digits >= wanted or found.radius == 0:
            break
        precision += wanted - int(best.digits) + GUARD_DIGITS
    assert best is not None
    assert states.subject is not None
    subject, witness = states.subject, witness_of(states, duals)
    record = certificate(
        "network_lambda_min", subject.arrays, (best.lower, best.upper), parameters=subject.parameters, witness=witness
    )
    return replace(best, certificate=record)
