"""A table of rules, one per node class, that raises on a node it does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from sympy import Basic, Expr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.errors import UnknownNodeError

F = TypeVar("F", bound=Callable[..., Any])


def distinct_nodes(*roots: Basic) -> Iterator[Basic]:
    """Every different node of some expressions once, from the outside in.

    SymPy's own traversal visits a part as often as it stands in the tree, through a generator for each level.
    """
    seen: set[Basic] = set()
    todo = list(reversed(roots))
    while todo:
        x = todo.pop()
        if x not in seen:
            seen.add(x)
            yield x
            todo += [a for a in reversed(x.args) if isinstance(a, Basic)]


@lru_cache(maxsize=1 << 16)
def symbols_of(x: Basic) -> frozenset[Expr]:
    """The symbols of an expression, matrices and scalars; of a matrix symbol only itself, not its dimensions."""
    if isinstance(x, (MatrixSymbol, Symbol)):
        return frozenset((x,))
    return frozenset().union(*(symbols_of(a) for a in x.args))


def contains(x: Basic, part: Expr) -> bool:
    """Whether ``part`` stands in x."""
    return part in symbols_of(x) if isinstance(part, (MatrixSymbol, Symbol)) else bool(x.has(part))


class Rules:
    """Dispatch on the class of a node.

    Parameters
    ----------
    name
        What the table computes; the error for an unknown node shows it.

    Notes
    -----
    The nearest registered base class wins. A node with no registered base raises
    :class:`~deqmath.errors.UnknownNodeError`: nothing is ever silently zero.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._table: dict[type, Callable[..., Any]] = {}

    def register(self, *classes: type) -> Callable[[F], F]:
        """Decorator: the function below is the rule for these node classes."""

        def add(rule: F) -> F:
            for cls in classes:
                self._table[cls] = rule
            return rule

        return add

    @property
    def classes(self) -> frozenset[type]:
        """The node classes that have a rule of their own."""
        return frozenset(self._table)

    def rule_for(self, node: Any) -> Callable[..., Any]:
        """The rule of a node's class, or of its nearest registered base class."""
        for cls in type(node).__mro__:
            rule = self._table.get(cls)
            if rule is not None:
                return rule
        raise UnknownNodeError(node, self.name)

    def __call__(self, node: Any, *context: Any) -> Any:
        return self.rule_for(node)(node, *context)
