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
from deqmath.bounds.certificate_file import certified
from deqmath.bounds.exact_products import exact_matmul
from deqmath.bounds.gram_enclosure import GramEnclosure, enclosure_lambda_min
from deqmath.bounds.inputs import Array, float_matrix
from deqmath.bounds.integers import Scaled
from deqmath.bounds.lambda_bounds import require_digits
from deqmath.bounds.rationals import two_to
from deqmath.bounds.relu_fixed_points import ReluDiagonal, relu_pair
from deqmath.errors import InputError
from deqmath.stages import stage

CALL = "dm.bounds.limit_kernel(X, gamma0=0.3, digits=15)"
KINDS = {"gaussian": ("identity", "relu"), "diagonal": ("relu",)}
LARGEST = {("gaussian", "identity"): Fraction(2), ("gaussian", "relu"): Fraction(4, 3)}
"""The fixed point needs ``gamma0^2`` below this: the slope of its map is at most gamma0^2/2, or 3 gamma0^2/4."""
LIMIT = "that the Gram matrix of the network tends to this kernel is shown by simulation here, not proved"
MOST_TRIES = 6
Pairs = dict[tuple[int, int], tuple[flint.arb, flint.arb]]
Rule = tuple[str, str]


@dataclass(frozen=True, eq=False)
class LimitKernel:
    r"""The limit of ``<z_i, z_j>/m``, ``<q_i, q_j>/m`` and H.

    Attributes
    ----------
    S, S_q : GramEnclosure
        The two factors.
    H : GramEnclosure
        ``gamma0^2 S o S_q``.
    kind, phi : str
        "diagonal" or "gaussian"; "identity" or "relu".
    gamma0 : Fraction
    data : ndarray
        X.
    wanted : int
    """

    S: GramEnclosure
    S_q: GramEnclosure
    H: GramEnclosure
    kind: str
    phi: str
    gamma0: Fraction
    data: Array
    wanted: int

    @cached_property
    def lambda_min(self) -> Bound:
        """The smallest eigenvalue of H, the ``lambda_0`` of an infinitely wide network."""
        found = enclosure_lambda_min(self.H, self.wanted, "lambda_min of the limit kernel", (LIMIT,))
        named: dict[str, Fraction | str] = {"gamma0": self.gamma0, "kind": self.kind, "phi": self.phi}
        return certified(found, "limit_kernel", {"X": self.data}, named)


def limit_kernel(
    X: Array, *, gamma0: float | Fraction, digits: int = 15, phi: str | None = None, kind: str = "gaussian"
) -> LimitKernel:
    r"""The Gram matrix H of the implicit layer in the limit of infinite width.

    Parameters
    ----------
    X : ndarray of float64, shape (n, d)
        Rows are samples, not zero, taken exactly.
    gamma0 : float or Fraction
        Positive, taken exactly; for a Gaussian A ``gamma0^2 < 2`` (identity) or ``gamma0^2 < 4/3`` (relu).
    digits : int
        Every entry of H is enclosed to within ``10**-digits`` of the largest.
    phi : {"identity", "relu"}
        The activation of the input, ``z = relu(gamma A z + phi(W x))``; default "identity" for a Gaussian A.
    kind : {"gaussian", "diagonal"}
        How A is drawn. Gaussian, with phi = identity:

        .. math:: S = \kappa_1(\gamma_0^2 S + X X^T), \quad S_q = \frac{K_0}{1 - \gamma_0^2 K_0}, \quad
           K_0 = \kappa_0(\gamma_0^2 S + X X^T), \quad H = \gamma_0^2 S \circ S_q.

        With phi = relu, ``S_ij = E[relu(u_i) relu(u_j)]`` and ``K_0 = P(u_i, u_j > 0)`` for ``u = g + relu(h)``, g Gaussian of
        covariance ``gamma0^2 S``, h of ``X X^T``. Diagonal (section 5.2 of gg22, phi = relu): ``H = gamma0^2 K_1 o K_0``.

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
    is unique, and ``|s - s*| <= |s - h(s)|/(1 - gamma0^2/2)`` for every s of the interval. s is found by Newton. For phi =
    relu see `relu_fixed_points`; its expectations are enclosed by one Gauss quadrature a pair (`relu_kernel`), some
    milliseconds to 100 ms for each pair of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import limit_kernel
    >>> found = limit_kernel(np.eye(2), gamma0=0.25, digits=20, kind="diagonal")
    >>> print(found.H.entry(0, 1))                  # (1/16) (1/(2 pi)) (1/4)   doctest: +ELLIPSIS
    0.0024867959858108...
    >>> limit_kernel(np.eye(2), gamma0=0.25, phi="relu").H.entry(0, 1).digits >= 14
    True
    """
    data = float_matrix(X, "X", "dm.bounds.limit_kernel({}, gamma0=0.3)")
    wanted = require_digits(digits, CALL)
    rule = _rule_of(kind, phi)
    g = _square(gamma0, rule)
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
            pairs = _pairs(products, g, rule, bits)
            if pairs is not None:
                first, second, third = _enclosures(pairs, n, g, bits)
                if third.radius * 10**wanted <= max(third.entry(i, i).mid for i in range(n)):
                    return LimitKernel(first, second, third, *rule, Fraction(gamma0), data, wanted)
        bits *= 2
    msg = f"the kernel could not be enclosed to {wanted} digits at {bits} bits; rows of X are nearly parallel, ask for fewer"
    raise InputError(msg)


