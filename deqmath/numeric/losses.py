"""The losses of a sample and their first two derivatives in the prediction: square and logistic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deqmath.errors import InputError
from deqmath.numeric.arrays import Array, Namespace
from deqmath.numeric.validate import choice


def _softplus(xp: Namespace, t: Array) -> Array:
    """``log(1 + e^t)`` without overflow."""
    return xp.where(t > 0, t, xp.zeros_like(t)) + xp.log1p(xp.exp(-xp.abs(t)))


def _logistic(xp: Namespace, t: Array) -> Array:
    """``1/(1 + e^-t)`` without overflow."""
    small = xp.exp(-xp.abs(t))
    return xp.where(t >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


@dataclass(frozen=True)
class Loss:
    """A loss summed over samples and outputs: its terms, and their two derivatives in the prediction.

    Attributes
    ----------
    name
        "square": ``(f - y)^2 / 2``. "logistic": ``log(1 + exp(-y f))`` with y = +-1.
    terms, slopes, curvatures
        Functions of (namespace, predictions, targets).
    """

    name: str
    terms: Callable[[Namespace, Array, Array], Array]
    slopes: Callable[[Namespace, Array, Array], Array]
    curvatures: Callable[[Namespace, Array, Array], Array]

    def check(self, xp: Namespace, y: Array) -> None:
        """Refuse targets the loss has no meaning for."""
        if self.name == "logistic" and not bool(xp.all(xp.abs(y) == 1)):
            msg = 'loss="logistic" needs targets y of -1 and +1, for example np.where(y > 0, 1.0, -1.0)'
            raise InputError(msg)


LOSSES = {
    "square": Loss(
        "square",
        lambda xp, f, y: 0.5 * (f - y) ** 2,  # noqa: ARG005
        lambda xp, f, y: f - y,  # noqa: ARG005
        lambda xp, f, y: xp.ones_like(f),  # noqa: ARG005
    ),
    "logistic": Loss(
        "logistic",
        lambda xp, f, y: _softplus(xp, -y * f),
        lambda xp, f, y: -y * _logistic(xp, -y * f),
        lambda xp, f, y: _logistic(xp, y * f) * _logistic(xp, -y * f),
    ),
}


def find_loss(name: object) -> Loss:
    """The loss of that name.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric.losses import find_loss
    >>> find_loss("logistic").slopes(np, np.array([0.0]), np.array([1.0]))
    array([-0.5])
    """
    return LOSSES[choice(name, "loss", LOSSES)]
