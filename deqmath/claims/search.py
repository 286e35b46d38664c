"""Looking for the instance that comes closest to violating an inequality, by climbing the ratio of its sides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from deqmath.claims.instances import Pair

Floats = NDArray[np.float64]
#: Factors of the step after a gain and after a failure: one gain in five keeps it (Rechenberg's rule).
_GROW, _SHRINK = 1.5, 1.5**-0.25


def climbed(
    pair_at: Callable[[Floats], Pair | None],
    starts: Sequence[Floats] | Floats,
    rng: np.random.Generator,
    *,
    steps: int = 300,
) -> list[Pair]:
    """From each start the pair there, and the closest one that a random climb finds.

    Parameters
    ----------
    pair_at
        The instance of ``left <= right`` at a point of R^k; None where the hypotheses fail.
    starts
        Points of R^k, one climb each.
    rng
        Of the claim.
    steps
        Of a climb: each moves the point by a Gaussian step, and keeps the move where the ratio does not fall.

    Returns
    -------
    list of Pair
        Two a start, or one where the hypotheses fail at the start itself. A search proves nothing: what it finds is as close as it
        came. The pair at the start tells the inequality from its reverse where the climb ends in equality.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.claims.instances import Pair
    >>> from deqmath.claims.search import climbed
    >>> def cauchy_schwarz(v):
    ...     return Pair(abs(float(v[:2] @ v[2:])), float(np.linalg.norm(v[:2]) * np.linalg.norm(v[2:])), "")
    >>> first, pair = climbed(cauchy_schwarz, [np.array([1.0, 0.0, 0.0, 1.0])], np.random.default_rng(0))
    >>> 0.99 < pair.ratio <= 1 + 1e-12
    True
    """
    found = []
    for start in starts:
        point, size = np.asarray(start, dtype=np.float64), 0.5
        first = best = pair_at(point)
        for _ in range(steps):
            other = point + size * rng.standard_normal(point.shape)
            pair = pair_at(other)
            gained = pair is not None and math.isfinite(pair.ratio) and (best is None or pair.ratio >= best.ratio)
            if gained:
                point, best = other, pair
            size = min(size * (_GROW if gained else _SHRINK), 1.0)
        found += [pair for pair in (first, best) if pair is not None]
    return found
