"""One state of training, and the series that a run records from such states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.data.angles import duplicate_rows
from deqmath.errors import DeqmathError, InputError, NotWellPosedError
from deqmath.numeric.arrays import Array, frobenius, is_foreign, is_numpy
from deqmath.numeric.closed_forms import Linearisation
from deqmath.numeric.monitors import theorem_3_1
from deqmath.numeric.network import DEFAULT_TOL, ReLUNetwork
from deqmath.numeric.norms import spectral_norm
from deqmath.numeric.run import Run, RunStatus
from deqmath.numeric.validate import targets


@dataclass(frozen=True, eq=False)
class State:
    """A network during training, solved at the samples."""

    net: ReLUNetwork
    J: Linearisation
    y: Array

    @classmethod
    def solve(cls, net: ReLUNetwork, X: Array, y: Array, near: State | None = None, tol: float = DEFAULT_TOL) -> State:
        """Solve at the samples, warm from a nearby state; raises unless both solves converge."""
        eq = net.equilibrium(X, tol=tol, start=None if near is None else near.J.Z)
        adjoint = net.adjoint(eq, tol=tol, start=None if near is None else near.J.Q)
        return cls(net, net.linearisation(adjoint), y)

    @cached_property
    def residual(self) -> NDArray[np.float64]:
        """``r = yhat - y``."""
        return np.asarray(self.J.predictions - self.y)

    @property
    def loss(self) -> float:
        """``||r||^2 / 2``."""
        return 0.5 * float(self.residual @ self.residual)

    @cached_property
    def gram(self) -> NDArray[np.float64]:
        """H."""
        H = self.J.gram()
        return np.asarray(0.5 * (H + H.T))

    @cached_property
    def spectrum(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Eigenvalues (ascending) and eigenvectors of H."""
        w, V = np.linalg.eigh(self.gram)
        return w, V

    @cached_property
    def gradient(self) -> dict[str, NDArray[np.float64]]:
        """The gradient of the loss by parameter."""
        return self.J.pullback(self.residual)

    def moved(self, change: Mapping[str, Array]) -> ReLUNetwork:
        """The network with `change` added to its parameters."""
        return self.net.with_parameters(**{name: getattr(self.net, name) + d for name, d in change.items()})


def prepare(net: Any, X: Any, y: Any) -> tuple[ReLUNetwork, NDArray[np.float64], State]:
    """Validate what a run starts from and solve it once."""
    if not isinstance(net, ReLUNetwork):
        msg = f"net is a {type(net).__name__}; it needs a ReLUNetwork, as ReLUNetwork.random(width=64, inputs=3)"
        raise InputError(msg)
    if is_foreign(X) or not is_numpy(net.xp):
        msg = "training runs on NumPy arrays; convert X and the parameters with np.asarray first"
        raise InputError(msg)
    net.operator_norm()
    eq = net.equilibrium(X)
    labels = targets(y, eq.Z.shape[0])
    return net, eq.X, State(net, net.linearisation(eq), labels)


def stop_reason(error: DeqmathError, where: str) -> tuple[RunStatus, str]:
    """The status and message of a run that an error ended."""
    status: RunStatus = "left-well-posed-region" if isinstance(error, NotWellPosedError) else "not-converged"
    return status, f"stopped before {where}: {error}"


class Recorder:
    """Collects the series of a run from its states, and closes them into a :class:`Run`."""

    def __init__(self, method: str, state: State, options: Mapping[str, Any]) -> None:
        self.method, self.options = method, dict(options)
        self.first = self.last = state
        self.rows: list[tuple[float, float, NDArray[np.float64], float, float, float, float, int, float]] = []
        self.steps = self.rejected = 0

    def record(self, time: float, state: State, decay: float) -> None:
        """Add a record; `decay` is the factor of the theorem's envelope at this time."""
        w = state.spectrum[0]
        row = (
            time,
            state.loss,
            np.asarray(state.J.predictions),
            float(w[0]),
            float(w[-1]),
            state.net.operator_norm(),
            frobenius(np, state.net.A - self.first.net.A),
            int(np.count_nonzero(state.J.adjoint.equilibrium.gates != self.first.J.adjoint.equilibrium.gates)),
            decay,
        )
        self.rows.append(row)  # one append: an interrupt leaves a whole record or none
        self.last = state

    def notes(self) -> tuple[str, ...]:
        """Duplicate samples, and a lambda_0 that float64 does not resolve."""
        found = []
        pairs = duplicate_rows(self.first.J.X)
        if pairs:
            found.append(f"duplicate samples {list(pairs[:10])}: lambda_min(H) = 0, so the theorem does not apply")
        w = self.first.spectrum[0]
        if w[0] <= len(w) * np.finfo(np.float64).eps * w[-1]:
            found.append(f"lambda_0 = {w[0]:.3g} is not resolved in float64 (lambda_max = {w[-1]:.3g})")
        return tuple(found)

    def close(self, status: RunStatus, message: str, decay_text: str) -> Run:
        """The run so far."""
        columns = list(zip(*self.rows, strict=True))
        times, loss, low, high, norm, distance = (np.array(columns[k], dtype=np.float64) for k in (0, 1, 3, 4, 5, 6))
        width = self.first.net.width
        c = max(self.first.net.operator_norm(), spectral_norm(self.first.net.W)) / math.sqrt(width)
        monitors = theorem_3_1(
            residual_squared=2 * loss,
            lambda_min=low,
            norm_A=norm,
            decay=np.array(columns[8], dtype=np.float64),
            decay_text=decay_text,
            c=c,
            width=width,
        )
        return Run(
            method=self.method,
            status=status,
            message=message,
            times=times,
            loss=loss,
            predictions=np.array(columns[2]),
            lambda_min=low,
            lambda_max=high,
            norm_A=norm,
            distance=distance,
            switches=np.array(columns[7], dtype=np.int64),
            initial=self.first.net,
            final=self.last.net,
            monitors=monitors,
            options=self.options,
            steps=self.steps,
            rejected=self.rejected,
            notes=self.notes(),
        )
