"""Fixed points of any map of arrays, by plain sweeps or Anderson's history, with the residual of what is returned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric.arrays import Array, Namespace, frobenius, is_foreign, namespace, row_norms
from deqmath.numeric.strategies.anderson import AndersonHistory
from deqmath.numeric.strategies.automatic import ACCELERATE_ABOVE
from deqmath.numeric.validate import choice, count, real_array, tolerance

_STRATEGIES = ("automatic", "picard", "anderson")
#: Differences that Anderson's method keeps by default.
_HISTORY = 5
#: Sweeps after which the contraction rate is judged.
_JUDGED = 4
#: A residual this many times the smallest so far restarts the history.
_WORSE = 10.0


@dataclass(frozen=True, eq=False)
class MapFixedPoint:
    """What :func:`find_fixed_point` found.

    Attributes
    ----------
    x
        The last point the map was evaluated at, in the shape of the start.
    residual
        ``||T(x) - x|| / max(||T(x)||, ||T(start)||)``, evaluated at this very x; the largest over the rows where the
        rows are problems of their own.
    tol
        What was asked for.
    evaluations
        Calls of the map.
    rate
        The mean contraction factor of the steps ``||T(x) - x||``; nan after a single one.
    strategy
        "picard", "anderson", or "picard, then anderson".
    status
        "converged" where residual <= tol, else "not-converged".
    message
        One sentence on how it ended.
    """

    x: Array = field(repr=False)
    residual: float
    tol: float
    evaluations: int
    rate: float
    strategy: str
    status: Literal["converged", "not-converged"]
    message: str

    @property
    def converged(self) -> bool:
        """Whether the residual reached the tolerance."""
        return self.status == "converged"

    def require_converged(self) -> None:
        """Raise :class:`NotConvergedError` unless converged."""
        if not self.converged:
            raise NotConvergedError(self.message)


def find_fixed_point(
    map: Callable[[Array], Array],
    start: Any,
    *,
    tol: float = 1e-12,
    strategy: str = "automatic",
    rows: bool = False,
    history: int | None = None,
    max_evaluations: int = 1000,
) -> MapFixedPoint:
    """Find x with ``T(x) = x`` for any map T of arrays, without derivatives.

    Parameters
    ----------
    map
        T; takes a float64 array in the shape of `start` and returns another of that shape. It must not change its
        argument.
    start
        Where to begin: an array of any shape, of NumPy or another Array API namespace that can be written to.
    tol
        Relative residual to reach.
    strategy
        "picard": ``x <- T(x)``. "anderson": Anderson acceleration, restarted where the residual grows tenfold.
        "automatic": plain sweeps, and Anderson's history from the fifth on where the measured rate is above 0.35.
    rows
        The entries along the first axis are problems of their own (the samples of a batch): each has its own history
        and residual. Else the array is one vector.
    history
        Differences kept by Anderson's method; 5 by default.
    max_evaluations
        Most calls of the map.

    Returns
    -------
    MapFixedPoint
        With a status: what has not converged is returned as "not-converged", never as a result.

    Raises
    ------
    InputError, ShapeError
        A start that cannot be used, or a map that returns another shape or kind of array.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric import find_fixed_point
    >>> found = find_fixed_point(np.cos, np.ones(1))
    >>> found.status, round(float(found.x[0]), 10)
    ('converged', 0.7390851332)
    """
    goal, limit = tolerance(tol), count(max_evaluations, "max_evaluations")
    choice(strategy, "strategy", _STRATEGIES)
    if history is not None and strategy == "picard":
        msg = f'history={history!r} has no effect with strategy="picard"; leave it out, or use strategy="anderson"'
        raise InputError(msg)
    x = _start(start, rows)
    depth = _HISTORY if history is None else count(history, "history")
    return _Search(map, x, rows, goal, strategy, depth).run(limit)


def _start(start: Any, rows: bool) -> Array:
    array = start if is_foreign(start) else None
    ndim = array.ndim if array is not None else _ndim(start)
    x = real_array(start, "start", ndim)
    if (rows and ndim < 2) or 0 in x.shape:
        need = "(n, ...) with n >= 1 problems along the first axis" if rows else "at least one entry"
        msg = f"start has shape {tuple(x.shape)}; it needs {need}"
        raise ShapeError(msg)
    return x


def _ndim(start: Any) -> int:
    import numpy as np

    try:
        return int(np.ndim(start))
    except ValueError:
        return 1  # ragged: refused with its own message


@dataclass
class _Search:
    """One search under way."""

    map: Callable[[Array], Array]
    x: Array
    rows: bool
    tol: float
    strategy: str
    depth: int

    def __post_init__(self) -> None:
        self.xp: Namespace = namespace(self.x)
        self.shape = tuple(self.x.shape)
        self.flat_shape = (self.shape[0], -1) if self.rows else (1, -1)
        self.scale: Array | None = None
        self.residual = self.smallest = math.inf
        self.first = self.rate = math.nan
        self.evaluations = 0
        self.memory: AndersonHistory | None = None
        self.used: list[str] = []

    def run(self, limit: int) -> MapFixedPoint:
        """Evaluate until the residual is at most tol, the limit is reached, or a value is not finite."""
        x = self.xp.reshape(self.xp.asarray(self.x, copy=True), self.flat_shape)
        while True:
            image = self._evaluate(x)
            step = image - x
            if not self._measure(image, step):
                return self._end(x, f"the map gave a value that is not finite at evaluation {self.evaluations}")
            if self.residual <= self.tol:
                return self._end(x, f"residual {self.residual:.3g} after {self.evaluations} evaluations")
            if self.evaluations >= limit:
                return self._end(x, f"residual {self.residual:.3g}, needed {self.tol:.3g}, after {limit} evaluations")
            x = self._next(image, step)

    def _evaluate(self, x: Array) -> Array:
        image = self.map(self.xp.reshape(x, self.shape))
        self.evaluations += 1
        kind = getattr(image, "dtype", None)
        if tuple(getattr(image, "shape", ())) != self.shape or kind != self.x.dtype:
            got = f"shape {tuple(getattr(image, 'shape', ()))}, dtype {kind}"
            msg = f"the map returned {type(image).__name__} of {got}; it needs shape {self.shape}, dtype {self.x.dtype}"
            raise ShapeError(msg)
        return self.xp.reshape(image, self.flat_shape)

    def _measure(self, image: Array, step: Array) -> bool:
        """Residual and rate of this evaluation; False where it is not finite."""
        xp, norms = self.xp, row_norms(self.xp, image)
        self.scale = norms if self.scale is None else self.scale
        size, scale = row_norms(xp, step), xp.maximum(norms, self.scale)
        self.residual = float(xp.max(xp.where(size > 0, size / xp.where(scale > 0, scale, xp.ones_like(scale)), size)))
        total = frobenius(xp, size[:, None])
        if self.evaluations == 1:
            self.first = total
        elif self.first > 0:
            self.rate = (total / self.first) ** (1 / (self.evaluations - 1))
        return math.isfinite(self.residual)

    def _next(self, image: Array, step: Array) -> Array:
        """The next point."""
        slow = self.evaluations >= _JUDGED and self.rate > ACCELERATE_ABOVE
        if self.memory is None and (self.strategy == "anderson" or (self.strategy == "automatic" and slow)):
            self.memory = AndersonHistory(self.xp, tuple(image.shape), self.depth, self.xp.float64)
        name = "picard" if self.memory is None else "anderson"
        if name not in self.used:
            self.used.append(name)
        if self.memory is None:
            return image
        if self.residual > _WORSE * self.smallest:
            self.memory.restart()
        self.smallest = min(self.smallest, self.residual)
        return self.memory.advance(image, step)

    def _end(self, x: Array, message: str) -> MapFixedPoint:
        return MapFixedPoint(
            x=self.xp.reshape(x, self.shape),
            residual=self.residual,
            tol=self.tol,
            evaluations=self.evaluations,
            rate=self.rate,
            strategy=", then ".join(self.used) or self.strategy,
            status="converged" if self.residual <= self.tol else "not-converged",
            message=message,
        )
