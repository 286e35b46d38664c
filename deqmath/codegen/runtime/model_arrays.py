"""The model functions of modules for NumPy, CuPy and the Array API; ``XP`` is the library."""

# ruff: noqa: F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any

from deqmath.codegen.runtime.model_shared import Equilibrium, _check_limits

XP: Any
picard_step: Any

# Copied from here.


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float = 1e-12, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than
    ``tolerance``. The samples are the columns of Phi (m x n) and of Z.
    """
    xp = XP
    _check_limits(tolerance, max_sweeps)
    Z, change, sweeps = 0.0 * Phi, 1.0 + tolerance, 0
    while tolerance < change < 1e100 and sweeps < max_sweeps:
        following = picard_step(A, Phi, Z, gamma)
        change = float(xp.max(xp.abs(following - Z)))
        Z, sweeps = following, sweeps + 1
    return Equilibrium(Z, change <= tolerance, sweeps, change)
