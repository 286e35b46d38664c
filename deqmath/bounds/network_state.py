"""What is proved about a network at the start of training: residual, norms, Gram matrix, adjoints."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import flint
import numpy as np

from deqmath.bounds.balls import ball, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.equilibria import Weights, equilibrium, exact_injection, norm_up, weights_of
from deqmath.bounds.equilibrium_record import EquilibriumEnclosure
from deqmath.bounds.gram_enclosure import GramEnclosure, enclosure_lambda_min
from deqmath.bounds.inputs import Array, float_matrix, float_vector
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.network_gram import adjoints, gram_of
from deqmath.bounds.norm_bounds import operator_norm
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rationals import sqrt_up

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

BITS = 192
DIGITS = 30
EIGEN_DIGITS = 15


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

    @property
    def n(self) -> int:
        """Samples."""
        return int(self.data.shape[0])

    @property
    def m(self) -> int:
        """Width."""
        return self.weights.width

    def adjoints(self) -> list[tuple[Scaled, Fraction]]:
        """Enclosed adjoints."""
        return adjoints(self.weights, self.found, DIGITS)

    def injection(self) -> Array:
        """``phi(W X^T)`` rounded to float64, shape (m, n)."""
        exact = exact_injection(self.weights, self.data)
        floats: Array = np.ldexp(*exact.floats())
        return floats

    def residual_norm(self) -> flint.arb:
        """``||yhat(0) - y||`` at the precision that holds."""
        return sum((r * r for r in self.residual), flint.arb(0)).nonnegative_part().sqrt()

    def largest_input(self) -> flint.arb:
        """At least ``max ||x_i||``."""
        return ball(max(norm_up(Scaled.from_floats(row.reshape(-1, 1))) for row in self.data))

    def output_norm(self) -> flint.arb:
        """``||b||``."""
        return ball(sqrt_up(sum((Fraction(v) ** 2 for v in self.weights.b.tolist()), Fraction(0)), 200))


def network_state(net: ReLUNetwork, X: Array, y: Array, call: str) -> NetworkState:
    """Enclose everything that the theorems start from."""
    data = float_matrix(X, "X", call)
    targets = float_vector(y, data.shape[0], "y", call)
    require_sound_arithmetic()
    weights = weights_of(net)
    found = equilibrium(net, data, DIGITS)
    enclosed = gram_of(weights, found, DIGITS)
    reason = found.reason or enclosed.reason
    undecided = Bound.undecided("lambda_0", reason or "nothing was proved")
    low = undecided if reason else enclosure_lambda_min(enclosed, EIGEN_DIGITS, "lambda_0")
    if not reason and (low.lower is None or low.lower <= 0):
        reason = "lambda_min(H(0)) > 0 could not be proved (are two samples parallel?)"
    residual = () if found.status == "undecided" else _residual(weights, found, targets)
    norm_a, norm_w = (operator_norm(np.ascontiguousarray(v), 9) for v in (net.A, net.W))
    gamma = Fraction(net.gamma)
    return NetworkState(weights, gamma, found, enclosed, low, norm_a, norm_w, residual, data, targets, reason)


def _residual(weights: Weights, found: EquilibriumEnclosure, y: Array) -> tuple[flint.arb, ...]:
    """``b^T z_i/sqrt m - y_i``, ``|b^T z - b^T centre| <= ||b|| radius``."""
    b = Scaled.from_floats(weights.b.reshape(-1, 1))
    size, out = norm_up(b), []
    with precision(BITS):
        root = flint.arb(weights.width).sqrt()
        for one, target in zip(found.balls, y.tolist(), strict=True):
            middle, slip = gram(b, one.centre).fraction(0, 0), size * one.radius
            out.append((ball(middle) + flint.arb(0, ball(slip).upper())) / root - ball(target))
    return tuple(out)
