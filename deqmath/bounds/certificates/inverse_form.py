r"""The quadratic form of the inverse, ``y^T H^{-1} y``, by a variational sandwich.

For H positive definite with ``lambda_min(H) >= mu > 0``, any x and ``r = y - H x``,

.. math:: 2 y^T x - x^T H x \le y^T H^{-1} y \le 2 y^T x - x^T H x + \frac{\|r\|^2}{\mu},

because ``y^T H^{-1} y - (2 y^T x - x^T H x) = r^T H^{-1} r``. Both sides are exact rationals; the gap is quadratic in r.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.linalg.lapack import dpotrs

from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.operators import SymmetricOperator
from deqmath.bounds.rationals import floor_log2, floor_log10, round_down, round_up
from deqmath.stages import stage

CORRECTION_BITS = 44
MOST_PASSES = 4000


def sandwich(
    operator: SymmetricOperator, factor: Array, mu: Fraction, y: Array | Scaled, digits: int
) -> tuple[Fraction, Fraction, int]:
    """``(lower, upper, passes)`` of ``y^T S^{-1} y``, refined until ``digits`` are proved or passes stop helping.

    Parameters
    ----------
    operator : SymmetricOperator
        S, with zero remainder.
    factor : ndarray, shape (n, n)
        A lower Cholesky factor near that of S; only the speed depends on it.
    mu : Fraction
        Proved ``0 < mu <= lambda_min(S)``.
    y : ndarray, shape (n,), or Scaled, shape (n, 1)
        Not zero.
    """
    target = y if isinstance(y, Scaled) else Scaled.from_floats(y.reshape(-1, 1))
    n = operator.size
    x = Scaled(np.zeros((n, 1), dtype=object), 0)
    residual = target
    value = Fraction(0)
    best: tuple[Fraction, Fraction] | None = None
    passes, stalls = 0, 0
    while True:
        square = gram(residual, residual).fraction(0, 0)
        # 2 y'x - x'Sx = y'x + r'x
        value = gram(target, x).fraction(0, 0) + gram(residual, x).fraction(0, 0)
        gap = square / mu
        if best is None or gap < (best[1] - best[0]) / 4:
            stalls = 0
        else:
            stalls += 1
        if best is None or gap < best[1] - best[0]:
            best = (value, value + gap)
        stage("digits", min(digits, floor_log10(value / gap)) if 0 < gap < value else 0, digits)
        if gap * 10**digits <= value or stalls >= 3 or passes >= MOST_PASSES:
            return (*_outward(*best), passes)
        floats, scale = residual.floats()
        correction = dpotrs(factor, np.asfortranarray(floats), lower=1)[0]
        again = floats - operator.float_apply(correction)  # the factor is that of a shifted matrix
        correction = correction + dpotrs(factor, np.asfortranarray(again), lower=1)[0]
        step = Scaled.rounded(correction, CORRECTION_BITS)
        step = Scaled(step.values, step.exponent + scale)
        x, residual = x.plus(step), residual.minus(operator.apply(step))
        passes += 1


def _outward(lower: Fraction, upper: Fraction) -> tuple[Fraction, Fraction]:
    if lower == upper:
        return lower, upper
    grid = floor_log2(upper - lower) - 6
    return round_down(lower, grid), round_up(upper, grid)
