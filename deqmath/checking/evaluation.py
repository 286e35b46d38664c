"""Evaluating an expression at a point of a domain: one rule per node, no rewriting.

This is the referee of the calculus: it shares no code with it. A point gives sizes to the
dimensions and values (plain or dual) to the symbols. The rules are in ``values_of_scalars``,
``values_of_matrices`` and ``values_of_structures``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sympy import Expr, S, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.domains import Domain
from deqmath.checking.matrices import FieldMatrix, base_of, constant
from deqmath.errors import InputError
from deqmath.expressions.traversal import F, Rules

#: The expressions whose values a rule receives, in order.
Reads = Callable[[Any], tuple[Expr, ...]]


def all_arguments(x: Expr) -> tuple[Expr, ...]:
    """Every argument is an operand."""
    return x.args


def first_argument(x: Expr) -> tuple[Expr, ...]:
    """The others are dimensions, indices or exponents."""
    return x.args[:1]


def nothing(_x: Expr) -> tuple[Expr, ...]:
    """A symbol, a constant, or a node whose rule evaluates its parts itself."""
    return ()


class ValueRules(Rules):
    """Rules called with a node, the evaluator, and the values of the operands that the node reads."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.reads: dict[Callable[..., Any], Reads] = {}

    def register(self, *classes: type, reads: Reads = all_arguments) -> Callable[[F], F]:
        """Decorator: the function below is the rule for these node classes and gets the values of ``reads(node)``."""

        def add(rule: F) -> F:
            self.reads[rule] = reads
            return super(ValueRules, self).register(*classes)(rule)

        return add

    def operands(self, x: Expr) -> tuple[Expr, ...]:
        """The expressions whose values the rule of x receives."""
        return self.reads[self.rule_for(x)](x)


values = ValueRules("evaluation")

#: A rule, its node, and where the values of its operands stand in the list of values.
Step = tuple[Callable[..., Any], Expr, tuple[int, ...]]


#: Programs by the identities of their roots, which are held so that no identity is used twice: comparing equal
#: expressions node by node takes longer than running their program.
_programs: dict[tuple[int, ...], tuple[tuple[Expr, ...], Any]] = {}
_MOST_PROGRAMS = 4096


def program(roots: tuple[Expr, ...]) -> tuple[tuple[Step, ...], tuple[int, ...]]:
    """Expressions as a list of steps, operands before the nodes that read them, and where the roots stand."""
    identities = tuple(map(id, roots))
    found = _programs.get(identities)
    if found is None:
        if len(_programs) >= _MOST_PROGRAMS:
            _programs.clear()
        found = _programs[identities] = roots, _program_of(roots)
    made: tuple[tuple[Step, ...], tuple[int, ...]] = found[1]
    return made


@lru_cache(maxsize=16384)
def same_symbol(x: Expr) -> Expr:
    """The first symbol met that is equal to x: tables find it by identity, without comparing."""
    return x


@lru_cache(maxsize=4096)
def _program_of(roots: tuple[Expr, ...]) -> tuple[tuple[Step, ...], tuple[int, ...]]:
    """Equal subexpressions are one step, and nothing recurses: depth costs no more than breadth."""
    steps: list[Step] = []
    place: dict[Expr, int] = {}
    todo: list[tuple[Expr, tuple[Expr, ...] | None]] = [(x, None) for x in reversed(roots)]
    while todo:
        x, operands = todo.pop()
        if x in place:
            continue
        rule = values.rule_for(x)
        if operands is None:
            operands = values.operands(x)
            todo.append((x, operands))
            todo += [(a, None) for a in reversed(operands) if a not in place]
            continue
        place[x] = len(steps)
        node = same_symbol(x) if isinstance(x, (MatrixSymbol, Symbol)) else x
        steps.append((rule, node, tuple(place[a] for a in operands)))
    return tuple(steps), tuple(place[x] for x in roots)


