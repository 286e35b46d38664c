"""Least quadratic forms in boxes, many small ones at a time: what the shares of the gates of a unit solve (:mod:`.kinks`).

For k positive semidefinite, which may be singular, ``y'`` is where ``y' k y'/2`` and what is linear in it are least in ``[low, high]``: with
``u' = u - k (y' - y)``, at every entry u' is 0, or y' is at an end and u' leaves it there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

#: Rounds and halvings of their steps at most, what keeps k regular, and round-off.
_ROUNDS, _HALVINGS, _RIDGE, _ROUND_OFF = 100, 3, 1e-9, 1e-12


def complementary(k: Vector, u: Vector, y: Vector, low: Vector, high: Vector) -> Vector:
    """y' of each row of problems, from y.

    Newton's method on what is inside of the box, cut off at its sides; where that makes the form larger, and where k is singular
    its steps are long, only to the first side. A row is done when a step meets no side and leaves the same inside.

    Parameters
    ----------
    k
        Shape (rows, w, w), in memory one after another.
    u, y, low, high
        Shape (rows, w), ``low <= y <= high``; where there is nothing to find, low = high.
    """
    own = _diagonal(k)
    y = np.where(own > 0, y, np.where(u > 0, high, np.where(u < 0, low, y)))  # what moves no u goes where u drives it
    if k.shape[1] == 1:
        return _clipped(y + np.where(own > 0, u / np.where(own > 0, own, 1.0), 0.0), low, high)
    found, rows = y.copy(), np.arange(len(y))
    inside = _inside(u, y, low, high)
    for _ in range(_ROUNDS):
        inner = np.where(inside[:, :, None] & inside[:, None, :], k, 0.0)
        own = _diagonal(k)
        _diagonal(inner)[...] = np.where(inside & (own > 0), (1 + _RIDGE) * own, 1.0)
        step = np.linalg.solve(inner, np.where(inside, u, 0.0)[:, :, None])[:, :, 0]
        to = y + step
        there = _clipped(to, low, high)
        whole, change = (there == to).all(axis=1), there - y
        fall, length = _times(k, change), np.ones((len(y), 1))
        for _ in range(_HALVINGS):
            worse = ~whole & _rises(change, u, fall)
            if not worse.any():
                break
            length[worse] /= 2
            change = _clipped(y + length * step, low, high) - y
            fall = _times(k, change)
        else:
            worse = ~whole & _rises(change, u, fall)
            if worse.any():
                change[worse] = _to_first_side(*(x[worse] for x in (k, u, y, low, high, step)))
                fall = _times(k, change)
        y, u = _clipped(y + change, low, high), u - fall
        found[rows] = y
        before, inside = inside, _inside(u, y, low, high)
        left = (change != 0).any(axis=1) & ~(whole & (inside == before).all(axis=1))
        if not left.any():
            break
        if not left.all():
            rows, k, u, y, low, high, inside = (x[left] for x in (rows, k, u, y, low, high, inside))
    return found


def _rises(change: Vector, u: Vector, fall: Vector) -> NDArray[np.bool_]:
    """Whether ``y k y/2 - u y`` rises by a change with ``fall = k change``, and not by round-off alone."""
    found: NDArray[np.bool_] = np.vecdot(change, u - 0.5 * fall) < -_ROUND_OFF * np.vecdot(np.abs(change), np.abs(u))
    return found


def _to_first_side(k: Vector, u: Vector, y: Vector, low: Vector, high: Vector, step: Vector) -> Vector:
    """The part of a step to the first side that it meets, or to where the form is least on the way; what points out of the box stays."""
    near = _ROUND_OFF * (high - low)
    out = ((y <= low + near) & (step < 0)) | ((y >= high - near) & (step > 0))
    step = np.where(out, 0.0, step)
    bend = np.vecdot(step, _times(k, step))
    least = np.vecdot(u, step) / np.where(bend > 0, bend, 1.0)
    room = np.where(step > 0, high - y, y - low) / np.where(step == 0, 1.0, np.abs(step))
    first = np.where(step == 0, np.inf, room).min(axis=1)
    part = np.minimum(first, np.where(bend > 0, least, np.inf))
    to = y + np.where(np.isfinite(part), part, 0.0)[:, None] * step
    return np.where(to <= low + near, low, np.where(to >= high - near, high, to)) - y


def _inside(u: Vector, y: Vector, low: Vector, high: Vector) -> NDArray[np.bool_]:
    """What is inside of the box, or at a side of it that u drives it from."""
    found: NDArray[np.bool_] = ((y > low) | (u > 0)) & ((y < high) | (u < 0)) & (high > low)
    return found


def _clipped(y: Vector, low: Vector, high: Vector) -> Vector:
    found: Vector = np.minimum(np.maximum(y, low), high)
    return found


def _diagonal(k: Vector) -> Vector:
    """A view of the diagonals of matrices that lie one after another."""
    width = k.shape[1]
    return k.reshape(len(k), -1)[:, :: width + 1]


def _times(k: Vector, y: Vector) -> Vector:
    found: Vector = (k @ y[:, :, None])[:, :, 0]
    return found
