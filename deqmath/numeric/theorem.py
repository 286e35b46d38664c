"""The inequalities (12) to (15) inside the proof of gg22 Theorem 3.1, with every constant made explicit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deqmath.numeric.monitors import Monitor, Series


@dataclass(frozen=True)
class Constants:
    """The constants of the proof, from what is known at t = 0.

    Attributes
    ----------
    m, n
        Width and number of samples.
    c
        ``||A(0)||, ||W|| <= c sqrt m``.
    gamma0
        ``gamma sqrt m``.
    lambda_0
        ``lambda_min(H(0))``.
    residual
        ``||yhat(0) - y||``.
    """

    m: int
    n: int
    c: float
    gamma0: float
    lambda_0: float
    residual: float

    @property
    def rho(self) -> float:
        """``2 c gamma0``, the bound on ``gamma ||A(t)||`` that the proof uses."""
        return 2 * self.c * self.gamma0

    @property
    def exist(self) -> bool:
        """Whether rho < 1 and lambda_0 > 0, without which the proof gives no number."""
        return self.rho < 1 and self.lambda_0 > 0

    @property
    def omega(self) -> float:
        """``2 gamma0 c sqrt n ||r(0)|| / ((1 - rho)^2 lambda_0)``, the bound on ``||A(t) - A(0)||_F``."""
        return 2 * self.gamma0 * self.c * math.sqrt(self.n) * self.residual / ((1 - self.rho) ** 2 * self.lambda_0)

    @property
    def change_z(self) -> float:
        """``gamma0 c omega / (1 - rho)^2``, (12)."""
        return self.gamma0 * self.c * self.omega / (1 - self.rho) ** 2

    @property
    def change_q(self) -> float:
        """``gamma0 omega / (1 - rho)^2``, (13): the smooth part of the change only, without the jumps at switches."""
        return self.gamma0 * self.omega / (1 - self.rho) ** 2

    @property
    def size_z(self) -> float:
        """``c sqrt m / (1 - rho)``, (14)."""
        return self.c * math.sqrt(self.m) / (1 - self.rho)

    @property
    def size_q(self) -> float:
        """``sqrt m / (1 - rho)``, (14)."""
        return math.sqrt(self.m) / (1 - self.rho)

    @property
    def change_gram(self) -> float:
        """``4 n c^2 gamma0^3 omega / (sqrt m (1 - rho)^5)``, (15) with (12), (13), (14) put in.

        From ``H = (gamma^2/m) M o N``, ``||P o B|| <= max_i P_ii ||B||`` for P PSD, and ``||M(t) - M(0)|| <=
        ||Z(t) - Z(0)|| (||Z(t)|| + ||Z(0)||)``, with ``||Z|| <= sqrt n max_i ||z_i||``; likewise for N.
        """
        return 4 * self.n * self.c**2 * self.gamma0**3 * self.omega / (math.sqrt(self.m) * (1 - self.rho) ** 5)


def inequalities(constants: Constants, measured: dict[str, Series]) -> tuple[Monitor, ...]:
    """The monitors of ``||A(t) - A(0)||_F <= omega`` and of (12) to (15); none where the constants do not exist.

    Parameters
    ----------
    constants
        Of the run.
    measured
        Series by name: "distance", "change_z", "change_q", "size_z", "size_q", "change_gram", maxima over samples.

    Returns
    -------
    tuple of Monitor
    """
    if not constants.exist:
        return ()
    k = constants
    table = (
        ("distance", "||A(t) - A(0)||_F <= omega", k.omega),
        ("change_z", "(12) ||z_i(t) - z_i(0)|| <= gamma0 c omega/(1 - rho)^2", k.change_z),
        ("change_q", "(13) ||q_i(t) - q_i(0)|| <= gamma0 omega/(1 - rho)^2, smooth part only", k.change_q),
        ("size_z", "(14) ||z_i(t)|| <= c sqrt(m)/(1 - rho)", k.size_z),
        ("size_q", "(14) ||q_i(t)|| <= sqrt(m)/(1 - rho)", k.size_q),
        ("change_gram", "(15) ||H(t) - H(0)|| <= 4 n c^2 gamma0^3 omega/(sqrt(m) (1 - rho)^5)", k.change_gram),
    )
    found = []
    for name, statement, value in table:
        bound = np.full_like(measured[name], value)
        found.append(Monitor(name, statement, measured[name], bound, bound - measured[name]))
    return tuple(found)
