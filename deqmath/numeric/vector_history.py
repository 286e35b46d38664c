"""Anderson acceleration of one vector, for maps so cheap that the bookkeeping decides the time."""

from __future__ import annotations

import math

from scipy.linalg.lapack import dposv

from deqmath.numeric.arrays import Array, Namespace, frobenius, is_numpy, require_assignment, to_numpy

#: Ridge of the normal equations relative to their diagonal, as if the columns were scaled to length 1.
_RIDGE = 1.0e-12
#: Sizes of a first step whose square, and that of what is left of it at the end, float64 holds.
_LEAST, _MOST = 1.0e-120, 1.0e140


class VectorHistory:
    """The last differences of one vector's iterates and images, and the next iterate they suggest (type II).

    The method of :class:`~deqmath.numeric.strategies.anderson.AndersonHistory` for a single row: the vectors stay in
    their namespace, the depth x depth normal equations go to LAPACK, and an iterate takes two products. Where
    Cholesky's factorisation fails the history is forgotten.

    Parameters
    ----------
    xp
        Namespace of the vectors.
    size
        Their length.
    depth
        Differences kept.
    """

    def __init__(self, xp: Namespace, size: int, depth: int) -> None:
        require_assignment(xp, "Anderson's history")
        self.xp, self.depth, self.count = xp, depth, 0
        self.steps = xp.zeros((depth + 1, size), dtype=xp.float64)  # the present step, then the differences of steps
        self.images = xp.zeros((depth, size), dtype=xp.float64)
        self.previous: tuple[Array, Array] | None = None
        self.unit = 1.0  # by which steps are multiplied where their squares would leave the range of float64

    def restart(self) -> None:
        """Forget everything."""
        self.count, self.previous = 0, None

    def advance(self, image: Array, step: Array) -> Array:
        """The next iterate, from ``image = g(x)`` and ``step = g(x) - x``."""
        if self.previous is None:
            size = frobenius(self.xp, step)
            self.unit = 1.0 if _LEAST < size < _MOST else 2.0 ** min(-math.frexp(size)[1], 1000)
            self.previous = (image, step * self.unit)
            return image
        if self.unit != 1.0:
            step = step * self.unit
        old_image, old_step = self.previous
        self.previous = (image, step)
        slot = self.count % self.depth
        self.count += 1
        k = min(self.count, self.depth)
        self.images[slot, :] = image - old_image
        self.steps[slot + 1, :] = step - old_step
        self.steps[0, :] = step
        products = to_numpy(self.steps[1 : k + 1, :] @ self.steps[: k + 1, :].T)
        normal = products[:, 1:].copy()
        diagonal = normal.ravel()[:: k + 1]
        diagonal *= 1.0 + _RIDGE
        if not diagonal.all():  # a difference that is zero, or whose square underflows, takes no part
            diagonal[diagonal == 0] = 1.0
        _, c, failed = dposv(normal, products[:, 0])
        if failed:
            self.restart()
            return image
        weights = c if is_numpy(self.xp) else self.xp.asarray(c)
        return image - weights @ self.images[:k, :]
