"""Equations with more than one branch of solutions: special values of their coefficients, and what generic ones hide.

A random point of the solution set of ``A B = 0`` (unknown A) has B invertible and A = 0. The other branches lie
over special values of the coefficients: B = 0, singular, nilpotent. They are visited here, at small
sizes and in rational numbers, to refute. Where they do not refute, the verdict says what the
random points had in common: the hypothesis that the equation has one solution, or that the values are generic.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sympy import Expr, MatAdd, MatMul, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.counterexample import Counterexample, describe, differs
from deqmath.checking.domains import BadPoint, NotInDomain, Rationals
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.holding import HoldingTest
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.points import Alphabet, alphabet, at_least, index_choices, least_sizes, new_point
from deqmath.checking.sides import Bindings, EqualTest, SidesTest
from deqmath.checking.sign_patterns import ALL_OPEN
from deqmath.checking.solved_points import SolvedPoint, solved_point
from deqmath.checking.solving import Equations, Group, base_symbol, groups
from deqmath.errors import InputError
from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.printing import text

#: Points at one size at which several coefficients are special, each in a way of its own.
_MIXED = 24
#: Guesses of the signs in an equation at a special point.
_GUESSES = 4
_TRIES = 8

Sizes = dict[Symbol, int]


def held_equations(test: SidesTest) -> Equations:
    """The equations that a statement has as hypotheses; those that a derivative follows are its subject."""
    if isinstance(test, HoldingTest):
        return test.held
    return test.equations if isinstance(test, EqualTest) else ()


def branching(test: SidesTest) -> list[Group]:
    """The groups of hypotheses that are neither definitions (``u = ...`` without u) nor free of coefficients."""
    return [
        g
        for g in groups(held_equations(test))
        if _coefficients(g)
        and not (len(g.residuals) == 1 == len(g.unknowns) and _defines(g.residuals[0], g.unknowns[0]))
    ]


def _coefficients(group: Group) -> set[Expr]:
    letters = alphabet(group.residuals)
    return {*letters.matrices, *letters.scalars} - {base_symbol(u) for u in group.unknowns}


def _defines(residual: MatrixExpr, unknown: MatrixExpr) -> bool:
    """Whether it reads ``c u + (terms without u)`` with a number c that is not 0."""
    terms = residual.args if isinstance(residual, MatAdd) else (residual,)
    own = [t for t in terms if t.has(base_symbol(unknown))]
    if len(own) != 1:
        return False
    (term,) = own
    if isinstance(term, MatMul) and len(term.args) == 2 and term.args[0].is_Rational:
        term = term.args[1]
    return bool(term == unknown)


def generic_hypotheses(test: SidesTest, assumptions: Sequence[Assumption], seed: int) -> tuple[str, ...]:
    """What the points of branching hypotheses had in common and no hypothesis states, in words."""
    stated = [a.expr for a in assumptions if a.kind == "invertible"]
    out = []
    for group in branching(test):
        point = _generic_point(test, group, seed, 0)
        unknowns = ", ".join(text(u) for u in group.unknowns)
        residuals = ", ".join(f"{text(r)} = 0" for r in group.residuals)
        names = ", ".join(map(text, sorted(_coefficients(group), key=lambda s: s.name)))
        symbols = {base_symbol(u) for u in group.unknowns}
        solved = None if point is None else next((s for s in point.solved if symbols <= set(s.symbols)), None)
        if solved is None or solved.free or solved.parameter:
            out.append(f"{unknowns}, {names} are generic among the solutions of {residuals}")
        elif not solved.variety and not any(_is_slope(M, test, group, seed) for M in stated):
            out.append(f"for generic {names}: {unknowns} is the only solution of {residuals}")
    return tuple(dict.fromkeys(out))


def _generic_point(test: SidesTest, group: Group, seed: int, nth: int) -> SolvedPoint | None:
    """A point of the prime field at which the equations hold, at size 2; None if none could be made."""
    letters = alphabet(test.expressions)
    (sizes,) = at_least([dict.fromkeys(letters.dimensions, 2)], least_sizes(test.expressions))
    for k in range(_TRIES):
        found = solved_point(test.equations, sizes, _bindings(letters, sizes, group), ALL_OPEN, _TRIES * nth + k, seed)
        if isinstance(found, SolvedPoint):
            return found
    return None


def _bindings(letters: Alphabet, sizes: Sizes, group: Group) -> Bindings:
    own = {} if group.index is None else {group.index: 0}
    return {**index_choices(letters, sizes)[0], **own}


def _is_slope(M: MatrixExpr, test: SidesTest, group: Group, seed: int) -> bool:
    """Whether ``det F_z = +-(det M)^k`` at two random points: then F_z is invertible wherever M is."""
    letters = alphabet(test.expressions)
    for nth in range(2):
        found = _generic_point(test, group, seed, nth)
        if found is None:
            return False
        point: Point = found.point
        bindings = _bindings(letters, dict(point.sizes), group)
        F_z = point.slopes.get(group.at(bindings))
        try:
            value = Evaluator(point, bindings)(M).mat
        except (BadPoint, InputError):  # an index of M that the statement does not have, say
            return False
        if F_z is None:
            return False
        powers = [value.det() ** k for k in range(1, F_z.nrows() + 1)]
        if not any(F_z.det() in (power, -power) for power in powers):
            return False
    return True


def special_counterexample(test: SidesTest, assumptions: Sequence[Assumption], seed: int = 0) -> Counterexample | None:
    """A point where the hypotheses hold at special values of their coefficients, and the sides differ."""
    found = branching(test)
    if not found:
        return None
    letters = alphabet(test.expressions)
    inside = set().union(*(_made_special(test, g, seed) for g in found))
    symbols = [s for s in (*letters.scalars, *letters.matrices) if s in inside]
    rng = random.Random(seed)
    for sizes in at_least(_small_sizes(letters), least_sizes(test.expressions)):
        for bindings in index_choices(letters, sizes):
            for make in _assignments(symbols, rng, mixed=_MIXED if max(sizes.values(), default=1) < 3 else 0):
                domain = Rationals(2, guesses=_GUESSES)
                point = new_point(domain, sizes, rng)
                for s, kind in make.items():
                    point.symbols[s] = FieldMatrix(domain, kind(point, s, bindings))
                at = differs(test, letters, domain, sizes, bindings, rng, point.symbols, frozenset(make))
                if isinstance(at, dict) and _hold(assumptions, Point(domain, dict(sizes), at, rng=rng), bindings):
                    described = describe(test, letters, domain, sizes, bindings, at)
                    if described is not None:
                        return described
    return None


def _small_sizes(letters: Alphabet) -> list[Sizes]:
    choices = sorted(itertools.product((1, 2), repeat=len(letters.dimensions)), key=lambda c: (sum(c), c))[:16]
    return [dict(zip(letters.dimensions, c, strict=True)) for c in (*choices, (3,) * len(letters.dimensions))]


def _made_special(test: SidesTest, group: Group, seed: int) -> set[Expr]:
    """The coefficients, and the unknowns too where a coefficient is what is solved for."""
    point = _generic_point(test, group, seed, 0)
    unknowns = {base_symbol(u) for u in group.unknowns}
    solved_for = set() if point is None else {s for solved in point.solved for s in solved.symbols}
    return _coefficients(group) | (unknowns - solved_for)


def _assignments(symbols: Sequence[Expr], rng: random.Random, mixed: int) -> Iterator[dict[Expr, Any]]:
    """Each symbol special in each way while the others are random, then several at once."""
    for s in symbols:
        for kind in _ways(s):
            yield {s: kind}
    for _ in range(mixed if len(symbols) > 1 else 0):
        yield {s: rng.choice(_ways(s)) for s in symbols if rng.getrandbits(1)}


def _ways(s: Expr) -> Sequence[Any]:
    return _MATRICES if isinstance(s, MatrixSymbol) else _SCALARS


def _entries(f: Callable[[int, int], int]) -> Any:
    def make(point: Point, s: Expr, bindings: Bindings) -> Any:
        rows, cols = (point.size(d, bindings) for d in s.shape) if isinstance(s, MatrixSymbol) else (1, 1)
        return point.domain.integers(rows, cols, [f(i, j) for i in range(rows) for j in range(cols)])

    return make


def _of_rank_one(point: Point, s: Expr, bindings: Bindings) -> Any:
    rows, cols = (point.size(d, bindings) for d in s.shape)
    left = [point.domain.draw(point.rng) for _ in range(rows)]
    right = [point.domain.draw(point.rng) for _ in range(cols)]
    return point.domain.matrix(rows, cols, [a * b for a in left for b in right])


def _multiple(point: Point, s: Expr, bindings: Bindings) -> Any:
    c = point.domain.draw(point.rng)
    return _entries(lambda i, j: int(i == j))(point, s, bindings) * c


def _equal_to_another(point: Point, s: Expr, bindings: Bindings) -> Any:
    """The value of a symbol of the same shape that has one by now; the identity where there is none."""
    same = [t for t in point.symbols if isinstance(t, MatrixSymbol) and t.shape == s.shape]
    return point.symbols[same[-1]].mat if same else _entries(lambda i, j: int(i == j))(point, s, bindings)


#: 0, a projection, nilpotent, I, -I, an involution, one Jordan block, ones, rank one, a multiple of I.
_MATRICES = (
    _entries(lambda _i, _j: 0),
    _entries(lambda i, j: int(i == j == 0)),
    _entries(lambda i, j: int(j == i + 1)),
    _entries(lambda i, j: int(i == j)),
    _entries(lambda i, j: -int(i == j)),
    _entries(lambda i, j: (-1) ** i * int(i == j)),
    _entries(lambda i, j: int(i <= j <= i + 1)),
    _entries(lambda _i, _j: 1),
    _of_rank_one,
    _multiple,
    _equal_to_another,
)
_SCALARS = (_entries(lambda _i, _j: 0), _entries(lambda _i, _j: 1), _entries(lambda _i, _j: -1))


def _hold(assumptions: Sequence[Assumption], point: Point, bindings: Bindings) -> bool:
    """Whether the hypotheses that are no equations hold there; ``||M|| < 1`` where the sum of squares is below 1."""
    for a in assumptions:
        if a.kind not in ("invertible", "no-kink", "contraction"):
            continue
        try:
            mat = Evaluator(point, bindings)(a.expr).mat
        except (BadPoint, NotInDomain, InputError):
            return False
        if a.kind == "invertible":
            holds = mat.det() != 0
        elif a.kind == "no-kink":
            holds = all(e != 0 for e in mat.entries())
        else:
            holds = sum(e * e for e in mat.entries()) < 1
        if not holds:
            return False
    return True


__all__ = ["branching", "generic_hypotheses", "held_equations", "special_counterexample"]
