r"""Gauss's quadrature on [0, 1] with a proved error, for integrands ``2v f(1 - v^2)`` and ``2v^3 f(1 - v^2)``.

For F analytic in the Bernstein ellipse of [0, 1] with parameter rho and ``|F| <= M`` there, N points err by at most
``(1/2)(64/15) M rho^{-2(N-1)}/(1 - rho^{-2})`` (Trefethen 2013, *Approximation Theory and Approximation Practice*,
Theorem 19.3). When ``|t| <= R(rho)`` for every ``t = 1 - v^2``, v in the ellipse, a bound of f on a disc is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil

import flint

ARCS = 256
MOST_POINTS = 1500
#: Parameters tried, widest first.
PARAMETERS = tuple(1 + 4 * 0.93**k for k in range(80))
SHARES = (0.35, 0.6, 0.8, 0.9)


@dataclass(frozen=True)
class Rule:
    """So many points, and at least the error they make."""

    count: int
    error: flint.arb


@cache
def reach_of(k: int) -> tuple[float, float]:
    """At least ``max |1 - v^2|`` and ``max |v|`` over the ellipse number k, by balls that cover its boundary."""
    rho, top, far = flint.arb(PARAMETERS[k]), 1.0, 1.0
    for i in range(ARCS):
        angle = flint.arb.pi() * (2 * i + 1 + flint.arb(0, 1)) / ARCS
        w = flint.acb(rho * angle.cos(), rho * angle.sin())
        v = (w + 1 / w) / 4 + flint.acb(0.5)
        top, far = max(top, float(abs(1 - v * v).upper())), max(far, float(abs(v).upper()))
    return top * (1 + 2.0**-40), far * (1 + 2.0**-40)


def nodes_for(reach: flint.arb, majorant: Callable[[flint.arb], flint.arb], bits: int) -> Rule | None:
    """The smallest rule found whose error is below ``2**-bits``; None when `MOST_POINTS` are not enough.

    Parameters
    ----------
    reach : flint.arb
        f is analytic in ``|t| < reach``.
    majorant : callable
        For ``1 < R < reach``, at least ``|f|`` on ``|t| <= R``.
    """
    best: Rule | None = None
    for share in SHARES:
        limit = 1 + (float(reach) - 1) * share
        k = next((k for k in range(len(PARAMETERS)) if reach_of(k)[0] <= limit), None)
        if k is None:
            continue
        (top, far), rho = reach_of(k), flint.arb(PARAMETERS[k])
        if not flint.arb(top) < reach:
            continue
        size = 2 * majorant(flint.arb(top)) * flint.arb(far) ** 3 + flint.arb(2) ** -bits  # never zero
        if not size.is_finite():
            continue
        constant = size * 32 / 15 / (1 - rho**-2)
        count = 2 + ceil(float((constant.log() + bits * flint.arb(2).log()) / (2 * rho.log())))
        count = max(count, 4)
        error = (constant * rho ** (-2 * (count - 1))).upper()
        if count <= MOST_POINTS and (best is None or count < best.count):
            best = Rule(count, error)
    return best


def gauss_rule(count: int) -> list[tuple[flint.arb, flint.arb]]:
    """Points and weights of Gauss's rule on [0, 1] at the precision that holds."""
    return _rule(count, int(flint.ctx.prec))


@cache
def _rule(count: int, bits: int) -> list[tuple[flint.arb, flint.arb]]:
    assert flint.ctx.prec == bits
    pairs = (flint.arb.legendre_p_root(count, k, weight=True) for k in range(count))
    return [((1 + x) / 2, w / 2) for x, w in pairs]
