"""Counts, as SymPy expressions in the dimensions: flops of a plan and floats it holds.

One multiplication or addition is one flop; a product of p x q by q x r counts 2 p q r, an LU
factorisation of m x m counts 2 m^3 / 3, two triangular solves with k columns 2 m^2 k. Half of the
gates are taken to be open: a factorisation on the open rows counts 2 (m/2)^3 / 3.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Rational, S, expand

from deqmath.codegen.graph import Node, free_indices, walk

_FREE = {
    "input", "constant", "identity", "zeros", "ones", "transpose", "vec", "unvec", "column", "entry", "scalar",
    "from_scalar", "diagonal", "commutation", "selection", "repeat", "diagpart", "placement", "checked", "shown", "spread", "selected_rows", "blocks",
}  # fmt: skip

#: Operations that work on the open rows of a gate.
GATED = frozenset({"active", "active_lu", "active_solve"})


def size(node: Node) -> Expr:
    """How many numbers a node holds (a diagonal matrix holds its diagonal)."""
    if not node.shape:
        return S.One
    if node.op in ("diagonal", "identity"):
        return node.rows
    return node.rows * node.cols


def flops(node: Node) -> Expr:
    """The flops of one node, its operands being known."""
    if node.op in _FREE:
        return S.Zero
    return _LINEAR_ALGEBRA[node.op](node) if node.op in _LINEAR_ALGEBRA else _entrywise(node)


def _entrywise(node: Node) -> Expr:
    return size(node) * max(1, len(node.args) - 1)


def _product(node: Node) -> Expr:
    total, p = S.Zero, node.args[0].rows
    for f in node.args[1:]:
        total += 2 * p * f.rows * f.cols if f.rows != 1 else p * f.cols
    return total


def _gemv(node: Node) -> Expr:
    return 2 * node.args[0].rows * node.args[0].cols + (2 * node.rows if len(node.args) > 2 else 0)


def _solve(node: Node) -> Expr:
    m, k = node.args[1].rows, node.args[1].cols
    triangular = 2 * m**2 * k
    return triangular if node.op == "lu_solve" else Rational(2, 3) * m**3 + triangular


def _low_rank_solve(node: Node) -> Expr:
    """The way through the smaller space, of r dimensions."""
    m, r, k = node.rows, node.args[1].cols, node.cols
    return 2 * m * r**2 + Rational(2, 3) * r**3 + 2 * k * (2 * m * r + r**2)


_LINEAR_ALGEBRA: dict[str, Callable[[Node], Expr]] = {
    "product": _product,
    "times": _product,
    "solve": _solve,
    "lu_solve": _solve,
    "cholesky": lambda n: n.rows**3 / 3,
    "cholesky_solve": lambda n: 2 * n.rows**2 * n.cols,
    "triangular_solve": lambda n: n.rows**2 * n.cols,
    "low_rank_solve": _low_rank_solve,
    "contraction_solve": lambda n: Rational(2, 3) * n.rows**3 * (Rational(1, 8) if len(n.args) > 4 else 1),
    "khatri_rao": size,
    "active": lambda n: Rational(1, 12) * n.rows**3 + n.rows**3 / 2,
    "active_lu": lambda n: Rational(1, 12) * n.rows**3 + n.rows**2 / 4,
    "active_solve": lambda n: n.rows**2 * n.cols / 2,
    "gemv": _gemv,
    "lu": lambda n: Rational(2, 3) * n.rows**3,
    "softmax_columns": lambda n: 3 * size(n),
    "det": lambda n: Rational(2, 3) * n.args[0].rows ** 3,
    "logdet": lambda n: Rational(2, 3) * n.args[0].rows ** 3,
    "inverse": lambda n: 2 * n.rows**3,
    "trace": lambda n: n.args[0].rows,
    "trace_product": lambda n: 2 * size(n.args[0]),
    "add_diagonal": lambda n: n.rows,
    "row_sum": lambda n: size(n.args[0]),
    "column_dot": lambda n: 2 * size(n.args[0]),
    "kron_apply": lambda n: 2 * n.cols * (n.args[1].rows * n.args[2].rows + n.rows * n.args[0].cols),
    "stack": lambda _: S.Zero,
    "total": lambda n: n.data[1] * size(n),
}


def total_flops(roots: list[Node]) -> Expr:
    """The flops of a plan: shared nodes count once, nodes inside a loop once a round."""
    counts: dict[Node, Expr] = {}
    for loop in walk(roots):
        if loop.op in ("total", "stack"):
            index, count = loop.data
            for n in walk([loop.args[0]]):
                if index in free_indices(n):
                    counts[n] = counts.get(n, S.One) * count
    return expand(sum((flops(n) * counts.get(n, S.One) for n in walk(roots)), S.Zero))


def total_memory(roots: list[Node]) -> Expr:
    """An upper bound on the floats held at once, beyond the arguments: every value, and the work space of each."""
    held = [size(n) + (_WORK[n.op](n) if n.op in _WORK else 0) for n in walk(roots) if n.op not in _VIEWS]
    return expand(sum([*held, *(size(r) for r in roots if r.op in _VIEWS)], S.Zero))  # a result is never a view


_VIEWS = {
    "input", "scalar", "transpose", "column", "entry", "constant", "identity", "diagpart", "from_scalar", "shown", "checked", "in_place",
}  # fmt: skip


def _partial(node: Node) -> Expr:
    """What stands beside a result made of several terms or factors: the part of it made so far."""
    return size(node) if len(node.args) > 2 else S.Zero


def _formula(node: Node) -> Expr:
    """One array an operation of an entrywise formula, beside the last."""
    expr = node.data.expr if node.op == "map" else node.data[1]
    return size(node) * max(0, int(expr.count_ops()) - 1)


def _low_rank_work(node: Node) -> Expr:
    """Woodbury's arrays, and the matrix and its factors where rounding makes that way useless."""
    m, r, k = node.rows, node.args[1].cols, node.cols
    return 2 * m**2 + m * r + 2 * r**2 + 4 * m * k + 2 * r * k


#: Operation -> the floats that its function holds beside its result, all gates being open.
_WORK: dict[str, Callable[[Node], Expr]] = {
    "active": lambda n: 5 * n.rows**2,
    "active_lu": lambda n: n.rows**2,
    "active_solve": lambda n: 2 * size(n),
    "add": _partial,
    "blocks": size,
    "cholesky": lambda n: n.rows**2,
    "column_dot": lambda n: size(n.args[0]),
    "combine": _formula,
    "contraction_solve": lambda n: 4 * n.rows**2 + 4 * size(n),
    "det": lambda n: n.args[0].rows ** 2,
    "hadamard": _partial,
    "inverse": lambda n: 2 * n.rows**2,
    "kron_apply": lambda n: 2 * n.cols * n.args[0].cols * n.args[1].rows,
    "logdet": lambda n: n.args[0].rows ** 2,
    "low_rank_solve": _low_rank_work,
    "map": _formula,
    "product": lambda n: sum((n.rows * f.cols for f in n.args[1:-1]), S.Zero),
    "softmax_columns": lambda n: 2 * size(n),
    "solve": lambda n: n.args[0].rows ** 2,
    "stack": size,
    "total": size,
    "trace_product": lambda n: size(n.args[0]),
}
