"""Gradient descent of the softmax network in mpmath at small size: the whole trajectory to a requested number of digits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deqmath.errors import InputError
from deqmath.numeric.multiprecision_numbers import MPMatrix, MPNumber
from deqmath.numeric.multiprecision_softmax import MultiprecisionSoftmaxNetwork
from deqmath.numeric.validate import count


@dataclass(frozen=True, eq=False)
class MultiprecisionSoftmaxRun:
    """A trajectory of gradient descent in many digits; entry k of every tuple belongs to step k.

    Attributes
    ----------
    step_size
        alpha.
    loss
        The loss, summed over samples and outputs.
    predictions
        n x p matrices.
    networks
        The networks, whose parameters are the trajectory.
    """

    step_size: MPNumber
    loss: tuple[MPNumber, ...]
    predictions: tuple[MPMatrix, ...] = field(repr=False)
    networks: tuple[MultiprecisionSoftmaxNetwork, ...] = field(repr=False)


def multiprecision_softmax_descent(
    net: MultiprecisionSoftmaxNetwork, X: Any, y: Any, *, steps: int, step_size: Any, loss: str = "square"
) -> MultiprecisionSoftmaxRun:
    """``P <- P - alpha dL/dP`` over the trainable parameters (k21), at the digits of the network.

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Rows phi(x), (n, m), and targets (n, p), entries of any kind that the network takes.
    steps
        Number of steps.
    step_size
        alpha.
    loss
        "square" or "logistic" (y = +-1).

    Examples
    --------
    >>> from deqmath.numeric import MultiprecisionSoftmaxNetwork, multiprecision_softmax_descent
    >>> net = MultiprecisionSoftmaxNetwork([[0, 1], [1, 0]], [[1, 2]], "0.5", digits=40)
    >>> run = multiprecision_softmax_descent(net, [[1, 0]], [[1]], steps=3, step_size="0.1")
    >>> bool(run.loss[3] < run.loss[0])
    True
    """
    total, alpha = count(steps, "steps"), net.number(step_size, "step_size")
    if not alpha > 0:
        msg = f"step_size is {step_size!r}; it needs a number > 0, for example step_size='0.1'"
        raise InputError(msg)
    networks, losses, predictions = [net], [], []
    for k in range(total + 1):
        here = networks[-1]
        predictions.append(here.predict(X))
        losses.append(here.loss(X, y, loss=loss))
        if k < total:
            slopes = here.gradient(X, y, loss=loss)
            A, B = (
                getattr(here, name) - alpha * slopes[name] if name in slopes else getattr(here, name)
                for name in ("A", "B")
            )
            moved = MultiprecisionSoftmaxNetwork(A, B, here.gamma, digits=here.digits, trainable=here.trainable)
            networks.append(moved)
    return MultiprecisionSoftmaxRun(alpha, tuple(losses), tuple(predictions), tuple(networks))
