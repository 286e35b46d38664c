"""Exact checking over a prime field (Schwartz and Zippel), with the chance of error it leaves.

If the two sides differ as rational functions, their difference ``P/Q`` vanishes at a random
point with probability at most ``deg P / (p - deg Q)``. At each size enough points are drawn that
the chance of accepting a false identity at that size is below 2^-100. Signs of pre-activations
are free bits in a field; every pattern of them is tried where there are at most 16 (64 at sizes
of 1), elsewhere all open, all closed and 2 random ones, where a single bad pattern can be missed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
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
from deqmath.checking.solved_points import make_positive, solved_point
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
    all_patterns
        Whether every gate pattern was tried at every size.
    some_size_exhausted
        Whether every gate pattern was tried at one size at least.
    on_solution_set
        Whether the equations held at the points.
    singular_patterns, other_patterns
        How many patterns of gates, summed over the sizes, gave no point: because a matrix that the statement inverts
        is singular there at every try, or for another reason (signs that contradict one another).
    disagreement
        Sizes and bindings of the first disagreement.
    """

    agrees: bool | None
    points: int
    sizes: tuple[dict[str, int], ...]
    log2_chance: float
    gates: int
    all_patterns: bool
    some_size_exhausted: bool
    on_solution_set: bool
    singular_patterns: int
    other_patterns: int
    disagreement: tuple[dict[Symbol, int], Bindings] | None = None


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
        self.all_patterns = True
        self.some_size_exhausted = False
        self.on_solution_set = True
        self.singular_patterns = self.other_patterns = 0
        #: Whether the tries of the last point that could not be drawn ended at a singular matrix.
        self.singular = False
        self.solved: list[Solved] = []
        self.unsolvable: set[MatrixExpr] = set()
        self.atoms = self.roots = self.levels = 0

    def run_size(self, sizes: dict[Symbol, int], bindings: Bindings) -> bool:
        """All points at one size; False at the first disagreement."""
        used = self._one(sizes, bindings, 0, 0)
        if used is None:
            return True
        agrees, bits = used
        if not agrees:
            return False
        per_point = self._log2_chance(sizes)
        repeats = max(2, math.ceil(TARGET_BITS / -per_point)) if per_point <= -1 else _HOPELESS_REPEATS
        self.gates = max(self.gates, bits)
        most = _MOST_SMALL_PATTERNS if all(n == 1 for n in sizes.values()) else _MOST_PATTERNS
        if 2**bits <= most:
            self.some_size_exhausted = True
            patterns = [(k, bits) for k in range(2**bits)]
        else:
            self.all_patterns = False
            drawn = [self.rng.getrandbits(bits) for _ in range(2)]
            patterns = [(k, bits) for k in dict.fromkeys((2**bits - 1, 0, *drawn))]
        for pattern, length in patterns:
            for _ in range(repeats):
                result = self._one(sizes, bindings, pattern, length)
                if result is None:
                    self.singular_patterns += self.singular
                    self.other_patterns += not self.singular
                    break  # the next tries would end as these did
                if not result[0]:
                    return False
        self.sizes.append({str(k): v for k, v in sizes.items()})
        self.worst = max(self.worst, repeats * per_point)
        return True

    def _one(self, sizes: dict[Symbol, int], bindings: Bindings, pattern: int, length: int) -> tuple[bool, int] | None:
        """One point: (sides agree, gate bits used), or None if none could be drawn."""
        self.singular = False
        for _ in range(_TRIES):
            point = self._point(sizes, bindings, (pattern, length))
            if point is None:
                continue
            field: PrimeField = point.domain  # type: ignore[assignment]
            try:
                draw_symbols(point, self.letters, bindings)
                make_positive(point, self.letters)
                make_nonnegative(point, self.test.nonnegative, bindings)
                a, b = self.test.sides(point, bindings)
            except BadPoint as reason:
                self.singular = self.singular or isinstance(reason, SingularPoint)
                continue
            self.points += 1
            self.atoms = max(self.atoms, len(field.atoms) + len(field.gates.bits))
            self.roots = max(self.roots, len(field.roots))
            self.levels = max(self.levels, field.atoms.level)
            return not a.differs(b), field.gates.used
        return None

    def _point(self, sizes: dict[Symbol, int], bindings: Bindings, pattern: tuple[int, int]) -> Point | None:
        """A point where every equation that can be solved holds; the unknowns of the others stay free."""
        self.drawn += 1
        if not self.test.equations:
            prime = PRIMES[self.drawn % len(PRIMES)]
            return new_point(PrimeField(self.rng, Gates(*pattern, self.rng, prime), prime), sizes, self.rng)
        where = (tuple(sizes.values()), tuple(bindings.values()), pattern)
        nth = self.tries[where] = self.tries.get(where, -1) + 1
        equations = [e for e in self.test.equations if e[0] not in self.unsolvable]
        found = solved_point(equations, sizes, bindings, pattern, nth, self.seed)
        if found is None:
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
            self.all_patterns,
            self.some_size_exhausted,
            self.on_solution_set,
            self.singular_patterns,
            self.other_patterns,
            where,
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
