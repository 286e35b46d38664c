"""Points at which equations hold, kept for the next statement about the same equations.

The lines of a derivation rest on one model: its equations are solved once for all of them. A point is
drawn before anything is known of the statement, so which statements are tested at it does not
change the chance that a false one passes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, Symbol

from deqmath.checking.atoms import Gates
from deqmath.checking.domains import PRIMES, BadPoint, PrimeField
from deqmath.checking.evaluation import Point
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.points import Alphabet, alphabet, draw_symbols, new_point
from deqmath.checking.solving import Equations, Group, Solved, satisfy

Bindings = dict[Symbol, int]

#: Points kept in all; beyond it all are forgotten.
_MOST_KEPT = 2048


@dataclass(frozen=True)
class SolvedPoint:
    """A point of the solution set, what it was solved for, and the groups of equations that could not be solved."""

    point: Point
    solved: list[Solved]
    skipped: list[Group]

    def copy(self, rng: random.Random) -> SolvedPoint:
        """The same point with signs and atoms of its own, to be added to."""
        old: PrimeField = self.point.domain  # type: ignore[assignment]
        signs = old.gates
        gates = replace(signs, bits=dict(signs.bits), trail=list(signs.trail), positive=list(signs.positive), rng=rng)
        field = old.copy(rng, gates)
        symbols: dict[Expr, Any] = {s: FieldMatrix(field, v.mat) for s, v in self.point.symbols.items()}
        point = Point(field, dict(self.point.sizes), symbols, rng=rng, slopes=dict(self.point.slopes))
        return SolvedPoint(point, list(self.solved), list(self.skipped))


@dataclass(frozen=True)
class FailedDraw:
    """Why a draw gave no point, and the signs asked for until then."""

    reason: str
    trail: tuple[bool, ...]


_kept: dict[Any, SolvedPoint | FailedDraw] = {}


def solved_point(
    equations: Equations, sizes: dict[Symbol, int], bindings: Bindings, pattern: tuple[int, int], nth: int, seed: int
) -> SolvedPoint | FailedDraw:
    """The nth point at these sizes with this pattern of signs, or how the draw failed (draw the next)."""
    key = (tuple(equations), tuple(sizes.items()), tuple(bindings.items()), pattern, nth, seed)
    if key not in _kept:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        rng = random.Random(f"{seed} {nth} {pattern} {sorted(map(str, sizes.items()))}")
        point = new_point(PrimeField(rng, Gates(*pattern, rng, p := PRIMES[nth % len(PRIMES)]), p), sizes, rng)
        _kept[key] = _solved(point, equations, bindings)
    found = _kept[key]
    return found if isinstance(found, FailedDraw) else found.copy(random.Random(f"{seed} {nth} more"))


def _solved(point: Point, equations: Equations, bindings: Bindings) -> SolvedPoint | FailedDraw:
    skipped: list[Group] = []
    letters = alphabet(e for pair in equations for e in pair)
    try:
        draw_symbols(point, letters, bindings)
        make_positive(point, letters)
        solved = satisfy(point, equations, bindings, skipped)
    except BadPoint as reason:
        field: PrimeField = point.domain  # type: ignore[assignment]
        return FailedDraw(str(reason), tuple(field.gates.trail))
    return SolvedPoint(point, solved, skipped)


def make_positive(point: Point, letters: Alphabet) -> None:
    """Tell the signs which values are those of positive symbols."""
    field: PrimeField = point.domain  # type: ignore[assignment]
    field.gates.positive = [int(point.symbols[c].mat[0, 0]) for c in letters.scalars if c.is_positive]
