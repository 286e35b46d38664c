r"""Tail bounds of random sums and matrices, with explicit constants, in balls.

Each function gives the number that makes the named theorem true with probability at least ``1 - delta``. Logarithms and
square roots are enclosed, and the upper end is what holds.
"""

from __future__ import annotations

from fractions import Fraction

import flint

from deqmath.bounds.balls import ball, enclosed, precision
from deqmath.bounds.bound import Bound
from deqmath.errors import InputError

BITS = 160
Number = Fraction | int | float


def hoeffding(m: int, delta: Number, width: Number = 1) -> Bound:
    r"""The deviation of a mean of m independent variables in an interval of length ``width``, one-sided.

    ``P(mean - E mean >= s) <= exp(-2 m s^2 / width^2)`` (Hoeffding 1963, Theorem 2), so
    ``s = width sqrt(log(1/delta) / (2 m))``. Two sides and several means: divide delta by their number.

    Parameters
    ----------
    m : int
        At least 1.
    delta : number
        In (0, 1).
    width : number
        At least 0.

    Examples
    --------
    >>> from deqmath.bounds import hoeffding
    >>> print(hoeffding(100, 0.05))                                             # doctest: +ELLIPSIS
    0.122387341534040...
    """
    _require(m, delta)
    with precision(BITS):
        value = ball(width) * (ball(1 / Fraction(delta)).log() / (2 * m)).sqrt()
        return enclosed(value, "deviation (Hoeffding)")


def bernstein(m: int, delta: Number, variance: Number, scale: Number) -> Bound:
    r"""The upper deviation of a mean of m independent variables with ``E (Y_+)^q <= q!/2 variance scale^(q-2)``, q >= 2.

    ``P(mean - E mean >= sqrt(2 v t/m) + c t/m) <= exp(-t)``, moments not centred (Boucheron, Lugosi and Massart 2013,
    Theorem 2.10); for Y >= 0 the lower deviation is at most ``sqrt(2 v t/m)``.

    Examples
    --------
    >>> from deqmath.bounds import bernstein
    >>> bernstein(10_000, 0.05, 1.5, 2).upper < 0.04
    True
    """
    _require(m, delta)
    with precision(BITS):
        t = ball(1 / Fraction(delta)).log() / m
        return enclosed((2 * ball(variance) * t).sqrt() + ball(scale) * t, "deviation (Bernstein)")


def matrix_chernoff_width(n: int, smallest: Number, largest: Number, epsilon: Number, delta: Number) -> Bound:
    r"""The number m of independent PSD summands that keeps ``lambda_min`` of their mean above ``(1 - eps) mu``.

    ``P(lambda_min(mean) <= (1 - eps) mu) <= n (e^{-eps} / (1 - eps)^{1 - eps})^{m mu / R}`` for n x n summands with
    ``0 <= X_k <= R I`` and ``lambda_min(E mean) = mu`` (Tropp 2012, Theorem 1.1).

    Parameters
    ----------
    n : int
        Size of the matrices.
    smallest : number
        ``mu > 0``.
    largest : number
        R.
    epsilon, delta : number
        In (0, 1).

    Examples
    --------
    >>> from deqmath.bounds import matrix_chernoff_width
    >>> m = matrix_chernoff_width(10, 0.5, 10, 0.5, 0.01)
    >>> int(m.upper.__ceil__())
    901
    """
    _require(n, delta)
    _require(n, epsilon)
    if not Fraction(smallest) > 0:
        msg = f"smallest is {smallest!r}; needed mu > 0: matrix_chernoff_width(n, mu, R, epsilon, delta)"
        raise InputError(msg)
    with precision(BITS):
        eps = ball(epsilon)
        rate = eps + (1 - eps) * (1 - eps).log()
        value = ball(n / Fraction(delta)).log() * ball(largest) / (ball(smallest) * rate)
        return enclosed(value, "width (matrix Chernoff)")


def gaussian_norm(rows: int, columns: int, delta: Number) -> Bound:
    r"""``||A||_2 <= sqrt m + sqrt d + sqrt(2 log(1/delta))`` for independent N(0, 1) entries (Davidson and Szarek 2001).

    Examples
    --------
    >>> from deqmath.bounds import gaussian_norm
    >>> print(gaussian_norm(100, 100, 0.01))                                    # doctest: +ELLIPSIS
    23.03485425877029...
    """
    _require(min(rows, columns), delta)
    with precision(BITS):
        tail = (2 * ball(1 / Fraction(delta)).log()).sqrt()
        return enclosed(flint.arb(rows).sqrt() + flint.arb(columns).sqrt() + tail, "||A|| (Gaussian)")


def sub_gaussian_norm(rows: int, columns: int, delta: Number, sigma: Number = 1) -> Bound:
    r"""``||A||_2 <= sigma sqrt(8 ((m + d) log 9 + log(1/delta)))`` for independent sub-Gaussian entries.

    Entries with ``E exp(s a) <= exp(sigma^2 s^2 / 2)`` for every s (signs and N(0, 1): sigma = 1). Two 1/4-nets of the
    spheres, of at most ``9^m`` and ``9^d`` points, give ``||A|| <= 2 max x^T A y`` (Vershynin 2018, Theorem 4.4.5, with
    its constant written out).

    Examples
    --------
    >>> from deqmath.bounds import gaussian_norm, sub_gaussian_norm
    >>> gaussian_norm(50, 50, 0.1).upper < sub_gaussian_norm(50, 50, 0.1).lower
    True
    """
    _require(min(rows, columns), delta)
    with precision(BITS):
        entropy = (rows + columns) * flint.arb(9).log() + ball(1 / Fraction(delta)).log()
        return enclosed(ball(sigma) * (8 * entropy).sqrt(), "||A|| (sub-Gaussian)")


def exp_envelope(rate: Bound, time: Number, start: Number = 1) -> Bound:
    r"""``exp(-rate t) start``, the envelope of gg22 Theorem 3.1 (c), for an enclosed rate and t >= 0.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.bounds import Bound, exp_envelope
    >>> print(exp_envelope(Bound(Fraction(1), Fraction(1)), 2))                 # doctest: +ELLIPSIS
    0.135335283236612...
    """
    if Fraction(time) < 0 or Fraction(start) < 0:
        msg = f"time = {time!r}, start = {start!r}; needed both at least 0"
        raise InputError(msg)
    if rate.lower is None or rate.upper is None:
        return Bound.undecided("exp envelope", "the rate has no two-sided enclosure", rate.assumptions)
    with precision(BITS):
        high, low = ((-ball(r * Fraction(time))).exp() * ball(start) for r in (rate.lower, rate.upper))
        return enclosed(low.union(high), "exp envelope", rate.assumptions)


def _require(count: int, share: Number) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        msg = f"received {count!r} where a number of rows or terms is needed; it must be an integer of at least 1"
        raise InputError(msg)
    if not 0 < Fraction(share) < 1:
        msg = f"received {share!r} where a probability is needed; it must lie strictly between 0 and 1, as 0.05"
        raise InputError(msg)
