"""One state of training, and the series that a run records from such states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deqmath.data.angles import duplicate_rows, parallel_rows
from deqmath.errors import DeqmathError, InputError, NotConvergedError, NotWellPosedError
from deqmath.numeric.arrays import Array, frobenius, is_foreign, is_numpy, joint_norm, row_norms
from deqmath.numeric.closed_forms import Linearisation
from deqmath.numeric.equilibrium import Equilibrium, solve_adjoint
from deqmath.numeric.kinks import Sliding
from deqmath.numeric.monitors import theorem_3_1
from deqmath.numeric.motion import AdjointMotion
from deqmath.numeric.network import DEFAULT_SWEEPS, DEFAULT_TOL, ReLUNetwork
from deqmath.numeric.norms import spectral_norm
from deqmath.numeric.run import Run, RunStatus
from deqmath.numeric.strategies import Automatic
from deqmath.numeric.switches import Switches
from deqmath.numeric.theorem import Constants, inequalities
from deqmath.numeric.validate import in_range, targets

#: Norms from which the loss, H and the steps of a run, their products and squares, may leave the range of float64.
_MOST = 1e60
#: An eigenvalue below this has no inverse that a run can be timed by.
_LEAST_RATE = 1e-250


class Tolerances(NamedTuple):
    """The relative residuals that Z and Q are solved to."""

    z: float
    q: float


#: What every recorded state is solved to.
FULL = Tolerances(DEFAULT_TOL, DEFAULT_TOL)


@dataclass(frozen=True, eq=False)
class State:
    """A network during training, solved at the samples.

    Attributes
    ----------
    net
        The network.
    J
        Its linearisation; where gates slide, with their shares in the place of the gates.
    y
        Targets.
    sliding
        The gates that the flow slides along; None where there are none.
    """

    net: ReLUNetwork
    J: Linearisation
    y: Array
    sliding: Sliding | None = None

    @classmethod
    def solve(
        cls,
        net: ReLUNetwork,
        X: Array,
        y: Array,
        near: State | None = None,
        tol: Tolerances = FULL,
        sliding: Sliding | None = None,
    ) -> State:
        """Solve at the samples, warm from a nearby state; raises unless both solves converge and float64 holds H."""
        eq = net.equilibrium(X, tol=tol.z, start=None if near is None else near.J.Z)
        mask = None if sliding is None else sliding.put(eq.gates)
        return cls.of(eq, y, None if near is None else near.J.Q, tol, mask, sliding)

    @classmethod
    def of(
        cls,
        eq: Equilibrium,
        y: Array,
        start: Array | None,
        tol: Tolerances,
        mask: Array | None = None,
        sliding: Sliding | None = None,
    ) -> State:
        """The state at an equilibrium: its adjoint with `mask`, entries in [0, 1], in the place of the gates."""
        net = eq.network
        adjoint = solve_adjoint(
            net, eq, start=start, tol=tol.q, max_sweeps=DEFAULT_SWEEPS, strategy=Automatic(), mask=mask
        )
        state = cls(net, net.linearisation(adjoint), y, sliding)
        large = state.too_large()
        if large:
            msg = f"the training diverges: {large}"
            raise NotConvergedError(msg)
        return state

    @cached_property
    def whole(self) -> State:
        """The same state with every gate open or closed, as it is recorded: its adjoint as accurate as its equilibrium."""
        if self.sliding is None:
            return self
        eq, tol = self.J.adjoint.equilibrium, self.J.adjoint.tol
        return type(self).of(eq, self.y, self.J.Q, Tolerances(eq.tol, min(eq.tol, tol)))

    @property
    def mask(self) -> NDArray[np.float64]:
        """What stands on the diagonals of D_i, shape (n, m)."""
        gates = self.J.adjoint.equilibrium.gates
        return np.asarray(gates, dtype=np.float64) if self.sliding is None else self.sliding.put(gates)

    def too_large(self) -> str:
        """What is so large that H, the loss and the steps may leave the range of float64; empty where nothing is."""
        parts = (("residual yhat - y", self.residual), ("equilibrium Z", self.J.Z), ("adjoint Q", self.J.Q))
        sizes = ((name, frobenius(np, part)) for name, part in parts)
        return next((f"the {name} has norm {size:.3g}" for name, size in sizes if not size < _MOST), "")

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
        with np.errstate(over="ignore", invalid="ignore"):
            H = in_range(self.J.gram(), "Gram matrix H")
        return np.asarray(0.5 * (H + H.T))

    @cached_property
    def spectrum(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Eigenvalues (ascending) and eigenvectors of H."""
        w, V = np.linalg.eigh(self.gram)
        return w, V

    @cached_property
    def gradient(self) -> dict[str, NDArray[np.float64]]:
        """The gradient of the loss by parameter."""
        return self.J.pulled_back(self.residual)

    @property
    def speed(self) -> float:
        """``||dP/dt||_F``, the norm of the gradient over all trainable parameters."""
        return joint_norm(self.gradient)

    def moved(self, change: Mapping[str, Array]) -> ReLUNetwork:
        """The network with `change` added to its parameters; raises where float64 would not hold what follows."""
        with np.errstate(over="ignore", invalid="ignore"):
            parts = {name: getattr(self.net, name) + d for name, d in change.items()}
        for name, part in parts.items():
            size = frobenius(np, part)
            if not size < (math.inf if name == "A" else _MOST):
                msg = f"the step is too long: it leads to ||{name}||_F = {size:.3g}"
                raise NotWellPosedError(msg) if name == "A" else NotConvergedError(msg)
        return self.net.with_parameters(**parts)


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
    state = State(net, net.linearisation(eq), labels)
    large = state.too_large()
    if large:
        msg = (
            f"{large}, and training squares it again and again, beyond float64; "
            "scale X, W, b and y down, for example X = X / np.linalg.norm(X, axis=1, keepdims=True)"
        )
        raise InputError(msg)
    return net, eq.X, state


