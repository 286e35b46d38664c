"""What ``bound`` and ``train`` start from: a data set, and a random network of the right size for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from deqmath.data import Dataset
    from deqmath.numeric import ReLUNetwork

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

    def __str__(self) -> str:
        s = self.settings
        n, d = self.data.X.shape
        return (
            f"{self.data.name}: n = {n} samples of dimension d = {d}; "
            f"network: m = {s['width']}, gamma0 = {s['gamma0']}, {s['init']}, seed {s['seed']}"
        )


def make_problem(
    source: str,
    *,
    classes: tuple[float, float] | None,
    samples: int | None,
    width: int,
    gamma0: float,
    init: Init,
    seed: int,
) -> Problem:
    """Read the data and draw the network; bad input is refused here, before anything is computed."""
    from deqmath.data import load
    from deqmath.numeric import ReLUNetwork

    data = load(source, classes=classes, samples=samples, seed=seed)
    net = ReLUNetwork.random(width=width, inputs=data.X.shape[1], gamma0=gamma0, init=init, seed=seed)
    settings = {
        "data": source,
        "data_note": data.note,
        "samples": data.X.shape[0],
        "width": width,
        "gamma0": gamma0,
        "init": init,
        "seed": seed,
    }
    return Problem(data, net, settings)
