"""Exact checking over a prime field (Schwartz and Zippel), with the chance of error it leaves.

If the two sides differ as rational functions, their difference ``P/Q`` vanishes at a random
point with probability at most ``deg P / (p - deg Q)``. At each size and for each pattern of signs
tried enough points are drawn that the chance of accepting an identity that is false there is below
2^-100. Signs of pre-activations are free bits in a field; every pattern of them that occurs
(:mod:`~deqmath.checking.sign_patterns`) is tried where there are at most 16 (1024 at sizes of 1),
elsewhere all open, all closed and 2 random ones, where a single bad pattern can be missed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, MatrixExpr, Symbol
from sympy.core.sympify import _sympify as sympify  # strict: refuses text, which sympify would run

from deqmath.checking.atoms import MOST_FOR_THREE, Gates
from deqmath.checking.degree import AtomDegrees
from deqmath.checking.domains import PRIME, PRIMES, BadPoint, NotInDomain, PrimeField, SingularPoint
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.points import (
    Alphabet,
    alphabet,
    at_least,
    draw_symbols,
    index_choices,
    least_sizes,
    make_nonnegative,
    new_point,
    size_choices,
)
from deqmath.checking.sides import Bindings, SidesTest, degrees_at
from deqmath.checking.sign_patterns import ALL_CLOSED, ALL_OPEN, ENDLESS, Pattern, SignPatterns, Trail, pattern_of
from deqmath.checking.solved_points import FailedDraw, make_positive, solved_point
from deqmath.checking.solving import NotSolvable, Solved, satisfy
from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.traversal import distinct_nodes

#: log2 of the chance of accepting a false identity, to be reached at every size.
TARGET_BITS = 100
_MOST_PATTERNS = 16
_MOST_SMALL_PATTERNS = 1024
_TRIES = 24
#: Points at a size where the degree is too high for the field: they can refute, and no number of them is enough.
_HOPELESS_REPEATS = 4
#: Where exp undid log and log exp in turn more often than this, no bound on the degree is given.
_MOST_LEVELS = 8
#: A size above 3 is left out where a matrix of the statement would have more entries than this.
_MOST_ENTRIES = 20_000


@dataclass(frozen=True)
class ExactOutcome:
    """What exact evaluation found.

    Parameters
    ----------
    agrees
        Whether the sides agreed at every point; None if no point could be used.
    points
        Number of points.
    sizes
        The sizes tried.
    log2_chance
        The largest, over the sizes, log2 of the chance of accepting a false identity there.
    gates
        The largest number of gate bits at any size.
    sampled
        The sizes at which only some of the gate patterns were tried, in words, and how many at each.
    some_size_exhausted
        Whether every gate pattern was tried at one size at least.
    on_solution_set
        Whether the equations held at the points.
    singular_patterns, other_patterns
        How many patterns of gates, summed over the sizes, gave no point: because a matrix that the statement inverts
        is singular there at every try, or for another reason (signs that contradict one another).
    disagreement
        Sizes and bindings of the first disagreement.
    trouble
        Why the last point that could not be drawn could not.
    """

    agrees: bool | None
    points: int
    sizes: tuple[dict[str, int], ...]
    log2_chance: float
    gates: int
    sampled: Mapping[str, int]
    some_size_exhausted: bool
    on_solution_set: bool
    singular_patterns: int
    other_patterns: int
    disagreement: tuple[dict[Symbol, int], Bindings] | None = None
    trouble: str = ""

    @property
    def all_patterns(self) -> bool:
        """Whether every gate pattern was tried at every size."""
        return not self.sampled


def run_exact(test: SidesTest, seed: int = 0, level: str = "standard") -> ExactOutcome:
    """Compare the two sides at random points of the prime field, at several sizes."""
    letters = alphabet(test.expressions)
    state = _State(test, letters, seed)
    for sizes in at_least(size_choices(letters, level), least_sizes(test.expressions)):
        if max(sizes.values(), default=0) > 3 and _entries(test.expressions, sizes) > _MOST_ENTRIES:
            continue
        for bindings in index_choices(letters, sizes):
            if not state.run_size(sizes, bindings):
                return state.outcome(agrees=False, where=(sizes, bindings))
    return state.outcome(agrees=True if state.points else None, where=None)


def _entries(expressions: Sequence[Expr], sizes: dict[Symbol, int]) -> int:
    """The number of entries of the largest matrix that stands in the expressions."""
    nodes = (a for a in distinct_nodes(*expressions) if isinstance(a, MatrixExpr))
    numbers = {rows * cols for rows, cols in {tuple(a.shape) for a in nodes}}
    return max((int(e.subs(sizes)) for e in map(sympify, numbers) if e.free_symbols <= sizes.keys()), default=0)


def in_words(sizes: Mapping[Any, int]) -> str:
    """``m=2, n=3``."""
    return ", ".join(f"{k}={v}" for k, v in sizes.items()) or "scalars"


@dataclass
class _Here:
    """What the points at one size have shown."""

    sizes: dict[Symbol, int]
    bindings: Bindings
    patterns: SignPatterns = field(default_factory=SignPatterns)
    #: Points by the pattern asked for, and by the signs they had.
    points: dict[Pattern, int] = field(default_factory=dict)
    trails: dict[Trail, int] = field(default_factory=dict)
    without_a_point: set[Pattern] = field(default_factory=set)
    chances: dict[tuple[int, int, int], float] = field(default_factory=dict)

    def saw(self, pattern: Pattern, trail: Trail) -> None:
        """A point was evaluated to the end."""
        self.points[pattern] = self.points.get(pattern, 0) + 1
        self.trails[trail] = self.trails.get(trail, 0) + 1
        self.patterns.saw(trail, whole=True)


class _State:
    """Counts kept while the sizes are run through."""

    def __init__(self, test: SidesTest, letters: Alphabet, seed: int) -> None:
        self.test, self.letters, self.seed, self.rng = test, letters, seed, random.Random(seed)
        #: Points drawn, and how many of them at one size with one pattern of signs.
        self.drawn = 0
        self.tries: dict[Any, int] = {}
        self.points = 0
        self.sizes: list[dict[str, int]] = []
        self.worst = -math.inf
        self.gates = 0
        self.sampled: dict[str, int] = {}
        self.some_size_exhausted = False
        self.on_solution_set = True
        self.singular_patterns = self.other_patterns = 0
        #: Whether the tries of the last point that could not be drawn ended at a singular matrix.
        self.singular = False
        self.trouble = ""
        self.solved: list[Solved] = []
        self.unsolvable: set[MatrixExpr] = set()
        self.atoms = self.roots = self.levels = 0

    def run_size(self, sizes: dict[Symbol, int], bindings: Bindings) -> bool:
        """All points at one size; False at the first disagreement."""
        here = _Here(sizes, bindings)
        agrees = self._one(here, (0, 0))
        if agrees is None:
            return True
        if not agrees or (here.patterns.longest and self._one(here, ALL_OPEN) is False):
            return False
        most = _MOST_SMALL_PATTERNS if all(n == 1 for n in sizes.values()) else _MOST_PATTERNS
        run = self._every_pattern(here, most) if 2**here.patterns.longest <= most else None
        if run:
            self.some_size_exhausted = True
        elif run is None and (run := self._some_patterns(here)):
            name, repeats = in_words(sizes), self._repeats(here)
            count = sum(points >= repeats for points in here.trails.values())
            self.sampled[name] = min(count, self.sampled.get(name, count))
        if not run:
            return False
        self.gates = max(self.gates, here.patterns.longest)
        self.sizes.append({str(k): v for k, v in sizes.items()})
        self.worst = max(self.worst, self._repeats(here) * self._per_point(here))
        return True

    def _every_pattern(self, here: _Here, most: int) -> bool | None:
        """Points with every pattern; False at the first disagreement, None where there are more than ``most``."""
        while True:
            for beginning in here.patterns.unwalked():
                if here.patterns.at_least >= most:
                    return None
                agrees = self._one(here, pattern_of(beginning))
                if agrees is None:
                    self._without_a_point(here, pattern_of(beginning))
                elif not agrees:
                    return False
            repeats = self._repeats(here)
            if not all(self._repeatedly(here, pattern_of(leaf)) for leaf in list(here.patterns.leaves)):
                return False
            # a later point may show signs that the first with its pattern did not
            if here.patterns.complete and repeats == self._repeats(here):
                return True

    def _some_patterns(self, here: _Here) -> bool:
        """Points with all signs open, with all closed and with two random patterns; False at the first disagreement."""
        length = 4 * here.patterns.longest + 64
        patterns = [ALL_OPEN, ALL_CLOSED, *((self.rng.getrandbits(length), ENDLESS) for _ in range(2))]
        repeats = 0
        while repeats < self._repeats(here):
            repeats = self._repeats(here)
            if not all(self._repeatedly(here, pattern) for pattern in patterns):
                return False
        return True

    def _repeatedly(self, here: _Here, pattern: Pattern) -> bool:
        """As many points with one pattern as the chance of error asks for; False at the first disagreement."""
        while pattern not in here.without_a_point and here.points.get(pattern, 0) < self._repeats(here):
            agrees = self._one(here, pattern)
            if agrees is None:
                self._without_a_point(here, pattern)  # the next tries would end as these did
            elif not agrees:
                return False
        return True

    def _without_a_point(self, here: _Here, pattern: Pattern) -> None:
        here.without_a_point.add(pattern)
        self.singular_patterns += self.singular
        self.other_patterns += not self.singular

    def _repeats(self, here: _Here) -> int:
        """How many points with one pattern bring the chance of error below the target."""
        per_point = self._per_point(here)
        return max(2, math.ceil(TARGET_BITS / -per_point)) if per_point <= -1 else _HOPELESS_REPEATS

    def _per_point(self, here: _Here) -> float:
        """log2 of the chance at one point, by what the points so far have shown: more signs, more that may meet."""
        shown = (self.atoms, self.roots, self.levels)
        if shown not in here.chances:
            here.chances[shown] = self._log2_chance(here.sizes)
        return here.chances[shown]

    def _one(self, here: _Here, pattern: Pattern) -> bool | None:
        """One point: whether the sides agree, or None if none could be drawn."""
        self.singular = False
        for _ in range(_TRIES):
            point = self._point(here, pattern)
            if point is None:
                continue
            numbers: PrimeField = point.domain  # type: ignore[assignment]
            try:
                draw_symbols(point, self.letters, here.bindings)
                make_positive(point, self.letters)
                make_nonnegative(point, self.test.nonnegative, here.bindings)
                a, b = self.test.sides(point, here.bindings)
            except BadPoint as reason:
                self.singular = self.singular or isinstance(reason, SingularPoint)
                self.trouble = str(reason)
                here.patterns.saw(tuple(numbers.gates.trail), whole=False)
                continue
            self.points += 1
            self.atoms = max(self.atoms, len(numbers.atoms) + len(numbers.gates.bits))
            self.roots = max(self.roots, len(numbers.roots))
            self.levels = max(self.levels, numbers.atoms.level)
            here.saw(pattern, tuple(numbers.gates.trail))
            return not a.differs(b)
        return None

    def _point(self, here: _Here, pattern: Pattern) -> Point | None:
        """A point where every equation that can be solved holds; the unknowns of the others stay free."""
        sizes, bindings = here.sizes, here.bindings
        self.drawn += 1
        if not self.test.equations:
            prime = PRIMES[self.drawn % len(PRIMES)]
            return new_point(PrimeField(self.rng, Gates(*pattern, self.rng, prime), prime), sizes, self.rng)
        where = (tuple(sizes.values()), tuple(bindings.values()), pattern)
        nth = self.tries[where] = self.tries.get(where, -1) + 1
        equations = [e for e in self.test.equations if e[0] not in self.unsolvable]
        found = solved_point(equations, sizes, bindings, pattern, nth, self.seed)
        if isinstance(found, FailedDraw):
            self.trouble = found.reason
            here.patterns.saw(found.trail, whole=False)
            return None
        self.solved = found.solved
        if found.skipped:
            self.on_solution_set = False
            self.unsolvable |= {u for g in found.skipped for u in g.unknowns}
        return found.point

    def _log2_chance(self, sizes: dict[Symbol, int]) -> float:
        """log2 of the chance that two different functions agree at one point.

        ``(deg P + pairs deg(meeting)) / (p - 1 - deg Q)``: the pairs of arguments of functions and signs (and the
        sums of three) may meet by chance, each a polynomial of up to 4 arguments; times 4 for each square root:
        a function with k roots has a norm of 2^k times the degree, and the points at which all roots exist
        are one in 2^k.
        """
        reach = 3 if not self.solved else 9  # values held while an equation was solved may be products themselves
        atoms = AtomDegrees(reach)
        for _ in range(min(self.levels, _MOST_LEVELS) + 1):
            dg = degrees_at(sizes, self.solved, atoms)
            difference = self.test.degree(dg)
            for e in self.test.expressions:
                dg.of(e)
            atoms = atoms.crossed(dg.arguments)
        if self.levels > _MOST_LEVELS:
            return 0.0
        pairs = 4 * self.atoms * (self.atoms - 1) // 2 + 64 * min(self.atoms, MOST_FOR_THREE) ** 4
        meeting = pairs * 4 * dg.arguments.largest
        room = PRIME - 1 - 2 * (difference.bottom + meeting)
        if room < 2:
            return 0.0
        return min(0.0, math.log2(max(1, difference.top + meeting)) + 2 * self.roots - math.log2(room))

    def outcome(self, agrees: bool | None, where: tuple[dict[Symbol, int], Bindings] | None) -> ExactOutcome:
        return ExactOutcome(
            agrees,
            self.points,
            tuple(self.sizes),
            self.worst,
            self.gates,
            self.sampled,
            self.some_size_exhausted,
            self.on_solution_set,
            self.singular_patterns,
            self.other_patterns,
            where,
            self.trouble,
        )


def singular_everywhere(M: MatrixExpr, holding: Sequence[Assumption] = (), seed: int = 0) -> dict[str, int] | None:
    """Sizes, the first of several, at each of which a square matrix is singular at every point tried; or None.

    A false alarm has a chance below 2^-100. A matrix that is singular only for some sizes (``E A^{-1} E^T`` for
    E with more rows than columns) is not reported: the sizes are part of the hypothesis that it is invertible.
    Points lie on the solution set of the equations among the hypotheses, where one can be made.
    """
    equations = [(a.unknown, a.expr) for a in holding if a.unknown is not None]
    letters = alphabet([M, *(e for pair in equations for e in pair)])
    rng = random.Random(seed)
    singular: dict[str, int] | None = None
    for sizes in size_choices(letters)[1:4] or size_choices(letters):
        if all(_invertible_somewhere(M, equations, letters, sizes, b, rng) for b in index_choices(letters, sizes)):
            return None
        singular = singular or {str(k): v for k, v in sizes.items()}
    return singular


def _invertible_somewhere(
    M: MatrixExpr, equations: Any, letters: Alphabet, sizes: dict[Symbol, int], bindings: Bindings, rng: random.Random
) -> bool:
    """Whether M could be inverted at a point; True also where no point could be made."""
    seen = False
    for k in range(_TRIES):
        point = new_point(PrimeField(rng, Gates(0, 0, rng, PRIME)), sizes, rng)
        try:
            draw_symbols(point, letters, bindings)
            if k < _TRIES // 2:
                satisfy(point, equations, bindings)
            value = Evaluator(point, bindings)(M)
        except (BadPoint, NotSolvable):
            continue
        except NotInDomain:
            return True
        seen = True
        try:
            value.inverted()
        except BadPoint:
            continue
        return True
    return not seen
