r"""The constants of gg22 Theorem 3.1 and the terms of Theorem 4.1, the paper's formulas written out by hand.

``||A(0)||, ||W|| <= c sqrt m``, ``rho = 2 c gamma sqrt m``, ``||x_i|| <= x``, ``||b|| <= B_0``, ``h = gamma^2/m``:

.. math:: \|z\| \le s = \frac{c\sqrt m\,x}{1-\rho}, \quad \|q\| \le a = \frac{B_0}{1-\rho}, \quad
   H_{ij} \le h s^2 a^2, \quad \omega = \frac{2\sqrt{n h s^2 a^2}\,\|r(0)\|}{\lambda_0}, \quad
   \Delta z = \frac{\gamma\omega s}{1-\rho}, \quad \Delta q = \frac{\gamma\omega a}{1-\rho}, \quad
   \|H_t - H_0\| \le n h (2 s a^2 \Delta z + 2 s^2 a \Delta q).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import flint

Numbers = dict[str, flint.arb]


@dataclass(frozen=True)
class Start:
    """What the formulas start from; `c`, `x`, `b` are upper bounds, `low` a lower bound of ``lambda_min(H(0))``."""

    m: int
    n: int
    c: Fraction
    gamma: flint.arb
    low: Fraction
    x: flint.arb
    b: flint.arb


def arb(value: Fraction) -> flint.arb:
    """The number as a ball at the precision that holds."""
    return flint.arb(flint.fmpq(value.numerator, value.denominator))


def constants(start: Start, residual: flint.arb) -> Numbers | None:
    """Every constant for ``||r(0)|| = residual``, in which all of them grow; None unless ``rho < 1`` is proved."""
    root = flint.arb(start.m).sqrt()
    reach = arb(start.c) * root
    rho = 2 * reach * start.gamma
    if not rho < 1:
        return None
    z, q = reach * start.x / (1 - rho), start.b / (1 - rho)
    entry = start.gamma**2 / start.m * z**2 * q**2
    omega = 2 * (start.n * entry).sqrt() * residual / arb(start.low)
    change_z, change_q = start.gamma * omega * z / (1 - rho), start.gamma * omega * q / (1 - rho)
    found = {"rho": rho, "size_z": z, "size_q": q, "gram_entry": entry, "trace": start.n * entry, "omega": omega}
    found |= {"change_z": change_z, "change_q": change_q, "reach": reach}
    found["change_gram"] = change_gram(start, found, change_q)
    found["change_u"] = start.gamma * (2 * reach * change_z + omega * z)
    return found


def change_gram(start: Start, found: Numbers, change_q: flint.arb) -> flint.arb:
    """``n h (2 s a^2 dz + 2 s^2 a dq)``."""
    z, q = found["size_z"], found["size_q"]
    telescoped = 2 * z * q**2 * found["change_z"] + 2 * z**2 * q * change_q
    return start.n * start.gamma**2 / start.m * telescoped


def closes(start: Start, found: Numbers | None, change: flint.arb | None = None) -> bool | None:
    """``omega <= c sqrt m`` and ``||H(t) - H(0)|| <= lambda_0/2``; False when proved not, None when undecided."""
    if found is None:
        return False
    sides = [(found["omega"], found["reach"]), (found["change_gram"] if change is None else change, arb(start.low) / 2)]
    if all(left <= right for left, right in sides):
        return True
    return False if any(left > right for left, right in sides) else None


def width_closes(m: int, n: int, numbers: tuple[Fraction, Fraction, Fraction, Fraction]) -> bool | None:
    """Whether the chain closes at width m for ``||x_i|| = 1``, ``|y_i| <= 1``, ``||b|| = sqrt m``.

    ``numbers`` are delta, lambda_0, gamma0, c; Hoeffding's inequality over the signs b bounds the residual by
    ``sqrt n (1 + s/sqrt m sqrt(2 log(2n/delta)))``.
    """
    delta, low, gamma0, c = numbers
    root = flint.arb(m).sqrt()
    start = Start(m, n, c, arb(gamma0) / root, low, flint.arb(1), root)
    first = constants(start, flint.arb(0))
    if first is None:
        return False
    tail = (2 * arb(2 * n / delta).log()).sqrt()
    return closes(start, constants(start, flint.arb(n).sqrt() * (1 + first["size_z"] / root * tail)))


def knapsack(costs: list[flint.arb], gains: list[flint.arb], budget: flint.arb) -> flint.arb:
    """At least ``max sum_P gains^2`` over sets P with ``sum_P costs^2 <= budget^2``: Lagrange's dual at one multiplier.

    For every ``mu >= 0`` the sum is at most ``mu budget^2 + sum_k max(0, gains_k^2 - mu costs_k^2)``.
    """
    c2, g2 = [v**2 for v in costs], [v**2 for v in gains]
    square, zero = budget**2, flint.arb(0)
    k = _where_it_runs_out(c2, g2, square)
    # The ratio itself, not a float64 near it: g_k - mu c_k must vanish even where the budget is far below c_k.
    mu = zero if k is None else g2[k] / c2[k]
    return mu * square + sum(((g - mu * c).max(zero) for c, g in zip(c2, g2, strict=True)), zero)


def _where_it_runs_out(costs: list[flint.arb], gains: list[flint.arb], budget: flint.arb) -> int | None:
    """The item at which the budget runs out, best ratio first, found in float64; any would do for the proof."""
    unit = budget if budget > 0 else flint.arb(1)
    c, g = [float((v / unit).mid()) for v in costs], [float((v / unit).mid()) for v in gains]
    left = 1.0 if budget > 0 else 0.0
    for k in sorted(range(len(c)), key=lambda k: -_ratio(c[k], g[k])):
        if c[k] > left:
            return k
        left -= c[k]
    return None


def _ratio(cost: float, gain: float) -> float:
    return gain / cost if cost > 0 else float("inf")
