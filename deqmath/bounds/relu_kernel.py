r"""Two Gaussian expectations behind the limit kernel with phi = relu, by one certified integral each.

Let ``(g_1, g_2)`` and ``(h_1, h_2)`` be independent Gaussian pairs with variances p, q and covariance s, variances a, b and
covariance x, and ``u_i = g_i + relu(h_i)``. Wanted are

.. math:: K(s, x) = P(u_1 > 0, u_2 > 0), \qquad F(s, x) = E[\operatorname{relu}(u_1) \operatorname{relu}(u_2)].

Price's theorem, ``d/dcov E[f_1 f_2] = E[f_1' f_2']``, gives ``dF/ds = K`` and ``dF/dx = M``, the probability that
``u_1, u_2, h_1, h_2 > 0``; applied once more it leaves integrals of products of two Gaussian densities over quadrants,
which are elementary. With ``d_g = pq - s^2``, ``d_h = ab - x^2``, ``D = (p+a)(q+b) - (s+x)^2``, and angles theta below,

.. math::
   4\pi^2 \frac{\partial K}{\partial s} &= \frac{\theta_{++}}{\sqrt D} + \frac{\theta_{+-}}{\sqrt{qa + d_g}}
      + \frac{\theta_{-+}}{\sqrt{pb + d_g}} + \frac{\theta_h}{\sqrt{d_g}}, \qquad
   4\pi^2 \frac{\partial K}{\partial x} = 4\pi^2 \frac{\partial M}{\partial s} = \frac{\theta_{++}}{\sqrt D}, \\
   4\pi^2 \frac{\partial M}{\partial x} &= \frac{\theta_{++}}{\sqrt D} + \frac{\theta_{1}}{\sqrt{qa + d_h}}
      + \frac{\theta_{2}}{\sqrt{pb + d_h}} + \frac{\theta_g}{\sqrt{d_h}}.

Along ``(ts, tx)``, t from 0 (where the pairs are independent and everything is closed) to 1,

.. math:: K = K_0 + \int_0^1 k, \quad F = F_0 + s K_0 + x M_0 + \int_0^1 (1-t)(s k + x m), \quad
   k = s K_s + x K_x, \quad m = s M_s + x M_x,

and the integrands are analytic in t, so Gauss's quadrature encloses them (see `gauss`): in ``t = 1 - v^2`` they are analytic where ``|t| < T``, T the least
zero of a square root, because there ``1 - rho(t)^2`` of no angle ``arccos(rho)`` vanishes.

Majorants: for a power series f let ``||f|| = sum |c_k| R^k``. It bounds ``|f|`` on ``|t| <= R`` and is submultiplicative;
``1/sqrt(alpha^2 - beta^2 t^2)`` has coefficients of one sign, so its norm is its value at R.
"""

from __future__ import annotations

from dataclasses import dataclass

import flint

from deqmath.bounds.gauss import Rule, gauss_rule, nodes_for

MOST_REACH = 4
Roots = dict[str, flint.arb]


@dataclass(frozen=True)
class Start:
    """At ``s = x = 0``, one coordinate: ``E relu(u)``, ``E relu(u) 1[h > 0]``, ``P(u > 0)``, ``P(u > 0, h > 0)``, ``E relu(u)^2``."""

    mean: flint.arb
    lifted: flint.arb
    open: flint.arb
    both: flint.arb
    square: flint.arb


def start(p: flint.arb, a: flint.arb) -> Start:
    r"""The closed forms for variances p of g and a of h; r is the correlation of ``g + h`` and h.

    ``E relu(u) = sqrt(p/(8 pi)) + sqrt(p + a)(1 + r)/(2 sqrt(2 pi))``, ``P(u > 0) = 1/2 + asin(r)/(2 pi)``,
    ``E relu(u)^2 = p/4 + (p + a)(pi/2 + asin r + r sqrt(1 - r^2))/(2 pi)``.
    """
    two_pi = 2 * flint.arb.pi()
    whole = p + a
    r = (a / whole).sqrt()
    angle = flint.arb.atan2(a.sqrt(), p.sqrt())  # asin r
    lifted = (whole / (4 * two_pi)).sqrt() * (1 + r)
    share = angle / two_pi
    square = p / 4 + whole * (flint.arb.pi() / 2 + angle + (a * p).sqrt() / whole) / two_pi
    return Start((p / (4 * two_pi)).sqrt() + lifted, lifted, share + flint.arb(1) / 2, share + flint.arb(1) / 4, square)


