"""Gradient flow in mpmath at small size: Taylor series between gate switches, each of which is located.

While no gate changes, the flow ``A' = -(gamma/sqrt m) sum_i r_i q_i z_i^T`` is analytic, and the Taylor coefficients of A,
z_i and q_i in time follow from one another, with ``D_i`` constant and index k for the coefficient of ``t^k``:

    (I - gamma D_i A_0) z_k = gamma D_i sum_{j>=1} A_j z_{k-j},
    (I - gamma D_i A_0^T) q_k = gamma D_i sum_{j>=1} A_j^T q_{k-j},
    (k + 1) A_{k+1} = -(gamma/sqrt m) sum_i sum_{a+b+c=k} r_a q_b z_c^T.

No step size of an integrator of low order limits the digits: a step of order 1.3 digits is as long as the series allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric.multiprecision import MultiprecisionNetwork
from deqmath.numeric.multiprecision_numbers import MPMatrix, MPNumber, entries

#: Points of a step at which the signs of the pre-activations are looked at.
_LOOKS = 32
_MOST_STEPS = 1000


@dataclass(frozen=True)
class MultiprecisionSwitch:
    """A gate that switches: when, of which sample and unit, and whether it opens."""

    time: MPNumber
    sample: int
    unit: int
    opened: bool


@dataclass(frozen=True, eq=False)
class MultiprecisionFlow:
    """A trajectory of gradient flow in many digits; entry k of every tuple belongs to ``times[k]``.

    Attributes
    ----------
    times
        The recorded times, 0 and the end among them.
    loss
        ``||yhat - y||^2 / 2``.
    predictions
        yhat, n x 1 matrices.
    networks
        The networks, whose A is the trajectory.
    switches
        Every gate that switches, in the order of time.
    steps
        Taylor steps taken.
    """

    times: tuple[MPNumber, ...]
    loss: tuple[MPNumber, ...]
    predictions: tuple[MPMatrix, ...] = field(repr=False)
    networks: tuple[MultiprecisionNetwork, ...] = field(repr=False)
    switches: tuple[MultiprecisionSwitch, ...]
    steps: int


class _Series:
    """The Taylor series of the flow from one point in time, the gates held constant."""

    def __init__(
        self, net: MultiprecisionNetwork, P: MPMatrix, y: list[MPNumber], gates: list[list[bool]], order: int
    ) -> None:
        ctx, m, n = net.context, net.width, P.rows
        self.net, self.order, self.gates = net, order, gates
        root, units, samples = ctx.sqrt(m), range(m), range(n)
        masks = [net.diagonal(row) for row in gates]
        forward = [ctx.LU_decomp(ctx.eye(m) - net.gamma * (D * net.A)) for D in masks]
        backward = [ctx.LU_decomp(ctx.eye(m) - net.gamma * (D * net.A.T)) for D in masks]

        def solve(factors: tuple[MPMatrix, Any], i: int, right: list[MPNumber]) -> list[MPNumber]:
            gated = ctx.matrix([entry if gate else ctx.zero for entry, gate in zip(right, gates[i], strict=True)])
            return list(ctx.U_solve(factors[0], ctx.L_solve(factors[0], gated, factors[1])))

        # coefficients as lists, since a sum over all of them is then one exact dot product
        self.A = [net.A.tolist()]
        b, A_0 = list(net.b), self.A[0]
        z = [[solve(forward[i], i, list(P[i, :]))] for i in samples]
        q = [[solve(backward[i], i, b)] for i in samples]
        r = [[ctx.fdot(b, z[i][0]) / root - y[i]] for i in samples]
        rq: list[list[list[MPNumber]]] = [[] for _ in samples]
        self.u = [[[net.gamma * ctx.fdot(A_0[j], z[i][0]) + P[i, j] for j in units]] for i in samples]
        rows: list[list[MPNumber]] = [[] for _ in units]  # A_1, A_2, ... side by side
        columns: list[list[MPNumber]] = [[] for _ in units]
        for k in range(order):
            for i in samples:
                rq[i].append([ctx.fdot(r[i], [q[i][k - a][j] for a in range(k + 1)]) for j in units])
            left = [[rq[i][k - c][j] for i in samples for c in range(k + 1)] for j in units]
            right = [[z[i][c][j] for i in samples for c in range(k + 1)] for j in units]
            factor = -net.gamma / root / (k + 1)
            self.A.append([[factor * ctx.fdot(left[j], right[l]) for l in units] for j in units])
            for j in units:
                rows[j] += self.A[-1][j]
                columns[j] += [self.A[-1][l][j] for l in units]
            for i in samples:
                before = [entry for coefficient in reversed(z[i]) for entry in coefficient]
                known = [ctx.fdot(rows[j], before) for j in units]
                z[i].append(solve(forward[i], i, [net.gamma * entry for entry in known]))
                self.u[i].append([net.gamma * (known[j] + ctx.fdot(A_0[j], z[i][-1])) for j in units])
                before = [entry for coefficient in reversed(q[i]) for entry in coefficient]
                q[i].append(solve(backward[i], i, [net.gamma * ctx.fdot(columns[j], before) for j in units]))
                r[i].append(ctx.fdot(b, z[i][-1]) / root)

    def step(self) -> MPNumber:
        """How far the last two terms stay below the digits that are carried."""
        ctx = self.net.context
        small = ctx.mpf(10) ** (-self.net.digits - 10)
        found = ctx.inf
        for k in (self.order - 1, self.order):
            size = max(abs(entry) for row in self.A[k] for entry in row)
            if size > 0:
                found = min(found, (small / size) ** (ctx.one / k))
        return found

    def parameters(self, t: MPNumber) -> MPMatrix:
        """A at time t after the start of the series."""
        ctx, units = self.net.context, range(self.net.width)
        powers = [t**k for k in range(self.order + 1)]
        return ctx.matrix([[ctx.fdot([c[j][l] for c in self.A], powers) for l in units] for j in units])

    def preactivation(self, i: int, unit: int, t: MPNumber) -> MPNumber:
        """One entry of u at time t after the start of the series."""
        total = self.net.context.zero
        for coefficient in reversed(self.u[i]):
            total = total * t + coefficient[unit]
        return total

    def first_switch(self, h: MPNumber) -> tuple[MPNumber, int, int] | None:
        """The first time in (0, h] at which a pre-activation contradicts its gate, to all digits, and whose it is."""
        ctx = self.net.context
        found: tuple[MPNumber, int, int] | None = None
        for i, row in enumerate(self.gates):
            for unit, is_open in enumerate(row):
                low = ctx.zero
                for look in range(1, _LOOKS + 1):
                    high = h * look / _LOOKS
                    if found is not None and low >= found[0]:
                        break
                    if (self.preactivation(i, unit, high) > 0) != is_open:
                        at = self._bisect(i, unit, is_open, low, high)
                        if found is None or at < found[0]:
                            found = (at, i, unit)
                        break
                    low = high
        return found

    def _bisect(self, i: int, unit: int, is_open: bool, low: MPNumber, high: MPNumber) -> MPNumber:
        for _ in range(self.net.context.prec):
            middle = (low + high) / 2
            if (self.preactivation(i, unit, middle) > 0) == is_open:
                low = middle
            else:
                high = middle
        return high


def multiprecision_flow(
    net: MultiprecisionNetwork, X: Any, y: Any, *, t_end: Any, record: Iterable[Any] = ()
) -> MultiprecisionFlow:
    """``dA/dt = -dL/dA`` (gg22 eq. 6) from 0 to t_end, at the digits of the network.

    Parameters
    ----------
    net
        The network to start from, ``trainable=("A",)``; it is not changed.
    X, y
        Samples (n, d) and targets (n,).
    t_end
        Final time, a number > 0.
    record
        Increasing times in (0, t_end) to record besides 0 and t_end.

    Returns
    -------
    MultiprecisionFlow

    Raises
    ------
    NotWellPosedError
        rho reaches 1.
    NotConvergedError
        The flow slides along a kink: both sides of a switch point back to it, and the flow is not unique.

    Examples
    --------
    >>> from deqmath.numeric import MultiprecisionNetwork, multiprecision_flow
    >>> net = MultiprecisionNetwork([[0, 1], [1, 0]], [[1], [2]], [1, 1], "0.25", digits=30)
    >>> flow = multiprecision_flow(net, [[1]], [1], t_end="0.5")
    >>> bool(flow.loss[1] < flow.loss[0])
    True
    """
    ctx, (times, labels, P) = net.context, _asked(net, X, y, t_end, record)
    order = int(1.3 * net.digits) + 10
    networks, switches = [net], []
    gates = [list(row) for row in net.equilibrium(X).gates]
    here, now, steps = net, ctx.zero, 0
    while now < times[-1]:
        series, steps = _Series(here, P, labels, gates, order), steps + 1
        h = min(series.step(), times[-1] - now)
        switch = series.first_switch(h)
        if switch is not None:
            h, i, unit = switch
        networks += [_with_A(net, series.parameters(t - now)) for t in times if now < t <= now + h]
        here, now = _with_A(net, series.parameters(h)), now + h
        if switch is not None:
            gates[i][unit] = not gates[i][unit]
            _refuse_sliding(_Series(here, P, labels, gates, 1), i, unit, now)
            switches.append(MultiprecisionSwitch(now, i, unit, gates[i][unit]))
        if steps >= _MOST_STEPS or not here.rho < 1:
            here.equilibrium(X)  # raises where rho >= 1
            msg = f"stopped at t = {ctx.nstr(now, 8)} after {steps} Taylor steps; use a smaller t_end"
            raise NotConvergedError(msg)
    predictions = tuple(found.predict(X) for found in networks)
    losses = tuple(sum((a - b) ** 2 for a, b in zip(p, labels, strict=True)) / 2 for p in predictions)
    return MultiprecisionFlow(tuple(times), losses, predictions, tuple(networks), tuple(switches), steps)


def _asked(
    net: MultiprecisionNetwork, X: Any, y: Any, t_end: Any, record: Iterable[Any]
) -> tuple[list[MPNumber], list[MPNumber], MPMatrix]:
    """The times to record, the targets and the injections; refused where they cannot be used."""
    if net.trainable != ("A",):
        msg = f'trainable is {net.trainable!r}; the flow in many digits is for trainable=("A",)'
        raise InputError(msg)
    times = [net.context.zero, *(net.number(t, "record") for t in record), net.number(t_end, "t_end")]
    if any(not a < b for a, b in pairwise(times)):
        msg = f"t_end is {t_end!r} and record needs increasing times between 0 and t_end, for example record=[0.1, 0.2]"
        raise InputError(msg)
    P = net.injection(X)
    labels = [net.number(value, f"y[{i}]") for i, value in enumerate(entries(y, "y"))]
    if len(labels) != P.rows:
        msg = f"y has {len(labels)} entries but X has {P.rows} rows"
        raise ShapeError(msg)
    return times, labels, P


def _refuse_sliding(after: _Series, i: int, unit: int, now: MPNumber) -> None:
    """Raise unless the pre-activation goes on to the side that its gate has switched to."""
    if (after.u[i][1][unit] > 0) != after.gates[i][unit]:
        msg = (
            f"the flow slides along the kink of unit {unit} of sample {i} from t = {after.net.context.nstr(now, 10)}: "
            "no solution crosses it; stop before it, with a smaller t_end"
        )
        raise NotConvergedError(msg)


def _with_A(net: MultiprecisionNetwork, A: MPMatrix) -> MultiprecisionNetwork:
    """The network at another A, with the same context, so that numbers of both can meet."""
    found = copy(net)
    found.A = A
    found.__dict__.pop("norm", None)
    return found
