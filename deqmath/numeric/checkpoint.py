"""Checkpoints of a training run: resumed, it goes on to the same bits as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.checkpoint_file import CheckpointFile, digest
from deqmath.numeric.closed_forms import Linearisation
from deqmath.numeric.equilibrium import Adjoint, Equilibrium
from deqmath.numeric.kinks import Sliding
from deqmath.numeric.recorder import Recorder, Row, State
from deqmath.numeric.switches import Switches

if TYPE_CHECKING:
    from deqmath.numeric.network import ReLUNetwork

#: What a network remembers of its norm; the stopping rule depends on it, and so do the bits.
_NORMS = ("_norm", "_norm_above", "_contraction")
#: What a file holds, and how a step is made of it: one of an earlier version of deqmath is another run's.
_FORMAT = 3
_STATISTICS = ("residual", "tol", "sweeps", "rate", "status", "strategy")


def fingerprint(state: State, X: NDArray[np.float64], method: str, options: Mapping[str, Any]) -> str:
    """A hash of everything that decides the bits of a run, but the versions of other libraries."""
    net = state.net
    words = [_FORMAT, method, net.gamma, net.phi, net.trainable, dict(options)]
    return digest(words, (net.A, net.W, net.b, X, state.y))


@dataclass
class Checkpoint(CheckpointFile):
    """The file of a ReLU network's run.

    Attributes
    ----------
    path, mark, every
        As in :class:`~deqmath.numeric.checkpoint_file.CheckpointFile`; the mark is the :func:`fingerprint`.
    vectors
        What an integrator carries from step to step beside the state, by name; saved and put back.
    """

    vectors: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def save(self, state: State, book: Recorder, numbers: Mapping[str, float]) -> None:
        """Write the run, atomically."""
        eq, adjoint, net = state.J.adjoint.equilibrium, state.J.adjoint, state.net
        arrays: dict[str, NDArray[Any]] = {"A": net.A, "W": net.W, "b": net.b, "Z": eq.Z, "U": eq.U, "Q": adjoint.Q}
        for item in fields(Row):
            arrays[f"row_{item.name}"] = np.array([getattr(row, item.name) for row in book.rows])
        for name, vector in self.vectors.items():
            arrays[f"vector_{name}"] = vector
        sliding = Sliding.none() if state.sliding is None else state.sliding
        for item in fields(Sliding):
            arrays[f"sliding_{item.name}"] = getattr(sliding, item.name)
        switches = Switches.join(book.located)
        for item in fields(Switches):
            arrays[f"switch_{item.name}"] = getattr(switches, item.name)
        text = {
            "numbers": dict(numbers),
            "steps": book.steps,
            "rejected": book.rejected,
            "located": bool(book.located),
            "norms": {name: net.__dict__[name] for name in _NORMS if name in net.__dict__},
            "equilibrium": {name: getattr(eq, name) for name in _STATISTICS},
            "adjoint": {name: getattr(adjoint, name) for name in _STATISTICS},
        }
        self.write(arrays, text)

    def load(self, first: State, book: Recorder) -> tuple[State, dict[str, float]]:
        """The saved state, its numbers, and the records put back into the book.

        Raises
        ------
        DataError
            The file is no checkpoint, or belongs to another run.
        """
        saved, text = self.read()
        self.vectors = {name[len("vector_") :]: saved[name] for name in saved if name.startswith("vector_")}
        state = _restore(first, saved, text)
        columns = [saved[f"row_{item.name}"] for item in fields(Row)]
        book.rows = [Row(*(column[k] for column in columns)) for k in range(len(columns[0]))]
        if text["located"]:
            book.located = [Switches(*(saved[f"switch_{item.name}"] for item in fields(Switches)))]
        book.steps, book.rejected, book.last = text["steps"], text["rejected"], state
        return state, text["numbers"]


def _restore(first: State, saved: Mapping[str, NDArray[Any]], text: Mapping[str, Any]) -> State:
    net: ReLUNetwork = first.net.with_parameters(A=saved["A"], W=saved["W"], b=saved["b"])
    for name in _NORMS:
        net.__dict__.pop(name, None)
    net.__dict__.update(text["norms"])
    eq = Equilibrium(Z=saved["Z"], U=saved["U"], gates=saved["U"] > 0, X=first.J.X, network=net, **text["equilibrium"])
    J = Linearisation(net, Adjoint(Q=saved["Q"], equilibrium=eq, network=net, **text["adjoint"]))
    sliding = Sliding(*(saved[f"sliding_{item.name}"] for item in fields(Sliding)))
    return State(net, J, first.y, sliding if len(sliding) else None)
