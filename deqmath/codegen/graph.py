"""The plan's graph: hash-consed nodes of linear algebra, and one memoised bottom-up rewrite.

A node is small, frozen and has no behaviour. Two equal subexpressions are one node, so common
subexpressions at matrix level need no pass of their own. A scalar is a node of shape ``()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol

Shape = tuple[Expr, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One operation: its name, operands, constant data and shape (``()`` for a scalar)."""

    op: str
    args: tuple[Node, ...]
    data: Any
    shape: Shape
    serial: int

    @property
    def rows(self) -> Expr:
        return self.shape[0]

    @property
    def cols(self) -> Expr:
        return self.shape[1]

    @property
    def placeholder(self) -> Symbol:
        """The symbol that stands for this 1 x 1 node inside a scalar formula."""
        return Symbol(f"_node{self.serial}")


class Graph:
    """The table that makes equal nodes identical."""

    def __init__(self) -> None:
        self._table: dict[tuple[Any, ...], Node] = {}

    def make(self, op: str, args: Iterable[Node] = (), data: Any = None, shape: Shape = ()) -> Node:
        args = tuple(args)
        key = (op, tuple(a.serial for a in args), data, shape)
        if key not in self._table:
            self._table[key] = Node(op, args, data, shape, len(self._table))
        return self._table[key]


Rule = Callable[[Node], Node | None]


def rewrite(roots: Iterable[Node], rebuild: Callable[[Node, tuple[Node, ...]], Node], rule: Rule) -> list[Node]:
    """Apply ``rule`` bottom-up, once at each node, until it declines (returns None)."""
    memo: dict[Node, Node] = {}

    def visit(node: Node) -> Node:
        if node in memo:
            return memo[node]
        args = tuple(visit(a) for a in node.args)
        new = node if args == node.args else rebuild(node, args)
        changed = rule(new)
        result = new if changed is None or changed is new else visit(changed)
        memo[node] = memo[result] = result
        return result

    return [visit(r) for r in roots]


def walk(roots: Iterable[Node]) -> list[Node]:
    """Every node below the roots once, operands before the operations that use them."""
    seen: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in seen:
            for a in node.args:
                visit(a)
            seen[node] = None

    for r in roots:
        visit(r)
    return list(seen)


def free_indices(node: Node, memo: dict[Node, frozenset[Symbol]] | None = None) -> frozenset[Symbol]:
    """The sample indices (of enclosing sums) that the value of a node depends on."""
    memo = {} if memo is None else memo
    for n in walk([node]):
        if n in memo:
            continue
        own: frozenset[Symbol] = frozenset()
        if n.op in ("column", "entry"):
            own = frozenset(s for e in n.data for s in e.free_symbols if is_index(s))
        elif n.op == "scalar":
            own = frozenset(s for s in n.data.free_symbols if is_index(s))
        below = own.union(*(memo[a] for a in n.args))
        memo[n] = below - {n.data[0]} if n.op in ("total", "stack") else below
    return memo[node]


def is_index(s: Symbol) -> bool:
    """Whether a symbol is the (renamed) index of a sum over samples."""
    return s.name.startswith("_index")
