"""The fixed-point problem behind both solves, and what a strategy returns.

Equilibrium and adjoint are the same problem in rows layout,

    x = activate(gain x M + offset),

the equilibrium (gg22 eq. 2) with M = A^T, gain gamma, offset phi(X W^T), activate = ReLU, and the adjoint with
M = A, offset b, activate = multiplication by the gates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from deqmath.numeric.arrays import Array, Namespace, is_numpy, relu, row_norms

#: Rows that are worked on at a time in NumPy, few enough for the cache: as many as hold so many numbers, or so many.
_TILE_NUMBERS, _TILE = 2**15, 32


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """``x = activate(gain x M + offset)``, a contraction in the Euclidean norm of each row.

    Attributes
    ----------
    xp
        The namespace of the arrays.
    matrix
        M, shape (m, m).
    gain
        The scalar in front (gamma).
    offset
        Shape (n, m) or (1, m).
    gate
        None for ReLU, else a float mask, shape (n, m): zeros and ones, and where `shares` is True anything between.
    contraction
        A proved bound < 1 on the contraction factor (rho or larger).
    shape
        (n, m).
    low
        Gives ``gain M`` in float32, where it is already known; else it is computed.
    shares
        Whether gates may be between 0 and 1.
    """

    xp: Namespace
    matrix: Array
    gain: float
    offset: Array
    gate: Array | None
    contraction: float
    shape: tuple[int, int]
    low: Callable[[], Array] | None = None
    shares: bool = False

    def low_matrix(self) -> Array:
        """``gain M`` in float32."""
        return self.xp.astype(self.matrix * self.gain, self.xp.float32) if self.low is None else self.low()

    def rows(self, part: slice) -> FixedPoint:
        """The same problem for some of the rows."""
        count = len(range(*part.indices(self.shape[0])))
        if count == self.shape[0]:
            return self
        return replace(
            self,
            offset=self.offset[part, :] if self.offset.shape[0] == self.shape[0] else self.offset,
            gate=None if self.gate is None else self.gate[part, :],
            shape=(count, self.shape[1]),
        )

    def preactivation(self, x: Array) -> Array:
        """``gain x M + offset``."""
        v = x @ self.matrix
        v *= self.gain
        v += self.offset
        return v

    def activate(self, v: Array, out: Array | None = None) -> Array:
        """ReLU, or multiplication by the gates; in NumPy written into `out` where it is given."""
        if self.gate is None:
            return relu(self.xp, v, out=out)
        return v * self.gate if out is None else np.multiply(v, self.gate, out=out)

    def sweep(self, x: Array, spare: Array | None = None) -> tuple[Array, Array, Array]:
        """One application F and how far it moves: the pre-activation v, ``F(x)`` and the relative steps.

        In NumPy all that follows the product is done a few rows at a time, which then stay in the cache, and v is written
        into `spare`, shape (n, m), where it is given.
        """
        if not is_numpy(self.xp):
            v = self.preactivation(x)
            new = self.activate(v)
            return v, new, self.relative_steps(new - x, new)
        v = np.matmul(x, self.matrix, out=spare)
        new, sizes = np.empty(v.shape), np.empty((2, v.shape[0]))
        for rows in _tiles(v.shape):
            part, u, after = self.rows(rows), v[rows], new[rows]
            u *= self.gain
            u += part.offset
            part.activate(u, out=after)
            sizes[0, rows], sizes[1, rows] = row_norms(np, after - x[rows]), row_norms(np, after)
        return v, new, self._relative(sizes[0], sizes[1])

    def origin(self) -> Array:
        """The first iterate from zero, ``activate(offset)``, which costs no product."""
        return self.activate(self.xp.broadcast_to(self.offset, self.shape))

    @cached_property
    def origin_norms(self) -> Array:
        """Row norms of :meth:`origin`, shape (n,)."""
        tiles = _tiles(self.shape) if is_numpy(self.xp) else [slice(None)]
        return self.xp.concat([row_norms(self.xp, self.rows(rows).origin()) for rows in tiles])

    def scales(self, x: Array) -> Array:
        """``max(||x_i||, ||activate(offset)_i||)``, what residuals are relative to, shape (n,)."""
        return self.xp.maximum(row_norms(self.xp, x), self.origin_norms)

    def relative_steps(self, step: Array, x: Array) -> Array:
        """``||step_i|| / max(||x_i||, ||activate(offset)_i||)`` for every row i, shape (n,)."""
        return self._relative(row_norms(self.xp, step), row_norms(self.xp, x))

    def _relative(self, step_norms: Array, x_norms: Array) -> Array:
        """A row whose step is exactly zero counts as 0, so that the zero network has residual 0."""
        xp, scale = self.xp, self.xp.maximum(x_norms, self.origin_norms)
        if float(xp.min(scale)) > 0:
            return step_norms / scale
        return xp.where(step_norms > 0, step_norms / xp.where(scale > 0, scale, xp.ones_like(scale)), step_norms)

    def relative_step(self, step: Array, x: Array) -> float:
        """The largest of :meth:`relative_steps`."""
        return float(self.xp.max(self.relative_steps(step, x)))


def _tiles(shape: tuple[int, ...]) -> list[slice]:
    n, m = shape
    height = max(_TILE, _TILE_NUMBERS // m)
    return [slice(k, min(k + height, n)) for k in range(0, n, height)]


@dataclass(frozen=True, eq=False)
class Solution:
    """What a strategy found.

    Attributes
    ----------
    x
        The last iterate, ``activate(v)`` with v computed in float64.
    v
        Its pre-activation.
    residual
        A float64 bound on ``max_i ||F(x)_i - x_i|| / scale_i``: the contraction bound times the size of the
        last float64 step, which was computed, not predicted.
    sweeps
        Products with M, in either precision; one application of F each, or two half sweeps.
    rate
        Measured contraction factor of the last steps, for a product; nan where fewer than two were taken.
    converged
        Whether ``residual <= tol``.
    strategy
        The name of the strategy.
    """

    x: Array
    v: Array
    residual: float
    sweeps: int
    rate: float
    converged: bool
    strategy: str


class Strategy(Protocol):
    """A way to solve a :class:`FixedPoint`; short, final, without state."""

    @property
    def name(self) -> str:
        """The name shown in records."""

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Solve the problem from `start` (None: from zero) until the verified residual is at most `tol`."""
