"""The data sets, their two kinds of labels, and what is held fixed in every cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deqmath.data import load
from deqmath.errors import InputError
from deqmath.numeric import ReLUNetwork

#: ``gamma sqrt m`` and phi of every network; with phi = identity the limit of infinite width has a closed form.
GAMMA0, PHI = 0.15, "identity"
#: Probability that the bound of Theorem 4.1 fails.
DELTA = 0.05
#: Samples that are never trained on, however many are.
HELD_BACK = 50
LABELS = ("true", "random")


@dataclass(frozen=True)
class Task:
    """A data set and its name in tables and files."""

    name: str
    source: str
    classes: tuple[float, float] | None
    words: str

    def inputs(self) -> NDArray[np.float64]:
        """Every sample, in the order of the data."""
        return load(self.source, classes=self.classes).X

    def draw(self, labels: str, seed: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The order in which samples are taken, and the labels of all of them in that order.

        Random labels are drawn from the true ones, independently of each other and of the samples, for training and
        for the new data alike: the error on new data is that of the same distribution.
        """
        y = load(self.source, classes=self.classes).y
        order = np.random.default_rng([seed, 0]).permutation(len(y))
        chosen = y[order] if labels == "true" else np.random.default_rng([seed, 1]).choice(y, len(y))
        return order, chosen


TASKS = (
    Task("digits-3-8", "digits", (3.0, 8.0), "digits 3 and 8"),
    Task("digits-0-1", "digits", (0.0, 1.0), "digits 0 and 1"),
    Task("diabetes", "diabetes", None, "diabetes"),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """One network, the samples it is trained on, and new ones."""

    network: ReLUNetwork
    X: NDArray[np.float64]
    y: NDArray[np.float64]
    new_X: NDArray[np.float64]
    new_y: NDArray[np.float64]


def problem(task: Task, labels: str, width: int, seed: int, samples: int) -> Problem:
    """The first `samples` in the order of the seed, and a Gaussian network of the same seed.

    Raises
    ------
    InputError
        Fewer than 50 samples would be left to measure the error on.
    """
    order, y = task.draw(labels, seed)
    refuse_too_many(task, samples, len(y))
    X = task.inputs()[order]
    network = ReLUNetwork.random(width=width, inputs=X.shape[1], gamma0=GAMMA0, seed=seed, phi="identity")
    return Problem(network, X[:samples], y[:samples], X[samples:], y[samples:])


def refuse_too_many(task: Task, samples: int, there: int) -> None:
    """Some samples are kept for the test error."""
    if samples > there - HELD_BACK:
        msg = f"{task.name} has {there} samples, of which {HELD_BACK} are kept for the test error; samples = {samples} leaves fewer"
        raise InputError(msg)


def mean_error(predictions: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The mean of ``min(|f - y|, 1)``: 1-Lipschitz in f, in [0, 1], 0 at y, as Theorem 4.1 asks."""
    return float(np.minimum(np.abs(np.asarray(predictions) - y), 1).mean())