def _rule_of(kind: str, phi: str | None) -> Rule:
    if kind not in KINDS:
        msg = f"kind is {kind!r}; there are {', '.join(KINDS)}: {CALL}"
        raise InputError(msg)
    chosen = KINDS[kind][0] if phi is None else phi
    if chosen not in KINDS[kind]:
        msg = f"phi is {phi!r} for kind {kind!r}; there are {', '.join(KINDS[kind])}: {CALL}"
        raise InputError(msg)
    return kind, chosen


def _square(gamma0: float | Fraction, rule: Rule) -> Fraction:
    if isinstance(gamma0, bool) or not isinstance(gamma0, (int, float, Fraction)) or not 0 < gamma0 < 2**200:
        msg = f"gamma0 is {gamma0!r}; needed a positive number: {CALL}"
        raise InputError(msg)
    g = Fraction(gamma0) ** 2
    if rule in LARGEST and g >= LARGEST[rule]:
        msg = (
            f"gamma0 = {gamma0!r}; the fixed point for phi = {rule[1]} needs gamma0^2 < {LARGEST[rule]} "
            f"(and the network gamma0 < 1/2): {CALL}"
        )
        raise InputError(msg)
    return g


def _pairs(products: list[list[Fraction]], g: Fraction, rule: Rule, bits: int) -> Pairs | None:
    """``(S_ij, S_q_ij)`` for i >= j; None when a ball is not tight enough to go on."""
    out: Pairs = {}
    total = len(products) * (len(products) + 1) // 2
    for i, row in enumerate(products):
        for j, x in enumerate(row):
            stage("kernel entries", len(out), total)
            a, b = row[i], products[j][j]
            if rule[0] == "diagonal":
                found: tuple[flint.arb, flint.arb] | None = _diagonal_pair(a, b, x, i == j)
            elif rule[1] == "relu":
                found = _relu_pair(a, b, x, g, i == j, bits)
            else:
                found = _gaussian_pair(a, b, x, g, i == j, bits)
            if found is None:
                return None
            out[i, j] = found
    return out


def _relu_pair(
    a: Fraction, b: Fraction, x: Fraction, g: Fraction, same: bool, bits: int
) -> tuple[flint.arb, flint.arb] | None:
    gg = ball(g)
    if same:
        whole = ReluDiagonal.of(gg)
        return whole.sigma * ball(a), whole.open / (1 - gg * whole.open)
    found = relu_pair(a, b, x, g, bits)
    if found is None:
        return None
    s, k0 = found
    return s, k0 / (1 - gg * k0)


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


def _enclosures(pairs: Pairs, n: int, g: Fraction, bits: int) -> tuple[GramEnclosure, GramEnclosure, GramEnclosure]:
    """S, S_q and H."""
    first = _enclosure({key: s for key, (s, _) in pairs.items()}, n, bits)
    second = _enclosure({key: t for key, (_, t) in pairs.items()}, n, bits)
    return first, second, _enclosure({key: ball(g) * s * t for key, (s, t) in pairs.items()}, n, bits)


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
