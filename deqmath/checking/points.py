"""Points to evaluate at: sizes, random values, equations satisfied, directions attached."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol
from sympy.matrices.expressions.matexpr import MatrixElement

from deqmath.checking.domains import BadPoint, Boundary, Domain, PrimeField
from deqmath.checking.evaluation import Evaluator, Point, same_symbol
from deqmath.checking.matrices import base_of
from deqmath.expressions.nodes import Column, Total
from deqmath.expressions.traversal import distinct_nodes


@dataclass(frozen=True)
class Alphabet:
    """The symbols of a set of expressions: dimensions, free sample indices, matrices, scalars."""

    dimensions: tuple[Symbol, ...]
    indices: tuple[tuple[Symbol, Expr], ...]
    matrices: tuple[MatrixSymbol, ...]
    scalars: tuple[Symbol, ...]


def alphabet(expressions: Iterable[Expr]) -> Alphabet:
    """Sort the symbols of expressions by their role.

    A dimension is a symbol that occurs in a shape; a free index stands in a ``Column`` and is
    bound by no ``Total`` around it.
    """
    dims: set[Symbol] = set()
    free_indices: dict[Symbol, Expr] = {}
    matrices: set[MatrixSymbol] = set()
    scalars: set[Symbol] = set()

    seen: set[tuple[Expr, frozenset[Symbol]]] = set()

    def walk(x: Expr, bound: frozenset[Symbol]) -> None:
        if (x, bound) in seen:
            return
        seen.add((x, bound))
        if isinstance(x, MatrixSymbol):
            matrices.add(x)
            for d in x.shape:
                dims.update(d.free_symbols)
            return
        if isinstance(x, Total):
            dims.update(x.count.free_symbols)
            walk(x.term, bound | {x.index})
            return
        if isinstance(x, Column):
            for s in x.index.free_symbols - bound:
                free_indices[s] = x.arg.shape[1]
            walk(x.arg, bound)
            return
        if isinstance(x, MatrixExpr):
            for d in x.shape:  # of a matrix of numbers the sizes are Python integers
                dims.update(getattr(d, "free_symbols", ()))
        if isinstance(x, Symbol):
            if x not in bound:
                scalars.add(x)
            return
        if hasattr(x, "function") and hasattr(x, "arg"):  # elementwise: the variable of its Lambda is bound
            body, variables = x.function.expr, set(x.function.variables)
            scalars.update(s for s in body.free_symbols if s not in variables)
            walk(x.arg, bound)
            return
        for a in x.args:
            walk(a, bound)

    for x in expressions:
        walk(x, frozenset())
    scalars -= dims | set(free_indices)
    return Alphabet(
        tuple(sorted(dims, key=str)),
        tuple(sorted(free_indices.items(), key=lambda item: str(item[0]))),
        tuple(map(same_symbol, sorted(matrices, key=lambda s: s.name))),
        tuple(map(same_symbol, sorted(scalars, key=str))),
    )


def least_sizes(expressions: Iterable[Expr]) -> dict[Symbol, int]:
    """The least size of a dimension at which every entry and column that is named by a number exists."""
    least: dict[Symbol, int] = {}
    for a in (a for a in distinct_nodes(*expressions) if isinstance(a, (MatrixElement, Column))):
        shape = a.args[0].shape
        named = zip(shape[1:] if isinstance(a, Column) else shape, a.args[1:], strict=True)
        for size, index in named:
            if isinstance(size, Symbol) and index.is_Integer:
                least[size] = max(least.get(size, 1), int(index) + 1)
    return least


def at_least(choices: list[dict[Symbol, int]], least: Mapping[Symbol, int]) -> list[dict[Symbol, int]]:
    """The sizes, raised where they are too small; each once."""
    raised = [{d: max(k, least.get(d, 1)) for d, k in sizes.items()} for sizes in choices]
    return [s for k, s in enumerate(raised) if s not in raised[:k]]


#: One larger size, different for each of up to four dimensions.
_WIDE = (5, 2, 3, 7)


def size_choices(letters: Alphabet, level: str = "standard") -> list[dict[Symbol, int]]:
    """Several sizes for the dimensions: all 1, 2 and 3, any two unequal both ways, and one larger size.

    ``"quick"`` leaves out the larger size; ``"thorough"`` adds 4 and a second larger one.
    """
    dims = letters.dimensions
    if not dims:
        return [{}]
    rows = [[1] * len(dims), [2] * len(dims)]
    for bit in range((len(dims) - 1).bit_length()):
        rows += [[2 + (k >> bit) % 2 for k in range(len(dims))], [3 - (k >> bit) % 2 for k in range(len(dims))]]
    rows += [[3] * len(dims)]
    if level != "quick":
        rows += [[_WIDE[k % 4] for k in range(len(dims))]]
    if level == "thorough":
        rows += [[4] * len(dims), [_WIDE[(k + 1) % 4] for k in range(len(dims))]]
    return [dict(zip(dims, r, strict=True)) for r in rows]


def index_choices(letters: Alphabet, sizes: Mapping[Symbol, int]) -> list[dict[Symbol, int]]:
    """Values of the free sample indices: all different where possible, and all equal."""
    if not letters.indices:
        return [{}]
    counts = [int(n.subs(sizes)) for _, n in letters.indices]
    different = {i: k % c for k, ((i, _), c) in enumerate(zip(letters.indices, counts, strict=True))}
    same = {i: 0 for i, _ in letters.indices}
    return [different] if different == same else [different, same]


def make_nonnegative(point: Point, expressions: Iterable[MatrixExpr], bindings: Mapping[Symbol, int]) -> None:
    """Hold the point to the hypothesis that these expressions are >= 0 entrywise (and off the kink)."""
    for x in expressions:
        value = base_of(Evaluator(point, bindings)(x))
        for e in value.mat.entries():
            if isinstance(point.domain, PrimeField):
                if not point.domain.gates.define(int(e), True):
                    msg = "a hypothesis says >= 0 and a gate was closed"
                    raise BadPoint(msg)
            elif isinstance(point.domain, Boundary):
                if e < 0:
                    msg = "a hypothesis of nonnegativity fails at this point"
                    raise BadPoint(msg)
            elif not point.domain.is_positive(e, None):
                msg = "a hypothesis of nonnegativity fails at this point"
                raise BadPoint(msg)


def draw_symbols(point: Point, letters: Alphabet, bindings: Mapping[Symbol, int]) -> None:
    """Draw a value for every symbol, in a fixed order."""
    for s in (*letters.scalars, *letters.matrices):
        point.value_of(s, bindings)


def new_point(domain: Domain, sizes: Mapping[Symbol, int], rng: random.Random) -> Point:
    """An empty point."""
    return Point(domain, dict(sizes), {}, rng=rng)


def has_gates(expressions: Iterable[Expr]) -> bool:
    """Whether any pre-activation sign is taken in the expressions."""
    from deqmath.expressions.nodes import Elementwise, Gate

    return any(
        isinstance(a, Gate) or (isinstance(a, Elementwise) and (a.is_relu or a.is_step))
        for a in distinct_nodes(*expressions)
    )
