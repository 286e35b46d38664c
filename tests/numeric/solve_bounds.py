"""Error bounds from conditioning, for the tests of the trainer."""

from __future__ import annotations

import numpy as np

from deqmath.numeric import ReLUNetwork

U = 2.0**-53


def relative_solve_error(net: ReLUNetwork, residual: float) -> float:
    """A bound on ||z^ - z|| / ||z|| (and for q), from Banach's theorem and the standard rounding analysis.

    The computed map differs from the exact one by at most ``c u (gamma ||A||_F ||z|| + ||W||_F ||x||)``, with
    ``c = m + d + 8`` for the two inner products, the scaling, the addition and the rounded, normalised input; a
    residual is amplified by ``1/(1 - rho)``, the condition of the fixed point.
    """
    c = net.width + net.inputs + 8
    size = net.gamma * np.linalg.norm(net.A) + np.linalg.norm(net.W)
    return (residual + c * U * (1 + size)) / (1 - net.rho)
