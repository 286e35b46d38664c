"""Fixed points of any map of arrays, by plain sweeps or Anderson's history, with the residual of what is returned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric.arrays import Array, Namespace, assigns, frobenius, is_foreign, namespace, row_norms
from deqmath.numeric.strategies.anderson import AndersonHistory
from deqmath.numeric.strategies.automatic import ACCELERATE_ABOVE
from deqmath.numeric.validate import choice, count, real_array, switch, tolerance
from deqmath.numeric.vector_history import VectorHistory

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
        With a status: what has not converged is returned as "not-converged", never as a result. Where values leave
        float64 the search ends so, without NumPy's warnings.

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
    given: Any = map
    if not callable(given):
        msg = f"map is {map!r}; it needs a function of one array, for example map=np.cos"
        raise InputError(msg)
    if history is not None and strategy == "picard":
        msg = f'history={history!r} has no effect with strategy="picard"; leave it out, or use strategy="anderson"'
        raise InputError(msg)
    x = _start(start, switch(rows, "rows"))
    depth = _HISTORY if history is None else count(history, "history")
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves float64 ends the search, and its message says so
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
    try:
        return int(np.ndim(start))
    except ValueError:
        return 1  # ragged: refused with its own message


class _Search:
    """One search under way; x, image and step are matrices of rows where the rows are problems, else one vector."""

    def __init__(
        self, map: Callable[[Array], Array], start: Array, rows: bool, tol: float, strategy: str, depth: int
    ) -> None:
        self.map, self.rows, self.tol, self.strategy, self.depth = map, rows, tol, strategy, depth
        self.xp: Namespace = namespace(start)
        self.shape, self.dtype = tuple(start.shape), start.dtype
        self.flat_shape = (self.shape[0], -1) if rows else (-1,)
        self.is_flat = len(self.shape) == (2 if rows else 1)
        self.x = self.xp.reshape(self.xp.asarray(start, copy=True), self.flat_shape)
        self.scale: Any = None
        self.residual = self.smallest = math.inf
        self.first = self.rate = math.nan
        self.evaluations = 0
        self.memory: AndersonHistory | VectorHistory | None = None
        self.used: list[str] = []

    def run(self, limit: int) -> MapFixedPoint:
        """Evaluate until the residual is at most tol, the limit is reached, or a value is not finite."""
        while True:
            image = self._evaluate()
            step = image - self.x
            self.residual, size = self._residual_of_rows(image, step) if self.rows else self._residual(image, step)
            if not math.isfinite(self.residual):
                return self._end(f"the map gave a value that is not finite at evaluation {self.evaluations}")
            if self.evaluations == 1:
                self.first = size
            elif self.first > 0:
                self.rate = (size / self.first) ** (1 / (self.evaluations - 1))
            if self.residual <= self.tol:
                return self._end(f"residual {self.residual:.3g} after {self.evaluations} evaluations")
            if self.evaluations >= limit:
                return self._end(f"residual {self.residual:.3g}, needed {self.tol:.3g}, after {limit} evaluations")
            self.x = self._next(image, step)

    def _evaluate(self) -> Array:
        """``T(x)``, copied: a map may give the same array every time, with new entries."""
        before = self.xp.asarray(self.x, copy=True) if self.evaluations == 0 else None
        image = self.map(self.x if self.is_flat else self.xp.reshape(self.x, self.shape))
        self.evaluations += 1
        if before is not None and not bool(self.xp.all(self.x == before)):
            msg = "the map changed its argument, so that nothing can be compared with it; make it return a new array"
            raise InputError(msg)
        if getattr(image, "shape", None) != self.shape or getattr(image, "dtype", None) != self.dtype:
            got = f"shape {tuple(getattr(image, 'shape', ()))}, dtype {getattr(image, 'dtype', None)}"
            msg = f"the map returned {type(image).__name__} of {got}; it needs shape {self.shape}, dtype {self.dtype}"
            raise ShapeError(msg)
        image = self.xp.asarray(image, copy=True)
        return image if self.is_flat else self.xp.reshape(image, self.flat_shape)

    def _residual(self, image: Array, step: Array) -> tuple[float, float]:
        """The relative residual of this evaluation, and ``||T(x) - x||``, of one vector."""
        norm, size = frobenius(self.xp, image), frobenius(self.xp, step)
        self.scale = norm if self.scale is None else self.scale
        scale = max(norm, self.scale)
        return (size / scale if scale > 0 else size), size

    def _residual_of_rows(self, image: Array, step: Array) -> tuple[float, float]:
        """The same, the largest over the rows, and all rows together."""
        xp, norms = self.xp, row_norms(self.xp, image)
        self.scale = norms if self.scale is None else self.scale
        size, scale = row_norms(xp, step), xp.maximum(norms, self.scale)
        residual = xp.max(xp.where(size > 0, size / xp.where(scale > 0, scale, xp.ones_like(scale)), size))
        return float(residual), frobenius(xp, size)

    def _next(self, image: Array, step: Array) -> Array:
        """The next point."""
        slow = self.evaluations >= _JUDGED and self.rate > ACCELERATE_ABOVE and assigns(self.xp)
        if self.memory is None and (self.strategy == "anderson" or (self.strategy == "automatic" and slow)):
            if self.rows:
                self.memory = AndersonHistory(self.xp, tuple(image.shape), self.depth, self.xp.float64)
            else:
                self.memory = VectorHistory(self.xp, image.shape[0], self.depth)
        name = "picard" if self.memory is None else "anderson"
        if name not in self.used:
            self.used.append(name)
        if self.memory is None:
            return image
        if self.residual > _WORSE * self.smallest:
            self.memory.restart()
        self.smallest = min(self.smallest, self.residual)
        return self.memory.advance(image, step)

    def _end(self, message: str) -> MapFixedPoint:
        return MapFixedPoint(
            x=self.xp.reshape(self.x, self.shape),
            residual=self.residual,
            tol=self.tol,
            evaluations=self.evaluations,
            rate=self.rate,
            strategy=", then ".join(self.used) or self.strategy,
            status="converged" if self.residual <= self.tol else "not-converged",
            message=message,
        )
