"""The algebra of a node as a person writes it: ``U = I - gamma D A``, for comments and docstrings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Symbol

from deqmath.codegen.graph import Node, is_index, walk
from deqmath.expressions.nodes import RELU, STEP

Naming = Callable[[Node], str | None]


class Describer:
    """Writes a node in terms of the names that its parts already have."""

    def __init__(self, names: Naming) -> None:
        self.names = names

    def __call__(self, node: Node, level: int = 0) -> str:
        """Text that binds at ``level``: 0 a sum, 1 a product, 2 a factor."""
        name = self.names(node)
        return name if name is not None else self.body(node, level)

    def body(self, node: Node, level: int = 0) -> str:
        """The same, without using a name of the node itself."""
        text, own = self._text(node)
        return f"({text})" if own < level else text

    def _text(self, node: Node) -> tuple[str, int]:
        a = node.args
        if node.op == "scalar":
            return self._scalar(node)
        if node.op == "scale":
            s = self(a[0], 1)
            return ("-" + self(a[1], 1), 1) if s == "-1" else (f"{s} {self(a[1], 1)}", 1)
        if node.op in ("checked", "shown"):  # the value is that of the first operand
            name = self.names(a[0])
            return (name, 2) if name is not None else self._text(a[0])
        if node.op in ("product", "times") or (node.op == "gemv" and len(a) == 2):
            return " ".join(self(f, 2) for f in a), 1
        if node.op == "gemv" and len(a) > 2:
            return self._sum_with_product(*a), 0
        if node.op in ("add", "add_diagonal"):
            return self._sum(node), 0
        if node.op in _SIMPLE:
            return _SIMPLE[node.op](self, node)
        return f"{node.op}({', '.join(self(x) for x in a)})", 2

    def _scalar(self, node: Node) -> tuple[str, int]:
        swap = {x.placeholder: Symbol(self(x, 2)) for x in node.args}
        swap |= {s: Symbol(index_name(s)) for s in node.data.free_symbols if is_index(s)}
        text = str(node.data.xreplace(swap)).replace("**", "^").replace("*", " ")
        return text, 0 if node.data.is_Add else 1

    def _sum(self, node: Node) -> str:
        terms = [self(t, 1) for t in node.args]
        if node.op == "add_diagonal":
            v = node.args[1]
            terms = [terms[0], self.diagonal(v) if v.shape else ("I" if terms[1] == "1" else f"{terms[1]} I")]
        terms.sort(key=lambda t: t.startswith("-") or not t.endswith("I"))
        return terms[0] + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in terms[1:])

    def _sum_with_product(self, M: Node, x: Node, s: Node, y: Node) -> str:
        """``y + s M x``."""
        sign, size = ("-", self(s, 1)[1:]) if self(s, 1).startswith("-") else ("+", self(s, 1))
        factors = [*([] if size == "1" else [size]), self(M, 2), self(x, 2)]
        return f"{self(y, 1)} {sign} {' '.join(factors)}"

    def diagonal(self, v: Node) -> str:
        """``diag(v)``; the diagonal named d belongs to the matrix D."""
        if v.op == "scale":
            return f"{self(v.args[0], 1)} {self.diagonal(v.args[1])}"
        if v.op == "transpose":
            return self.diagonal(v.args[0])
        if v.op == "column" and (self.names(v.args[0]) or "").startswith("d"):
            return f"{self(v.args[0]).upper()}_{index_name(v.data[0])}"
        name = self.names(v)
        if name is not None and name[0] == "d":
            return name.upper()
        if v.op == "map" and v.data == STEP:
            return f"gate({self(v.args[0])})"
        return f"diag({self(v)})"

    def scaled(self, v: Node, X: Node) -> tuple[str, int]:
        return f"{self.diagonal(v)} {self(X, 2)}", 1


def _map(d: Describer, node: Node) -> tuple[str, int]:
    x = node.args[0]
    if node.data == RELU:
        return f"relu({d(x)})", 2
    if node.data == STEP:
        return f"1[{d(x)} > 0]", 2
    body = node.data.expr
    if body.is_Function and body.args == tuple(node.data.variables):
        return f"{body.func.__name__}({d(x)})", 2
    return f"({str(body.xreplace({node.data.variables[0]: Symbol('t')})).replace('**', '^')} at t = {d(x)})", 2


def _inverse(d: Describer, node: Node) -> tuple[str, int]:
    return f"{d(node.args[0], 2)}^-{'T' if node.data else '1'}", 2


def _solve(d: Describer, node: Node) -> tuple[str, int]:
    M = node.args[0].args[0] if node.args[0].op == "lu" else node.args[0]
    return f"{d(M, 2)}^-{'T' if node.data else '1'} {d(node.args[1], 2)}", 1


def _active(d: Describer, node: Node) -> tuple[str, int]:
    """``D (I - gamma A D)^-1``."""
    D = d.diagonal(node.args[0])
    return f"{D} (I {_term(d, node)}{'^T' if node.op == 'active' and node.data else ''} {D})^-1", 1


def _term(d: Describer, node: Node, D: str = "") -> str:
    """``- gamma A``, or with a gate ``- gamma D A``."""
    s, A = d(node.args[2], 1), d(node.args[1], 2)
    sign, size = ("-", s[1:]) if s.startswith("-") else ("+", s)
    return " ".join(part for part in (sign, "" if size == "1" else size, D, A) if part)


def gated_matrix(d: Describer, node: Node) -> str:
    """The matrix whose active rows a node factors: ``I - gamma D A``."""
    return f"I {_term(d, node, d.diagonal(node.args[0]))}"


def _active_lu(d: Describer, node: Node) -> tuple[str, int]:
    D, term = d.diagonal(node.args[0]), _term(d, node)
    return f"(I {term})_SS = P L U, S the open rows of {D}", 0


def _active_solve(d: Describer, node: Node) -> tuple[str, int]:
    text = _active(d, node.args[0])[0]
    return f"{f'({text})^T' if node.data else text} {d(node.args[1], 2)}, zero off S", 0


def inverted(d: Describer, node: Node) -> str:
    """The matrix of a system that is solved without being formed: ``C + P Q``, or ``I - gamma D A``."""
    if node.op == "low_rank_solve":
        v, P, Q = node.args[:3]
        C = d.diagonal(v) if v.shape else ("I" if d(v) == "1" else f"{d(v, 1)} I")
        return f"{C} + {d(P, 2)} {d(Q, 2)}"
    X, s, _, _, *gate = node.args
    sign, size = ("-", d(s, 1)[1:]) if d(s, 1).startswith("-") else ("+", d(s, 1))
    gates = [d.diagonal(gate[0])] if gate else []
    return " ".join(["I", sign, *([] if size == "1" else [size]), *gates, d(X, 2)])


def _unformed(d: Describer, node: Node) -> tuple[str, int]:
    b, T = node.args[3], "T" if node.op == "contraction_solve" and node.data else "1"
    gate = f"{d.diagonal(node.args[4])} " if len(node.args) > 4 else ""
    how = f", the resolvent of a matrix of norm below {d(node.args[2])}" if node.op == "contraction_solve" else ""
    return f"{gate}({inverted(d, node)})^-{T} {d(b, 2)}{how}", 1


def _triangular(d: Describer, node: Node) -> tuple[str, int]:
    return f"{d(node.args[0], 2)}^-{'T' if node.data[1] else '1'} {d(node.args[1], 2)}", 1


def _cholesky_solve(d: Describer, node: Node) -> tuple[str, int]:
    return f"{d(node.args[0].args[0], 2)}^-1 {d(node.args[1], 2)}", 1


def _scale_columns(d: Describer, node: Node) -> tuple[str, int]:
    """The scalar of ``s v`` in front: ``s X diag(v)``."""
    X, row = node.args
    front = f"{d(row.args[0], 1)} " if row.op == "scale" else ""
    return f"{front}{d(X, 2)} {d.diagonal(row.args[1] if front else row)}", 1


def _total(d: Describer, node: Node) -> tuple[str, int]:
    return f"sum_{index_name(node.data[0])} {d(node.args[0], 1)}", 1


def _stack(d: Describer, node: Node) -> tuple[str, int]:
    i = index_name(node.data[0])
    return f"[{d(node.args[0])}], one column a sample {i}", 2


def _entry(d: Describer, node: Node) -> tuple[str, int]:
    i, j = (index_name(k) for k in node.data)
    return f"{d(node.args[0], 2)}_{i},{j}", 2


def _combine(d: Describer, node: Node) -> tuple[str, int]:
    variables, body = node.data
    swap = {v: Symbol(d(x, 2)) for v, x in zip(variables, node.args, strict=True)}
    return str(body.xreplace(swap)).replace("**", "^").replace("*", " o "), 1


def _in_place(d: Describer, node: Node) -> tuple[str, int]:
    """The scalars in front, then the matrices."""
    scalars, matrices = [x for x in node.args if not x.shape], [x for x in node.args if x.shape]
    return " ".join([*(d(s, 2) for s in scalars), " o ".join(d(X, 2) for X in matrices)]), 1


def index_name(k: Any) -> str:
    """``i`` for the outermost kind of sample index, then ``j``, ``k``."""
    text = str(k)
    for depth, letter in enumerate("ijkl"):
        text = text.replace(f"_index{depth}", letter)
    return text


def _blocks(d: Describer, node: Node) -> tuple[str, int]:
    rows = [node.args[k : k + node.data] for k in range(0, len(node.args), node.data)]
    return f"[{'; '.join(', '.join(d(x) for x in row) for row in rows)}]", 2


_SIMPLE: dict[str, Callable[[Describer, Node], tuple[str, int]]] = {
    "input": lambda _, n: (str(n.data), 2),
    "constant": lambda _, n: (str(n.data.tolist()), 2),
    "identity": lambda _, __: ("I", 2),
    "zeros": lambda _, __: ("0", 2),
    "ones": lambda _, __: ("1", 2),
    "from_scalar": lambda d, n: (d(n.args[0], 2), 2),
    "map": _map,
    "combine": _combine,
    "hadamard": lambda d, n: (" o ".join(d(x, 2) for x in n.args), 1),
    "diagonal": lambda d, n: (d.diagonal(n.args[0]), 2),
    "scale_rows": lambda d, n: d.scaled(*n.args),
    "scale_columns": _scale_columns,
    "transpose": lambda d, n: (f"{d(n.args[0], 2)}^T", 2),
    "inverse": _inverse,
    "solve": _solve,
    "lu": lambda d, n: (f"{d(n.args[0])} = P L U, factored once", 2),
    "lu_solve": _solve,
    "cholesky": lambda d, n: (f"{d(n.args[0])} = L L^T", 2),
    "cholesky_solve": _cholesky_solve,
    "triangular_solve": _triangular,
    "low_rank_solve": _unformed,
    "contraction_solve": _unformed,
    "khatri_rao": lambda d, n: (f"columns of {d(n.args[0], 2)} kron columns of {d(n.args[1], 2)}", 1),
    "selected_rows": lambda d, n: (f"E^T {d(n.args[0], 2)}", 1),
    "spread": lambda d, n: (f"E {d(n.args[0], 2)}", 1),
    "active": _active,
    "active_lu": _active_lu,
    "active_solve": _active_solve,
    "column": lambda d, n: (f"{d(n.args[0], 2)}_{index_name(n.data[0])}", 2),
    "entry": _entry,
    "total": _total,
    "stack": _stack,
    "trace": lambda d, n: (f"tr({d(n.args[0])})", 2),
    "trace_product": lambda d, n: (f"tr({d(n.args[0], 2)} {d(n.args[1], 2)}^T)", 2),
    "logdet": lambda d, n: (f"log det({d(n.args[0])})", 2),
    "row_sum": lambda d, n: (f"sum over columns of {d(n.args[0], 2)}", 1),
    "column_dot": lambda d, n: (f"<columns of {d(n.args[0], 2)}, columns of {d(n.args[1], 2)}>", 2),
    "softmax_columns": lambda d, n: (f"softmax({d(n.args[0])})", 2),
    "placement": lambda _, n: (f"[0; I_{n.data[1]}; 0]", 2),
    "blocks": _blocks,
    "in_place": _in_place,
    "repeat": lambda d, n: (f"[{d(n.args[0])} ...]", 2),
    "unvec": lambda d, n: (f"unvec({d(n.args[0])})", 2),
}


def formula(root: Node) -> str:
    """The whole expression; each gate and each inverted matrix is abbreviated once."""
    steps = [n for n in walk([root]) if n.op == "diagonal" and n.args[0].op == "map" and n.args[0].data == STEP]
    inverted = list(dict.fromkeys(n.args[0] for n in walk([root]) if n.op == "inverse"))
    taken = {str(n.data) for n in walk([root]) if n.op == "input"}
    short: dict[Node, str] = {}
    for letter, nodes in (("D", steps), ("U", [M for M in inverted if M.op == "add"])):
        for k, n in enumerate(nodes):
            name = letter if len(nodes) == 1 else f"{letter}{k + 1}"
            if name not in taken:
                short[n] = name
    open_rows = list(dict.fromkeys(n.args[0] for n in walk([root]) if n.op in ("active", "active_lu")))
    if len(open_rows) == 1 and open_rows[0].op == "map" and "d" not in taken:
        short[open_rows[0]] = "d"  # and D = diag(d)
    describer = Describer(short.get)
    clauses = [f"{name} = {describer.body(n)}" for n, name in reversed(short.items())]
    return describer.body(root) + "".join(f",\nwith {c}" if k == 0 else f",\nand {c}" for k, c in enumerate(clauses))
