"""From the lowered plan to lines of Python: order, names, loops, and a comment of algebra a line."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TypeVar

from sympy import Function, Pow, Symbol

from deqmath.codegen.describe import Describer, gated_matrix, index_name, inverted
from deqmath.codegen.graph import Node, free_indices, walk
from deqmath.codegen.passes.certify import LINEAR, names, outside
from deqmath.codegen.targets.base import PRODUCT, SUM, Code, Context, Target
from deqmath.expressions.nodes import RELU, STEP

#: Operations that deserve a line of their own, with the name their value gets.
_LINES = {
    "cholesky": "L", "cholesky_solve": "x", "triangular_solve": "x", "low_rank_solve": "x", "contraction_solve": "x",
    "spread": "E", "khatri_rao": "K", "selected_rows": "p", "checked": "p", "in_place": "H", "active_lu": "lu", "active_solve": "x",
    "solve": "x", "lu_solve": "x", "lu": "lu", "times": "p", "product": "p", "add_diagonal": "U", "kron": "K",
    "kron_apply": "Y", "inverse": "inv", "map": "s", "combine": "w", "repeat": "c", "column_dot": "w", "det": "det", "logdet": "logdet",
    "softmax_columns": "S", "blocks": "M", "gemv": "p",
}  # fmt: skip
_LEAVES = ("input", "scalar", "identity", "from_scalar")
_SYSTEMS = ("solve", "lu", "inverse", "active", "active_lu", "cholesky", "low_rank_solve", "contraction_solve")
#: Operations beside the linear ones that make no NaN of finite numbers, or do so in LAPACK, without a warning.
_SILENT = (
    "input", "identity", "zeros", "ones", "constant", "from_scalar", "diagonal", "column", "entry", "vec", "unvec", "kron",
    "kron_apply", "row_sum", "column_dot", "trace", "trace_product", "add_diagonal", "active_lu", "active_solve", "lu",
    "lu_solve", "checked", "gemv", "shown", "product", "repeat", "total", "stack",
)  # fmt: skip
_WIDEST = 88
_Known = TypeVar("_Known")


class Emitter:
    """Writes one function body; a node used twice, or worth a comment, becomes a named line.

    ``quick`` is a condition under which columns x and y are surely finite, so that nothing has to look at them further.
    """

    def __init__(
        self, target: Target, names: dict[Symbol, str], inputs: dict[str, str], taken: set[str], quick: str = ""
    ) -> None:
        self.target, self.inputs, self.quick = target, inputs, quick
        self.taken = set(taken)
        self.lines: list[str] = []
        self._indent = "    "
        self._codes: dict[Node, Code] = {}
        self._named: dict[Node, str] = {}
        self._uses: Counter[Node] = Counter()
        self._roots: frozenset[Node] = frozenset()
        self._activated: set[Node] = set()
        self._witness: dict[str, Node] = {}
        self._masks: set[Node] = set()
        self._one_block = self._quiet = False
        self._free: dict[Node, frozenset[Symbol]] = {}
        self.describer = Describer(self._name_of)
        self.symbols: dict[Symbol, str] = dict(names)
        self.context = Context(self.symbols, self._describe_matrix)

    def run(self, roots: list[Node]) -> list[Code]:
        """Emit all roots; the codes of their values, in order."""
        self._uses = Counter(a for n in walk(roots) for a in n.args)
        self._roots = frozenset(roots)
        self._activated = {n.args[0] for n in walk(roots) if n.op == "map"}
        self._activated |= {n.args[0] for n in self._activated if n.op == "checked"}
        self._witness = {x: n for n in walk(roots) if n.op in ("checked", "shown") for x in names(n)}
        self._masks = self._truth_values(roots)
        self._one_block = all(n.op in _SILENT or _is_silent(n) for n in walk(roots))
        return [self.expr(r) for r in roots]

    def expr(self, node: Node) -> Code:
        """The text of a node's value, after emitting whatever lines it needs."""
        if node in self._codes:
            return self._codes[node]
        if node.op in ("total", "stack"):
            return self._loop(node)
        if node.op == "shown":
            return self._shown(node)
        if node.op == "checked":
            return self._checked(node)
        if node.op == "input":
            self._look_first(node)
            code = Code(self.inputs[node.data])
        elif node.op == "gemv" and (known := self._shown_first(node)) is not None:
            return known
        else:
            # What is scaled in place must be fresh: it is written into the call itself.
            if (
                node.op == "add_diagonal"
                and self._uses[node.args[0]] == 1
                and node.args[0] not in self._roots
                and node.args[0].op in ("times", "product", "in_place")
            ):
                self._codes[node.args[0]] = self._render(node.args[0])
            code = self._render(node)
        if self._wants_line(node, code):
            return self._assign(node, code)
        self._codes[node] = code
        return code

    def _render(self, node: Node) -> Code:
        args = [self.expr(a) for a in node.args]
        if node in self._masks:
            return Code(self.target.mask.format(u=args[0].at(PRODUCT)), SUM)
        return self.target.render(node, args, self.context)

    def _truth_values(self, roots: list[Node]) -> set[Node]:
        """The gates that do nothing but pick the rows of systems: they need not be numbers."""
        if not self.target.mask:
            return set()
        numbers = {
            a for n in walk(roots) for a in n.args if n.op != "column" and (n.op != "active_lu" or a is not n.args[0])
        }
        numbers |= {n.args[0] for n in numbers if n.op == "column"} | set(roots)
        return {n for n in walk(roots) if n.op == "map" and n.data == STEP and n not in numbers}

    def _look_first(self, node: Node) -> None:
        """The line that shows an argument to be finite, before any other line that uses it."""
        if node.op == "input" and node.data in self._witness:
            self.expr(self._witness[node.data])

    def _shown_first(self, node: Node) -> Code | None:
        """The code of a column, if the line that looks at its arguments is the one that needs it first."""
        for x in walk([node]):
            self._look_first(x)
        return self._codes.get(node)

    def _looked_at(self, node: Node) -> None:
        for x in names(node):
            self._witness.pop(x, None)

    def _checked(self, node: Node) -> Code:
        """A product with a column, which is looked at together with the column beside it."""
        self._before(node)
        codes = [self.expr(x) for x in node.args]
        if not self.quick:
            return self._look(node, codes)
        x, y = codes[0].text, codes[-1].text
        self.lines.append(f"{self._indent}if not ({self.quick.format(x=x, y=y)}):")
        self._indent += "    "
        code = self._look(node, codes)
        self._indent = self._indent[4:]
        return code

    def _look(self, node: Node, codes: list[Code]) -> Code:
        """The line that names arguments if what they made is not finite."""
        given = [*codes, *(Code(self.inputs[x]) for x in names(node))]
        self.lines.append(f"{self._indent}{self.target.render(node, given, self.context).text}")
        self._codes[node], self._named[node] = codes[0], codes[0].text
        return codes[0]

    def _before(self, node: Node) -> None:
        """What may warn of numbers that this node does not show comes before it."""
        for x in outside(node):
            code = self.expr(x)
            if not code.text.isidentifier() and not (x.op in _LEAVES and _is_silent(x)):
                self._assign(x, code)
        for x in walk([node]):
            if x.op == "input" and x.data not in names(node):
                self._look_first(x)
        self._looked_at(node)

    def _silence(self, node: Node) -> str:
        """Begin the lines under which nothing warns of bad numbers."""
        self._before(node)
        if not self._quiet:
            self.lines.append(f"{self._indent}{self.target.quiet}")
            self._indent += "    "
            self._quiet = self._one_block
            return self._indent if self._one_block else self._indent[4:]
        return self._indent

    def _shown(self, node: Node) -> Code:
        """A matrix whose first row or column is looked at."""
        outer = self._silence(node)
        code = self.expr(node.args[0])
        if not code.text.isidentifier():
            code = self._assign(node.args[0], code)
        self._indent = outer
        return self._look(node, [code])

    def _wants_line(self, node: Node, code: Code) -> bool:
        if node.op in _LEAVES or (node.op in ("transpose", "column", "entry") and len(code.text) < 40):
            return False
        if node.op == "diagonal" and code.text.isidentifier():
            return False
        if node in self._activated and not code.text.isidentifier():
            return True
        return node.op in _LINES or self._uses[node] > 1 or len(code.text) > _WIDEST

    def _assign(self, node: Node, code: Code) -> Code:
        comment = self.describer.body(node)
        name = self.fresh(self._hint(node))
        if node.op == "map" and node.data == STEP:
            comment += f", the diagonal of {name.upper()}"
        self._write(
            name, code.text, f"{name} = {comment}" if node.op not in ("lu", "active_lu", "cholesky") else comment
        )
        self._named[node] = name
        self._codes[node] = Code(name)
        return self._codes[node]

    def _write(self, name: str, text: str, comment: str) -> None:
        line = f"{self._indent}{name} = {text}"
        if len(line) + len(comment) + 4 <= 118:
            self.lines.append(f"{line}  # {comment}")
            return
        self._comment(comment)
        self.lines += [line] if len(line) <= 118 or '"' in text else self._folded(name, text)

    def _folded(self, name: str, text: str) -> list[str]:
        """A line that is too long, in parentheses and broken at spaces."""
        inner = f"{self._indent}    "
        folded = textwrap.wrap(
            text, 116, initial_indent=inner, subsequent_indent=inner,
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
        return [f"{self._indent}{name} = (", *folded, f"{self._indent})"]

    def _comment(self, text: str) -> None:
        room = 114 - len(self._indent)
        while text:
            cut = len(text) if len(text) <= room else (text.rfind(" ", 1, room) if " " in text[1:room] else room)
            self.lines.append(f"{self._indent}# {text[:cut].rstrip()}")
            text = text[cut:].strip()

    def _hint(self, node: Node) -> str:
        if node.op == "map":
            return "d" if node.data == STEP else "r" if node.data == RELU else "s"
        if node.op == "lu":
            return f"lu_{self._named.get(node.args[0], 'M')}"
        if node.op in ("solve", "lu_solve", "active_solve", "contraction_solve") and node.data:
            return "q"
        return "u" if node in self._activated else _LINES.get(node.op, "t")

    def fresh(self, hint: str) -> str:
        name, k = hint, 2
        while name in self.taken:
            name, k = f"{hint}{k}", k + 1
        self.taken.add(name)
        return name

    def _name_of(self, node: Node) -> str | None:
        if node.op == "input":
            return self.inputs[node.data]
        return self._named.get(node)

    def _describe_matrix(self, node: Node) -> str:
        """For error messages: ``U = I - gamma D A``."""
        if node.op in ("active", "active_lu"):
            return gated_matrix(self.describer, node)
        if node.op in ("low_rank_solve", "contraction_solve"):
            return inverted(self.describer, node)
        name, body = self._name_of(node), self.describer.body(node)
        return body if name is None or name == body else f"{name} = {body}"

    def _loop(self, node: Node) -> Code:
        """One value a sample, collected as columns (stack) or added up (total)."""
        index, count = node.data
        body = node.args[0]
        for n in walk([body]):
            self._look_first(n)
        self._emit_invariants(body, index)
        name = self.fresh("Q" if node.op == "stack" else "S")
        letter = self.fresh(index_name(index))
        limit = self.target.size(count, self.symbols)
        if any(index in free_indices(n, self._free) for n in walk([body]) if n.op in _SYSTEMS):
            self._comment(f"One system at a time: a stack of all {limit} would take {limit} times the memory.")
        sizes = [self.target.size(k, self.symbols) for k in node.shape]
        store = f"{name}_columns" if node.op == "stack" else name
        self.lines.append(f"{self._indent}{store} = {'[]' if node.op == 'stack' else self.target.accumulator(sizes)}")
        self.lines.append(f"{self._indent}for {letter} in range({limit}):")
        outer = (self._codes, self._named, self._indent, self.symbols.get(index))
        # What was computed for the index of a loop around this one is not the value for this one's.
        self._codes, self._named = self._without(self._codes, index), self._without(self._named, index)
        self._indent += "    "
        self.symbols[index] = letter
        value = self.expr(body)
        line = f"{store}.append({value.text})" if node.op == "stack" else f"{name} = {name} + {value.at(2)}"
        self.lines.append(f"{self._indent}{line}")
        self._codes, self._named, self._indent, letter_around = outer
        del self.symbols[index]  # the loop is over: its letter stands for nothing
        if letter_around is not None:
            self.symbols[index] = letter_around
        if node.op == "stack":
            stacked = Node("hstack", (), None, node.shape, -1)
            code = self.target.render(stacked, [Code(store)], self.context)
            self._write(name, code.text, f"{name} = {self.describer.body(node)}")
        self._named[node] = name
        self._codes[node] = Code(name)
        return self._codes[node]

    def _without(self, known: dict[Node, _Known], index: Symbol) -> dict[Node, _Known]:
        """A copy without the nodes whose value depends on the index."""
        return {n: x for n, x in known.items() if index not in free_indices(n, self._free)}

    def _emit_invariants(self, body: Node, index: Symbol) -> None:
        """Compute before the loop whatever in its body does not depend on the sample."""
        inside = [n for n in walk([body]) if index in free_indices(n, self._free)]
        here = self._not_bound_within(body)
        for n in inside:
            for a in n.args:
                free = free_indices(a, self._free)
                known = free <= self.symbols.keys() and a in here
                if index not in free and known and a.op not in _LEAVES and a not in self._codes:
                    code = self.expr(a)
                    if not code.text.isidentifier() and a not in self._named and a.op != "transpose":
                        self._assign(a, code)
        if index not in free_indices(body, self._free):
            self.expr(body)

    def _not_bound_within(self, body: Node) -> set[Node]:
        """The nodes that stand in the body under no loop over an index that their value depends on."""
        found: set[Node] = set()
        places: list[tuple[Node, frozenset[Symbol]]] = [(body, frozenset())]
        seen = set(places)
        while places:
            node, bound = places.pop()
            if not free_indices(node, self._free) & bound:
                found.add(node)
            inner = bound | {node.data[0]} if node.op in ("total", "stack") else bound
            below = {(a, inner) for a in node.args} - seen
            seen |= below
            places += below
        return found


def _is_silent(n: Node) -> bool:
    """Whether finite numbers, as long as they do not overflow, cannot give what is not a number."""
    if n.op == "map":
        return bool(n.data in (STEP, RELU))
    if n.op != "scalar":
        return n.op in LINEAR
    parts = n.data.atoms(Function, Pow)  # of dimensions, or whole powers
    return all(all(x.is_integer for x in e.free_symbols) or (e.is_Pow and e.exp.is_Integer) for e in parts)
