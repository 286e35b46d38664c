"""The records of the two solves: equilibrium and adjoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deqmath.errors import NotConvergedError
from deqmath.numeric.arrays import Array, to_numpy
from deqmath.numeric.fixed_point import FixedPoint, Solution, Strategy
from deqmath.numeric.parts import solve_in_parts

if TYPE_CHECKING:
    from deqmath.numeric.network import ReLUNetwork

SolveStatus = Literal["converged", "not-converged"]


@dataclass(frozen=True, eq=False)
class _Solve:
    """What both records say about the solve.

    Attributes
    ----------
    residual
        Verified float64 bound on ``max_i ||F(x)_i - x_i|| / max(||x_i||, ||F(0)_i||)``.
    tol
        What was asked for.
    sweeps
        Products with A, float32 and float64 together: one application of F each, or two half sweeps.
    rate
        Measured contraction factor of a sweep (nan where it could not be measured).
    status
        "converged" where residual <= tol, else "not-converged".
    strategy
        Which strategy found it.
    network
        The network it belongs to.
    """

    residual: float = field(kw_only=True)
    tol: float = field(kw_only=True)
    sweeps: int = field(kw_only=True)
    rate: float = field(kw_only=True)
    status: SolveStatus = field(kw_only=True)
    strategy: str = field(kw_only=True)
    network: ReLUNetwork = field(kw_only=True, repr=False)

    @property
    def converged(self) -> bool:
        """Whether the verified residual reached the tolerance."""
        return self.status == "converged"

    def require_converged(self) -> None:
        """Raise :class:`NotConvergedError` unless converged: nothing is computed from a best-so-far."""
        if not self.converged:
            name = type(self).__name__.lower()
            msg = (
                f"the {name} did not converge: relative residual {self.residual:.3g} after "
                f"{self.sweeps} sweeps ({self.strategy}), needed {self.tol:.3g}; measured rate {self.rate:.3g}; "
                f"ask for a larger tol, or for a larger max_sweeps where so many were taken, as in net.{name}(X, tol=1e-10, "
                "max_sweeps=100_000), and give what it finds in the place of X"
            )
            raise NotConvergedError(msg)


@dataclass(frozen=True, eq=False)
class Equilibrium(_Solve):
    """The equilibrium of every sample, with the evidence that it is one.

    ``np.asarray(equilibrium)`` is Z.

    Attributes
    ----------
    Z
        Equilibria ``z = relu(gamma A z + phi)``, shape (n, m), rows are samples.
    U
        The pre-activations that gave Z, shape (n, m): ``Z = relu(U)`` exactly.
    gates
        ``U > 0``, boolean, shape (n, m): the diagonals of D_i.
    X
        The samples, shape (n, d).
    """

    Z: Array
    U: Array = field(repr=False)
    gates: Array = field(repr=False)
    X: Array = field(repr=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """Z as a NumPy array."""
        return np.array(to_numpy(self.Z), dtype=dtype, copy=copy)


@dataclass(frozen=True, eq=False)
class Adjoint(_Solve):
    """The adjoint of every sample, with the evidence that it is one.

    ``np.asarray(adjoint)`` is Q.

    Attributes
    ----------
    Q
        ``q_i = R_i^T b``, the solution of ``q = D_i (b + gamma A^T q)``, shape (n, m).
    equilibrium
        The equilibrium whose gates it uses.
    """

    Q: Array
    equilibrium: Equilibrium = field(repr=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """Q as a NumPy array."""
        return np.array(to_numpy(self.Q), dtype=dtype, copy=copy)


def _statistics(net: ReLUNetwork, solution: Solution, tol: float) -> dict[str, Any]:
    return {
        "residual": solution.residual,
        "tol": tol,
        "sweeps": solution.sweeps,
        "rate": solution.rate,
        "status": "converged" if solution.converged else "not-converged",
        "strategy": solution.strategy,
        "network": net,
    }


def solve_equilibrium(
    net: ReLUNetwork,
    X: Array,
    injection: Array,
    *,
    start: Array | None,
    tol: float,
    max_sweeps: int,
    strategy: Strategy,
    threads: int = 1,
) -> Equilibrium:
    """Solve ``Z = relu(gamma Z A^T + injection)`` (gg22 eq. 2 in rows) and record it."""
    shape, bound = tuple(injection.shape), net.contraction_bound()
    problem = FixedPoint(net.xp, net.A.T, net.gamma, injection, None, bound, shape, lambda: net.low_precision.T)
    solution = solve_in_parts(problem, strategy, start, tol, max_sweeps, threads)
    return Equilibrium(Z=solution.x, U=solution.v, gates=solution.v > 0, X=X, **_statistics(net, solution, tol))


def solve_adjoint(
    net: ReLUNetwork,
    equilibrium: Equilibrium,
    *,
    start: Array | None,
    tol: float,
    max_sweeps: int,
    strategy: Strategy,
    threads: int = 1,
    mask: Array | None = None,
) -> Adjoint:
    """Solve ``Q = gates o (b + gamma Q A)`` in rows and record it; `mask`, entries in [0, 1], in place of the gates."""
    Q = solve_gated(
        net,
        equilibrium,
        net.b[None, :],
        transpose=True,
        start=start,
        tol=tol,
        max_sweeps=max_sweeps,
        strategy=strategy,
        threads=threads,
        mask=mask,
    )
    return Adjoint(Q=Q.x, equilibrium=equilibrium, **_statistics(net, Q, tol))


def solve_gated(
    net: ReLUNetwork,
    equilibrium: Equilibrium,
    offset: Array,
    *,
    transpose: bool,
    start: Array | None,
    tol: float,
    max_sweeps: int,
    strategy: Strategy,
    threads: int = 1,
    mask: Array | None = None,
) -> Solution:
    """Solve ``x_i = D_i (offset_i + gamma M x_i)`` with M = A, or A^T where `transpose`, for every sample i.

    D_i has the gates on its diagonal, or the rows of `mask`, whose entries are in [0, 1].
    """
    equilibrium.require_converged()
    matrix = net.A if transpose else net.A.T
    shares, open_ = mask is not None, equilibrium.gates if mask is None else mask > 0
    mask = net.xp.astype(equilibrium.gates, net.xp.float64) if mask is None else mask
    shape, bound = tuple(equilibrium.Z.shape), net.contraction_bound()
    low = lambda: net.low_precision if transpose else net.low_precision.T
    problem = FixedPoint(net.xp, matrix, net.gamma, offset, mask, bound, shape, low, shares)
    begin = None if start is None else start * net.xp.astype(open_, net.xp.float64)
    return solve_in_parts(problem, strategy, begin, tol, max_sweeps, threads)