@dataclass(frozen=True)
class Pair:
    """Variances p, q of g, variances a, b and covariance x of h; ``x^2 < ab``."""

    p: flint.arb
    q: flint.arb
    a: flint.arb
    b: flint.arb
    x: flint.arb

    def slope_and_value(self, s: flint.arb, bits: int) -> tuple[flint.arb, flint.arb] | None:
        """``K(s, x)`` and ``F(s, x)``, to about ``bits`` bits; None where no rule of affordable size reaches that."""
        first, second = start(self.p, self.a), start(self.q, self.b)
        path = _Path.of(self, s)
        rule: Rule | None = nodes_for(path.reach, path.majorant, bits)
        if rule is None:
            return None
        slope, value = flint.arb(0, rule.error), flint.arb(0, rule.error)
        for v, weight in gauss_rule(rule.count):
            rest = v * v
            k, m = path.rates(1 - rest)
            factor = 2 * v * weight
            slope += factor * k
            value += factor * rest * (s * k + self.x * m)
        slope += first.open * second.open
        linear = s * first.open * second.open + self.x * first.both * second.both
        return slope, value + first.mean * second.mean + linear


@dataclass(frozen=True)
class _Path:
    """The rates ``k`` and ``m`` along ``(ts, tx)``; every root is ``sqrt(alpha^2 - beta^2 t^2)``."""

    pair: Pair
    s: flint.arb
    alphas: Roots
    betas: Roots

    @classmethod
    def of(cls, pair: Pair, s: flint.arb) -> _Path:
        p, q, a, b, x = pair.p, pair.q, pair.a, pair.b, pair.x
        alphas = {
            "g": p * q,
            "h": a * b,
            "d": (p + a) * (q + b),
            "left": p * a * (b + q),
            "right": q * b * (a + p),
            "g1": q * (a + p),
            "g2": p * (b + q),
            "h1": a * (b + q),
            "h2": b * (a + p),
        }
        betas = {
            "g": s * s,
            "h": x * x,
            "d": (s + x) ** 2,
            "left": p * x * x + a * s * s,
            "right": q * x * x + b * s * s,
            "g1": s * s,
            "g2": s * s,
            "h1": x * x,
            "h2": x * x,
        }
        return cls(pair, s, alphas, betas)

    @property
    def reach(self) -> flint.arb:
        """A lower bound of T, the least ``|t|`` at which a root vanishes."""
        found = flint.arb(MOST_REACH)
        for name, alpha in self.alphas.items():
            if not self.betas[name] * MOST_REACH**2 < alpha:
                found = min(found, (alpha / self.betas[name].upper()).sqrt().lower())
        return found

    def rates(self, t: flint.arb) -> tuple[flint.arb, flint.arb]:
        """``k`` and ``m`` at a real t."""
        s, x, square = self.s, self.pair.x, t * t
        r = {name: (alpha - self.betas[name] * square).sqrt() for name, alpha in self.alphas.items()}
        gs, hx, arg = t * s, t * x, flint.arb.atan2
        rg, rh = r["g"], r["h"]
        both = arg(r["d"] * rg * rh, -(gs * rh * rh + hx * rg * rg)) / r["d"]
        k_s = both + arg(r["g1"] * rh, hx * rg) / r["g1"] + arg(r["g2"] * rh, hx * rg) / r["g2"] + arg(rh, -hx) / rg
        m_x = both + arg(r["h1"] * rg, gs * rh) / r["h1"] + arg(r["h2"] * rg, gs * rh) / r["h2"] + arg(rg, -gs) / rh
        scale = 4 * flint.arb.pi() ** 2
        return (s * k_s + x * both) / scale, (s * both + x * m_x) / scale

    def majorant(self, radius: flint.arb) -> flint.arb:
        """At least ``|k|`` and ``|s k + x m|`` on ``|t| <= radius < T``."""
        square, s, x = radius**2, abs(self.s), abs(self.pair.x)
        low = {name: (alpha - self.betas[name] * square).sqrt() for name, alpha in self.alphas.items()}
        size = {name: 2 * alpha.sqrt() - low[name] for name, alpha in self.alphas.items()}
        turn = {name: self.betas[name] * radius / low[name] ** 2 for name in low}  # norm of root'/root
        half = flint.arb.pi() / 2

        def angle(real: flint.arb, slope: flint.arb, roots: tuple[str, ...], inverse: flint.arb) -> flint.arb:
            """``pi/2 + R ||real imag' - imag real'|| ||1/size^2||``: the angle is pi/2 at t = 0."""
            imaginary, turned = flint.arb(1), flint.arb(0)
            for name in roots:
                imaginary, turned = imaginary * size[name], turned + turn[name]
            return half + radius * imaginary * (real * turned + slope) * inverse

        def single(cov: flint.arb, root: str, roots: tuple[str, ...], base: flint.arb, side: str) -> flint.arb:
            real = cov * size[root]
            return angle(radius * real, real * (1 + radius * turn[root]), roots, 1 / (base * low[side] ** 2))

        p, q, a, b = self.pair.p, self.pair.q, self.pair.a, self.pair.b
        wide, narrow = (s * (a * b + c * x * x * square) + x * (p * q + c * s * s * square) for c in (1, 3))
        both = angle(radius * wide, narrow, ("d", "g", "h"), 1 / (low["left"] * low["right"]) ** 2) / low["d"]
        k_s = both + (half + radius * x / low["h"]) / low["g"]
        k_s += single(x, "g", ("g1", "h"), a, "right") / low["g1"] + single(x, "g", ("g2", "h"), b, "left") / low["g2"]
        m_x = both + (half + radius * s / low["g"]) / low["h"]
        m_x += single(s, "h", ("h1", "g"), q, "left") / low["h1"] + single(s, "h", ("h2", "g"), p, "right") / low["h2"]
        scale = 4 * flint.arb.pi() ** 2
        k, m = (s * k_s + x * both) / scale, (s * both + x * m_x) / scale
        top = s * k + x * m
        return k.max(top)


@dataclass(frozen=True)
class OppositePair:
    """The same for ``h_2 = -sqrt(b/a) h_1``: at most one of the two is positive, and everything is elementary.

    ``K(s) = K(0) + (asin(s/alpha) + asin(s/beta))/(4 pi)``, ``alpha^2 = q(p + a)``, ``beta^2 = p(q + b)``.
    """

    p: flint.arb
    q: flint.arb
    a: flint.arb
    b: flint.arb

    def slope_and_value(self, s: flint.arb, bits: int) -> tuple[flint.arb, flint.arb] | None:  # noqa: ARG002
        """``K`` and ``F``."""
        first, second = start(self.p, self.a), start(self.q, self.b)
        two_pi, four_pi = 2 * flint.arb.pi(), 4 * flint.arb.pi()
        slope = (first.both + second.both) / 2
        value = first.lifted * (self.q / two_pi).sqrt() + second.lifted * (self.p / two_pi).sqrt() + s * slope
        for square in (self.q * (self.p + self.a), self.p * (self.q + self.b)):
            size, rest = square.sqrt(), (square - s * s).sqrt()
            angle = flint.arb.atan2(s, rest)
            slope += angle / four_pi
            value += (s * angle + rest - size) / four_pi
        return slope, value
