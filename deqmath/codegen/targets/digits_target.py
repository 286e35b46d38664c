"""What the libraries of many digits have in common: one sample at a time, entries written by formulas of (i, j).

A matrix has two axes and no batch; a scalar is one number. How a library spells a matrix, its shape and
its transpose is left to a subclass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import ClassVar

from sympy import Expr, Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, Target, signed_sum
from deqmath.codegen.targets.digits_text import letters, names_in, samples, size_text

Rule = Callable[[Node, list[Code], Context], Code]


class DigitsTarget(Target):
    """A library of numbers of any precision, whose matrices have no batch axes."""

    batched: ClassVar[bool] = False
    #: What every helper takes first.
    first: ClassVar[str] = ""
    #: How the library makes a matrix from rows, an identity, and a number from an integer or a truth value.
    matrix: ClassVar[str]
    eye: ClassVar[str]
    number: ClassVar[str]
    #: The transpose of X.
    transposed: ClassVar[str]
    #: Operations that have a method in this library only.
    own: ClassVar[tuple[str, ...]] = ()
    #: Operation -> the formula of entry (i, j) in the operands X, Y, the sizes P, Q in its data and its columns K;
    #: i, j, and k of a sum inside, stand in braces: they are spelled so that no operand has a name in common with them.
    entries: ClassVar[Mapping[str, str]]
    #: Operation -> text in the operands X, Y.
    reductions: ClassVar[Mapping[str, str]]

    def rules(self) -> Mapping[str, Rule]:
        return self._table

    @cached_property
    def _table(self) -> dict[str, Rule]:
        table: dict[str, Rule] = {op: self._call(helper) for op, helper in _HELPERS.items()}
        table |= {op: getattr(self, f"_{op}") for op in (*_METHODS, *self.own)}
        table |= {op: self._build(body) for op, body in {**self._placed(), **self.entries}.items()}
        return table | {op: self._reduce(body) for op, body in self.reductions.items()}

    def samples(self, sig: Signature, sizes: Mapping[str, int]) -> list[str]:
        return samples(sig, sizes)

    def size(self, k: Expr, names: Mapping[Symbol, str]) -> str:
        return size_text(k, names)

    # Lowerings ----------------------------------------------------------------------------------
    def call(self, helper: str, *given: str) -> Code:
        """A call of a helper."""
        return Code(f"{helper}({', '.join([self.first, *given] if self.first else given)})")

    def _call(self, helper: str) -> Rule:
        return lambda _, args, __: self.call(helper, *(a.text for a in args))

    def sizes(self, node: Node, context: Context) -> str:
        """The rows and columns of a node, as text."""
        return ", ".join(size_text(k, context.names) for k in node.shape)

    def named(self, helper: str, node: Node, context: Context, *given: str) -> Code:
        """A call that also tells the helper what the matrix is called, for its error message."""
        return self.call(helper, *given, '"{}"'.format(context.describe(node).replace('"', "'")))

    def _scalar(self, node: Node, args: list[Code], context: Context) -> Code:
        entries = {a.placeholder: f"{c.at(ATOM)}[0, 0]" for a, c in zip(node.args, args, strict=True)}
        return self.formula(node.data, {**context.names, **entries})

    def _from_scalar(self, _: Node, args: list[Code], __: Context) -> Code:
        return Code(f"{self.matrix}([[{args[0].text}]])")

    def _map(self, node: Node, args: list[Code], context: Context) -> Code:
        (t,) = letters("t", self._parameters(node.data.free_symbols, context)).values()
        return self.call("_map", f"lambda {t}: {self.function(node.data, t, context.names).text}", args[0].text)

    def _parameters(self, symbols: Iterable[Expr], context: Context) -> set[str]:
        """The names, in SymPy and as printed, of the symbols of a formula."""
        return {name for s in symbols for name in (str(s), context.names.get(s, str(s)))}

    def _combine(self, node: Node, args: list[Code], context: Context) -> Code:
        variables, body = node.data
        used = self._parameters(body.free_symbols - set(variables), context)
        names = dict(zip(variables, letters([f"t{k}" for k in range(len(variables))], used).values(), strict=True))
        text = self.formula(body, {**context.names, **names}).text
        return self.call("_map", f"lambda {', '.join(names.values())}: {text}", *(a.text for a in args))

    def _hadamard(self, _: Node, args: list[Code], __: Context) -> Code:
        names = [f"t{k}" for k in range(len(args))]
        return self.call("_map", f"lambda {', '.join(names)}: {' * '.join(names)}", *(a.text for a in args))

    def _add(self, _: Node, args: list[Code], __: Context) -> Code:
        return signed_sum(args)

    def _product(self, _: Node, args: list[Code], __: Context) -> Code:
        return Code(" * ".join(a.at(ATOM) for a in args), PRODUCT)

    _times = _product

    def _transpose(self, _: Node, args: list[Code], __: Context) -> Code:
        return Code(self.transposed.format(X=args[0].at(ATOM)))

    def _identity(self, node: Node, _: list[Code], context: Context) -> Code:
        return Code(self.eye.format(k=size_text(node.rows, context.names)))

    def _solve(self, node: Node, args: list[Code], context: Context) -> Code:
        M = self._transpose(node, args, context) if node.data else args[0]
        return self.named("_solve", node.args[0], context, M.text, args[1].text)

    def _inverse(self, node: Node, args: list[Code], context: Context) -> Code:
        return self._solve(node, [*args, self._identity(node, [], context)], context)

    def _active(self, node: Node, args: list[Code], context: Context) -> Code:
        lu = self._active_lu(node, args, context)
        return self._active_solve(node, [lu, self._identity(node, [], context)], context)

    def _active_lu(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.named("_active_lu", node, context, *(a.text for a in args))

    def _active_solve(self, node: Node, args: list[Code], _: Context) -> Code:
        return self.call("_active_solve", *(a.text for a in args), *(["transposed=True"] if node.data else []))

    def _logdet(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.named("_logdet", node.args[0], context, args[0].text)

    def _unvec(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.call("_unvec", args[0].text, self.sizes(node, context))

    def _entry(self, node: Node, args: list[Code], context: Context) -> Code:
        i, j = (size_text(k, context.names) for k in node.data)
        return Code(f"{self.matrix}([[{args[0].at(ATOM)}[{i}, {j}]]])")

    def _constant(self, node: Node, _: list[Code], context: Context) -> Code:
        rows = ["[" + ", ".join(self.formula(x, context.names).text for x in row) + "]" for row in node.data.tolist()]
        return Code(f"{self.matrix}([{', '.join(rows)}])")

    def _blocks(self, node: Node, args: list[Code], _: Context) -> Code:
        rows = [", ".join(a.text for a in args[k : k + node.data]) for k in range(0, len(args), node.data)]
        return self.call("_blocks", f"[[{'], ['.join(rows)}]]")

    def _placed(self) -> dict[str, str]:
        """Matrices of zeros and ones, by where the ones stand, and the two that copy entries."""
        ones = {
            "commutation": "{j} == {i} % {Q} * {P} + {i} // {Q}",
            "placement": "{i} == {j} + {P}",
            "selection": "{i} == {j} * ({K} + 1)",
        }
        return {op: self.number.format(x=where) for op, where in ones.items()} | {
            "repeat": "{X}[{i}, 0]",
            "diagpart": "{X}[{i}, {i}]",
        }

    def _build(self, body: str) -> Rule:
        """A matrix from the formula of its entry (i, j)."""

        def rule(node: Node, args: list[Code], context: Context) -> Code:
            values = dict(zip("XY", (a.at(ATOM) for a in args), strict=False))
            if node.op in ("commutation", "placement"):
                values |= dict(zip("PQ", (size_text(k, context.names) for k in node.data), strict=False))
            values["K"] = size_text(node.shape[1], context.names)
            variables = _variables(values.values())
            text = body.format(**values, **variables)
            entry = f"lambda {variables['i']}, {variables['j']}: {text}"
            return self.call("_build", self.sizes(node, context), entry)

        return rule

    def _reduce(self, body: str) -> Rule:
        def rule(_: Node, args: list[Code], __: Context) -> Code:
            values = dict(zip("XY", (a.at(ATOM) for a in args), strict=False))
            return Code(body.format(**values, **_variables(values.values())))

        return rule


def _variables(operands: Iterable[str]) -> dict[str, str]:
    """How i, j, k are spelled in a formula with these operands."""
    return letters("ijk", set[str]().union(*map(names_in, operands)))


#: Operation -> the helper that is called with the operands.
_HELPERS = {
    "scale_rows": "_scale_rows", "scale_columns": "_scale_columns", "kron": "_kron", "kron_apply": "_kron_apply", "vec": "_vec",
    "add_diagonal": "_add_diagonal", "hstack": "_from_columns", "softmax_columns": "_softmax_columns",
}  # fmt: skip

#: Operations that have a method of their own; what is not here or above differs from library to library.
_METHODS = (
    "scalar", "from_scalar", "scale", "constant", "identity", "zeros", "add", "product", "times", "map", "combine", "hadamard",
    "diagonal", "unvec", "transpose", "inverse", "solve", "active", "active_lu", "active_solve", "column", "entry", "row_sum",
    "logdet", "blocks",
)  # fmt: skip
