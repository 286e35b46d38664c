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

    They converge where ``gamma ||A||_2 < 1``, and stop when no entry changes by more than ``tolerance`` times
    the largest entry of its column, by default 256 units in the last place; a column of zeros has converged,
    and one whose largest entry is not from ``smallest_normal / eps`` to ``max eps`` never does. The samples
    are the columns of Phi (m x n) and of Z.
    """
    xp = XP
    Phi = _matrix("Phi", Phi, "(m, n)")
    tolerance = 256 * float(xp.finfo(Phi.dtype).eps) if tolerance is None else tolerance
    _check_limits(tolerance, max_sweeps)
    most = float(xp.finfo(Phi.dtype).max) ** (1 / 3) * float(xp.max(Phi))  # grown beyond it, Z is not coming back
    Z, change, sweeps = 0.0 * Phi, 1.0 + tolerance, 0
    while tolerance < change < float("inf") and sweeps < max_sweeps:
        following = picard_step(A, Phi, Z, gamma)
        change = _moved(following, Z, most, xp)
        Z, sweeps = following, sweeps + 1
    return Equilibrium(Z, change <= tolerance, sweeps, change)


def _moved(following: Any, Z: Any, most: float, xp: Any) -> float:
    """The largest change of an entry, as a part of the largest entry of its column; inf where that tells nothing.

    It tells nothing of a column that is not finite or beyond ``most``, and where a product may under- or overflow.
    """
    info = xp.finfo(following.dtype)
    least, most = float(info.smallest_normal) / float(info.eps), min(most, float(info.max) * float(info.eps))
    size = xp.max(xp.where(following > Z, following, Z), axis=-2)
    tells = (size >= least) & (size <= most)
    change = xp.max(xp.abs(following - Z), axis=-2)
    change = xp.where(tells | (size == 0), change, xp.full_like(size, float("inf")))
    return float(xp.max(change / xp.where(tells, size, xp.ones_like(size))))
