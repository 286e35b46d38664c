r"""One entry of the limit kernel with Gaussian A and phi = relu, by another path than the proofs take.

With ``u_i = g_i + relu(h_i)``: first x = Cov(h_1, h_2) is raised from 0 at independent g, then s = Cov(g_1, g_2) at that x,

.. math:: F(s, x) = F(0, 0) + x M(0, 0) + \int_0^x (x - t) M_x(0, t) dt + s K(0, x) + \int_0^s (s - t) K_s(t, x) dt,

K the probability that both u are positive, M that also both h are. The rates are integrals of Gaussian densities over
quadrants, ``(pi/2 + asin r)/sqrt(det P)`` for a precision matrix P; adaptive quadrature is FLINT's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import flint

from deqmath.bounds.recheck.constants import arb

Balls = flint.arb | None
STEPS = 80
HALF = Fraction(1, 2)


def relu_entry(a: Fraction, b: Fraction, x: Fraction, g: Fraction, bits: int) -> Balls:
    """``g S K/(1 - g K)`` at the fixed point ``S = F(g S, x)``; None when a ball is too wide."""
    gg, sigma = arb(g), _caught_diagonal(arb(g), bits)
    if sigma is None:
        return None
    if x > 0 and x * x == a * b:
        k = arb(HALF) + _share(gg * sigma, flint.arb(1))
        return gg * sigma * arb(a * b).sqrt() * k / (1 - gg * k)
    p, q = gg * sigma * arb(a), gg * sigma * arb(b)
    opposite = x * x == a * b
    there = _Opposite(p, q, arb(a), arb(b)) if opposite else _Expectations.of(p, q, arb(a), arb(b), arb(x))
    s = there.value(flint.arb(0)).mid()
    for _ in range(STEPS):
        step = ((there.value(gg * s) - s) / (1 - gg * there.slope(gg * s))).mid()
        if not step.is_finite():
            return None
        s = (s + step).mid()
        if abs(step) < sigma.mid() * flint.arb(2) ** (-bits // 2 - 8):
            break
    # The map has slopes in [0, 3 g/4], so it lies below s + delta there and above s - delta on the other side.
    delta = (abs(there.value(gg * s) - s) / (1 - gg * arb(Fraction(3, 4)))).upper() * 2
    s = s + flint.arb(0, delta)
    k = there.slope(gg * s)
    value = gg * s * k / (1 - gg * k)
    return value if value.is_finite() else None


def _share(p: flint.arb, a: flint.arb) -> flint.arb:
    """``asin(r)/(2 pi)``, r the correlation of ``g + h`` and h."""
    return (a / (p + a)).sqrt().asin() / (2 * flint.arb.pi())


def _second_moment(p: flint.arb, a: flint.arb) -> flint.arb:
    """``E relu(g + relu(h))^2``."""
    r = (a / (p + a)).sqrt()
    return p / 4 + (p + a) * (flint.arb.pi() / 2 + r.asin() + r * (1 - r * r).sqrt()) / (2 * flint.arb.pi())


def _mean(p: flint.arb, a: flint.arb) -> flint.arb:
    """``E relu(g + relu(h))``."""
    r, two_pi = (a / (p + a)).sqrt(), 2 * flint.arb.pi()
    return (p / two_pi).sqrt() / 2 + (p + a).sqrt() * (1 + r) / (2 * two_pi.sqrt())


def _caught_diagonal(gg: flint.arb, bits: int) -> Balls:
    """The fixed point of the increasing map ``sigma -> E relu(g + relu(h))^2``, caught by a change of sign."""
    one, sigma = flint.arb(1), arb(HALF)
    for _ in range(bits + STEPS):
        new = _second_moment(gg * sigma, one).mid()
        settled = abs(new - sigma) < flint.arb(2) ** (-bits + 8)
        sigma = new
        if settled:
            break
    delta = flint.arb(2) ** (20 - bits)
    low, high = (sigma - delta).mid(), (sigma + delta).mid()
    if _second_moment(gg * low, one) > low and _second_moment(gg * high, one) < high:
        return low.union(high)
    return None


def _quadrant(p00: flint.acb, p01: flint.acb, p11: flint.acb, analytic: bool) -> flint.acb:
    """``int exp(-v^T P v/2)`` over the positive quadrant."""
    r = -p01 / (p00 * p11).sqrt(analytic=analytic)
    i = flint.acb(0, 1)
    arcsine = -i * (i * r + (1 - r * r).sqrt(analytic=analytic)).log(analytic=analytic)
    return (flint.acb.pi() / 2 + arcsine) / (p00 * p11 - p01 * p01).sqrt(analytic=analytic)


@dataclass(frozen=True)
class _Expectations:
    """``K(s, x)`` and ``F(s, x)`` at fixed x; ``at_zero`` are ``K(0, x)`` and ``F(0, x)``."""

    p: flint.arb
    q: flint.arb
    a: flint.arb
    b: flint.arb
    x: flint.arb
    at_zero: tuple[flint.arb, flint.arb]

    @classmethod
    def of(cls, p: flint.arb, q: flint.arb, a: flint.arb, b: flint.arb, x: flint.arb) -> _Expectations:
        half, quarter = arb(HALF), arb(HALF) / 2
        shares = _share(p, a), _share(q, b)
        nothing = cls(p, q, a, b, x, (flint.arb(0), flint.arb(0)))
        open_both = (half + shares[0]) * (half + shares[1]) + _integral(nothing._k_x, x, weighted=False)
        both = (quarter + shares[0]) * (quarter + shares[1])
        value = _mean(p, a) * _mean(q, b) + x * both + _integral(nothing._m_x, x, weighted=True)
        return cls(p, q, a, b, x, (open_both, value))

    def slope(self, s: flint.arb) -> flint.arb:
        """``K(s, x)``."""
        return self.at_zero[0] + _integral(self._k_s, s, weighted=False)

    def value(self, s: flint.arb) -> flint.arb:
        """``F(s, x)``."""
        return self.at_zero[1] + s * self.at_zero[0] + _integral(self._k_s, s, weighted=True)

    def _k_x(self, t: flint.acb, analytic: bool) -> flint.acb:
        det = self.a * self.b - t * t
        p00, p11 = 1 / self.p + self.b / det, 1 / self.q + self.a / det
        density = 4 * flint.acb.pi() ** 2 * ((self.p * self.q).sqrt() * det.sqrt(analytic=analytic))
        return _quadrant(p00, -t / det, p11, analytic) / density

    def _m_x(self, t: flint.acb, analytic: bool) -> flint.acb:
        det, zero = self.a * self.b - t * t, flint.acb(0)
        p00, p11 = 1 / self.p + self.b / det, 1 / self.q + self.a / det
        ends = _quadrant(flint.acb(1 / self.p), zero, p11, analytic) + _quadrant(
            flint.acb(1 / self.q), zero, p00, analytic
        )
        inner = (_quadrant(p00, -t / det, p11, analytic) + ends) / (self.p * self.q).sqrt()
        return (inner + flint.acb.pi() / 2) / (4 * flint.acb.pi() ** 2 * det.sqrt(analytic=analytic))

    def _k_s(self, t: flint.acb, analytic: bool) -> flint.acb:
        det, fixed = self.p * self.q - t * t, self.a * self.b - self.x * self.x
        h00, h01, h11 = (flint.acb(v / fixed) for v in (self.b, -self.x, self.a))
        g00, g01, g11 = self.q / det, -t / det, self.p / det
        total = _quadrant(h00 + g00, h01 + g01, h11 + g11, analytic)
        total += _quadrant(h00 + g00, -h01, h11, analytic) + _quadrant(h00, -h01, h11 + g11, analytic)
        shut = flint.arb.pi() / 2 + (self.x / (self.a * self.b).sqrt()).asin()
        density = 4 * flint.acb.pi() ** 2 * det.sqrt(analytic=analytic)
        return (total / fixed.sqrt() + shut) / density


@dataclass(frozen=True)
class _Opposite:
    r"""The same for ``h_2 = -sqrt(b/a) h_1``: one of ``relu(h_1)``, ``relu(h_2)`` is zero.

    ``K_s = int_{h>0} phi_a(h) p_g(-h, 0) dh + int_{h>0} phi_b(h) p_g(0, -h) dh``, each ``1/(4 pi sqrt(det))``.
    """

    p: flint.arb
    q: flint.arb
    a: flint.arb
    b: flint.arb

    def slope(self, s: flint.arb) -> flint.arb:
        """``K(s)``."""
        return self._open() + _integral(self._rate, s, weighted=False)

    def value(self, s: flint.arb) -> flint.arb:
        """``F(s)``."""
        two_pi = 2 * flint.arb.pi()
        flat, other = (self.p / two_pi).sqrt(), (self.q / two_pi).sqrt()  # twice E relu(g) 1[h < 0]
        apart = (_mean(self.p, self.a) - flat / 2) * other + flat * (_mean(self.q, self.b) - other / 2)
        return apart + s * self._open() + _integral(self._rate, s, weighted=True)

    def _open(self) -> flint.arb:
        """``K(0)``: ``P(u > 0, h > 0) P(g > 0)`` twice."""
        return (arb(HALF) + _share(self.p, self.a) + _share(self.q, self.b)) / 2

    def _rate(self, t: flint.acb, analytic: bool) -> flint.acb:
        squares = self.q * (self.p + self.a) - t * t, self.p * (self.q + self.b) - t * t
        return sum((1 / v.sqrt(analytic=analytic) for v in squares), flint.acb(0)) / (4 * flint.acb.pi())


def _integral(rate: Callable[[flint.acb, bool], flint.acb], top: flint.arb, *, weighted: bool) -> flint.arb:
    """``int_0^top rate(t) dt``, or of ``(top - t) rate(t)``; along ``t = top (1 - v^2)``, v from 0 to 1."""

    def integrand(v: flint.acb, analytic: bool) -> flint.acb:
        found = 2 * top * v * rate(top * (1 - v * v), analytic)
        return found * top * v * v if weighted else found

    return flint.acb.integral(integrand, 0, 1).real
