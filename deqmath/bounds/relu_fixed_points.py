r"""The fixed points of the limit kernel with Gaussian A and phi = relu, each with a proved radius.

``S_ii = sigma ||x_i||^2`` with ``sigma = T(sigma)``, ``T(sigma) = E relu(g + relu(h))^2``, Var g = ``gamma0^2 sigma``, Var
h = 1; and ``S_ij`` is a fixed point of ``s -> F(gamma0^2 s, x_i.x_j)`` (see `relu_kernel`), which maps
``|s| <= sqrt(S_ii S_jj)`` into itself (Cauchy-Schwarz). Both maps have derivatives between 0 and ``3 gamma0^2/4``
(``P(u > 0) <= 3/4``: 1/4 from h < 0, at most 1/2 from h > 0), so for ``gamma0^2 < 4/3`` Banach's theorem gives existence,
uniqueness and ``|s - s*| <= |s - map(s)|/(1 - 3 gamma0^2/4)``. The candidates are found by Newton.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import flint

from deqmath.bounds.balls import ball, precision
from deqmath.bounds.relu_kernel import OppositePair, Pair, start

ROUGH_BITS = 64
STEPS = 40
CONTRACTION = Fraction(3, 4)


def relu_radius(s: flint.arb, image: flint.arb, gg: flint.arb) -> flint.arb:
    """``|s - map(s)|/(1 - 3 gamma0^2/4)``, Banach's a-posteriori bound."""
    return abs(image - s) / (1 - gg * ball(CONTRACTION))


@dataclass(frozen=True)
class ReluDiagonal:
    """``sigma`` and ``P(u > 0)``, enclosed; the diagonal of S is ``sigma ||x_i||^2``."""

    sigma: flint.arb
    open: flint.arb

    @classmethod
    def of(cls, gg: flint.arb) -> ReluDiagonal:
        """For ``gamma0^2 = gg < 4/3``, at the precision that holds."""
        sigma, one = flint.arb(1) / 2, flint.arb(1)
        for _ in range(STEPS):
            here = start(gg * sigma, one)
            step = (here.square - sigma) / (1 - gg * here.open)
            sigma = (sigma + step).mid()
            if abs(step.mid()) < flint.arb(2) ** (-flint.ctx.prec // 2 - 4):
                break
        radius = relu_radius(sigma, start(gg * sigma, one).square, gg)
        sigma = sigma + flint.arb(0, radius.upper())
        return cls(sigma, start(gg * sigma, one).open)


def relu_pair(a: Fraction, b: Fraction, x: Fraction, g: Fraction, bits: int) -> tuple[flint.arb, flint.arb] | None:
    """``(S_ij, K_0)`` for rows of squared norms a, b and inner product x; None when a ball is not tight enough."""
    if x * x == a * b:
        whole = ReluDiagonal.of(ball(g))
        if x > 0:
            return whole.sigma * ball(a * b).sqrt(), whole.open
    with precision(ROUGH_BITS):
        s = _newton(_Map.of(a, b, x, g), ball(x) / 2, ROUGH_BITS - 24, ROUGH_BITS // 2)
    if s is None:
        return None
    there = _Map.of(a, b, x, g)
    s = _newton(there, s, bits - 16, bits // 2)
    if s is None:
        return None
    limit = there.limit.lower()
    s = limit if s > limit else max(-limit, s)
    found = there(s, bits - 16)
    if found is None:
        return None
    radius = relu_radius(s, found[1], ball(g))
    if not radius.is_finite():
        return None
    s = s + flint.arb(0, radius.upper())
    last = there(s, bits - 16)
    return None if last is None else (s, last[0])


@dataclass(frozen=True)
class _Map:
    """``s -> F(g s, x)`` with its slope's ``K``."""

    pair: Pair | OppositePair
    gg: flint.arb
    limit: flint.arb

    @classmethod
    def of(cls, a: Fraction, b: Fraction, x: Fraction, g: Fraction) -> _Map:
        gg = ball(g)
        sigma = ReluDiagonal.of(gg).sigma
        p, q = gg * sigma * ball(a), gg * sigma * ball(b)
        pair = OppositePair(p, q, ball(a), ball(b)) if x * x == a * b else Pair(p, q, ball(a), ball(b), ball(x))
        return cls(pair, gg, sigma * ball(a * b).sqrt())

    def __call__(self, s: flint.arb, bits: int) -> tuple[flint.arb, flint.arb] | None:
        return self.pair.slope_and_value(self.gg * s, bits)


def _newton(there: _Map, s: flint.arb, bits: int, settled: int) -> flint.arb | None:
    """A number near the fixed point; heuristic. Steps below ``2**-settled`` of the scale square to nothing."""
    s = s.mid()
    for _ in range(STEPS):
        found = there(s, bits)
        if found is None:
            return None
        step = ((found[1] - s) / (1 - there.gg * found[0])).mid()
        if not step.is_finite():
            return None
        s = (s + step).mid()
        if abs(step) < there.limit.mid() * flint.arb(2) ** -settled:
            break
    return s
