"""The exponent of a growth, with its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def exponent_interval(
    widths: Sequence[float], values: ArrayLike, confidence: float = 0.99
) -> tuple[float, float, float]:
    """(exponent, lower, upper) of a growth in m: least squares in the logarithms, with a t interval.

    Parameters
    ----------
    widths, values
        One pair for each draw, three or more. Or, with ``values`` of shape (sets, widths), one row for each data
        set tried at every width: the exponent is then the mean of the rows' slopes and the interval is over rows,
        so that what the draws of one row share is not counted as evidence.
    confidence
        Of the interval.

    Examples
    --------
    >>> from deqmath.claims.exponent import exponent_interval
    >>> exponent, low, high = exponent_interval([1, 2, 4], [[1, 2, 4], [3, 6, 12], [1, 2, 4.01]])
    >>> round(exponent, 2), low < 1 < high
    (1.0, True)
    """
    from scipy.special import stdtrit  # a run from the cache does not need it

    x, v = np.log(np.asarray(widths, dtype=np.float64)), np.log(np.asarray(values, dtype=np.float64))
    x = x - x.mean()
    slopes = v @ x / (x @ x)
    if v.ndim == 2:
        freedom, error = len(v) - 1, float(np.std(slopes, ddof=1)) / len(v) ** 0.5
    else:
        left = v - v.mean() - slopes * x
        freedom = len(v) - 2
        error = float(left @ left / freedom / (x @ x)) ** 0.5
    exponent, half = float(np.mean(slopes)), float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    return exponent, exponent - half, exponent + half