def fastest_rate(state: State, option: str) -> float:
    """``lambda_max(H(0))``, from which steps and times are chosen; raises where it is 0, naming the option to pass."""
    top = float(state.spectrum[0][-1])
    if top > _LEAST_RATE:
        return top
    found = "H(0) = 0, so it allows any step (every output is constant in the parameters)"
    if top > 0:
        found = f"lambda_max(H(0)) = {top:.3g} is next to 0, so it allows any step"
    msg = f"{found}; pass {option}=, for example {option}=1.0"
    raise InputError(msg)


def stop_reason(error: DeqmathError, where: str) -> tuple[RunStatus, str]:
    """The status and message of a run that an error ended."""
    status: RunStatus = "left-well-posed-region" if isinstance(error, NotWellPosedError) else "not-converged"
    return status, f"stopped before {where}: {error}"


@dataclass(frozen=True)
class Row:
    """One record of a run; the five from change_z on are zero unless A alone is trained."""

    time: float
    loss: float
    predictions: NDArray[np.float64]
    lambda_min: float
    lambda_max: float
    norm_A: float
    distance: float
    switches: int
    decay: float
    sliding: int = 0
    change_z: float = 0.0
    change_q: float = 0.0
    size_z: float = 0.0
    size_q: float = 0.0
    change_gram: float = 0.0


