"""Float32 sweeps on corrections, float64 sweeps to verify: less than half the price of Picard.

Around a float64 iterate x with pre-activation v and residual step ``new - x`` the correction d solves

    d = activate(v + gain d M) - x,

which for ReLU is ``max((v - x) + gain d M, -x)`` and for gates ``(new - x) + gate (gain d M)``. Every term is
small, so float32 keeps its relative accuracy, as in iterative refinement. Where float32 alone reaches the tolerance, from about 1e-6 on,
x itself is solved for first, from the start or from zero. The float32 sweeps are those of
:mod:`.half_sweeps`; the float64 sweep that ends a cycle measures the true residual. Nothing is accepted unmeasured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from deqmath.numeric.arrays import Array, by_columns, is_numpy, row_norms
from deqmath.numeric.fixed_point import FixedPoint, Solution
from deqmath.numeric.strategies.anderson import AndersonHistory
from deqmath.numeric.strategies.half_sweeps import HalfSweeps
from deqmath.numeric.strategies.picard import Picard, worth_accelerating
from deqmath.numeric.validate import count, rate_limit

#: The most that float32 corrections can reduce the error in one cycle.
_FLOOR = 1.2e-7
#: Samples on which errors are estimated, cheap beside a product: the first, and later the worst.
_PROBE = 16
#: From this tolerance on float32 alone reaches what is asked, and no correction is needed.
_LOOSE = 8 * _FLOOR
#: A cycle that leaves more than this fraction of the residual has failed.
_FAILED = 0.25
#: Share of the tolerance that the probed samples are brought to, since another may be a little worse.
_SAFE = 0.9
#: Half sweeps that go unwatched at most, their share of those that the measured rate asks for, and the steps seen before.
_BLIND, _SHARE, _SEEN = 6, 0.75, 3
#: Half sweeps in which the steps have to fall to this fraction.
_WAIT, _LESS = 8, 0.8
#: A history is cleared where a step is this many times the smallest so far.
_WORSE = 10.0
#: Magnitudes that float32 holds with room for sums of squares.
_LEAST, _MOST = 1.0e-12, 1.0e12


def float32_holds(problem: FixedPoint) -> bool:
    """Whether the numbers of the problem can be squared and summed in float32."""
    return bool(_LEAST < float(problem.xp.max(problem.xp.abs(problem.offset))) < _MOST)


@dataclass(frozen=True)
class MixedPrecision:
    """Cycles of float32 half sweeps, each ended by a float64 sweep that verifies; Picard if a cycle fails.

    Picard from the start where the numbers are too large or too small for float32.

    Parameters
    ----------
    accelerate_above
        Where the measured rate of a half sweep is above this, pairs of them are accelerated by Anderson's history;
        never, by default.
    history
        Differences that the acceleration keeps.
    """

    accelerate_above: float = math.inf
    history: int = 5
    name: str = "mixed"

    def __post_init__(self) -> None:
        """Refuse what is no rate or no count."""
        rate_limit(self.accelerate_above, "accelerate_above")
        count(self.history, "history")

    def solve(self, problem: FixedPoint, start: Array | None, tol: float, max_sweeps: int) -> Solution:
        """Sweep until the residual bound is at most `tol`; see :class:`~.fixed_point.Strategy`."""
        if not float32_holds(problem):
            found = Picard(self.accelerate_above).solve(problem, start, tol, max_sweeps)
            return replace(found, strategy=f"{self.name}, then {found.strategy}")
        low, best = _Low(problem, self), start
        before = limit = problem.contraction if start is None else math.inf  # zero itself is not worse
        with np.errstate(over="ignore", invalid="ignore"):  # half sweeps may diverge, and float32 overflows early
            x, sweeps = (start, 0) if start is not None and tol < _LOOSE else low.approach(start, tol, max_sweeps)
            v: Array = None
            while sweeps < max_sweeps:
                v, new, steps = problem.sweep(x, spare=v)
                sweeps += 1
                residual = problem.contraction * float(problem.xp.max(steps))
                if residual <= tol:
                    return Solution(new, v, residual, sweeps, low.rate**2, True, self.name + low.suffix)
                best = new if residual < before else best
                if not residual <= limit:
                    break
                before, limit = residual, _FAILED * residual
                low.watch(steps)
                into = None if x is start else x
                x, used = low.correct(x, v, new, tol, max_sweeps - sweeps, into)
                sweeps += used
        rest = Picard(self.accelerate_above).solve(problem, best, tol, max(max_sweeps - sweeps, 1))
        return replace(rest, sweeps=rest.sweeps + sweeps, strategy=f"{self.name}{low.suffix}, then {rest.strategy}")


class _Low:
    """A problem in float32, one sample a column, and what has been measured on it."""

    def __init__(self, problem: FixedPoint, options: MixedPrecision) -> None:
        self.problem, self.xp, self.options = problem, problem.xp, options
        n, m = problem.shape
        self.probe = self.xp.arange(min(_PROBE, n))
        self.sweeps = HalfSweeps(self.xp, problem.low_matrix().T, n)
        memory = self.xp.empty((2 * m, n), dtype=self.xp.float32)
        self.offset, self.bounds = memory[:m, :], memory[m:, :]  # bounds: the gates, or the floor
        self.gate = None if problem.gate is None else self._lowered(problem.gate, into=self.bounds)
        self.steepest = min(max(problem.contraction, 1e-30), 0.999)  # A = 0 has the contraction 0, and no logarithm
        self.limit = 4 + math.ceil(math.log(_FLOOR) / math.log(self.steepest))
        self.rate = math.nan
        self.history: AndersonHistory | None = None

    @property
    def suffix(self) -> str:
        """What the record's strategy says of an acceleration."""
        return "" if self.history is None else " with anderson"

    def _lowered(self, x: Array, minus: Array | None = None, into: Array | None = None) -> Array:
        """A float64 matrix, or the difference of two, in float32 with a sample in every column instead of row.

        In NumPy in the memory of `into`, shape (m, n), where it is given and x has n rows.
        """
        if is_numpy(self.xp):
            return by_columns(x, minus, out=None if into is None or x.shape[0] != into.shape[1] else into.T).T
        return self.xp.astype(x if minus is None else x - minus, self.xp.float32).T

    def _before_gates(self, step: Array) -> Array:
        """What the gates make `step` of."""
        if self.gate is None or not self.problem.shares:
            return step
        one = self.xp.ones_like(step)
        return step / self.xp.where(self.gate > 0, self.gate, one)

    def _raised(self) -> Array:
        """The iterate in float64, a sample in every row."""
        x = self.sweeps.x.T
        return x.astype(np.float64, order="C") if is_numpy(self.xp) else self.xp.astype(x, self.xp.float64)

    def _added(self, x: Array, into: Array | None) -> Array:
        """x and the iterate, a sample in every row; in NumPy written into `into` where it is given."""
        if is_numpy(self.xp):
            return np.add(x, self.sweeps.x.T, out=into, order="C")
        return x + self._raised()

    def _measure(self, size: float, previous: float, halves: int) -> None:
        """The rate of a half sweep, from the steps before and after so many of them."""
        measured = (size / previous) ** (1 / halves) if previous > 0 and size > 0 else self.rate
        self.rate = min(max(measured, 0.02), self.steepest) if math.isfinite(measured) else self.steepest

    def watch(self, steps: Array) -> None:
        """Probe the samples with the largest relative steps: those that will be the last to converge."""
        self.probe = self.xp.argsort(-steps)[: min(_PROBE, steps.shape[0])]

    def _probed(self) -> Array:
        """The iterates of the probed samples, one a row."""
        if is_numpy(self.xp):  # rows that lie one after another
            return self.sweeps.x.T[self.probe]
        return self.xp.take(self.sweeps.x, self.probe, axis=1).T

    def _iterate(self, goal: Array, max_sweeps: int, halves: int = 1) -> int:
        """Sweep until the errors of the probed samples are estimated below `goal`; the products used.

        `halves` of a sweep were done before: to start a way down from zero costs as much as half a sweep.
        """
        xp, state, sizes = self.xp, self.sweeps, [math.nan]
        goal = xp.astype(goal, xp.float32)
        begin: Array = None
        blind = 0
        most = 2 * min(max_sweeps, self.limit)
        if self.history is not None:
            self.history.restart()
        last = self._probed()
        while halves < most:
            if self.history is not None and state.down:
                begin = xp.asarray(state.x, copy=True)
            state.sweep()
            halves += 1
            now = self._probed()
            steps, last = row_norms(xp, now - last), now
            sizes.append(math.sqrt(float(xp.vecdot(steps, steps))))
            if self.history is None:
                self._measure(sizes[-1], sizes[-2 - blind], 1 + blind)
            moves, one = steps > 0, xp.ones_like(steps)
            left = float(xp.min(xp.where(moves, goal / xp.where(moves, steps, one), one)))
            if left >= self.rate or _stagnant(sizes):  # steps times rate is what comes: at most the goal
                break
            if self.history is None:
                if state.down and worth_accelerating(self.rate, self.options.accelerate_above, halves, left):
                    self.history = AndersonHistory(xp, self.problem.shape, self.options.history, xp.float32)
                    continue
                blind = max(min(self._surely_needed(left), most - halves - 1), 0) if len(sizes) > _SEEN else 0
                for _ in range(blind):
                    state.sweep()
                halves += blind
                sizes += [sizes[-1]] * blind
                last = self._probed() if blind > 0 else last
            elif state.down and begin is not None:
                if sizes[-1] > _WORSE * min(sizes[1:]):
                    self.history.restart()
                self._extrapolate(self.history, begin)
                halves += 1
                last = self._probed()
        return -(-halves // 2)

    def _surely_needed(self, left: float) -> int:
        """Half sweeps that need not be watched: some are left over even where the rate was far better than measured."""
        if not 0 < left < 1 or not 0 < self.rate < self.options.accelerate_above:
            return 0
        return max(0, min(_BLIND, int(_SHARE * math.log(left) / math.log(self.rate)) - 1)) if self.rate < 1 else 0

    def _extrapolate(self, history: AndersonHistory, begin: Array) -> None:
        """Go on from where the history sends the pair of half sweeps that began at `begin`."""
        found = self.xp.asarray(self.sweeps.x, copy=True)
        self.sweeps.restart(history.advance(found.T, (found - begin).T).T)

    def approach(self, start: Array | None, tol: float, max_sweeps: int) -> tuple[Array, int]:
        """From `start`, or zero, to `tol`, or a relative error of about sqrt(tol) and what float32 can carry; the products used."""
        begin = None if start is None else self._lowered(start)
        offset = self._lowered(self.problem.offset, into=self.offset)
        self.sweeps.pose(offset, gate=self.gate, floor=self._floor(None), start=begin)
        share = _SAFE * tol / self.steepest if tol >= _LOOSE else max(math.sqrt(tol), _FLOOR)
        if begin is None:
            used = self._iterate(share * self.xp.take(self.problem.origin_norms, self.probe), max_sweeps)
            return self._raised(), used
        self.sweeps.sweep()  # with what the start has cost a whole product
        steps = row_norms(self.xp, (self.sweeps.x - begin).T)
        self.watch(steps)
        goal = share * self.xp.take(self.problem.origin_norms, self.probe)
        if bool(self.xp.all(self.xp.take(steps, self.probe) <= goal)):
            return self._raised(), 1
        used = self._iterate(goal, max_sweeps - 1, halves=0)
        return self._raised(), used + 1

    def correct(
        self, x: Array, v: Array, new: Array, tol: float, max_sweeps: int, into: Array | None
    ) -> tuple[Array, int]:
        """x, corrected so that its residual should be below `tol`, in the memory of `into` where it is given; the products used."""
        # subtracted before it is rounded: where the unit is active the difference is small
        moved = self._lowered(v if self.gate is None else new, minus=x, into=self.offset)
        offset = moved if self.gate is None else self._before_gates(moved)
        self.sweeps.pose(offset, gate=self.gate, floor=self._floor(x))
        allowed = (_SAFE * tol / self.problem.contraction) * self.xp.take(self.problem.scales(x), self.probe)
        reachable = _FLOOR * self.xp.astype(row_norms(self.xp, self._probed()), self.xp.float64)
        used = self._iterate(self.xp.maximum(allowed, reachable), max_sweeps)
        return self._added(x, into), used

    def _floor(self, x: Array | None) -> Array | None:
        """What ReLU bounds the correction of x by, ``-x``; zero where there is no x; None for gates."""
        if self.gate is not None:
            return None
        if x is None:
            n, m = self.problem.shape
            return self.xp.broadcast_to(self.xp.zeros((1, n), dtype=self.xp.float32), (m, n))
        floor = self._lowered(x, into=self.bounds)
        return np.negative(floor, out=floor) if is_numpy(self.xp) else -floor


def _stagnant(sizes: list[float]) -> bool:
    """Whether the steps have come down to the round-off of float32, or fall too slowly to wait for."""
    return len(sizes) > _WAIT + 1 and not sizes[-1] <= _LESS * sizes[-1 - _WAIT]
