r"""The smallest eigenvalue of a small symmetric matrix of any range or clustering, from ``p(t) = det(t I - N)`` in integers.

N is symmetric, so all n roots of p are real. Write ``p(s + t) = c_n t^n + ... + c_0``.

- Are ``(-1)^{n-k} c_k >= 0`` for every k, then no root lies below s: for t < 0 all terms have one sign, ``c_n = 1``.
- Were all roots above s, then ``(-1)^{n-k} c_k > 0`` for every k (Vieta). Where one is not, a root is at most s.

A rational eigenvalue of an integer matrix is an integer, so an exact one, zero among them, is recognised. Candidates come from
Laguerre's iteration on the square-free part, which climbs to the smallest of real roots from any number below it. The
signs above prove them; exact polynomial arithmetic is all that is trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint

from deqmath.bounds.balls import ball, ends, precision
from deqmath.bounds.integers import Scaled
from deqmath.bounds.rationals import floor_log2, round_down, round_up, two_to

MOST_ROWS = 200
MOST_WORK = 10**11
"""The fourth power of the rows times the bits of the largest integer: about ten seconds."""
MOST_STEPS = 4000
MOST_BITS = 2**17
GUARD_BITS, ACCURATE = 64, 32


def is_small(whole: Scaled) -> bool:
    """Whether the characteristic polynomial costs some seconds at most."""
    n = whole.values.shape[0]
    return bool(n <= MOST_ROWS and n**4 * whole.largest_bits() <= MOST_WORK)


def smallest_root(whole: Scaled, digits: int) -> tuple[Fraction, Fraction] | None:
    """``lower <= lambda_1 <= upper`` to so many digits, equal where the eigenvalue is an integer multiple of the unit.

    Parameters
    ----------
    whole : Scaled, shape (n, n)
        Symmetric.
    digits : int

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds.certificates.characteristic import smallest_root
    >>> from deqmath.bounds.integers import Scaled
    >>> low, high = smallest_root(Scaled.from_floats(np.array([[1.0, 2.0**300], [2.0**300, 2.0**600]])), 10)
    >>> low == high == 0
    True
    """
    polynomial, unit = whole.integer_matrix.charpoly(), two_to(whole.exponent)
    climb = _Climb(polynomial // polynomial.gcd(polynomial.derivative()), GUARD_BITS + int(3.33 * digits))
    low = high = climb.start()
    for _ in range(MOST_STEPS):
        nearer, high = climb.step(low)
        if high - low < 1:
            whole_number = Fraction(round(high))
            if polynomial(int(whole_number)) == 0 and none_below(polynomial, whole_number):
                return whole_number * unit, whole_number * unit
        if nearer == low or (high - low) * 10**digits * 4 <= min(abs(low), abs(high)):
            break
        low = nearer
    proved = none_below(polynomial, low) and reaches(polynomial, high)
    return (low * unit, high * unit) if proved else None


class _Climb:
    """Laguerre's iteration from below for a polynomial with real simple roots; heuristic, rounded down.

    With ``G = sum 1/(lambda_i - s)`` and ``H = sum 1/(lambda_i - s)^2``, ``lambda_1 - s`` is at least
    ``n/(G + sqrt((n - 1)(n H - G^2)))`` and at most ``n/G``.
    """

    def __init__(self, polynomial: flint.fmpz_poly, bits: int) -> None:
        self._degree, self._bits, self._working = polynomial.degree(), bits, 2 * bits
        self._polynomials = polynomial, polynomial.derivative(), polynomial.derivative().derivative()

    def start(self) -> Fraction:
        """Below every root (Cauchy)."""
        return Fraction(-1 - max(abs(int(c)) for c in self._polynomials[0].coeffs()))

    def step(self, s: Fraction) -> tuple[Fraction, Fraction]:
        """Closer to ``lambda_1`` from below, and a short number above it; s itself where it is the root."""
        n = self._degree
        while self._working <= MOST_BITS:
            with precision(self._working):
                value, slope, bend = (flint.arb_poly(p)(ball(s)) for p in self._polynomials)
                g, h = -slope / value, (slope * slope - bend * value) / (value * value)
                spread = ((n * h - g * g) * (n - 1)).nonnegative_part().sqrt()
                up, down = n / g, n / (g + spread)
                if up.is_finite() and down.is_finite() and down.rel_accuracy_bits() >= ACCURATE:
                    return self._rounded(s, ends(down)[0], round_down), self._rounded(s, ends(up)[1], round_up)
            self._working *= 2
        return s, s

    def _rounded(self, s: Fraction, step: Fraction, way: Callable[[Fraction, int], Fraction]) -> Fraction:
        return way(s + step, floor_log2(step) - self._bits) if step > 0 else s


def none_below(polynomial: flint.fmpz_poly, level: Fraction) -> bool:
    """Whether no root lies below the level."""
    return all(c * sign >= 0 for c, sign in _around(polynomial, level))


def reaches(polynomial: flint.fmpz_poly, level: Fraction) -> bool:
    """Whether a root of a polynomial with real roots only is at most the level."""
    return any(c * sign <= 0 for c, sign in _around(polynomial, level))


def _around(polynomial: flint.fmpz_poly, level: Fraction) -> list[tuple[flint.fmpq, int]]:
    """The coefficients of ``p(level + t)``, each with the sign it has when all roots lie above the level."""
    moved = flint.fmpq_poly(polynomial)(flint.fmpq_poly([flint.fmpq(level.numerator, level.denominator), 1]))
    n = polynomial.degree()
    return [(moved[k], (-1) ** (n - k)) for k in range(n + 1)]
