"""mpmath: any number of digits, one sample at a time, in the context the caller gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sympy import Expr, Integer, Symbol
from sympy.printing.pycode import MpmathPrinter

from deqmath.codegen.arguments import Signature
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, Target, scaled, signed_sum
from deqmath.codegen.targets.mpmath_text import COMPANION, epilogue, prologue, samples

Rule = Callable[[Node, list[Code], Context], Code]


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


class MpmathTarget(Target):
    """Text for mpmath."""

    name: ClassVar[str] = "mpmath"
    array: ClassVar[str] = "mpmath matrix"
    reserved: ClassVar[frozenset[str]] = frozenset({"ctx", "mpmath", "sizes", "max"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "number_helpers", "mpmath_helpers")
    without: ClassVar[frozenset[str]] = frozenset({"factor_once"})
    batched: ClassVar[bool] = False
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

    def rules(self) -> Mapping[str, Rule]:
        return _RULES

    def printer(self, names: Mapping[Symbol, str]) -> Any:
        return _Printer(names)

    def prologue(self, sig: Signature) -> list[str]:
        return prologue(sig)

    def epilogue(self, codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:
        return epilogue(codes, sig)

    def samples(self, sig: Signature, sizes: Mapping[str, int]) -> list[str]:
        return samples(sig, sizes)

    def size(self, k: Expr, names: Mapping[Symbol, str]) -> str:
        return size_text(k, names)

    def imports(self, text: str) -> list[str]:
        return ["import mpmath", *(["from numbers import Rational"] if "Rational)" in text else [])]


def size_text(k: Expr, names: Mapping[Symbol, str]) -> str:
    """A dimension or index as text that is a Python integer."""
    return str(k.xreplace({s: Symbol(names.get(s, s.name)) for s in k.free_symbols}))


def _sizes(node: Node, context: Context) -> str:
    return ", ".join(size_text(k, context.names) for k in node.shape)


def _call(helper: str) -> Rule:
    def rule(_: Node, args: list[Code], __: Context) -> Code:
        return Code(f"{helper}({', '.join(['ctx', *(a.text for a in args)])})")

    return rule


def _description(node: Node, context: Context) -> str:
    return context.describe(node.args[0]).replace('"', "'")


def _formula(node: Node, args: list[Code], context: Context) -> Code:
    entries = {a.placeholder: f"{c.at(ATOM)}[0, 0]" for a, c in zip(node.args, args, strict=True)}
    code = MpmathTarget().formula(node.data, {**context.names, **entries})
    return Code(f"ctx.mpf({code.text})") if isinstance(node.data, Integer) else code


def _combine(node: Node, args: list[Code], context: Context) -> Code:
    variables, body = node.data
    names = {v: f"t{k}" for k, v in enumerate(variables)}
    text = MpmathTarget().formula(body, {**context.names, **names}).text
    return Code(f"_map(ctx, lambda {', '.join(names.values())}: {text}, {', '.join(a.text for a in args)})")


def _map(node: Node, args: list[Code], context: Context) -> Code:
    return Code(f"_map(ctx, lambda t: {MpmathTarget().function(node.data, 't', context.names).text}, {args[0].text})")


def _hadamard(_: Node, args: list[Code], __: Context) -> Code:
    names = [f"t{k}" for k in range(len(args))]
    return Code(f"_map(ctx, lambda {', '.join(names)}: {' * '.join(names)}, {', '.join(a.text for a in args)})")


def _product(_: Node, args: list[Code], __: Context) -> Code:
    return Code(" * ".join(a.at(ATOM) for a in args), PRODUCT)


def _solve(node: Node, args: list[Code], context: Context) -> Code:
    M = f"{args[0].at(ATOM)}.T" if node.data else args[0].text
    return Code(f'_solve(ctx, {M}, {args[1].text}, "{_description(node, context)}")')


def _inverse(node: Node, args: list[Code], context: Context) -> Code:
    M = f"{args[0].at(ATOM)}.T" if node.data else args[0].text
    return Code(f'_solve(ctx, {M}, ctx.eye({_sizes(node, context).split(", ")[0]}), "{_description(node, context)}")')


def _column(node: Node, args: list[Code], context: Context) -> Code:
    return Code(f"{args[0].at(ATOM)}[:, {size_text(node.data[0], context.names)}]")


def _entry(node: Node, args: list[Code], context: Context) -> Code:
    i, j = (size_text(k, context.names) for k in node.data)
    return Code(f"ctx.matrix([[{args[0].at(ATOM)}[{i}, {j}]]])")


def _build(body: str) -> Rule:
    """A matrix from the formula of its entry (i, j), in the operand X."""

    def rule(node: Node, args: list[Code], context: Context) -> Code:
        values = dict(zip("XY", (a.at(ATOM) for a in args), strict=False))
        if node.op in ("commutation", "placement"):
            values |= dict(zip("PQ", (size_text(k, context.names) for k in node.data), strict=False))
        text = body.format(**values, K=size_text(node.shape[1], context.names))
        return Code(f"_build(ctx, {_sizes(node, context)}, lambda i, j: {text})")

    return rule


def _reduce(body: str) -> Rule:
    def rule(_: Node, args: list[Code], __: Context) -> Code:
        return Code(body.format(**dict(zip("XY", (a.at(ATOM) for a in args), strict=False))))

    return rule


def _constant(node: Node, _: list[Code], context: Context) -> Code:
    target = MpmathTarget()
    rows = ["[" + ", ".join(target.formula(x, context.names).text for x in row) + "]" for row in node.data.tolist()]
    return Code(f"ctx.matrix([{', '.join(rows)}])")


def _blocks(node: Node, args: list[Code], _: Context) -> Code:
    rows = [", ".join(a.text for a in args[k : k + node.data]) for k in range(0, len(args), node.data)]
    return Code(f"_blocks(ctx, [[{'], ['.join(rows)}]])")


_RULES: dict[str, Rule] = {
    "scalar": _formula,
    "from_scalar": lambda _, a, __: Code(f"ctx.matrix([[{a[0].text}]])"),
    "scale": lambda _, a, __: scaled(*a) if a[0].text != "ctx.mpf(-1)" else scaled(Code("-1"), a[1]),
    "constant": _constant,
    "identity": lambda n, _, c: Code(f"ctx.eye({_sizes(n, c).split(', ')[0]})"),
    "zeros": lambda n, _, c: Code(f"ctx.zeros({_sizes(n, c)})"),
    "ones": lambda n, _, c: Code(f"ctx.ones({_sizes(n, c)})"),
    "add": lambda _, a, __: signed_sum(a),
    "product": _product,
    "times": _product,
    "map": _map,
    "combine": _combine,
    "hadamard": _hadamard,
    "scale_rows": _call("_scale_rows"),
    "scale_columns": _call("_scale_columns"),
    "diagonal": lambda n, a, c: Code(f"_add_diagonal(ctx, ctx.zeros({_sizes(n, c)}), {a[0].text})"),
    "kron": _call("_kron"),
    "kron_apply": _call("_kron_apply"),
    "vec": _call("_vec"),
    "unvec": lambda n, a, c: Code(f"_unvec(ctx, {a[0].text}, {_sizes(n, c)})"),
    "transpose": lambda _, a, __: Code(f"{a[0].at(ATOM)}.T"),
    "inverse": _inverse,
    "solve": _solve,
    "add_diagonal": _call("_add_diagonal"),
    "column": _column,
    "entry": _entry,
    "row_sum": lambda n, a, c: Code(f"{a[0].at(ATOM)} * ctx.ones({size_text(n.args[0].cols, c.names)}, 1)", PRODUCT),
    "column_dot": _build("ctx.fdot(({X}[k, j], {Y}[k, j]) for k in range({X}.rows))"),
    "repeat": _build("{X}[i, 0]"),
    "hstack": _call("_from_columns"),
    "diagpart": _build("{X}[i, i]"),
    "trace": _reduce("ctx.matrix([[ctx.fsum({X}[i, i] for i in range({X}.rows))]])"),
    "trace_product": _reduce("ctx.matrix([[ctx.fdot(zip({X}, {Y}, strict=True))]])"),
    "det": _reduce("ctx.matrix([[ctx.det({X})]])"),
    "logdet": lambda n, a, c: Code(f'_logdet(ctx, {a[0].text}, "{_description(n, c)}")'),
    "commutation": _build("ctx.mpf(j == i % {Q} * {P} + i // {Q})"),
    "placement": _build("ctx.mpf(i == j + {P})"),
    "blocks": _blocks,
    "softmax_columns": _call("_softmax_columns"),
    "selection": _build("ctx.mpf(i == j * ({K} + 1))"),
}
