"""mpmath: any number of digits, one sample at a time, in the context the caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sympy import Integer, Symbol
from sympy.printing.pycode import MpmathPrinter

from deqmath.codegen.arguments import Signature
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, scaled
from deqmath.codegen.targets.digits_target import DigitsTarget
from deqmath.codegen.targets.digits_text import size_text
from deqmath.codegen.targets.mpmath_text import COMPANION, epilogue, prologue


class _Printer(MpmathPrinter):
    """Scalar formulas in ``ctx``; integers become exact mpf numbers, so that nothing is a float."""

    def __init__(self, names: Mapping[Symbol, str]) -> None:
        super().__init__({"fully_qualified_modules": True, "strict": True})
        self._names = names

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return super()._module_format(fqn, register).replace("mpmath.", "ctx.")

    def _print_Symbol(self, expr: Symbol) -> str:
        name = self._names.get(expr, expr.name)
        return f"ctx.mpf({name})" if expr.is_integer else name

    def _print_relu_scalar(self, expr: Any) -> str:
        return f"max({self._print(expr.args[0])}, ctx.zero)"

    def _print_step_scalar(self, expr: Any) -> str:
        return f"(ctx.one if {self._print(expr.args[0])} > 0 else ctx.zero)"


class MpmathTarget(DigitsTarget):
    """Text for mpmath."""

    name: ClassVar[str] = "mpmath"
    array: ClassVar[str] = "mpmath matrix"
    reserved: ClassVar[frozenset[str]] = frozenset({"ctx", "mpmath", "sizes", "max"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "number_helpers", "mpmath_helpers")
    first: ClassVar[str] = "ctx"
    matrix: ClassVar[str] = "ctx.matrix"
    eye: ClassVar[str] = "ctx.eye({k})"
    number: ClassVar[str] = "ctx.mpf({x})"
    transposed: ClassVar[str] = "{X}.T"
    own: ClassVar[tuple[str, ...]] = ("ones", "lu", "lu_solve")
    entries: ClassVar[Mapping[str, str]] = {
        "column_dot": "ctx.fdot(({X}[{k}, {j}], {Y}[{k}, {j}]) for {k} in range({X}.rows))"
    }
    reductions: ClassVar[Mapping[str, str]] = {
        "trace": "ctx.matrix([[ctx.fsum({X}[{i}, {i}] for {i} in range({X}.rows))]])",
        "trace_product": "ctx.matrix([[ctx.fdot(zip({X}, {Y}, strict=True))]])",
        "det": "ctx.matrix([[ctx.det({X})]])",
    }
    keyword_doc: ClassVar[tuple[str, ...]] = (
        "ctx",
        "    An mpmath context, such as ``mpmath.mp``; its precision at the call is the one used.",
    )
    companion: ClassVar[str] = COMPANION
    notes: ClassVar[tuple[str, ...]] = (
        "Matrices are mpmath matrices or nested lists of rows; numbers may be ints, floats, Fractions or mpf.",
        "One sample at a time: there are no batch axes.",
    )

    def keyword_only(self, sig: Signature) -> str:  # noqa: ARG002 - every function takes it
        return "ctx=mpmath.mp"

    def printer(self, names: Mapping[Symbol, str]) -> Any:
        return _Printer(names)

    def prologue(self, sig: Signature) -> list[str]:
        return prologue(sig)

    def epilogue(self, codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:
        return epilogue(codes, sig)

    def imports(self, text: str) -> list[str]:
        return ["import mpmath", *(["from numbers import Rational"] if "Rational)" in text else [])]

    # Lowerings ----------------------------------------------------------------------------------
    def _scalar(self, node: Node, args: list[Code], context: Context) -> Code:
        code = super()._scalar(node, args, context)
        return Code(f"ctx.mpf({code.text})") if isinstance(node.data, Integer) else code

    def _scale(self, _: Node, args: list[Code], __: Context) -> Code:
        return scaled(Code("-1") if args[0].text == "ctx.mpf(-1)" else args[0], args[1])

    def _zeros(self, node: Node, _: list[Code], context: Context) -> Code:
        return Code(f"ctx.zeros({self.sizes(node, context)})")

    def _ones(self, node: Node, _: list[Code], context: Context) -> Code:
        return Code(f"ctx.ones({self.sizes(node, context)})")

    def _diagonal(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.call("_add_diagonal", self._zeros(node, [], context).text, args[0].text)

    def _column(self, node: Node, args: list[Code], context: Context) -> Code:
        return Code(f"{args[0].at(ATOM)}[:, {size_text(node.data[0], context.names)}]")

    def _row_sum(self, node: Node, args: list[Code], context: Context) -> Code:
        return Code(f"{args[0].at(ATOM)} * ctx.ones({size_text(node.args[0].cols, context.names)}, 1)", PRODUCT)

    def _lu(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.named("_lu", node.args[0], context, args[0].text)

    def _lu_solve(self, node: Node, args: list[Code], _: Context) -> Code:
        return self.call("_lu_solve", *(a.text for a in args), *(["transposed=True"] if node.data else []))