class Recorder:
    """Collects the series of a run from its states, and closes them into a :class:`Run`."""

    def __init__(self, method: str, state: State, options: Mapping[str, Any]) -> None:
        self.method, self.options = method, dict(options)
        self.first = self.last = state
        self.rows: list[Row] = []
        self.located: list[Switches] = []
        self.motion: AdjointMotion | None = None
        self.steps = self.rejected = 0
        self.constants = Constants(
            state.net.width,
            len(state.residual),
            max(state.net.operator_norm(), spectral_norm(state.net.W)) / math.sqrt(state.net.width),
            state.net.gamma0,
            float(state.spectrum[0][0]) if self.resolved() else 0.0,
            math.sqrt(2 * state.loss),
        )

    def resolved(self) -> bool:
        """Whether float64 tells lambda_0 from 0."""
        w = self.first.spectrum[0]
        return bool(w[0] > len(w) * np.finfo(np.float64).eps * w[-1])

    def row(self, time: float, state: State, decay: float, sliding: int = 0) -> Row:
        """The record of a state; `decay` is the factor of the theorem's envelope at this time."""
        w, start = state.spectrum[0], self.first
        return Row(
            time,
            state.loss,
            np.asarray(state.J.predictions),
            float(w[0]),
            float(w[-1]),
            state.net.operator_norm(),
            frobenius(np, state.net.A - start.net.A),
            int(np.count_nonzero(state.J.adjoint.equilibrium.gates != start.J.adjoint.equilibrium.gates)),
            decay,
            sliding,
            *(self._inequalities(state) if state.net.trainable == ("A",) else ()),
        )

    def add(self, row: Row, state: State) -> None:
        """Keep the record of a state."""
        self.rows.append(row)
        self.last = state

    def _inequalities(self, state: State) -> tuple[float, ...]:
        """The measured sides of (12) to (15)."""
        here, start = state.J, self.first.J
        rows = (here.Z - start.Z, here.Q - start.Q, here.Z, here.Q)
        change = np.linalg.eigvalsh(state.gram - self.first.gram)
        return (*(float(np.max(row_norms(np, part))) for part in rows), float(np.max(np.abs(change))))

    def rounding(self) -> float:
        """What the tolerance of the solves and the last bit of y leave of a residual ``||r||`` that is 0."""
        start, net = self.first, self.first.net
        left = DEFAULT_TOL * row_norms(np, start.J.Z) / (1 - net.contraction_bound())
        outputs = left * frobenius(np, net.b) / math.sqrt(net.width)
        return float(np.linalg.norm(outputs + np.finfo(np.float64).eps * np.abs(start.y)))

    def notes(self) -> tuple[str, ...]:
        """Duplicate samples, a lambda_0 that float64 does not resolve, constants that do not exist."""
        found = []
        pairs = duplicate_rows(self.first.J.X)
        if pairs:
            found.append(f"duplicate samples {list(pairs[:10])}: lambda_min(H) = 0, so the theorem does not apply")
        parallel = [pair for pair in parallel_rows(self.first.J.X) if pair not in pairs]
        if parallel:
            found.append(
                f"parallel samples {parallel[:10]}: the theorem needs that no two are (the gradient of a positive "
                "multiple is a multiple of the gradient: lambda_min(H) = 0 where A alone is trained)"
            )
        zero = np.flatnonzero(~np.any(self.first.J.X != 0, axis=1)).tolist()
        if zero:
            found.append(f"zero samples {zero[:10]}: phi(W x) = 0 there, so lambda_min(H) = 0 and nothing is learnt")
        if not self.resolved():
            w = self.first.spectrum[0]
            found.append(f"lambda_0 = {w[0]:.3g} is not resolved in float64 (lambda_max = {w[-1]:.3g})")
        elif self.first.net.trainable == ("A",) and not self.constants.exist:
            found.append(
                f"2 c gamma0 = {self.constants.rho:.4g} >= 1, so the proof of Theorem 3.1 gives no constants for (12) "
                f"to (15); it needs gamma0 < {0.5 / self.constants.c:.4g} at this c = {self.constants.c:.4g}"
            )
        return tuple(found)

    def series(self, name: str) -> NDArray[np.float64]:
        """One column of the records."""
        return np.array([getattr(row, name) for row in self.rows], dtype=np.float64)

    def linearised(self) -> NDArray[np.float64]:
        """Predictions of the linearised training at the records, shape (T, n).

        ``y + exp(-H_0 t) r_0`` for the flow, ``y + (I - alpha H_0)^k r_0`` for descent.
        """
        w, V = self.first.spectrum
        hat, times = V.T @ self.first.residual, self.series("time")
        if self.method == "gradient-descent":
            alpha = float(self.options["step_size"])
            with np.errstate(over="ignore"):
                factors = (1.0 - alpha * w)[None, :] ** np.rint(times / alpha)[:, None]
        else:
            factors = np.exp(-np.maximum(w, 0.0)[None, :] * times[:, None])
        with np.errstate(over="ignore", invalid="ignore"):  # a step far too long: the linearised training diverges
            found: NDArray[np.float64] = self.first.y + (factors * hat) @ V.T
        return found

    def close(self, status: RunStatus, message: str, decay_text: str) -> Run:
        """The run so far."""
        names = ("loss", "lambda_min", "lambda_max", "norm_A", "distance")
        columns = {name: self.series(name) for name in names}
        monitors = theorem_3_1(
            residual_squared=2 * columns["loss"],
            lambda_min=columns["lambda_min"],
            lambda_max=columns["lambda_max"],
            norm_A=columns["norm_A"],
            decay=self.series("decay"),
            decay_text=decay_text,
            c=self.constants.c,
            width=self.constants.m,
            samples=len(self.first.residual),
            rounding=self.rounding(),
        )
        if self.first.net.trainable == ("A",):
            sides = ("distance", "change_z", "change_q", "size_z", "size_q", "change_gram")
            monitors = (*monitors, *inequalities(self.constants, {name: self.series(name) for name in sides}))
        return Run(
            method=self.method,
            status=status,
            message=message,
            times=self.series("time"),
            **columns,
            predictions=np.array([row.predictions for row in self.rows]),
            linearised=self.linearised(),
            targets=np.asarray(self.first.y),
            switches=np.array([row.switches for row in self.rows], dtype=np.int64),
            sliding=np.array([row.sliding for row in self.rows], dtype=np.int64),
            adjoint_motion=self.motion,
            switch_times=Switches.join(self.located) if self.located else None,
            initial=self.first.net,
            final=self.last.net,
            monitors=monitors,
            options=self.options,
            steps=self.steps,
            rejected=self.rejected,
            notes=self.notes(),
        )
