"""Ball arithmetic by python-flint: balls in, balls out, at any precision, one sample at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sympy import Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.array_text import sizes_lines
from deqmath.codegen.targets.ball_printer import BallPrinter
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, times
from deqmath.codegen.targets.digits_target import DigitsTarget
from deqmath.codegen.targets.digits_text import size_text
from deqmath.codegen.targets.flint_text import COMPANION

_SUM = "sum(({term} for {index}), arb(0))"


class FlintTarget(DigitsTarget):
    """Text for python-flint."""

    name: ClassVar[str] = "flint"
    array: ClassVar[str] = "flint.arb_mat"
    reserved: ClassVar[frozenset[str]] = frozenset({"arb", "arb_mat", "ctx", "prec", "sizes", "functools"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "number_helpers", "flint_helpers")
    #: The library solves from a matrix only, and gives no factors.
    without: ClassVar[frozenset[str]] = frozenset({"factor_once"})
    matrix: ClassVar[str] = "arb_mat"
    eye: ClassVar[str] = "_eye({k})"
    number: ClassVar[str] = "arb(int({x}))"
    transposed: ClassVar[str] = "{X}.transpose()"
    entries: ClassVar[Mapping[str, str]] = {
        "ones": "arb(1)",
        "column_dot": _SUM.format(term="{X}[{k}, {j}] * {Y}[{k}, {j}]", index="{k} in range({X}.nrows())"),
    }
    reductions: ClassVar[Mapping[str, str]] = {
        "trace": "arb_mat([[{X}.trace()]])",
        "trace_product": f"arb_mat([[{_SUM.format(term='x * y', index='x, y in zip({X}.entries(), {Y}.entries(), strict=True)')}]])",
        "det": "arb_mat([[{X}.det()]])",
    }
    decorator: ClassVar[str] = "@_with_precision"
    keyword_doc: ClassVar[tuple[str, ...]] = (
        "prec : int",
        "    The precision in bits; that of the caller is put back.",
    )
    notes: ClassVar[tuple[str, ...]] = (
        (
            "Balls in, balls out: the result holds the value for all numbers in the balls of the arguments. A sign or an "
            "invertibility that the balls leave open raises Undecided, a ValueError."
        ),
        "Matrices are flint.arb_mat or nested lists of rows; numbers may be ints, floats (exact), Fractions or arb.",
        "One sample at a time: there are no batch axes.",
    )
    companion: ClassVar[str] = COMPANION

    def keyword_only(self, sig: Signature) -> str:  # noqa: ARG002 - every function takes it
        return "prec=128"

    def printer(self, names: Mapping[Symbol, str]) -> Any:
        return BallPrinter(names)

    def accumulator(self, shape: list[str]) -> str:
        return f"arb_mat({', '.join(shape)})"

    def prologue(self, sig: Signature) -> list[str]:
        """Convert and check each argument, then read the dimensions."""
        lines = [
            f'{a.name} = _matrix("{a.name}", {a.name}, "{shape_text(a.shape, sig.names)}")'
            for a in sig.of_kind("matrix")
        ]
        lines += [f'{a.name} = _number("{a.name}", {a.name})' for a in sig.of_kind("scalar")]
        lines += [f'{a.name} = _integer("{a.name}", {a.name}, 1)' for a in sig.of_kind("dimension")]
        return lines + sizes_lines(sig, lambda k: size_text(k, sig.names))

    def epilogue(self, codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:  # noqa: ARG002
        """The results; what is an argument itself is copied."""
        return f"return {', '.join(f'arb_mat({text})' if node.op == 'input' else text for text, node, _ in codes)}"

    def imports(self, text: str) -> list[str]:
        names = [n for n in ("arb", "arb_mat", "ctx") if f"{n}(" in text or f"{n}." in text or f", {n})" in text]
        lines = ["import functools"] if "functools." in text else []
        lines += ["from numbers import Rational"] if "Rational)" in text else []
        return [*lines, f"from flint import {', '.join(names)}"] if names else lines

    def finished(self, text: str) -> str:
        return text.replace(" = P L U, S the open rows", ", S the open rows")  # kept as it is

    # Lowerings ----------------------------------------------------------------------------------
    def _scale(self, _: Node, args: list[Code], __: Context) -> Code:
        return Code(f"-{args[1].at(ATOM)}", PRODUCT) if args[0].text in ("arb(-1)", "-1") else times(*args)

    def _zeros(self, node: Node, _: list[Code], context: Context) -> Code:
        return Code(f"arb_mat({self.sizes(node, context)})")

    def _diagonal(self, _: Node, args: list[Code], __: Context) -> Code:
        return self.call("_diagonal", args[0].text)

    def _column(self, node: Node, args: list[Code], context: Context) -> Code:
        return self.call("_column", args[0].text, size_text(node.data[0], context.names))

    def _row_sum(self, node: Node, args: list[Code], context: Context) -> Code:
        ones = f"_build({size_text(node.args[0].cols, context.names)}, 1, lambda i, j: arb(1))"
        return Code(f"{args[0].at(ATOM)} * {ones}", PRODUCT)
