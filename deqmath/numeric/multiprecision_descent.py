"""Gradient descent in mpmath at small size: the whole trajectory to a requested number of digits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deqmath.errors import InputError
from deqmath.numeric.multiprecision import MultiprecisionNetwork
from deqmath.numeric.multiprecision_numbers import MPMatrix, MPNumber, entries
from deqmath.numeric.validate import count


@dataclass(frozen=True, eq=False)
class MultiprecisionRun:
    """A trajectory of gradient descent in many digits; entry k of every tuple belongs to step k.

    Attributes
    ----------
    step_size
        alpha.
    loss
        ``||yhat - y||^2 / 2``.
    predictions
        yhat, n x 1 matrices.
    networks
        The networks, whose parameters are the trajectory.
    gates
        ``u > 0``, n rows of m booleans.
    """

    step_size: MPNumber
    loss: tuple[MPNumber, ...]
    predictions: tuple[MPMatrix, ...] = field(repr=False)
    networks: tuple[MultiprecisionNetwork, ...] = field(repr=False)
    gates: tuple[tuple[tuple[bool, ...], ...], ...] = field(repr=False)

    def switches(self, step: int) -> int:
        """How many gates differ from their state at step 0."""
        pairs = zip(self.gates[0], self.gates[step], strict=True)
        return sum(a != b for one, other in pairs for a, b in zip(one, other, strict=True))


def multiprecision_descent(
    net: MultiprecisionNetwork, X: Any, y: Any, *, steps: int, step_size: Any = None
) -> MultiprecisionRun:
    """``P <- P - alpha dL/dP`` over the trainable parameters (gg22 eq. 6, gg22lin), at the digits of the network.

    Parameters
    ----------
    net
        The network to start from; it is not changed.
    X, y
        Samples (n, d) and targets (n,), entries of any kind that `MultiprecisionNetwork` takes.
    steps
        Number of steps.
    step_size
        alpha; None: ``1 / lambda_max(H(0))``.

    Returns
    -------
    MultiprecisionRun

    Raises
    ------
    NotWellPosedError
        A step leaves rho < 1.

    Examples
    --------
    >>> from deqmath.numeric import MultiprecisionNetwork, multiprecision_descent
    >>> net = MultiprecisionNetwork([[0, 1], [1, 0]], [[1], [2]], [1, 1], "0.25", digits=50)
    >>> run = multiprecision_descent(net, [[1]], [1], steps=3)
    >>> bool(run.loss[3] < run.loss[0])
    True
    """
    total, labels = count(steps, "steps"), entries(y, "y")
    target = net.context.matrix([[net.number(value, f"y[{i}]")] for i, value in enumerate(labels)])
    alpha = _step(net, X) if step_size is None else net.number(step_size, "step_size")
    if not alpha > 0:
        msg = f"step_size is {step_size!r}; it needs a number > 0, or None for 1/lambda_max(H(0))"
        raise InputError(msg)
    networks, losses, predictions, gates = [net], [], [], []
    for k in range(total + 1):
        here = networks[-1]
        eq = here.equilibrium(X)
        yhat = eq.Z * here.b / here.context.sqrt(here.width)
        predictions.append(yhat)
        losses.append(sum((a - b) ** 2 for a, b in zip(yhat, target, strict=True)) / 2)
        gates.append(eq.gates)
        if k < total:
            found = here.gradient(X, labels)
            gradient = found if isinstance(found, dict) else {here.trainable[0]: found}
            networks.append(_moved(here, {name: -alpha * slope for name, slope in gradient.items()}))
    return MultiprecisionRun(alpha, tuple(losses), tuple(predictions), tuple(networks), tuple(gates))


def _step(net: MultiprecisionNetwork, X: Any) -> MPNumber:
    top = max(net.context.eigsy(net.gram(X), eigvals_only=True))
    if not top > 0:
        msg = "H(0) = 0, so it allows any step; pass step_size=, for example 1"
        raise InputError(msg)
    return 1 / top


def _moved(net: MultiprecisionNetwork, change: dict[str, MPMatrix]) -> MultiprecisionNetwork:
    parts = {name: getattr(net, name) + change.get(name, 0 * getattr(net, name)) for name in ("A", "W", "b")}
    return MultiprecisionNetwork(
        parts["A"], parts["W"], parts["b"], net.gamma, digits=net.digits, phi=net.phi, trainable=net.trainable
    )
