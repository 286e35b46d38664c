"""``limit_kernel``: the Gram matrix of the implicit layer as its width grows without bound, with proved digits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import flint
import numpy as np

from deqmath.bounds.arc_cosine import kernels
from deqmath.bounds.balls import ball, ends, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.exact_products import exact_matmul
from deqmath.bounds.gram_enclosure import GramEnclosure, enclosure_lambda_min
from deqmath.bounds.inputs import Array, float_matrix
from deqmath.bounds.integers import Scaled
from deqmath.bounds.lambda_bounds import require_digits
from deqmath.bounds.rationals import two_to
from deqmath.errors import InputError

CALL = "dm.bounds.limit_kernel(X, gamma0=0.3, digits=15)"
KINDS = ("diagonal", "gaussian")
LIMIT = "that the Gram matrix of the network tends to this kernel is shown by simulation here, not proved"
MOST_TRIES = 6
Pairs = dict[tuple[int, int], tuple[flint.arb, flint.arb]]


@dataclass(frozen=True, eq=False)
class LimitKernel:
    r"""The limit of ``<z_i, z_j>/m``, ``<q_i, q_j>/m`` and H.

    Attributes
    ----------
    S, S_q : GramEnclosure
        The two factors.
    H : GramEnclosure
        ``gamma0^2 S o S_q``.
    kind : str
        "diagonal" or "gaussian".
    wanted : int
    """

    S: GramEnclosure
    S_q: GramEnclosure
    H: GramEnclosure
    kind: str
    wanted: int

    @cached_property
    def lambda_min(self) -> Bound:
        """The smallest eigenvalue of H, the ``lambda_0`` of an infinitely wide network."""
        return enclosure_lambda_min(self.H, self.wanted, "lambda_min of the limit kernel", (LIMIT,))


def limit_kernel(X: Array, *, gamma0: float | Fraction, digits: int = 15, kind: str = "diagonal") -> LimitKernel:
    r"""The Gram matrix H of the implicit layer in the limit of infinite width.

    Parameters
    ----------
    X : ndarray of float64, shape (n, d)
        Rows are samples, not zero, taken exactly.
    gamma0 : float or Fraction
        Positive, taken exactly; ``gamma0^2 < 2`` for "gaussian".
    digits : int
        Every entry of H is enclosed to within ``10**-digits`` of the largest.
    kind : {"diagonal", "gaussian"}
        How A is drawn: section 5.2 of gg22 (diagonal, phi = relu), where ``H = gamma0^2 K_1 o K_0``; or Gaussian with
        phi = identity, where

        .. math:: S = \kappa_1(\gamma_0^2 S + X X^T), \quad S_q = \frac{K_0}{1 - \gamma_0^2 K_0}, \quad
           K_0 = \kappa_0(\gamma_0^2 S + X X^T), \quad H = \gamma_0^2 S \circ S_q.

    Returns
    -------
    LimitKernel
        ``.H``, ``.S``, ``.S_q`` enclosed entry by entry, and ``.lambda_min``.

    Raises
    ------
    InputError, ShapeError

    Notes
    -----
    Existence, uniqueness and error of the fixed point: the diagonal gives ``S_ii = ||x_i||^2/(2 - gamma0^2)`` exactly.
    With it, entry (i, j) is a fixed point of ``h(s) = kappa_1(2 S_ii, 2 S_jj, gamma0^2 s + x_i.x_j)``, which maps
    ``|s| <= sqrt(S_ii S_jj)`` into itself and has ``0 <= h' = gamma0^2 kappa_0 <= gamma0^2/2 < 1``. By Banach's theorem it
    is unique, and ``|s - s*| <= |s - h(s)|/(1 - gamma0^2/2)`` for every s of the interval. s is found by Newton.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import limit_kernel
    >>> found = limit_kernel(np.eye(2), gamma0=0.25, digits=20)
    >>> print(found.H.entry(0, 1))                  # (1/16) (1/(2 pi)) (1/4)   doctest: +ELLIPSIS
    0.0024867959858108...
    """
    data = float_matrix(X, "X", "dm.bounds.limit_kernel({}, gamma0=0.3)")
    wanted = require_digits(digits, CALL)
    g = _square(gamma0, kind)
    inner = exact_matmul(data, np.ascontiguousarray(data.T))
    n = data.shape[0]
    products = [[inner.fraction(i, j) for j in range(i + 1)] for i in range(n)]
    for i in range(n):
        if products[i][i] == 0:
            msg = f"row {i} of X is zero; its kernel is zero or undefined: drop such rows first"
            raise InputError(msg)
    bits = int(wanted * 3.33) + 48
    for _ in range(MOST_TRIES):
        with precision(bits):
            pairs = _pairs(products, g, kind, bits)
            if pairs is not None:
                found = _record(pairs, n, g, kind, wanted, bits)
                if found.H.radius * 10**wanted <= max(found.H.entry(i, i).mid for i in range(n)):
                    return found
        bits *= 2
    msg = f"the kernel could not be enclosed to {wanted} digits at {bits} bits; rows of X are nearly parallel, ask for fewer"
    raise InputError(msg)


def _square(gamma0: float | Fraction, kind: str) -> Fraction:
    if kind not in KINDS:
        msg = f"kind is {kind!r}; there are {', '.join(KINDS)}: {CALL}"
        raise InputError(msg)
    if isinstance(gamma0, bool) or not isinstance(gamma0, (int, float, Fraction)) or not 0 < gamma0 < 2**200:
        msg = f"gamma0 is {gamma0!r}; needed a positive number: {CALL}"
        raise InputError(msg)
    g = Fraction(gamma0) ** 2
    if kind == "gaussian" and g >= 2:
        msg = f"gamma0 = {gamma0!r}; the fixed point needs gamma0^2 < 2 (and the network gamma0 < 1/2): {CALL}"
        raise InputError(msg)
    return g


def _pairs(products: list[list[Fraction]], g: Fraction, kind: str, bits: int) -> Pairs | None:
    """``(S_ij, S_q_ij)`` for i >= j; None when a ball is not tight enough to go on."""
    out: Pairs = {}
    for i, row in enumerate(products):
        for j, x in enumerate(row):
            a, b = row[i], products[j][j]
            if kind == "diagonal":
                out[i, j] = _diagonal_pair(a, b, x, i == j)
            else:
                found = _gaussian_pair(a, b, x, g, i == j, bits)
                if found is None:
                    return None
                out[i, j] = found
    return out


def _diagonal_pair(a: Fraction, b: Fraction, c: Fraction, same: bool) -> tuple[flint.arb, flint.arb]:
    if same:
        return ball(a) / 2, ball(Fraction(1, 2))
    root = ball(a * b - c * c).sqrt()
    open_angle = flint.arb.pi() - flint.arb.atan2(root, ball(c))
    two_pi = 2 * flint.arb.pi()
    return (root + ball(c) * open_angle) / two_pi, open_angle / two_pi


def _gaussian_pair(
    a: Fraction, b: Fraction, x: Fraction, g: Fraction, same: bool, bits: int
) -> tuple[flint.arb, flint.arb] | None:
    """The fixed point of one entry, and ``K_0/(1 - gamma0^2 K_0)`` there."""
    var_a, var_b = 2 * a / (2 - g), 2 * b / (2 - g)
    if same:
        return ball(var_a / 2), ball(1 / (2 - g))
    p, q, gg, xx = ball(var_a), ball(var_b), ball(g), ball(x)
    s = fixed_point(p, q, gg, xx, bits)
    k0, k1 = kernels(p, q, gg * s + xx)
    radius = contraction_radius(s, k1, gg)
    if not radius.is_finite():
        return None
    s = s + flint.arb(0, radius.upper())
    k0, _ = kernels(p, q, gg * s + xx)
    return s, k0 / (1 - gg * k0)


def fixed_point(p: flint.arb, q: flint.arb, gg: flint.arb, x: flint.arb, bits: int) -> flint.arb:
    """A number (of radius 0) near the fixed point, in ``|s| <= sqrt(pq)/2``; heuristic: Newton from ``x/(2 - gamma0^2)``."""
    s = (x / (2 - gg)).mid()
    for _ in range(8 + bits.bit_length()):
        k0, k1 = kernels(p, q, gg * s + x)
        step = (k1 - s) / (1 - gg * k0)
        s = (s + step).mid()
        if abs(step.mid()) < (p * q).sqrt() * flint.arb(2) ** (8 - bits):
            break
    limit = ((p * q).sqrt() / 2).lower()
    return limit if s > limit else max(-limit, s)


def contraction_radius(s: flint.arb, image: flint.arb, gg: flint.arb) -> flint.arb:
    """``|s - h(s)|/(1 - gamma0^2/2)``, Banach's a-posteriori bound."""
    return abs(image - s) / (1 - gg / 2)