@dataclass
class Point:
    """Where to evaluate.

    Parameters
    ----------
    domain
        The numbers.
    sizes
        Dimension symbol -> positive integer.
    symbols
        Symbol -> value, a :class:`~deqmath.checking.matrices.FieldMatrix` or dual numbers over it.
    depth
        Layers of dual numbers in the values.
    rng
        Draws values for symbols met for the first time.
    slopes
        Unknowns and residuals of a group of equations (and where they stand) -> ``F_z`` at this point, once known.
    kept
        Symbols whose values were chosen: equations for them that hold as it is are not solved.
    """

    domain: Domain
    sizes: dict[Expr, int]
    symbols: dict[Expr, Any]
    depth: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    slopes: dict[Any, Any] = field(default_factory=dict)
    kept: frozenset[Expr] = frozenset()

    def size(self, d: Expr, bindings: Mapping[Symbol, int] | None = None) -> int:
        """A dimension (m, m n, m^2, 3, an index) as an integer."""
        if isinstance(d, int):
            return d
        found = (bindings or {}).get(d)
        if found is None:
            found = self.sizes.get(d)
        if found is None:
            found = int(d) if d.is_Integer else self._composed_size(d, bindings or {})
            if d.free_symbols <= set(self.sizes):
                self.sizes[d] = found
        return found

    def _composed_size(self, d: Expr, bindings: Mapping[Symbol, int]) -> int:
        for s in d.free_symbols:
            if s not in self.sizes and s not in bindings:
                msg = f"the dimension {s} has no size; give one in sizes, as in {{{s}: 3}}"
                raise InputError(msg)
        value = d.subs({**self.sizes, **bindings})
        if not value.is_Integer or value < 0:
            msg = f"the dimension {d} is {value} at sizes {self.sizes}; it needs to be a positive integer"
            raise InputError(msg)
        return int(value)

    def value_of(self, x: Expr, bindings: Mapping[Symbol, int]) -> Any:
        """The value of a symbol, drawn now if it has none."""
        found = self.symbols.get(x)
        if found is None:
            shape = x.shape if isinstance(x, MatrixSymbol) else (S.One, S.One)
            rows, cols = (self.size(d, bindings) for d in shape)
            entries = [self.domain.draw(self.rng) for _ in range(rows * cols)]
            found = constant(FieldMatrix(self.domain, self.domain.matrix(rows, cols, entries)), self.depth)
            self.symbols[x] = found
        return found

    def number(self, p: int, q: int = 1) -> Any:
        """p/q as a 1 x 1 constant."""
        one = FieldMatrix(self.domain, self.domain.matrix(1, 1, [self.domain.number(p, q)]))
        return constant(one, self.depth)

    def constant(self, rows: int, cols: int, entries: list[int]) -> Any:
        """An integer matrix."""
        return constant(FieldMatrix(self.domain, self.domain.integers(rows, cols, entries)), self.depth)

    def identity(self, k: int) -> Any:
        """``I_k``."""
        return self.selection(k, k, [(i, i) for i in range(k)])

    def selection(self, rows: int, cols: int, ones: Iterable[tuple[int, int]]) -> Any:
        """The matrix that is 1 at these places and 0 elsewhere."""
        return constant(FieldMatrix(self.domain, self.domain.ones_at(rows, cols, ones)), self.depth)


class Evaluator:
    """Evaluates expressions at one point.

    Parameters
    ----------
    point
        Sizes and values of the symbols.
    bindings
        Sample index -> its value.
    given
        The value of the variable of an elementwise function, while its body is evaluated.
    """

    def __init__(
        self, point: Point, bindings: Mapping[Symbol, int] | None = None, given: tuple[Symbol, Any] | None = None
    ) -> None:
        self.point, self.given = point, given
        self.bindings = bindings or {}

    def __call__(self, x: Expr) -> Any:
        """The value of one expression."""
        return self.several(x)[0]

    def several(self, *roots: Expr) -> list[Any]:
        """The values of some expressions, parts that they share evaluated once."""
        steps, places = program(roots)
        found: list[Any] = []
        for rule, x, reads in steps:
            found.append(rule(x, self, *[found[k] for k in reads]))
        return [found[k] for k in places]

    def size(self, d: Expr) -> int:
        """A dimension or an index as an integer."""
        return self.point.size(d, self.bindings)

    def bound(self, index: Symbol, k: int) -> Evaluator:
        """The same point with one more sample index fixed."""
        return Evaluator(self.point, {**self.bindings, index: k})

    def with_variable(self, t: Symbol, value: Any) -> Evaluator:
        """The same point, for the body of a function of t."""
        return Evaluator(self.point, self.bindings, (t, value))

    def signs(self, value: Any) -> list[bool]:
        """1[u > 0] for each entry (row by row) of a pre-activation."""
        base = base_of(value)
        return [base.domain.is_positive(e, None) for e in base.mat.entries()]
