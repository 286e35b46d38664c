"""The functions of exponential integrators."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def phi_functions(z: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``phi_1(z) = (e^z - 1)/z`` and ``phi_3(z) = (e^z - 1 - z - z^2/2)/z^3``, entrywise, for real z <= 1.

    Near 0, where the formulas cancel, phi_3 is summed as ``sum_k z^k / (k + 3)!``.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric.phi_functions import phi_functions
    >>> one, three = phi_functions(np.array([0.0]))
    >>> float(one[0]), float(6 * three[0])
    (1.0, 1.0)
    """
    small = np.abs(z) < 1.0
    safe = np.where(z == 0.0, 1.0, z)
    phi_1 = np.where(z == 0.0, 1.0, np.expm1(z) / safe)
    series = np.zeros_like(z)
    inner = np.where(small, z, 0.0)
    for k in range(18, -1, -1):
        series = series * inner + 1.0 / math.factorial(k + 3)
    wide = np.where(small, 1.0, z)
    phi_3 = np.where(small, series, (np.expm1(wide) - wide - wide**2 / 2) / wide**3)
    return phi_1, phi_3
