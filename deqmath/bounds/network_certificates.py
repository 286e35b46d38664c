"""Certificates about a network on data: its arrays, and the centres that the checker puts into the equations again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from deqmath.bounds.bound import Certificate
from deqmath.bounds.certificate_file import Ends, certificate, columns_record
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled
from deqmath.bounds.record import Entry

if TYPE_CHECKING:
    from deqmath.bounds.equilibrium_record import EquilibriumEnclosure
    from deqmath.numeric import ReLUNetwork

Duals = Sequence[tuple[Scaled, Fraction]]


@dataclass(frozen=True, eq=False)
class Subject:
    """The network and data that something was proved about, as the certificates name them."""

    arrays: dict[str, Array]
    gamma: Fraction
    phi: str

    @classmethod
    def of(cls, net: ReLUNetwork, X: Array, y: Array | None = None) -> Subject:
        """The float64 arrays A, W, b, X and, where given, y."""
        arrays = {"A": net.A, "W": net.W, "b": net.b, "X": X} | ({} if y is None else {"y": y})
        return cls({k: np.asarray(v, dtype=np.float64) for k, v in arrays.items()}, Fraction(net.gamma), net.phi)

    @property
    def parameters(self) -> dict[str, Fraction | str]:
        """What the certificate must name beside the arrays."""
        return {"gamma": self.gamma, "phi": self.phi}


def witness_of(found: EquilibriumEnclosure, duals: Duals | None = None) -> dict[str, Any]:
    """Centres, radii and signs of the equilibria; centres of the adjoints."""
    signs = [
        "".join("?" if u else "-0+"[int(s) + 1] for s, u in zip(ball.signs, ball.undecided, strict=True))
        for ball in found.balls
    ]
    witness: dict[str, Any] = {
        "monotonicity": str(found.monotonicity),
        "equilibria": columns_record([ball.centre for ball in found.balls]),
        "radii": [str(ball.radius) for ball in found.balls],
        "signs": signs,
    }
    if duals is not None:
        witness["adjoints"] = columns_record([centre for centre, _ in duals])
    return witness


def equilibrium_certificate(subject: Subject, found: EquilibriumEnclosure) -> Certificate:
    """Existence, uniqueness, balls and signs."""
    ends: dict[str, Ends] = {"radius": (None, found.radius.upper)}
    return certificate("equilibrium", subject.arrays, ends, parameters=subject.parameters, witness=witness_of(found))


def ends_of(entries: Sequence[Entry], one_sided: Sequence[str] = ()) -> dict[str, Ends]:
    """The ends of every proved entry; of the one-sided ones only the upper end is a statement."""
    return {
        e.name: (None if e.name in one_sided else e.bound.lower, e.bound.upper)
        for e in entries
        if e.bound.status == "proved"
    }


def record_certificate(
    quantity: str,
    subject: Subject,
    ends: Mapping[str, Ends],
    parameters: Mapping[str, Fraction | str],
    witness: Mapping[str, Any],
) -> Certificate | None:
    """The certificate of a record about a network; None where nothing is proved."""
    if not ends:
        return None
    return certificate(quantity, subject.arrays, ends, parameters={**subject.parameters, **parameters}, witness=witness)
