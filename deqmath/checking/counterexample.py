"""Small counterexamples: true numbers with true signs, found, shrunk and printed as Python."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sympy import Expr, Rational, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.domains import BadPoint, Balls, Boundary, Domain, NotInDomain, Rationals, flint_precision
from deqmath.checking.evaluation import Point
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.points import (
    Alphabet,
    alphabet,
    at_least,
    draw_symbols,
    index_choices,
    least_sizes,
    make_nonnegative,
    new_point,
)
from deqmath.checking.sides import Bindings, SidesTest
from deqmath.checking.solving import Equations, NotSolvable, base_symbol, satisfy
from deqmath.expressions.nodes import Column
from deqmath.expressions.python_source import declarations, declared, variable

#: Draws at each of the smallest three sizes, and at the others.
_DRAWS = (120, 30)
_PASSES = 3
_BITS = 256


@dataclass(frozen=True)
class Counterexample:
    """A point at which the two sides differ, as Python that shows it."""

    script: str
    sizes: dict[str, int]
    domain: str


def find_counterexample(
    test: SidesTest, seed: int = 0, *, also: dict[Symbol, int] | None = None, smallest: bool = True
) -> Counterexample | None:
    """The smallest point found at which the sides differ, in true numbers with true signs.

    Sizes grow from 1, entries are small integers; rational arithmetic where every function allows
    it, balls otherwise (there the two results are disjoint balls). None if no such point is found.
    With ``smallest=False`` the sizes ``also`` come first and the first point found is left as it is.
    """
    letters = alphabet(test.expressions)
    rng = random.Random(seed)
    with flint_precision(_BITS):
        sizes_tried = at_least(_growing_sizes(letters), least_sizes(test.expressions))
        if also is not None and also not in sizes_tried:
            sizes_tried.append(also)
        if also is not None and not smallest:
            sizes_tried.sort(key=lambda sizes: sizes != also)
        for k, sizes in enumerate(sizes_tried):
            for bindings in index_choices(letters, sizes):
                draws = _DRAWS[k > 2]
                for draw in range(draws):
                    # small integers first, then eighths up to 1, where signs change more often
                    spread, parts = (8, 8) if 2 * draw >= draws else (1 + draw % 4, 1)
                    for domain in (Rationals(spread, parts), Balls(_BITS, spread, parts)):
                        symbols = differs(test, letters, domain, sizes, bindings, rng, None)
                        if symbols == "other domain":
                            continue
                        if isinstance(symbols, dict):
                            if smallest:
                                symbols = _shrink(test, letters, domain, sizes, bindings, symbols)
                            described = describe(test, letters, domain, sizes, bindings, symbols)
                            if described is not None:
                                return described
                        break
    return None


def boundary_counterexample(test: SidesTest, seed: int = 0) -> Counterexample | None:
    """A point where a hypothesis ``>= 0`` holds with equality, and the sides differ; None if none is found.

    At such a point a pre-activation may be 0: relu(0) = 0 and the gate of 0 is closed.
    """
    letters = alphabet(test.expressions)
    rng = random.Random(seed)
    domain = Boundary()
    for sizes in at_least(_growing_sizes(letters)[:4], least_sizes(test.expressions)):
        for bindings in index_choices(letters, sizes):
            for _ in range(_DRAWS[1]):
                symbols = differs(test, letters, domain, sizes, bindings, rng, None)
                if isinstance(symbols, dict):
                    return describe(test, letters, domain, sizes, bindings, symbols)
    return None


def _growing_sizes(letters: Alphabet) -> list[dict[Symbol, int]]:
    dims = letters.dimensions
    choices = sorted(itertools.product((1, 2, 3), repeat=len(dims)), key=lambda c: (sum(c), c))
    return [dict(zip(dims, c, strict=True)) for c in choices[:14]]


def differs(
    test: SidesTest,
    letters: Alphabet,
    domain: Domain,
    sizes: dict[Symbol, int],
    bindings: Bindings,
    rng: random.Random,
    given: dict[Expr, Any] | None,
    kept: frozenset[Expr] = frozenset(),
) -> dict[Expr, Any] | str | None:
    """The symbols' values if the sides differ there; None if not; "other domain" if balls are needed.

    Values ``given`` are replaced where an equation is solved for them, those ``kept`` only if it does not hold.
    """
    point = new_point(domain, sizes, rng)
    point.kept = kept
    if given:
        point.symbols.update(given)
    try:
        draw_symbols(point, letters, bindings)
        hold_assumptions(point, letters.scalars)
        satisfy(point, test.equations, bindings)
        _hold_solved(point, test.equations)
        make_nonnegative(point, test.nonnegative, bindings)
        a, b = test.sides(point, bindings)
    except BadPoint:
        return None
    except (NotInDomain, NotSolvable):  # a solution that is not rational may be found in balls
        return "other domain" if isinstance(domain, Rationals) else None
    return dict(point.symbols) if a.differs(b) else None


def hold_assumptions(point: Point, scalars: Iterable[Symbol]) -> None:
    """Give scalars values that their symbols are declared to have: a positive gamma is never drawn as -1, an even k as 3.

    Raises
    ------
    BadPoint
        The value, changed as far as it can be, is still not one that the symbol may have.
    """
    for s in scalars:
        drawn = value = _exact(point.symbols[s].mat[0, 0])
        if s.is_integer:
            value = Fraction(value.numerator)
        if s.is_even or s.is_odd:
            value = 2 * value + bool(s.is_odd)
        if s.is_zero:
            value = Fraction(0)
        if (value < 0 and s.is_nonnegative) or (value > 0 and s.is_nonpositive):
            value = -value
        if not _may_be(s, value):
            msg = f"{s} is declared to be other than {value}"
            raise BadPoint(msg)
        if value != drawn:
            number = point.domain.number(value.numerator, value.denominator)
            point.symbols[s] = FieldMatrix(point.domain, point.domain.matrix(1, 1, [number]))


@lru_cache(maxsize=4096)
def _may_be(s: Symbol, value: Fraction) -> bool:
    """Whether a rational number has every property that the symbol is declared with, as far as SymPy knows."""
    number = Rational(value.numerator, value.denominator)
    return all(getattr(number, f"is_{name}", None) is says for name, says in s.assumptions0.items())


def _hold_solved(point: Point, equations: Equations) -> None:
    """A scalar that an equation was solved for is what its symbol is declared to be; :class:`BadPoint` if not."""
    for s in (s for s in map(base_symbol, dict(equations)) if isinstance(s, Symbol)):
        value = point.symbols[s].mat[0, 0]
        if isinstance(point.domain, Balls) and not value.is_exact():
            held = not (s.is_integer or s.is_zero) and not (
                (s.is_nonnegative and not value >= 0) or (s.is_nonpositive and not value <= 0)
            )
        else:
            held = _may_be(s, _exact(value))
        if not held:
            msg = f"the value found is none that {s} may have"
            raise BadPoint(msg)


def _unknown_symbols(test: SidesTest) -> set[Expr]:
    return {u.arg if isinstance(u, Column) else u for u, _ in test.equations}


def _shrink(
    test: SidesTest,
    letters: Alphabet,
    domain: Domain,
    sizes: dict[Symbol, int],
    bindings: Bindings,
    symbols: dict[Expr, Any],
) -> dict[Expr, Any]:
    """Replace entries by 0, 1, -1 or 2 one at a time while the sides still differ and the numbers get simpler."""
    rng = random.Random(1)
    free = [s for s in (*letters.scalars, *letters.matrices) if s not in _unknown_symbols(test)]
    cost = _complexity(symbols)
    for _ in range(_PASSES):
        before = cost
        for s in free:
            rows, cols = symbols[s].shape
            for i, j in itertools.product(range(rows), range(cols)):
                for small in (0, 1, -1, 2):
                    value, target = symbols[s].mat, domain.number(small)
                    if value[i, j] == target:
                        break
                    entries = [target if (r, c) == (i, j) else value[r, c] for r in range(rows) for c in range(cols)]
                    trial = {k: v for k, v in symbols.items() if k in free}
                    trial[s] = FieldMatrix(domain, domain.matrix(rows, cols, entries))
                    found = differs(test, letters, domain, sizes, bindings, rng, trial)
                    if isinstance(found, dict) and _complexity(found) < cost:
                        symbols, cost = found, _complexity(found)
                        break
        if cost == before:
            break
    return symbols


def _complexity(symbols: dict[Expr, Any]) -> tuple[int, int]:
    """How much there is to read: (digits beyond small integers, sizes of the entries)."""
    digits = size = 0
    for v in symbols.values():
        for e in v.mat.entries():
            x = Fraction(_exact(e))
            if x.denominator > 2**60:  # the solution of an equation in balls: its digits are not a choice
                continue
            digits += len(str(x.denominator)) - 1 + (x.denominator > 1)
            size += 2 * abs(x.numerator) + (x < 0)
    return digits, size


def _exact(x: Any) -> Fraction:
    """A rational exactly; the midpoint of a ball."""
    if hasattr(x, "mid"):
        man, exp = x.mid().man_exp()
        return Fraction(int(man)) * Fraction(2) ** int(exp)
    return Fraction(int(x.p), int(x.q))


def describe(
    test: SidesTest,
    letters: Alphabet,
    domain: Domain,
    sizes: dict[Symbol, int],
    bindings: Bindings,
    symbols: dict[Expr, Any],
) -> Counterexample | None:
    """The point as Python: declarations, values, and the two sides with what they evaluate to there."""
    printed = {
        s: [[_number(v.mat[i, j]) for j in range(v.shape[1])] for i in range(v.shape[0])] for s, v in symbols.items()
    }
    point = new_point(domain, sizes, random.Random(0))
    for s, rows in printed.items():  # evaluated at the printed numbers, so that the script shows the same
        entries = [Fraction(e.strip('"')) for r in rows for e in r]
        numbers = [domain.number(e.numerator, e.denominator) for e in entries]
        point.symbols[s] = FieldMatrix(domain, domain.matrix(len(rows), len(rows[0]), numbers))
    try:
        a, b = test.sides(point, bindings)
    except BadPoint:
        return None
    if not a.differs(b):
        return None
    lines = ["import deqmath as dm", "import sympy as sp", ""]
    indices = [i for i, _ in letters.indices]
    lines += declarations(letters.matrices, letters.scalars, letters.dimensions)
    lines += [declared(i.name, "sp.Symbol({}, integer=True)") for i in indices]
    lines += _bound_declarations(test, {i.name for i in indices})
    values = [f"    {variable(d.name)}: {n}," for d, n in sizes.items()]
    values += [f"    {variable(i.name)}: {bindings[i]}," for i in indices]
    for s in (*letters.scalars, *letters.matrices):
        rows = printed[s]
        listed = ", ".join(f"[{', '.join(r)}]" for r in rows)
        shown = f"[{listed}]" if isinstance(s, MatrixSymbol) else rows[0][0]
        values.append(f"    {variable(s.name)}: {shown},")
    left, right = test.script()
    first, second = _shown_apart(a, b)
    lines += ["at = {", *values, "}", f"print({left})  # {first}", f"print({right})  # {second}"]
    return Counterexample("\n".join(lines), {str(k): v for k, v in sizes.items()}, domain.name)


def _bound_declarations(test: SidesTest, known: set[str]) -> list[str]:
    from sympy import preorder_traversal

    from deqmath.expressions.nodes import Total

    names = {a.index.name for e in test.expressions for a in preorder_traversal(e) if isinstance(a, Total)}
    names |= {u.index.name for u, _ in test.equations if isinstance(u, Column) and isinstance(u.index, Symbol)}
    return [declared(n, "sp.Symbol({}, integer=True)") for n in sorted(names - known)]


def _number(x: Any) -> str:
    """A rational as an int or as text such as "1/3"; a ball that is not a short number to 30 digits."""
    f = _exact(x)
    if f.denominator > 2**60:
        return f'"{x.mid().str(30, radius=False)}"'
    return str(f.numerator) if f.denominator == 1 else f'"{f}"'


def _shown_apart(a: FieldMatrix, b: FieldMatrix) -> tuple[str, str]:
    """Both values, with as many digits as it takes to see that they differ."""
    for digits in (8, 16, 28):
        first, second = _plain(a, digits), _plain(b, digits)
        if first != second:
            break
    return first, second


def _plain(v: FieldMatrix, digits: int) -> str:
    rows = [[_shown(v.mat[i, j], digits) for j in range(v.shape[1])] for i in range(v.shape[0])]
    return "[" + ", ".join("[" + ", ".join(r) + "]" for r in rows) + "]"


def _shown(x: Any, digits: int) -> str:
    return x.str(digits, radius=False) if hasattr(x, "mid") else str(x)


__all__ = [
    "Counterexample",
    "boundary_counterexample",
    "describe",
    "differs",
    "find_counterexample",
    "hold_assumptions",
]
