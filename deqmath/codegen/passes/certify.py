"""``M x`` is finite only where M and x are, because ``0 nan = nan`` and ``0 inf = nan``: inputs are shown by results.

A matrix argument that is multiplied by a column is not scanned for infinities and NaNs: the product, m numbers in
place of m^2, is looked at instead, and with it another column: ``y^T x`` is finite only where both are. The first row of ``P = X Y`` is finite only where all of Y is, the first column
only where all of X is; sums, scalings and entrywise products of such matrices keep this. A product inside a
loop may never run and shows nothing. An argument that is needed before its product is computed is scanned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node, Shape, walk

#: Operations whose result is not finite in every entry where an operand is not.
LINEAR = ("times", "add", "hadamard", "scale", "scale_rows", "scale_columns", "transpose", "in_place")
_ROW, _COLUMN, _ALL = "row", "column", "all"
_BOTH = frozenset({_ROW, _COLUMN})
_FLIPPED = {_ROW: _COLUMN, _COLUMN: _ROW, _ALL: _ALL}
Parts = frozenset[str]
#: What to put in the place of which nodes, and the one among it that shows arguments.
Found = tuple[dict[Node, Node], Node]


def run(a: Algebra, roots: list[Node]) -> list[Node]:
    scanned: set[str] = set()
    for find in (_column, _matrix):
        while (found := find(a, roots, scanned)) is not None:
            changed, witness = found
            scanned |= _inputs([witness]) - certified(roots) - set(names(witness))  # used before they could be shown
            roots = _replaced(a, roots, changed)
    return roots


def certified(roots: list[Node]) -> frozenset[str]:
    """The arguments that need no scan."""
    return frozenset(name for n in walk(roots) if n.op in ("checked", "shown") for name in names(n))


def names(node: Node) -> tuple[str, ...]:
    """The arguments that a node shows to be finite."""
    return tuple(node.data if node.op == "checked" else node.data[0])


def outside(node: Node) -> Iterator[Node]:
    """What a matrix is made of by linear operations, arguments left out."""
    for x in node.args:
        if x.op in LINEAR or x.op == "gemv":
            yield from outside(x)
        elif x.op != "input":
            yield x


def _inputs(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(n.data for n in walk(nodes) if n.op == "input")


def _column(a: Algebra, roots: list[Node], scanned: set[str]) -> Found | None:
    """A column ``M x`` or ``y + s M x`` with an argument M not yet certified, and a second column beside it."""
    done, looped = certified(roots) | scanned, _inside_loops(roots)
    found = [n for n in walk(roots) if _is_column(n) and _factor(n).data not in done and n not in looped]
    if not found:
        return None
    columns = _inputs_of_shape(roots, found[0].shape)
    pair = _pair(found[0], [*found[1:], *(x for x in columns if x.data not in done)])
    direct = [x for n in pair for x in ((n,) if n.op == "input" else (_factor(n), *n.args[1:]))]
    shown = dict.fromkeys(x.data for x in direct if x.op == "input" and x.data not in done | _hidden(pair))
    silent = {n: n if n.op == "input" else a.graph.make("gemv", n.args, "silent", n.shape) for n in pair}
    checked = a.graph.make("checked", silent.values(), tuple(shown), pair[0].shape)
    return silent | {pair[0]: checked}, checked


def _is_column(node: Node) -> bool:
    """Whether a node multiplies a matrix that is an argument by a column that is not made of it."""
    if node.op not in ("times", "gemv") or node.cols != 1 or node.data:
        return False
    M = _factor(node)
    return M.op == "input" and 1 not in M.shape and M not in walk(node.args[1:])


def _factor(node: Node) -> Node:
    """The matrix in ``M x``, without its transpose."""
    M = node.args[0]
    return M.args[0] if M.op == "transpose" else M


def _pair(node: Node, others: list[Node]) -> list[Node]:
    """The column, and the first other one of its length that neither needs it nor is needed for it."""
    for other in others:
        pair = [node, other]
        factors = {_factor(n).data for n in pair if n.op != "input"}
        apart = other not in walk([node]) and node not in walk([other])
        if other.shape == node.shape and apart and not factors & _hidden(pair):
            return pair
    return [node]


def _hidden(columns: list[Node]) -> frozenset[str]:
    """The arguments that are used in other ways before these columns are known."""
    return _inputs(x for n in columns for x in n.args[1:] if x.op != "input")


def _inputs_of_shape(roots: list[Node], shape: Shape) -> list[Node]:
    return sorted((n for n in walk(roots) if n.op == "input" and n.shape == shape), key=lambda n: str(n.data))


def _matrix(a: Algebra, roots: list[Node], scanned: set[str]) -> Found | None:
    """The matrix that shows most of the arguments left, the last of several, as ``shown``."""
    done, looped = certified(roots) | scanned, _inside_loops(roots)
    large = {n.data for n in walk(roots) if n.op == "input" and 1 not in n.shape}  # a column is cheap to scan
    best: tuple[Node, tuple[str, ...]] | None = None
    for node in walk(roots):
        if node.op not in LINEAR or node.op == "transpose" or node in looped or 1 in node.shape:
            continue
        free = _reached(node, _BOTH) - done - _inputs(outside(node))
        if free & large and (best is None or len(free) >= len(best[1])):
            best = node, tuple(sorted(free))
    if best is None:
        return None
    node, free_names = best
    parts = (_ROW,) if _reached(node, frozenset({_ROW})) >= set(free_names) else (_ROW, _COLUMN)
    shown = a.graph.make("shown", (node,), (free_names, parts), node.shape)
    return {node: shown}, shown


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


def _replaced(a: Algebra, roots: list[Node], changed: dict[Node, Node]) -> list[Node]:
    """Nodes put in the place of others, wherever those are used."""
    memo: dict[Node, Node] = dict(changed)

    def visit(node: Node) -> Node:
        if node not in memo:
            args = tuple(visit(x) for x in node.args)
            memo[node] = node if args == node.args else a.rebuild(node, args)
        return memo[node]

    return [visit(r) for r in roots]


def _inside_loops(roots: list[Node]) -> set[Node]:
    return {n for loop in walk(roots) if loop.op in ("total", "stack") for n in walk([loop.args[0]])}
