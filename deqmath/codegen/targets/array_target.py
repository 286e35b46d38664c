"""What the array libraries have in common: one table of lowerings over ``@``, ``.mT`` and broadcasting.

A matrix has shape (..., rows, columns), a scalar is a number, a 0-d array or an array of shape
(..., 1, 1). Only the few operations that the libraries spell differently are left to a subclass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from sympy import Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.array_printer import ArrayPrinter
from deqmath.codegen.targets.array_text import arguments_text, sizes_lines, stated_samples
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, Target, scaled, signed_sum, times

Rule = Callable[[Node, list[Code], Context], Code]
_VIEWS = ("input", "transpose", "column", "entry", "vec", "unvec", "diagpart", "repeat")


class ArrayTarget(Target):
    """A library of arrays whose functions make new arrays: nothing is changed in place."""

    uses_facts: ClassVar[bool] = True
    #: How the text names the library's functions.
    xp: ClassVar[str]
    #: How the library calls the axis of a reduction, and the axis that stays.
    axis: ClassVar[str] = "axis"
    keepdims: ClassVar[str] = "keepdims"
    #: The function that joins arrays, and the one that takes the diagonal of the last two axes.
    concat: ClassVar[str] = "concat"
    diagonal: ClassVar[str] = "{xp}.linalg.diagonal({X})"
    #: A copy of an array.
    copy: ClassVar[str]
    #: What stands behind a checked matrix, where the library does not mix dtypes by itself.
    converted: ClassVar[str] = ""
    #: SymPy function -> the library's, where it is not ``xp.<the same name>``.
    functions: ClassVar[Mapping[str, str]] = {}

    def printer(self, names: Mapping[Symbol, str]) -> Any:
        return ArrayPrinter(names, self.xp, self.functions, self.name)

    def rules(self) -> Mapping[str, Rule]:
        return self._table

    @cached_property
    def _table(self) -> dict[str, Rule]:
        table: dict[str, Rule] = {op: self._call(helper) for op, helper in _HELPERS.items()}
        table |= {op: getattr(self, f"_{op}") for op in _METHODS}
        return table | {op: self._pattern(text) for op, text in _PATTERNS.items()} | _OPERATORS

    # The lines around a body --------------------------------------------------------------------
    def prologue(self, sig: Signature) -> list[str]:
        """Find the library, dtype and device; convert and check; read the dimensions and the batch shape."""
        matrices, scalars, dims = sig.of_kind("matrix"), sig.of_kind("scalar"), sig.names
        given = ", ".join(f"{a.name}={a.name}" for a in [*matrices, *scalars])
        lines = [self.library_line(given, bool(matrices))]
        lines += [
            f'{a.name} = _matrix("{a.name}", {a.name}, "{shape_text(a.shape, dims)}"){self.converted}' for a in matrices
        ]
        lines += [f'{a.name} = _scalar("{a.name}", {a.name}, {self.kind_arguments()})' for a in scalars]
        lines += [f'{a.name} = _integer("{a.name}", {a.name}, 1)' for a in sig.of_kind("dimension")]
        lines += sizes_lines(sig, lambda k: self.size(k, sig.names))
        lines += [self._stated(word, name) for word, name in sig.stated]
        return [*lines, f"batch = _batch({given})"]

    def _stated(self, word: str, name: str) -> str:
        """The line that checks what is stated of an argument."""
        xp = self.xp
        other = _STATED[word].format(X=name, eye=f"_eye({name}.shape[-1], {self.kind_arguments()})", xp=xp)
        rounding = f", 64 * {xp}.finfo({name}.dtype).eps * {xp}.max({xp}.abs({name}))" if word == "symmetric" else ""
        words = {"lower": "lower triangular", "upper": "upper triangular", "gate": "a gate of zeros and ones"}
        return f'_stated("{name}", "{words.get(word, word)}", {name}, {other}{rounding})'

    def library_line(self, given: str, has_matrices: bool) -> str:  # noqa: ARG002 - a subclass reads it
        """The line that finds what new arrays are made with."""
        return f"kind = _kind({given})"

    def kind_arguments(self) -> str:
        """What a helper needs to make a new array."""
        return "kind"

    def epilogue(self, codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:  # noqa: ARG002
        """Every result in the batch shape, dtype and device of the arguments, and never an argument itself."""
        parts = []
        for text, node, shape in codes:
            fresh = self.copy.format(xp=self.xp, X=text) if node.op in _VIEWS else text
            size = ", ".join(shape) if node.shape else "1, 1"
            end = "" if node.shape else "[..., 0, 0]"
            parts.append(f"_finish({fresh}, (*batch, {size}), {self.kind_arguments()}){end}")
        return f"return {', '.join(parts)}"

    def samples(self, sig: Signature, sizes: Mapping[str, int]) -> list[str]:
        return stated_samples(arguments_text(sig, sizes), sig, self.xp)

    # Lowerings ----------------------------------------------------------------------------------
    def _call(self, helper: str) -> Rule:
        return lambda _, args, __: Code(f"{helper}({', '.join(a.text for a in args)})")

    def _pattern(self, pattern: str) -> Rule:
        """Text with ``{X}``, ``{Y}`` for the operands and ``{a}``, ``{b}`` for the sizes of the result."""

        def rule(node: Node, args: list[Code], context: Context) -> Code:
            sizes = [self.size(k, context.names) for k in node.shape] or ["", ""]
            operands = dict(zip("XY", (a.text for a in args), strict=False))
            spelled = {"xp": self.xp, "axis": self.axis, "keepdims": self.keepdims, "kind": self.kind_arguments()}
            inner = pattern.replace("{diagonal}", self.diagonal)
            return Code(inner.format(**spelled, **operands, a=sizes[0], b=sizes[1], concat=self.concat))

        return rule

    def _scalar(self, node: Node, args: list[Code], context: Context) -> Code:
        names = {a.placeholder: c.at(ATOM) for a, c in zip(node.args, args, strict=True)}
        return self.formula(node.data, {**context.names, **names})

    def _combine(self, node: Node, args: list[Code], context: Context) -> Code:
        variables, body = node.data
        return self.formula(body, {**context.names, **{v: c.at(ATOM) for v, c in zip(variables, args, strict=True)}})

    def _map(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.function(node.data, args[0].text if node.data.expr.is_Function else args[0].at(ATOM), context.names)

    def _named(self, helper: str, node: Node, args: list[Code], context: Context) -> Code:
        """A call that also tells the helper what the matrix is called, for its error message."""
        name = context.describe(node.args[0]).replace('"', "'")
        return Code(f'{helper}({", ".join(a.text for a in args)}, "{name}")')

    def _solve(self, node: Node, args: list[Code], context: Context) -> Code:
        M = Code(f"{args[0].at(ATOM)}.mT") if node.data else args[0]
        return self._named("_solve", node, [M, args[1]], context)

    def _inverse(self, node: Node, args: list[Code], context: Context) -> Code:
        code = self._named("_inverse", node, args, context)
        return Code(f"{code.text}.mT") if node.data else code

    def _lu(self, node: Node, args: list[Code], context: Context) -> Code:
        return self._named("_lu", node, args, context)

    def _cholesky(self, node: Node, args: list[Code], context: Context) -> Code:
        return self._named("_cholesky", node, args, context)

    def _lu_solve(self, node: Node, args: list[Code], _: Context) -> Code:
        return Code(f"_lu_solve({args[0].text}, {args[1].text}{', transposed=True' if node.data else ''})")

    def _active(self, node: Node, args: list[Code], context: Context) -> Code:
        identity = Code(f"_eye({self.size(node.rows, context.names)}, {self.kind_arguments()})")
        return self._active_solve(node, [self._active_lu(node, args, context), identity], context)

    def _active_lu(self, node: Node, args: list[Code], context: Context) -> Code:
        name = context.describe(node).replace('"', "'")
        return Code(f'_active_lu({", ".join(a.text for a in args)}, "{name}")')

    def _active_solve(self, node: Node, args: list[Code], _: Context) -> Code:
        return Code(f"_active_solve({args[0].text}, {args[1].text}{', transposed=True' if node.data else ''})")

    def _triangular_solve(self, node: Node, args: list[Code], context: Context) -> Code:
        lower, transposed = node.data
        return self._named("_triangular_solve", node, [*args, Code(f"{lower}"), Code(f"{transposed}")], context)

    def _logdet(self, node: Node, args: list[Code], context: Context) -> Code:
        return self._named("_logdet", node, args, context)

    def _times(self, node: Node, args: list[Code], _: Context) -> Code:
        """A matrix product; an outer product and a 1 x 1 factor broadcast instead."""
        X, Y = args
        if node.args[0].cols == 1 or node.args[1].shape == (1, 1):
            return times(X, Y)
        return Code(f"{X.at(ATOM)} @ {Y.at(ATOM)}", PRODUCT)

    def _column(self, node: Node, args: list[Code], context: Context) -> Code:
        return Code(f"{args[0].at(ATOM)}[..., :, {self._slice(node.data[0], context)}]")

    def _entry(self, node: Node, args: list[Code], context: Context) -> Code:
        i, j = (self._slice(k, context) for k in node.data)
        return Code(f"{args[0].at(ATOM)}[..., {i}, {j}]")

    def _slice(self, index: Any, context: Context) -> str:
        """A slice of length 1, so that the axis stays."""
        start, stop = self.size(index, context.names), self.size(index + 1, context.names)
        return f"{start} : {start} + 1" if start.isidentifier() else f"{start} : {stop}"

    def _repeat(self, node: Node, args: list[Code], context: Context) -> Code:
        return Code(f"_repeat({args[0].text}, {self.size(node.data, context.names)})")

    def _constant(self, node: Node, _: list[Code], context: Context) -> Code:
        rows = ["[" + ", ".join(self.formula(x, context.names).text for x in row) + "]" for row in node.data.tolist()]
        return Code(f"_constant([{', '.join(rows)}], {self.kind_arguments()})")

    def _sized(self, helper: str, sizes: Any, context: Context) -> Code:
        written = ", ".join(self.size(k, context.names) for k in sizes)
        return Code(f"{helper}({written}, {self.kind_arguments()})")

    def _commutation(self, node: Node, _: list[Code], context: Context) -> Code:
        return self._sized("_commutation", node.data, context)

    def _selection(self, node: Node, _: list[Code], context: Context) -> Code:
        return self._sized("_selection", node.shape[1:], context)

    def _placement(self, node: Node, _: list[Code], context: Context) -> Code:
        return self._sized("_placement", node.data, context)

    def _row_sum(self, _: Node, args: list[Code], __: Context) -> Code:
        return self._sum(args[0], "-1")

    def _column_dot(self, _: Node, args: list[Code], __: Context) -> Code:
        return self._sum(times(*args), "-2")

    def _trace_product(self, _: Node, args: list[Code], __: Context) -> Code:
        return self._sum(times(*args), "(-2, -1)")

    def _sum(self, X: Code, axes: str) -> Code:
        return Code(f"{self.xp}.sum({X.text}, {self.axis}={axes}, {self.keepdims}=True)")


#: What is stated of an argument X -> what X is equal to where that holds.
_STATED = {
    "symmetric": "{X}.mT",
    "diagonal": "{X} * {eye}",
    "lower": "{xp}.tril({X})",
    "upper": "{xp}.triu({X})",
    "gate": "{X} * {X}",
}

#: Operation -> the helper that is called with the operands.
_HELPERS = {
    "diagonal": "_diagonal", "add_diagonal": "_add_diagonal", "kron": "_kron", "kron_apply": "_kron_apply",
    "cholesky_solve": "_cholesky_solve", "khatri_rao": "_khatri_rao", "spread": "_spread", "vec": "_vec", "trace": "_trace", "softmax_columns": "_softmax_columns",
}  # fmt: skip

#: Operations that have a method of their own.
_METHODS = (
    "scalar", "combine", "map", "solve", "inverse", "cholesky", "lu", "lu_solve", "triangular_solve", "logdet", "times", "column", "entry", "repeat",
    "active", "active_lu", "active_solve", "constant", "commutation", "selection", "placement", "row_sum", "column_dot", "trace_product",
)  # fmt: skip

_PATTERNS = {
    "selected_rows": "({X})[..., :: {a} + 1, :]",
    "from_scalar": "_as_matrix({X}, {kind})",
    "identity": "_eye({a}, {kind})",
    "zeros": "_full(({a}, {b}), 0.0, {kind})",
    "ones": "_full(({a}, {b}), 1.0, {kind})",
    "unvec": "_unvec({X}, {a}, {b})",
    "hstack": "{xp}.{concat}({X}, {axis}=-1)",
    "diagpart": "{diagonal}[..., None]",
    "det": "{xp}.linalg.det({X})[..., None, None]",
}


def _blocks(node: Node, args: list[Code], _: Context) -> Code:
    rows = [", ".join(a.text for a in args[k : k + node.data]) for k in range(0, len(args), node.data)]
    return Code(f"_blocks([[{'], ['.join(rows)}]])")


_OPERATORS: dict[str, Rule] = {
    "scale": lambda _, a, __: scaled(*a),
    "add": lambda _, a, __: signed_sum(a),
    "product": lambda _, a, __: Code(" @ ".join(x.at(ATOM) for x in a), PRODUCT),
    "hadamard": lambda _, a, __: times(*a),
    "blocks": _blocks,
    "scale_rows": lambda _, a, __: times(*a),
    "scale_columns": lambda _, a, __: times(*a),
    "transpose": lambda _, a, __: Code(f"{a[0].at(ATOM)}.mT"),
}
