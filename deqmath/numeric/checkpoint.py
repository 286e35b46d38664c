"""Checkpoints of a training run: resumed, it goes on to the same bits as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import DataError, InputError
from deqmath.numeric.closed_forms import Linearisation
from deqmath.numeric.equilibrium import Adjoint, Equilibrium
from deqmath.numeric.provenance import write_atomically
from deqmath.numeric.recorder import Recorder, Row, State
from deqmath.numeric.switches import Switches

if TYPE_CHECKING:
    from deqmath.numeric.network import ReLUNetwork

#: What a network remembers of its norm; the stopping rule depends on it, and so do the bits.
_NORMS = ("_norm", "_norm_above", "_contraction")
_STATISTICS = ("residual", "tol", "sweeps", "rate", "status", "strategy")


def fingerprint(state: State, X: NDArray[np.float64], method: str, options: Mapping[str, Any]) -> str:
    """A hash of everything that decides the bits of a run, but the versions of the libraries."""
    digest = hashlib.sha256()
    net = state.net
    digest.update(json.dumps([method, net.gamma, net.phi, net.trainable, dict(options)], default=str).encode())
    for array in (net.A, net.W, net.b, X, state.y):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass
class Checkpoint:
    """A file that holds the state of a run, and when it was last written.

    Attributes
    ----------
    path
        The .npz file.
    mark
        The :func:`fingerprint` of the run it belongs to.
    every
        Seconds between two writes.
    vectors
        What an integrator carries from step to step beside the state, by name; saved and put back.
    """

    path: Path
    mark: str
    every: float
    written: float = 0.0
    vectors: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a place that cannot be written, before anything is computed."""
        if self.path.suffix != ".npz" or not self.path.parent.is_dir():
            msg = f"checkpoint is {str(self.path)!r}; it needs a .npz file in a folder that exists"
            raise InputError(msg)
        self.written = time.monotonic()

    def exists(self) -> bool:
        """Whether there is something to go on from."""
        return self.path.exists()

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() - self.written >= self.every

    def save(self, state: State, book: Recorder, numbers: Mapping[str, float]) -> None:
        """Write the run, atomically."""
        eq, adjoint, net = state.J.adjoint.equilibrium, state.J.adjoint, state.net
        arrays: dict[str, NDArray[Any]] = {"A": net.A, "W": net.W, "b": net.b, "Z": eq.Z, "U": eq.U, "Q": adjoint.Q}
        for item in fields(Row):
            arrays[f"row_{item.name}"] = np.array([getattr(row, item.name) for row in book.rows])
        for name, vector in self.vectors.items():
            arrays[f"vector_{name}"] = vector
        switches = Switches.join(book.located)
        for item in fields(Switches):
            arrays[f"switch_{item.name}"] = getattr(switches, item.name)
        text = {
            "mark": self.mark,
            "numbers": dict(numbers),
            "steps": book.steps,
            "rejected": book.rejected,
            "located": bool(book.located),
            "norms": {name: net.__dict__[name] for name in _NORMS if name in net.__dict__},
            "equilibrium": {name: getattr(eq, name) for name in _STATISTICS},
            "adjoint": {name: getattr(adjoint, name) for name in _STATISTICS},
        }
        arrays["text"] = np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)
        write_atomically(self.path, lambda stream: np.savez(stream, allow_pickle=False, **arrays))
        self.written = time.monotonic()

    def load(self, first: State, book: Recorder) -> tuple[State, dict[str, float]]:
        """The saved state, its numbers, and the records put back into the book.

        Raises
        ------
        DataError
            The file is no checkpoint, or belongs to another run.
        """
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                saved = {name: archive[name] for name in archive.files}
            text = json.loads(saved["text"].tobytes())
            mark = text["mark"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            msg = f"{self.path} is no checkpoint of deqmath ({error}); remove it, or give another checkpoint="
            raise DataError(msg) from error
        if mark != self.mark:
            msg = (
                f"{self.path} belongs to another run: network, data, method and options must be the same to resume; "
                "remove it, or give another checkpoint="
            )
            raise DataError(msg)
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
    return State(
        net, Linearisation(net, Adjoint(Q=saved["Q"], equilibrium=eq, network=net, **text["adjoint"])), first.y
    )
