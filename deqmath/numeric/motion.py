"""The motion of q along a run, split into its smooth part and its jumps at gate switches (gg22, the gap in (13)).

Between two accepted states A moves along the straight line ``A(s) = A_0 + s V``. While no gate of a sample switches,
its q moves by (11), ``dq/ds = gamma R^T V^T q``; where the gate of a unit switches, q jumps. Every switch is located
to round-off, the smooth part is integrated by Gauss-Legendre quadrature of (11), and the jump is the difference of the
adjoints with the gate open and closed. The three are computed apart, so that their sum is a check:
``q(T) - q(0) = smooth + jumps`` up to the quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import NotConvergedError
from deqmath.numeric.arrays import row_norms
from deqmath.numeric.switches import Switches

if TYPE_CHECKING:
    from deqmath.numeric.recorder import State

Matrix = NDArray[np.float64]
#: Nodes of the quadrature on each smooth piece; exact to degree 11.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)
_MOST_SWEEPS, _MOST_HALVINGS, _MOST_ROUNDS = 5000, 160, 10_000
#: Where a switch counts as located, in the parameter s of the step.
_LOCATED = 1e-13


@dataclass(eq=False)
class AdjointMotion:
    """How far each q_i moved, smoothly and by jumps.

    Attributes
    ----------
    total
        ``q_i(T) - q_i(0)`` from the solved states, shape (n, m).
    smooth
        The integral of (11) along the path, shape (n, m).
    jumps
        The sum of the jumps, shape (n, m).
    smooth_length, jump_length
        ``int ||dq_i||`` over the smooth pieces, and the sum of ``||jump||``, shape (n,): bounds on the norms above.
    switches
        Every switch, located to round-off on the path.
    sizes
        ``||jump||`` of each switch, in the same order.
    """

    total: Matrix = field(repr=False)
    smooth: Matrix = field(repr=False)
    jumps: Matrix = field(repr=False)
    smooth_length: Matrix = field(repr=False)
    jump_length: Matrix = field(repr=False)
    switches: Switches
    sizes: Matrix = field(repr=False)

    @classmethod
    def still(cls, n: int, m: int) -> AdjointMotion:
        """Nothing moved yet."""
        total, smooth, jumps = (np.zeros((n, m)) for _ in range(3))
        return cls(total, smooth, jumps, np.zeros(n), np.zeros(n), Switches.none(), np.empty(0))

    @property
    def gap(self) -> float:
        """``max_i ||total - smooth - jumps||``: what the split does not account for."""
        return float(np.max(row_norms(np, self.total - self.smooth - self.jumps)))

    def add(self, before: State, after: State, start: float, end: float) -> None:
        """Go on along one step of the run, from `before` at time `start` to `after` at time `end`."""
        line = _Line(before, after)
        first = before.J.adjoint.equilibrium
        self.total += after.J.Q - before.J.Q
        marks: list[tuple[float, int, int, bool]] = []
        sizes: list[float] = []
        n = len(self.total)
        s, gates, rows = np.zeros(n), np.array(first.gates), np.arange(n)
        u, z, q = np.array(first.U), np.array(first.Z), np.array(before.J.Q)
        for _ in range(_MOST_ROUNDS):
            to, u_there, z_there, flips = line.first_switches(rows, s[rows], gates[rows], u[rows], z[rows])
            q[rows] = self._smooth_piece(line, rows, s[rows], to, gates[rows], q[rows])
            s[rows], u[rows], z[rows] = to, u_there, z_there
            hit = flips.any(axis=1)
            rows, flips = rows[hit], flips[hit]
            if not rows.size:
                break
            here = line.adjoint(rows, s[rows], gates[rows], q[rows])
            gates[rows] ^= flips
            q[rows] = line.adjoint(rows, s[rows], gates[rows], here)
            jump = q[rows] - here
            self.jumps[rows] += jump
            length = row_norms(np, jump)
            self.jump_length[rows] += length
            for row, unit in np.argwhere(flips):
                i = int(rows[row])
                marks.append((start + (end - start) * s[i], i, int(unit), bool(gates[i, unit])))
                sizes.append(float(length[row]) / int(flips[row].sum()))
        self._note(marks, sizes, (end - start) * _LOCATED)

    def _smooth_piece(
        self, line: _Line, rows: NDArray[np.intp], low: Matrix, high: Matrix, gates: Matrix, q: Matrix
    ) -> Matrix:
        """Add the integral of (11) between two points, with q near them to begin from; q at the last node.

        All nodes are solved in one go, since products with many rows cost little more than products with few.
        """
        half, nodes = (high - low) / 2, len(_NODES)
        s = np.concatenate([low + half * (1 + node) for node in _NODES])
        masks = np.tile(gates, (nodes, 1))
        found = line.adjoint(np.tile(rows, nodes), s, masks, np.tile(q, (nodes, 1)))
        slopes = line.adjoint_slope(s, masks, found).reshape(nodes, *q.shape)
        for weight, slope in zip(_WEIGHTS, slopes, strict=True):
            self.smooth[rows] += (weight * half)[:, None] * slope
            self.smooth_length[rows] += weight * half * row_norms(np, slope)
        return found[-len(rows) :]

    def _note(self, marks: list[tuple[float, int, int, bool]], sizes: list[float], width: float) -> None:
        if not marks:
            return
        time, sample, unit, opened = (np.array(column) for column in zip(*marks, strict=True))
        order = np.argsort(time, kind="stable")
        new = Switches(time[order], np.full(len(order), width), sample[order], unit[order], opened[order])
        self.switches = Switches.join([self.switches, new])
        self.sizes = np.concatenate([self.sizes, np.array(sizes)[order]])


class _Line:
    """Equilibria and adjoints along the straight line between two states, the gates given."""

    def __init__(self, before: State, after: State) -> None:
        net = before.net
        self.gamma, self.b, self.A = net.gamma, np.asarray(net.b), np.asarray(net.A)
        self.V = np.asarray(after.net.A) - self.A
        self.P = np.asarray(net.injection(before.J.X))
        self.end = np.asarray(after.J.Z)

    def _solve(self, offset: Matrix, s: Matrix, gates: Matrix, x: Matrix | None, transpose: bool) -> Matrix:
        """``x_i = D_i (offset_i + gamma M(s_i) x_i)`` with M = A, or A^T, to round-off."""
        A, V = (self.A, self.V) if transpose else (self.A.T, self.V.T)
        offset = gates * offset
        x = offset if x is None else x
        before = np.inf
        for _ in range(_MOST_SWEEPS):
            new = offset + gates * (self.gamma * (x @ A + s[:, None] * (x @ V)))
            step = float(np.max(np.abs(new - x), initial=0.0))
            x = new
            if step <= 1e-15 * float(np.max(np.abs(x), initial=0.0)) or (step < 1e-13 and step >= before):
                return x
            before = step
        msg = f"a solve along the step did not settle in {_MOST_SWEEPS} sweeps: rho is too near 1"
        raise NotConvergedError(msg)

    def adjoint(self, rows: NDArray[np.intp], s: Matrix, gates: Matrix, q: Matrix | None = None) -> Matrix:
        """q of some samples at s, with these gates."""
        return self._solve(np.broadcast_to(self.b, (len(rows), len(self.b))), s, gates, q, True)

    def adjoint_slope(self, s: Matrix, gates: Matrix, q: Matrix) -> Matrix:
        """``dq/ds = gamma R^T V^T q`` (gg22 eq. 11 along V)."""
        return self._solve(self.gamma * (q @ self.V), s, gates, None, True)

    def preactivation(self, rows: NDArray[np.intp], s: Matrix, gates: Matrix, near: Matrix) -> tuple[Matrix, Matrix]:
        """u and z of some samples at s, the equilibrium taken with these gates, found from a z nearby."""
        z = self._solve(self.P[rows], s, gates, near, False)
        u: Matrix = self.gamma * (z @ self.A.T + s[:, None] * (z @ self.V.T)) + self.P[rows]
        return u, z

    def first_switches(
        self, rows: NDArray[np.intp], s: Matrix, gates: Matrix, u: Matrix, z: Matrix
    ) -> tuple[Matrix, Matrix, Matrix, NDArray[np.bool_]]:
        """For each sample the first s at which a gate is contradicted (else 1), u and z there, and the gates that are.

        Interpolation and bisection in turns on the bracket [agrees, contradicted]; a gate that switches and switches
        back between two points looked at is not seen.
        """
        low, high = s.copy(), np.ones_like(s)
        u_low, z_low = u.copy(), z.copy()
        u_high, z_high = self.preactivation(rows, high, gates, self.end[rows])
        wrong = (u_high > 0) != gates
        for k in range(_MOST_HALVINGS):
            busy = np.flatnonzero(wrong.any(axis=1) & (high - low > _LOCATED))
            if not busy.size:
                break
            share = _share(np.abs(u_low[busy]), np.abs(u_high[busy]), wrong[busy], high[busy] - low[busy], k)
            at = low[busy] + share * (high[busy] - low[busy])
            near = z_low[busy] + share[:, None] * (z_high[busy] - z_low[busy])
            u_there, z_there = self.preactivation(rows[busy], at, gates[busy], near)
            bad = (u_there > 0) != gates[busy]
            back = bad.any(axis=1)
            left, right = busy[~back], busy[back]
            low[left], u_low[left], z_low[left] = at[~back], u_there[~back], z_there[~back]
            high[right], u_high[right], z_high[right] = at[back], u_there[back], z_there[back]
            wrong[right] = bad[back]
        return high, u_high, z_high, wrong


def _share(a: Matrix, b: Matrix, wrong: NDArray[np.bool_], width: Matrix, k: int) -> Matrix:
    """Where to look next in each bracket, by interpolation of ``|u|`` = a, b at its ends, or at the middle in turns."""
    if k % 3 == 2:
        return np.full(len(a), 0.5)
    nudge = 0.5 * _LOCATED / width  # to the far side, so that the bracket closes from both
    share: Matrix = np.where(wrong, a / np.where(a + b > 0, a + b, 1.0), 1.0).min(axis=1)
    return np.clip(share + (nudge if k % 3 else -nudge), 0.0, 1.0)
