"""Anderson acceleration with a short history, for every row by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deqmath.numeric.arrays import Array, Namespace, frobenius, require_assignment, row_norms
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.validate import count

#: Relative ridge of the small least-squares problems, whose columns are scaled to length 1.
_RIDGE = 1.0e-12
_RIDGE_32 = 1.0e-7
#: A residual this many times the smallest so far restarts the history.
_WORSE = 10.0
_PATIENCE = 30
#: Sizes of a first step whose square, and that of what is left of it at the end, float64 holds; and float32.
_SIZES, _SIZES_32 = (1.0e-120, 1.0e140), (1.0e-11, 1.0e15)
#: What can be inverted in either.
_INVERTIBLE, _INVERTIBLE_32 = 1.0e-300, 1.0e-30


class AndersonHistory:
    """The last differences of iterates and images, and the next iterate they suggest (type II).

    With ``f_k = g_k - x_k``, row by row: ``x_{k+1} = g_k - dG c``, c the least-squares solution of ``dF c = f_k``.
    The columns of dF are scaled to length 1 before the Gram matrix is solved, so that the ridge is relative: an
    absolute one stops the acceleration as soon as the steps are small.

    Parameters
    ----------
    xp
        Namespace.
    shape
        (n, m).
    depth
        Differences kept.
    dtype
        float32 or float64 of the namespace; inner products are kept in float64.
    """

    def __init__(self, xp: Namespace, shape: tuple[int, int], depth: int, dtype: object) -> None:
        require_assignment(xp, "Anderson's history")
        n, m = shape
        self.xp, self.depth, self.count = xp, depth, 0
        self.dF = xp.zeros((n, depth, m), dtype=dtype)
        self.dG = xp.zeros((n, depth, m), dtype=dtype)
        self.pair = xp.zeros((n, 2, m), dtype=dtype)
        self.gram = xp.zeros((n, depth, depth), dtype=xp.float64)
        double = dtype == xp.float64
        self.ridge = _RIDGE if double else _RIDGE_32
        self.sizes = _SIZES if double else _SIZES_32
        self.invertible = _INVERTIBLE if double else _INVERTIBLE_32
        self.previous: tuple[Array, Array] | None = None
        self.unit: Array | None = None  # by which the steps of each row are multiplied

    def _unit(self, step: Array) -> Array | None:
        """None, or what brings each row's step to a size whose square can be held; c does not depend on it."""
        size = row_norms(self.xp, step)
        if bool(self.xp.all((size == 0) | ((size > self.sizes[0]) & (size < self.sizes[1])))):
            return None
        least = self.xp.full_like(size, self.invertible)  # the inverse of what is smaller overflows
        return (1.0 / self.xp.maximum(size, least))[:, None]

    def restart(self) -> None:
        """Forget everything."""
        self.count, self.previous = 0, None

    def advance(self, image: Array, step: Array) -> Array:
        """The next iterate, from ``image = g(x)`` and ``step = g(x) - x``, both (n, m)."""
        xp = self.xp
        if self.previous is None:
            self.unit = self._unit(step)
            self.previous = (image, step if self.unit is None else step * self.unit)
            return image
        if self.unit is not None:
            step = step * self.unit
        slot = self.count % self.depth
        self.pair[:, 0, :] = step - self.previous[1]
        self.pair[:, 1, :] = step
        self.dF[:, slot, :] = self.pair[:, 0, :]
        self.dG[:, slot, :] = image - self.previous[0]
        self.previous = (image, step)
        self.count += 1
        k = min(self.count, self.depth)
        products = xp.astype(
            xp.matmul(self.dF[:, :k, :], xp.permute_dims(self.pair, (0, 2, 1))), xp.float64, copy=False
        )
        self.gram[:, slot, :k] = products[:, :, 0]
        self.gram[:, :k, slot] = products[:, :, 0]
        used = self.gram[:, :k, :k]
        size = xp.sqrt(xp.linalg.diagonal(used))
        scale = 1.0 / xp.where(size > 0, size, xp.ones_like(size))
        scaled = used * scale[:, :, None] * scale[:, None, :] + self.ridge * xp.eye(k, dtype=xp.float64)
        c = xp.linalg.solve(scaled, (products[:, :, 1] * scale)[:, :, None])[:, :, 0] * scale
        c = xp.astype(c, image.dtype, copy=False)
        return image - xp.matmul(c[:, None, :], self.dG[:, :k, :])[:, 0, :]


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration in float64, safeguarded: where the residual grows, plain sweeps from there.

    Helps where few eigenvalues are large, as after training; a fresh Gaussian A has its spectrum in a disc, and
    nothing accelerates that.

    Parameters
    ----------
    history
        Differences kept, 5 by default.
    """

    history: int = 5
    name: str = "anderson"

    def __post_init__(self) -> None:
        """Refuse what is no count of differences."""
        count(self.history, "history")

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Sweep until the residual bound is at most `tol`; see :class:`~.fixed_point.Strategy`."""
        x = problem.origin() if start is None else start
        memory = AndersonHistory(problem.xp, problem.shape, self.history, problem.xp.float64)
        smallest, stale, sweeps = math.inf, 0, 0
        residual, rate, first = math.inf, math.nan, math.nan
        v = new = x
        while sweeps < max_sweeps and stale < _PATIENCE:
            v = problem.preactivation(x)
            new = problem.activate(v)
            step = new - x
            sweeps += 1
            residual = problem.contraction * problem.relative_step(step, new)
            size = frobenius(problem.xp, step)
            first = size if sweeps == 1 else first
            if sweeps > 1 and first > 0 and residual > 8e-16:
                rate = (size / first) ** (1 / (sweeps - 1))
            if residual <= tol:
                return Solution(new, v, residual, sweeps, rate, True, self.name)
            if residual > _WORSE * smallest:
                memory.restart()
            stale = 0 if residual < smallest else stale + 1
            smallest = min(smallest, residual)
            x = memory.advance(new, step)
        return Solution(new, v, residual, sweeps, rate, False, self.name)
