"""The model functions of modules for NumPy, CuPy and the Array API; ``XP`` is the library."""

# ruff: noqa: F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any

from deqmath.codegen.runtime.model_shared import Equilibrium, _check_limits

XP: Any
picard_step: Any
_matrix: Any

# Copied from here.


def equilibrium(A: Any, Phi: Any, gamma: Any, *, tolerance: float | None = None, max_sweeps: int = 1000) -> Equilibrium:
    """Solve ``Z = relu(gamma A Z + Phi)`` by fixed-point sweeps.

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than
    ``tolerance``, by default 256 units in the last place of 1. The samples are the columns of Phi (m x n) and of Z.
    """
    xp = XP
    Phi = _matrix("Phi", Phi, "(m, n)")
    tolerance = 256 * float(xp.finfo(Phi.dtype).eps) if tolerance is None else tolerance
    _check_limits(tolerance, max_sweeps)
    Z, change, sweeps = 0.0 * Phi, 1.0 + tolerance, 0
    while tolerance < change < 1e100 and sweeps < max_sweeps:
        following = picard_step(A, Phi, Z, gamma)
        change = float(xp.max(xp.abs(following - Z)))
        Z, sweeps = following, sweeps + 1
    return Equilibrium(Z, change <= tolerance, sweeps, change)
