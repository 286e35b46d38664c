r"""A multiple eigenvalue that is a rational number, exactly: a gap above it and an eigenspace that fills the gap's count.

Let ``lambda_{p+1}(S) >= nu`` and let K have p independent columns with ``S K = c K`` exactly and ``c < nu``. Then c is an
eigenvalue at least p times; all of these lie below nu, where there are at most p eigenvalues. Hence
``lambda_1 = ... = lambda_p = c``.

K comes from float64 eigenvectors: their reduced echelon form has rational entries, found again by continued fractions
when these are simple (duplicates, low rank over the integers, Hadamard matrices). Only the exact product is believed.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
from scipy.linalg import qr

from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.operators import SymmetricOperator
from deqmath.bounds.rationals import two_to

MOST_DENOMINATOR = 10**6
MOST_COMMON = 2**31
NEAR_INTEGER = 1e-6
MOST_BITS = 64


def exact_eigenvalue(
    operator: SymmetricOperator, vectors: Array, nu: Fraction, ends: tuple[Fraction, Fraction]
) -> Fraction | None:
    """The simplest rational c within ``ends`` when it is ``lambda_1`` with the multiplicity of all columns, proved.

    Parameters
    ----------
    operator : SymmetricOperator
        S, with zero remainder.
    vectors : ndarray, shape (n, p)
        Float64 vectors near the space of the lowest p eigenvectors.
    nu : Fraction
        Proved ``lambda_{p+1}(S) >= nu`` (when p is the whole dimension, any number above c).
    ends : tuple of Fraction
        Where c is looked for.
    """
    if operator.remainder:
        return None
    c = simplest_between(*ends)
    if c >= nu or max(c.numerator.bit_length(), c.denominator.bit_length()) > MOST_BITS:
        return None
    kernel = integer_echelon(vectors)
    if kernel is None:
        return None
    product = operator.apply(kernel)
    left, right = product.values * c.denominator, kernel.values * c.numerator
    low = min(product.exponent, kernel.exponent)
    same = (left << (product.exponent - low)) == (right << (kernel.exponent - low))
    return c if bool(same.all()) else None


def integer_echelon(vectors: Array) -> Scaled | None:
    """Integers spanning about the same space, a multiple of the identity in p of the rows (so they are independent).

    None when the reduced echelon form shows no common denominator below `MOST_COMMON`.
    """
    p = vectors.shape[1]
    pivots = qr(vectors.T, mode="r", pivoting=True)[1][:p]
    try:
        echelon: Array = np.asarray(np.linalg.solve(vectors[pivots].T, vectors.T).T, dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    echelon[pivots] = np.eye(p)
    common = _common_denominator(echelon)
    if common is None:
        return None
    return Scaled(np.rint(echelon * common).astype(np.int64).astype(object), 0)


def _common_denominator(entries: Array) -> int | None:
    common = 1
    for _ in range(64):
        scaled = entries * common
        off = np.abs(scaled - np.rint(scaled))
        worst = int(off.argmax())
        if off.flat[worst] < NEAR_INTEGER:
            return common
        value = Fraction(float(entries.flat[worst])).limit_denominator(MOST_DENOMINATOR)
        grown = lcm(common, value.denominator)
        if grown == common or grown > MOST_COMMON:
            return None
        common = grown
    return None


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator in ``[low, high]`` (Stern and Brocot), by the continued fractions of both ends."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest_between(-high, -low)
    (a, b), (c, d) = low.as_integer_ratio(), high.as_integer_ratio()
    before, last = (0, 1), (1, 0)
    while True:
        floor, rest = divmod(a, b)
        ends_here = rest == 0 or (floor + 1) * d <= c
        term = floor + 1 if rest and ends_here else floor
        before, last = last, (term * last[0] + before[0], term * last[1] + before[1])
        if ends_here:
            return Fraction(*last)
        (a, b), (c, d) = (d, c - floor * d), (b, rest)  # 1/(high - floor), 1/(low - floor)


def worth_trying(ends: tuple[Fraction, Fraction]) -> bool:
    """Whether the simplest fraction inside is far simpler than chance would give for this width."""
    low, high = ends
    if low >= high:
        return False
    c = simplest_between(low, high)
    return (high - low) * c.denominator**2 * two_to(16) < 1
