"""Gate switches along a step of the flow, located in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from deqmath.numeric.recorder import State

#: Sections that a step in which gates switch is cut into.
_SECTIONS = 8


@dataclass(frozen=True, eq=False)
class Switches:
    """Gate switches in the order of time; every array has one entry a switch.

    Attributes
    ----------
    time
        When the pre-activation crosses 0, by linear interpolation within the section it crosses in.
    width
        The length of that section: the switch is within it, as far as the step's own path is accurate.
    sample, unit
        Which gate: row of X and unit of the layer.
    opened
        True where the gate opens, False where it closes.
    """

    time: NDArray[np.float64]
    width: NDArray[np.float64] = field(repr=False)
    sample: NDArray[np.int64] = field(repr=False)
    unit: NDArray[np.int64] = field(repr=False)
    opened: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        """How many switches."""
        return len(self.time)

    @classmethod
    def none(cls) -> Self:
        """No switches."""
        floats, integers = np.empty(0), np.empty(0, dtype=np.int64)
        return cls(floats, floats, integers, integers, np.empty(0, dtype=np.bool_))

    @classmethod
    def join(cls, parts: Sequence[Switches]) -> Self:
        """All of them, in the order of time."""
        names = ("time", "width", "sample", "unit", "opened")
        if not parts:
            return cls.none()
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        order = np.argsort(columns["time"], kind="stable")
        return cls(*(columns[name][order] for name in names))


def locate_switches(
    before: State, after: State, X: NDArray[np.float64], start: float, end: float, sections: int = _SECTIONS
) -> Switches:
    """The switches between two states of the flow.

    The parameters move along the straight line between the two states, which is the path of the flow to second
    order in the step. The equilibrium is solved at equidistant points of it, and each crossing is interpolated
    within its section. A gate that switches and switches back within one section is not seen; one that the flow slides
    along (:mod:`.kinks`) switches with the sign that round-off gives its pre-activation.

    Parameters
    ----------
    before, after
        The solved states.
    X
        Samples, shape (n, d).
    start, end
        Their times.
    sections
        How finely the step is cut.

    Returns
    -------
    Switches
    """
    first, last = before.J.adjoint.equilibrium, after.J.adjoint.equilibrium
    if np.array_equal(first.gates, last.gates):
        return Switches.none()
    names = before.net.trainable
    found, earlier = [], np.asarray(first.U)
    for k in range(1, sections + 1):
        share = k / sections
        if k < sections:
            net = before.net.with_parameters(
                **{n: (1 - share) * getattr(before.net, n) + share * getattr(after.net, n) for n in names}
            )
            later = np.asarray(net.equilibrium(X, start=(1 - share) * first.Z + share * last.Z, tol=1e-10).U)
        else:
            later = np.asarray(last.U)
        sample, unit = np.nonzero((earlier > 0) != (later > 0))
        a, b = np.abs(earlier[sample, unit]), np.abs(later[sample, unit])
        width = (end - start) / sections
        fraction = a / np.where(a + b > 0, a + b, 1.0)
        times = start + (k - 1) * width + width * fraction
        found.append(Switches(times, np.full(len(times), width), sample, unit, later[sample, unit] > 0))
        earlier = later
    return Switches.join(found)
