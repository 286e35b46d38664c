"""What is proved about a network at the start of training: residual, norms, Gram matrix, adjoints."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from deqmath.bounds.balls import ball, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.equilibria import Weights, equilibria_of, exact_injection, norm_up, samples_of, weights_of
from deqmath.bounds.equilibrium_record import EquilibriumEnclosure
from deqmath.bounds.gram_enclosure import GramEnclosure, enclosure_lambda_min
from deqmath.bounds.inputs import Array, float_vector
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.lambda_bounds import require_digits
from deqmath.bounds.network_certificates import Subject, witness_of
from deqmath.bounds.network_gram import gram_of
from deqmath.bounds.norm_bounds import operator_norm
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rationals import sqrt_up
from deqmath.errors import ShapeError

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

GUARD_DIGITS = 15


@dataclass(frozen=True, eq=False)
class NetworkState:
    """A network on data, enclosed; `reason` says why where something needed could not be proved."""

    weights: Weights
    gamma: Fraction
    found: EquilibriumEnclosure
    gram: GramEnclosure
    lambda_0: Bound
    norm_a: Bound
    norm_w: Bound
    residual: tuple[flint.arb, ...]
    data: Array
    y: Array
    reason: str
    duals: list[tuple[Scaled, Fraction]]
    subject: Subject
    wanted: int

    @property
    def n(self) -> int:
        """Samples."""
        return int(self.data.shape[0])

    @property
    def bits(self) -> int:
        """The precision of the balls."""
        return bits_of(self.wanted)

    @property
    def m(self) -> int:
        """Width."""
        return self.weights.width

    def injection(self) -> Array:
        """``phi(W X^T)`` rounded to float64 entry by entry, shape (m, n); infinite where that overflows."""
        return exact_injection(self.weights, self.data).near()

    def residual_norm(self) -> flint.arb:
        """``||yhat(0) - y||`` at the precision that holds."""
        return sum((r * r for r in self.residual), flint.arb(0)).nonnegative_part().sqrt()

    def largest_input(self) -> Fraction:
        """At least ``max ||x_i||``."""
        return max(norm_up(Scaled.from_floats(row.reshape(-1, 1))) for row in self.data)

    def witness(self) -> dict[str, Any]:
        """What the certificate holds of the equilibria and adjoints."""
        return {} if self.found.status == "undecided" else witness_of(self.found, self.duals or None)

    def output_norm(self) -> Fraction:
        """At least ``||b||``."""
        return sqrt_up(sum((Fraction(v) ** 2 for v in self.weights.b.tolist()), Fraction(0)), 200)


def bits_of(digits: int) -> int:
    """A precision that leaves the digits of the enclosures alone."""
    return 192 + int(3.33 * max(0, digits - 15))


def network_state(net: ReLUNetwork, X: Array, y: Array, call: str, digits: int = 15) -> NetworkState:
    """Enclose everything that the theorems start from, to about so many digits."""
    wanted = require_digits(digits, call)
    inner = wanted + GUARD_DIGITS
    weights, data = weights_of(net, call), samples_of(net, X, call)
    targets = _targets(y, data.shape[0], call)
    require_sound_arithmetic()
    found = equilibria_of(net, weights, data, inner)
    enclosed, duals = gram_of(weights, found, inner)
    reason = found.reason or enclosed.reason
    undecided = Bound.undecided("lambda_0", reason or "nothing was proved")
    low = undecided if reason else enclosure_lambda_min(enclosed, wanted + 1, "lambda_0")
    if not reason and (low.lower is None or low.lower <= 0):
        reason = "lambda_min(H(0)) > 0 could not be proved (are two samples parallel?)"
    residual = () if found.status == "undecided" else _residual(weights, found, targets, bits_of(wanted))
    norm_a, norm_w = (operator_norm(np.ascontiguousarray(v), 9) for v in (net.A, net.W))
    gamma = Fraction(net.gamma)
    subject = Subject.of(net, data, targets)
    return NetworkState(
        weights, gamma, found, enclosed, low, norm_a, norm_w, residual, data, targets, reason, duals, subject, wanted
    )


def _targets(y: Array, n: int, call: str) -> Array:
    """``y`` as a finite float64 vector with one number a sample."""
    if isinstance(y, np.ndarray) and y.shape != (n,):
        works = call.replace("y,", "y.ravel(),") if y.size == n else call
        msg = f"y has shape {y.shape}; needed ({n},), one number for each of the {n} rows of X: {works}"
        raise ShapeError(msg)
    return float_vector(y, n, "y", call)


def _residual(weights: Weights, found: EquilibriumEnclosure, y: Array, bits: int) -> tuple[flint.arb, ...]:
    """``b^T z_i/sqrt m - y_i``, ``|b^T z - b^T centre| <= ||b|| radius``."""
    b = Scaled.from_floats(weights.b.reshape(-1, 1))
    size, out = norm_up(b), []
    with precision(bits):
        root = flint.arb(weights.width).sqrt()
        for one, target in zip(found.balls, y.tolist(), strict=True):
            middle, slip = gram(b, one.centre).fraction(0, 0), size * one.radius
            out.append((ball(middle) + flint.arb(0, ball(slip).upper())) / root - ball(target))
    return tuple(out)
