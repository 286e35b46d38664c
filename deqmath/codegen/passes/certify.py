"""``M x`` is finite only where M and x are, because ``0 nan = nan`` and ``0 inf = nan``: inputs are shown by results.

A matrix argument that is multiplied by a column is not scanned for infinities and NaNs: the product, m numbers in
place of m^2, is looked at instead. The first row of ``P = X Y`` is finite only where all of Y is, the first column
only where all of X is; sums, scalings and entrywise products of such matrices keep this. A product inside a
loop may never run and shows nothing. An argument that is needed before its product is computed is scanned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, walk

#: Operations whose result is not finite in every entry where an operand is not.
LINEAR = ("times", "add", "hadamard", "scale", "scale_rows", "scale_columns", "transpose", "in_place")
_ROW, _COLUMN, _ALL = "row", "column", "all"
_BOTH = frozenset({_ROW, _COLUMN})
_FLIPPED = {_ROW: _COLUMN, _COLUMN: _ROW, _ALL: _ALL}
Parts = frozenset[str]


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    scanned: set[str] = set()
    for find in (_column, _matrix):
        while (found := find(a, roots, scanned)) is not None:
            witness, shown = found
            scanned |= _inputs([witness]) - certified(roots) - set(names(shown))  # used before they could be shown
            roots = _replaced(a, roots, witness, shown)
    return roots


def certified(roots: list[Node]) -> frozenset[str]:
    """The arguments that need no scan."""
    return frozenset(name for n in walk(roots) if n.op in ("checked", "shown") for name in names(n))


def names(node: Node) -> tuple[str, ...]:
    """The arguments that a node shows to be finite."""
    return tuple(node.data if node.op == "checked" else node.data[0])


def outside(node: Node) -> Iterator[Node]:
    """What a matrix is made of by :data:`LINEAR` operations, arguments left out."""
    for x in node.args:
        if x.op in LINEAR:
            yield from outside(x)
        elif x.op != "input":
            yield x


def _inputs(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(n.data for n in walk(nodes) if n.op == "input")


def _column(a: Algebra, roots: list[Node], scanned: set[str]) -> tuple[Node, Node] | None:
    """A column ``M x`` with an argument M not yet certified, and the same as ``checked``."""
    done, looped = certified(roots) | scanned, _inside_loops(roots)
    for node in walk(roots):
        if node.op != "times" or node in looped or node.cols != 1:
            continue
        M, X = node.args
        bare = M.args[0] if M.op == "transpose" else M
        if bare.op != "input" or bare.data in done or 1 in bare.shape or bare in walk([X]):
            continue
        also = (X.data,) if X.op == "input" and X.data not in done else ()
        return node, a.graph.make("checked", node.args, (bare.data, *also), node.shape)
    return None


def _matrix(a: Algebra, roots: list[Node], scanned: set[str]) -> tuple[Node, Node] | None:
    """The matrix that shows most of the arguments left, and the same as ``shown``."""
    done, looped = certified(roots) | scanned, _inside_loops(roots)
    large = {n.data for n in walk(roots) if n.op == "input" and 1 not in n.shape}  # a column is cheap to scan
    best: tuple[Node, tuple[str, ...]] | None = None
    for node in walk(roots):
        if node.op not in LINEAR or node.op == "transpose" or node in looped or 1 in node.shape:
            continue
        free = _reached(node, _BOTH) - done - _inputs(outside(node))
        if free & large and (best is None or len(free) > len(best[1])):
            best = node, tuple(sorted(free))
    if best is None:
        return None
    node, free_names = best
    parts = (_ROW,) if _reached(node, frozenset({_ROW})) >= set(free_names) else (_ROW, _COLUMN)
    return node, a.graph.make("shown", (node,), (free_names, parts), node.shape)


def _reached(node: Node, parts: Parts) -> frozenset[str]:
    """The arguments that are finite in every entry where these parts of a matrix are."""
    if not parts:
        return frozenset()
    if node.op == "input":
        whole = _ALL in parts or (node.rows == 1 and _ROW in parts) or (node.cols == 1 and _COLUMN in parts)
        return frozenset({node.data}) if whole else frozenset()
    if node.op not in LINEAR:
        return frozenset()
    return frozenset[str]().union(*(_reached(x, p) for x, p in _operands(node, parts)))


def _operands(node: Node, parts: Parts) -> list[tuple[Node, Parts]]:
    """The operands, each with the parts of it that are finite where these parts of the result are."""
    rows, columns = parts & {_ROW, _ALL}, parts & {_COLUMN, _ALL}
    if node.op == "times":
        X, Y = node.args
        return [
            (X, frozenset(rows | ({_ALL} if columns else set()))),
            (Y, frozenset(columns | ({_ALL} if rows else set()))),
        ]
    if node.op == "transpose":
        return [(node.args[0], frozenset(_FLIPPED[p] for p in parts))]
    if node.op == "scale":
        return [(node.args[1], parts)]
    if node.op == "scale_rows":
        return [(node.args[0], columns), (node.args[1], parts)]
    if node.op == "scale_columns":
        return [(node.args[0], parts), (node.args[1], rows)]
    return [(x, parts) for x in node.args]


def _replaced(a: Algebra, roots: list[Node], old: Node, new: Node) -> list[Node]:
    """One node put in the place of another, wherever it is used."""
    memo: dict[Node, Node] = {}

    def visit(node: Node) -> Node:
        if node not in memo:
            args = tuple(visit(x) for x in node.args)
            kept = node if args == node.args else a.rebuild(node, args)
            memo[node] = new if node is old else kept
        return memo[node]

    return [visit(r) for r in roots]


def _inside_loops(roots: list[Node]) -> set[Node]:
    return {n for loop in walk(roots) if loop.op in ("total", "stack") for n in walk([loop.args[0]])}
