"""What a step of the flow meets at the kinks of ReLU: gates that switch within it, and gates that it slides along.

The flow ``P' = -J^T r`` jumps where a pre-activation ``u_ij`` of sample i and unit j changes its sign, since ``q_i`` does. What a
step needs of it is the share ``a_ij`` of its time during which the gate is open: the average of the gate. With it

    u_ij falls by  k_j(i, i') f_i'j  for every unit of share that the gate of sample i' has more,
    f_ij = h r_i p_ij / sqrt m,   p_ij = b_j + gamma (A^T q_i)_j,   k_j(i, i') = gamma^2 z_i.z_i' + phi'_ij phi'_i'j x_i.x_i'

(the first term of k where A is trained, the second where W is; what a gate does to other units is left to the next step).

* ``f <= 0``: an open gate drives u up and a closed one down, so the gate crosses, and its share is a part of the time.
* ``f > 0``: each side drives u to the other. The gate crosses where the side it comes to lets it go on; where both sides
  drive u back, the flow stays on ``u = 0`` (it slides; Filippov 1960), with the share that keeps it there. Both are one
  problem of complementarity: u at the end is 0, or the share is at the end of the interval that is left to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from deqmath.numeric.arrays import Array
from deqmath.numeric.complementarity import complementary

if TYPE_CHECKING:
    from deqmath.numeric.closed_forms import Linearisation
    from deqmath.numeric.equilibrium import Equilibrium
    from deqmath.numeric.recorder import State

Vector = NDArray[np.float64]
Index = NDArray[np.intp]

#: Shares so near to an end are at it.
_SHARE = 1e-3
#: Sweeps for what a change of a few gates changes of Q beside their own units: what is left of that is an eighth or less.
_ANSWERS = 2
#: Numbers in the blocks of k that are held at a time.
_NUMBERS = 2**21


@dataclass(frozen=True, eq=False)
class Sliding:
    """The gates that a state slides along, in the order of their units.

    Attributes
    ----------
    sample, unit
        Which gates.
    share
        How far each is open, in (0, 1): what takes the place of the gate.
    """

    sample: Index
    unit: Index
    share: Vector

    def __len__(self) -> int:
        """How many gates."""
        return len(self.share)

    @classmethod
    def none(cls) -> Self:
        """No gates."""
        return cls(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))

    def put(self, gates: Array) -> Vector:
        """The gates, shape (n, m), with these shares in their places."""
        mask = np.asarray(gates, dtype=np.float64)
        mask[self.sample, self.unit] = self.share
        return mask


@dataclass(frozen=True, eq=False)
class Kinks:
    """Gates that switch or slide in one step, and their shares.

    Attributes
    ----------
    state
        The state at the start of the step.
    weights
        The residual integrated over the step, shape (n,).
    sample, unit
        Which gates, in the order of their units.
    before
        Their shares at the start: 0, 1, or that of a sliding gate.
    least, most
        The shares that are possible.
    drive
        p at the start, as it is with the gate open.
    force
        f.
    share
        a.
    loop
        What of a change of z_ij comes back to its unit while the gate is open.
    predicted
        u at the end of the step, as predicted with the gates of the start.
    left
        u at the end of the step with the present shares.
    """

    state: State
    weights: Vector
    sample: Index
    unit: Index
    before: Vector
    least: Vector
    most: Vector
    drive: Vector
    force: Vector
    share: Vector
    loop: Vector
    predicted: Vector
    left: Vector

    @classmethod
    def of_step(cls, state: State, end: Equilibrium, weights: Vector) -> Kinks | None:
        """The gates that switch between a state and the predicted end of a step, and those that it slides along.

        Parameters
        ----------
        state
            The state at the start.
        end
            The equilibrium at the end, as predicted with the gates of the start.
        weights
            The residual integrated over the step, ``int r dt``, shape (n,).
        """
        if not {"A", "W"} & set(state.net.trainable):
            return None
        first, held = state.J.adjoint.equilibrium, state.sliding
        met = first.gates != end.gates
        if held is not None:
            met[held.sample, held.unit] = True
        unit, sample = np.nonzero(met.T)
        if not len(unit):
            return None
        mask, v = state.mask[sample, unit], end.U[sample, unit]
        columns, at = np.unique(unit, return_inverse=True)
        loop = state.J.loops(columns)[sample, at]
        before = _linear(mask, loop)
        drive = state.J.driven(columns)[sample, at] * _opened(mask, loop)
        force = weights[sample] * drive / math.sqrt(state.net.width)
        start = cls(state, weights, sample, unit, before, before, before, drive, force, before, loop, v, v)
        return start._with_shares(v, v)

    def settled(self, v: Vector) -> Kinks:
        """The shares that go with the pre-activations v at the end of the step, which the present shares have led to.

        When a gate switches is found anew, from where u would have gone without the switch.
        """
        own = self._own * self.force * (self.share - self.before)
        return self._with_shares(v + own, v)

    def _with_shares(self, free: Vector, v: Vector) -> Kinks:
        """Other shares, from `free`, u at the end if the gate itself stayed as it was, and v, what the present shares have led to."""
        u, held = self._start, self._held
        reached = _reached(u, self._on_side(self.predicted), self._on_side(free))
        share = np.where(u > 0, reached, 1.0 - reached)
        share = np.where(held, np.where(self.force > 0, self.before, free > 0), share)
        loose = held & (self.force > 0)
        least = np.where(loose | (u <= 0), 0.0, share)
        most = np.where(loose | (u > 0), 1.0, share)
        found = replace(self, least=least, most=most)
        begin = np.where(self.force > 0, np.clip(self.share, least, most), share)  # what crosses has its share already
        share, left = found._settled(v, self.share, begin)
        return replace(found, share=share, left=left)

    @property
    def sliding(self) -> Sliding | None:
        """The gates that the step ends on, if there are any, with their shares of the time since u has come to 0."""
        late = (self.share - self.least) / np.where(self.most > self.least, self.most - self.least, 1.0)
        inside = (late > _SHARE) & (
            late < 1.0 - _SHARE
        )  # not where force <= 0: there share is at an end of what is left to it
        # a step too short to bring u back to 0 all the way
        nearing = self._held & (self.force > 0) & ~inside & (np.abs(self.left) < np.abs(self._start))
        stays = inside | nearing
        if not stays.any():
            return None
        share = np.where(nearing, self.before, late)
        return Sliding(self.sample[stays], self.unit[stays], _mask(share, self.loop)[stays])

    def at_end(self) -> tuple[Vector, Vector]:
        """What stands for the gates at the end, so that the mean of both ends is the share: the part in [0, 1], and the rest."""
        wanted = 2.0 * self.share - self.before
        inside = np.clip(wanted, 0.0, 1.0)
        return _mask(inside, self.loop), wanted - inside

    def driven(self, J: Linearisation, mask: Vector) -> Vector:
        """p, with the gate open, where Q was solved with `mask`."""
        units, at = self.columns
        found: Vector = J.driven(units)[self.sample, at] * _opened(mask[self.sample, self.unit], self.loop)
        return found

    def answer(self, J: Linearisation, mask: Vector, drive: Vector, change: Vector) -> tuple[Index, Vector]:
        """How Q, solved with `mask`, answers to changes of the shares: ``dq = change p + D gamma A^T dq``, a few sweeps of it.

        p is `drive`, with the gate open, and 0 in D where the share changes: Q is linear in a share while it is the average of
        an open and a closed gate over time.

        Returns
        -------
        tuple
            The samples that have such gates, and their dq, one a row.
        """
        some = np.flatnonzero(change)
        rows, at = np.unique(self.sample[some], return_inverse=True)
        own = np.zeros((len(rows), J.Q.shape[1]), np.float32)  # a few sweeps are no more accurate
        size = float(np.max(np.abs(change * drive))) or 1.0
        own[at, self.unit[some]] = change[some] * drive[some] / size
        dQ, gates = own, np.where(own != 0, 0.0, mask[rows]).astype(np.float32)
        for _ in range(_ANSWERS):
            dQ = own + gates * (dQ @ J.net.low_precision)
        return rows, np.multiply(dQ, size, dtype=np.float64)

    @cached_property
    def columns(self) -> tuple[Index, Index]:
        """The units that the gates are of, and the place of every gate's unit among them."""
        found: tuple[Index, Index] = np.unique(self.unit, return_inverse=True)
        return found

    def _settled(self, v: Vector, from_share: Vector, share: Vector) -> tuple[Vector, Vector]:
        """Shares for which v, which belongs to `from_share`, is 0, or they are at an end and v leaves them there; and that v.

        For the gates of a unit, with ``y = f a``: ``0 <= v - k (y - y_0)`` or ``y`` at an end, the condition of a least
        quadratic form in a box, since k is positive semidefinite (:mod:`.complementarity`).
        """
        found = np.clip(share, self.least, self.most)
        v_at_found = v - self._fall(found - from_share)
        for gates, k in self._blocks(np.flatnonzero((self.force > 0) & (self.most > self.least))):
            real = gates >= 0
            f = np.where(real, self.force[gates], 0.0)
            u, y, low, high = v_at_found[gates], f * found[gates], f * self.least[gates], f * self.most[gates]
            y = complementary(k, u, y, low, high)
            found[gates[real]] = (y / np.where(real, f, 1.0))[real]
        return found, v - self._fall(found - from_share)

    def _blocks(self, some: Index) -> Iterator[tuple[Index, Vector]]:
        """Units with about as many of these gates together: the gates, one unit a row, filled up with -1, and k."""
        unit = self.unit[some]
        starts = np.flatnonzero(np.diff(unit, prepend=-1))
        counts = np.diff(starts, append=len(unit))
        order = np.argsort(-counts, kind="stable")
        done = 0
        while done < len(order):
            width = int(counts[order[done]])
            height = max(1, _NUMBERS // width**2)
            # from a unit with a quarter as many gates on, a batch of its own
            height = min(height, int(np.count_nonzero(4 * counts[order[done:]] > width)))
            units = order[done : done + height]
            done += height
            places = starts[units][:, None] + np.arange(width)[None, :]
            real = np.arange(width)[None, :] < counts[units][:, None]
            gates = np.where(real, some[np.where(real, places, 0)], -1)
            yield gates, self._kernel(gates)

    def _fall(self, change: Vector) -> Vector:
        """How far u falls when the shares change: ``k f da`` for all gates."""
        J, net = self.state.J, self.state.net
        units, at = self.columns
        y = np.zeros((len(J.Z), len(units)))
        y[self.sample, at] = self.force * change
        fall = np.zeros_like(y)
        if "A" in net.trainable:
            fall += net.gamma**2 * (J.ZZ @ y)
        if "W" in net.trainable:
            slopes = J.slopes[:, units]
            fall += slopes * (J.XX @ (slopes * y))
        found: Vector = fall[self.sample, at]
        return found

    def _kernel(self, gates: Index) -> Vector:
        rows = self.sample[gates]
        one, other = rows[:, :, None], rows[:, None, :]
        k = np.zeros((*gates.shape, gates.shape[1]))
        if "A" in self.state.net.trainable:
            k += self.state.net.gamma**2 * self.state.J.ZZ[one, other]
        if "W" in self.state.net.trainable:
            slope = self.state.J.slopes[rows, self.unit[gates]]
            k += self.state.J.XX[one, other] * slope[:, :, None] * slope[:, None, :]
        return k

    def _on_side(self, v: Vector) -> Vector:
        """v as it would be on the side of the kink where u starts: an open gate feeds its unit back to itself, and u is steeper there."""
        u, steeper = self._start, 1.0 - self.loop
        return np.where((u > 0) == (v > 0), v, v * np.where(u > 0, 1.0 / steeper, steeper))

    @cached_property
    def _start(self) -> Vector:
        """u of the gates at the start of the step."""
        found: Vector = self.state.J.adjoint.equilibrium.U[self.sample, self.unit]
        return found

    @cached_property
    def _held(self) -> NDArray[np.bool_]:
        """Whether the gates slide at the start of the step."""
        found: NDArray[np.bool_] = (self.before > 0) & (self.before < 1)
        return found

    @property
    def _own(self) -> Vector:
        """k of each gate with itself."""
        return self._kernel(np.arange(len(self.unit))[:, None])[:, 0, 0]


def _mask(share: Vector, loop: Vector) -> Vector:
    """What in the place of a gate gives the mean of Q with the gate open, for a part `share` of the time, and closed."""
    return share / (1.0 - loop + share * loop)


def _linear(mask: Vector, loop: Vector) -> Vector:
    """The inverse of :func:`_mask`."""
    return mask * (1.0 - loop) / (1.0 - mask * loop)


def _opened(mask: Vector, loop: Vector) -> Vector:
    """What p is multiplied by, where `mask` is in the place of the gate, if the gate opens."""
    return (1.0 - mask * loop) / (1.0 - loop)


def _reached(u: Vector, predicted: Vector, found: Vector) -> Vector:
    """When u comes to 0, as a part of the step, or 1: it starts towards `predicted` and ends at `found`, a parabola."""
    side = np.where(u > 0, 1.0, -1.0)
    a, slope, bend = side * u, side * (predicted - u), side * (found - predicted)
    root = np.sqrt(np.maximum(slope**2 - 4.0 * a * bend, 0.0)) - slope
    meets = (slope**2 >= 4.0 * a * bend) & (root > 0) & (2.0 * a <= root)
    return np.where(meets, 2.0 * a / np.where(meets, root, 1.0), 1.0)
