"""What ``bound`` and ``train`` start from: a data set, and a random network of the right size for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deqmath.data import Dataset
    from deqmath.numeric import ReLUNetwork, SoftmaxNetwork

Init = Literal["gaussian", "half-normal", "diagonal"]


@dataclass(frozen=True)
class Problem:
    """A data set and a network, with the settings they were drawn with.

    Parameters
    ----------
    data
        The samples and targets.
    net
        The network.
    settings
        What was asked for, to be told and saved with every result.
    """

    data: Dataset
    net: ReLUNetwork
    settings: dict[str, Any]

    @property
    def inputs(self) -> NDArray[np.float64]:
        """What the network is given: the samples."""
        return self.data.X

    def without(self, names: tuple[str, ...]) -> Problem:
        """The problem as it is told of a result that these settings say nothing to."""
        return replace(self, settings={key: value for key, value in self.settings.items() if key not in names})

    def __str__(self) -> str:
        shown = {"width": "m = {}", "gamma0": "gamma0 = {}", "init": "{}", "seed": "seed {}"}
        network = ", ".join(text.format(self.settings[key]) for key, text in shown.items() if key in self.settings)
        return f"{_data(self.data)}network: {network}"


@dataclass(frozen=True)
class SoftmaxProblem:
    """A data set, the features of its samples, and a softmax network; parameters as in :class:`Problem`.

    Parameters
    ----------
    inputs
        ``phi(x) = relu(R x) sqrt(2/m)`` with ``R_ij ~ N(0, 1)``, one row a sample.
    """

    data: Dataset
    inputs: NDArray[np.float64]
    net: SoftmaxNetwork
    settings: dict[str, Any]

    def __str__(self) -> str:
        s = self.settings
        return f"{_data(self.data)}softmax network: m = {s['width']}, gamma = {s['gamma']}, seed {s['seed']}"


def _data(data: Dataset) -> str:
    n, d = data.X.shape
    return f"{data.name}: n = {n} samples of dimension d = {d}; "


def make_problem(
    source: str,
    *,
    classes: tuple[float, float] | None,
    samples: int | None,
    width: int,
    gamma0: float,
    init: Init,
    seed: int,
    trainable: tuple[str, ...] = ("A",),
) -> Problem:
    """Read the data and draw the network; bad input is refused here, before anything is computed."""
    from deqmath.data import load
    from deqmath.numeric import ReLUNetwork

    data = load(source, classes=classes, samples=samples, seed=seed)
    net = ReLUNetwork.random(
        width=width, inputs=data.X.shape[1], gamma0=gamma0, init=init, seed=seed, trainable=trainable
    )
    settings = {
        "data": source,
        "data_note": data.note,
        "samples": data.X.shape[0],
        "width": width,
        "gamma0": gamma0,
        "init": init,
        "seed": seed,
        "trainable": list(trainable),
    }
    return Problem(data, net, settings)


def make_softmax_problem(
    source: str,
    *,
    classes: tuple[float, float] | None,
    samples: int | None,
    width: int,
    gamma: float,
    seed: int,
    trainable: tuple[str, ...] = ("A", "B"),
) -> SoftmaxProblem:
    """Read the data, draw the features and the network; see :func:`make_problem`."""
    import numpy as np

    from deqmath.data import load
    from deqmath.numeric import SoftmaxNetwork

    data = load(source, classes=classes, samples=samples, seed=seed)
    net = SoftmaxNetwork.random(width=width, gamma=gamma, seed=seed, trainable=trainable)
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))  # 0, 1: the network's
    R = stream.standard_normal((width, data.X.shape[1]))
    features = np.maximum(data.X @ R.T, 0) * np.sqrt(2 / width)
    settings = {
        "model": "softmax",
        "data": source,
        "data_note": data.note,
        "samples": data.X.shape[0],
        "features": "phi(x) = relu(R x) sqrt(2/m), R_ij ~ N(0, 1)",
        "width": width,
        "gamma": gamma,
        "seed": seed,
        "trainable": list(trainable),
    }
    return SoftmaxProblem(data, features, net, settings)