def _record(pairs: Pairs, n: int, g: Fraction, kind: str, wanted: int, bits: int) -> LimitKernel:
    third = {key: (ball(g) * s * t, s) for key, (s, t) in pairs.items()}
    first = _enclosure({key: s for key, (s, _) in pairs.items()}, n, bits)
    second = _enclosure({key: t for key, (_, t) in pairs.items()}, n, bits)
    return LimitKernel(first, second, _enclosure({key: h for key, (h, _) in third.items()}, n, bits), kind, wanted)


def _enclosure(entries: dict[tuple[int, int], flint.arb], n: int, bits: int) -> GramEnclosure:
    """Centres on one grid, and the largest radius."""
    bounds = {key: ends(value) for key, value in entries.items()}
    top = max(max(abs(low), abs(high)) for low, high in bounds.values())
    grid = -bits + top.numerator.bit_length() - top.denominator.bit_length()
    values, radius = np.zeros((n, n), dtype=object), Fraction(0)
    for (i, j), (low, high) in bounds.items():
        centre = round((low + high) / 2 / two_to(grid))
        values[i, j] = values[j, i] = centre
        middle = centre * two_to(grid)
        radius = max(radius, high - middle, middle - low)
    return GramEnclosure(Scaled(values, grid), Fraction(1), radius)
