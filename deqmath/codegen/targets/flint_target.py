"""Ball arithmetic by python-flint: balls in, balls out, at any precision, one sample at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sympy import Expr, Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.array_text import sizes_lines
from deqmath.codegen.targets.ball_printer import BallPrinter
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, Target, signed_sum, times
from deqmath.codegen.targets.flint_text import COMPANION
from deqmath.codegen.targets.mpmath_target import size_text
from deqmath.codegen.targets.mpmath_text import samples

Rule = Callable[[Node, list[Code], Context], Code]


class FlintTarget(Target):
    """Text for python-flint."""

    name: ClassVar[str] = "flint"
    array: ClassVar[str] = "flint.arb_mat"
    batched: ClassVar[bool] = False
    reserved: ClassVar[frozenset[str]] = frozenset({"arb", "arb_mat", "ctx", "prec", "sizes", "functools"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "number_helpers", "flint_helpers")
    without: ClassVar[frozenset[str]] = frozenset({"factor_once"})
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

    def rules(self) -> Mapping[str, Rule]:
        return _RULES

    def printer(self, names: Mapping[Symbol, str]) -> Any:
        return BallPrinter(names)

    def size(self, k: Expr, names: Mapping[Symbol, str]) -> str:
        return size_text(k, names)

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

    def samples(self, sig: Signature, sizes: Mapping[str, int]) -> list[str]:
        return samples(sig, sizes)


def _sizes(node: Node, context: Context) -> str:
    return ", ".join(size_text(k, context.names) for k in node.shape)


def _call(helper: str) -> Rule:
    return lambda _, args, __: Code(f"{helper}({', '.join(a.text for a in args)})")


def _transposed(X: Code) -> str:
    return f"{X.at(ATOM)}.transpose()"


def _named(helper: str, node: Node, args: list[str], context: Context) -> Code:
    name = context.describe(node.args[0]).replace('"', "'")
    return Code(f'{helper}({", ".join(args)}, "{name}")')


def _formula(node: Node, args: list[Code], context: Context) -> Code:
    entries = {a.placeholder: f"{c.at(ATOM)}[0, 0]" for a, c in zip(node.args, args, strict=True)}
    return FlintTarget().formula(node.data, {**context.names, **entries})


def _scale(_: Node, args: list[Code], __: Context) -> Code:
    return Code(f"-{args[1].at(ATOM)}", PRODUCT) if args[0].text in ("arb(-1)", "-1") else times(*args)


def _combine(node: Node, args: list[Code], context: Context) -> Code:
    variables, body = node.data
    names = {v: f"t{k}" for k, v in enumerate(variables)}
    text = FlintTarget().formula(body, {**context.names, **names}).text
    return Code(f"_map(lambda {', '.join(names.values())}: {text}, {', '.join(a.text for a in args)})")


def _map(node: Node, args: list[Code], context: Context) -> Code:
    return Code(f"_map(lambda t: {FlintTarget().function(node.data, 't', context.names).text}, {args[0].text})")


def _hadamard(_: Node, args: list[Code], __: Context) -> Code:
    names = [f"t{k}" for k in range(len(args))]
    return Code(f"_map(lambda {', '.join(names)}: {' * '.join(names)}, {', '.join(a.text for a in args)})")


def _product(_: Node, args: list[Code], __: Context) -> Code:
    return Code(" * ".join(a.at(ATOM) for a in args), PRODUCT)


def _solve(node: Node, args: list[Code], context: Context) -> Code:
    return _named("_solve", node, [_transposed(args[0]) if node.data else args[0].text, args[1].text], context)


def _inverse(node: Node, args: list[Code], context: Context) -> Code:
    size = size_text(node.rows, context.names)
    return _named("_solve", node, [_transposed(args[0]) if node.data else args[0].text, f"_eye({size})"], context)


def _build(body: str) -> Rule:
    """A matrix from the formula of its entry (i, j), in the operands X and Y."""

    def rule(node: Node, args: list[Code], context: Context) -> Code:
        values = dict(zip("XY", (a.at(ATOM) for a in args), strict=False))
        if node.op in ("commutation", "placement"):
            values |= dict(zip("PQ", (size_text(k, context.names) for k in node.data), strict=False))
        text = body.format(**values, K=size_text(node.shape[1], context.names))
        return Code(f"_build({_sizes(node, context)}, lambda i, j: {text})")

    return rule


def _reduce(body: str) -> Rule:
    return lambda _, args, __: Code(body.format(**dict(zip("XY", (a.at(ATOM) for a in args), strict=False))))


def _entry(node: Node, args: list[Code], context: Context) -> Code:
    i, j = (size_text(k, context.names) for k in node.data)
    return Code(f"arb_mat([[{args[0].at(ATOM)}[{i}, {j}]]])")


def _constant(node: Node, _: list[Code], context: Context) -> Code:
    target = FlintTarget()
    rows = ["[" + ", ".join(target.formula(x, context.names).text for x in row) + "]" for row in node.data.tolist()]
    return Code(f"arb_mat([{', '.join(rows)}])")


def _blocks(node: Node, args: list[Code], _: Context) -> Code:
    rows = [", ".join(a.text for a in args[k : k + node.data]) for k in range(0, len(args), node.data)]
    return Code(f"_blocks([[{'], ['.join(rows)}]])")


_SUM = "sum(({term} for {index}), arb(0))"
_RULES: dict[str, Rule] = {
    "scalar": _formula,
    "from_scalar": lambda _, a, __: Code(f"arb_mat([[{a[0].text}]])"),
    "scale": _scale,
    "constant": _constant,
    "identity": lambda n, _, c: Code(f"_eye({size_text(n.rows, c.names)})"),
    "zeros": lambda n, _, c: Code(f"arb_mat({_sizes(n, c)})"),
    "ones": _build("arb(1)"),
    "add": lambda _, a, __: signed_sum(a),
    "product": _product,
    "times": _product,
    "map": _map,
    "combine": _combine,
    "hadamard": _hadamard,
    "scale_rows": _call("_scale_rows"),
    "scale_columns": _call("_scale_columns"),
    "diagonal": _call("_diagonal"),
    "kron": _call("_kron"),
    "kron_apply": _call("_kron_apply"),
    "vec": _call("_vec"),
    "unvec": lambda n, a, c: Code(f"_unvec({a[0].text}, {_sizes(n, c)})"),
    "transpose": lambda _, a, __: Code(_transposed(a[0])),
    "inverse": _inverse,
    "solve": _solve,
    "add_diagonal": _call("_add_diagonal"),
    "column": lambda n, a, c: Code(f"_column({a[0].text}, {size_text(n.data[0], c.names)})"),
    "entry": _entry,
    "row_sum": lambda n, a, c: Code(
        f"{a[0].at(ATOM)} * _build({size_text(n.args[0].cols, c.names)}, 1, lambda i, j: arb(1))", PRODUCT
    ),
    "column_dot": _build(_SUM.format(term="{X}[k, j] * {Y}[k, j]", index="k in range({X}.nrows())")),
    "repeat": _build("{X}[i, 0]"),
    "hstack": _call("_from_columns"),
    "diagpart": _build("{X}[i, i]"),
    "trace": _reduce("arb_mat([[{X}.trace()]])"),
    "trace_product": _reduce(
        "arb_mat([[" + _SUM.format(term="x * y", index="x, y in zip({X}.entries(), {Y}.entries(), strict=True)") + "]])"
    ),
    "det": _reduce("arb_mat([[{X}.det()]])"),
    "logdet": lambda n, a, c: _named("_logdet", n, [a[0].text], c),
    "commutation": _build("arb(int(j == i % {Q} * {P} + i // {Q}))"),
    "selection": _build("arb(int(i == j * ({K} + 1)))"),
    "placement": _build("arb(int(i == j + {P}))"),
    "blocks": _blocks,
    "softmax_columns": _call("_softmax_columns"),
}
