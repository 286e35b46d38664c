"""NumPy and SciPy: float64 or float32 arrays, leading batch axes, LAPACK factorisations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sympy import Expr, Function, Lambda, Pow, S, Symbol, exp
from sympy.printing.numpy import SciPyPrinter

from deqmath.codegen.arguments import Signature
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.array_text import arguments_text, stated_samples
from deqmath.codegen.targets.base import ATOM, PRODUCT, Code, Context, Target, scaled, signed_sum, times
from deqmath.codegen.targets.numbers_text import FloatNumbers
from deqmath.codegen.targets.numpy_text import COMPANION, epilogue, is_plain, prologue


class _Printer(FloatNumbers, SciPyPrinter):
    """Scalar formulas in NumPy; two functions SymPy does not have, and short module names."""

    def __init__(self, names: Mapping[Symbol, str]) -> None:
        super().__init__({"fully_qualified_modules": True, "strict": True})
        self._names = names

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return super()._module_format(fqn, register).replace("numpy.", "np.")

    def _print_Symbol(self, expr: Symbol) -> str:
        return self._names.get(expr, expr.name)

    def _print__PowerOfScalars(self, expr: Any) -> str:
        return f"_power({', '.join(self._print(a) for a in expr.args)})"

    def _print_relu_scalar(self, expr: Any) -> str:
        return f"np.maximum({self._print(expr.args[0])}, 0.0)"

    def _print_step_scalar(self, expr: Any) -> str:
        return f"np.heaviside({self._print(expr.args[0])}, 0.0)"

    def _print_log(self, expr: Any) -> str:
        """``log(1 + exp(x))`` without overflow."""
        x = _exponent(expr.args[0])
        return f"np.log({self._print(expr.args[0])})" if x is None else f"np.logaddexp(0.0, {self._print(x)})"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        """``1 / (1 + exp(x))`` without overflow."""
        x = _exponent(expr.base)
        if x is None or not (expr.exp.is_Integer and expr.exp < 0):
            return super()._print_Pow(expr, rational=rational)
        sigmoid = f"scipy.special.expit({self._print(-x)})"
        return sigmoid if expr.exp == -1 else f"{sigmoid}**{-expr.exp}"


class _PowerOfScalars(Function):
    """A power that Python's floats would refuse, or make complex; the helper ``_power`` takes it as NumPy does."""


def _guarded(expr: Expr, names: Mapping[Symbol, str]) -> Expr:
    """A formula whose powers of scalar arguments are calls; roots and logistic functions are NumPy's already."""

    def needs(e: Expr) -> bool:
        named = e.is_Pow and not e.base.is_Number and e.free_symbols <= names.keys()
        numpy_has = abs(e.exp) == S.Half or _exponent(e.base) is not None if named else True
        return not numpy_has and not all(s.is_integer for s in e.free_symbols)

    return expr.replace(lambda e: isinstance(e, Pow) and needs(e), lambda e: _PowerOfScalars(e.base, e.exp))


def _exponent(e: Any) -> Any:
    """x, where e is ``1 + exp(x)``."""
    if e.is_Add and len(e.args) == 2 and e.args[0] == 1 and isinstance(e.args[1], exp):
        return e.args[1].args[0]
    return None


class NumpyTarget(Target):
    """Text for NumPy (and SciPy, for factorisations that are used more than once)."""

    name: ClassVar[str] = "numpy"
    array: ClassVar[str] = "numpy.ndarray"
    reserved: ClassVar[frozenset[str]] = frozenset(
        {"np", "scipy", "math", "warnings", "batch", "sizes", "plain", "result"}
    )
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "reshape_helpers", "numpy_helpers", "numpy_solves")
    uses_facts: ClassVar[bool] = True
    quiet: ClassVar[str] = 'with np.errstate(invalid="ignore"):  # what is not finite is named below'
    mask: ClassVar[str] = "{u} > 0.0"
    companion: ClassVar[str] = COMPANION
    notes: ClassVar[tuple[str, ...]] = (
        "Every argument may have leading batch axes; they broadcast, and the result has their common shape.",
        "float32 stays float32; nested lists of numbers become float64. The arguments are not changed.",
    )

    def rules(self) -> Mapping[str, Callable[[Node, list[Code], Context], Code]]:
        return _RULES

    def printer(self, names: Mapping[Symbol, str]) -> Any:
        return _Printer(names)

    def prologue(self, sig: Signature) -> list[str]:
        return prologue(sig, lambda k: self.formula(k, sig.names).text)

    def epilogue(self, codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:
        return epilogue(codes, sig)

    def quick(self, sig: Signature) -> str:
        return "plain and math.isfinite(np.vdot({x}, {y}))" if is_plain(sig) else ""

    def samples(self, sig: Signature, sizes: Mapping[str, int]) -> list[str]:
        return stated_samples(arguments_text(sig, sizes), sig, "np")

    def imports(self, text: str) -> list[str]:
        lines = [f"import {m}" for m in ("math", "warnings") if f"{m}." in text]
        lines.append("import numpy as np")
        return lines + [f"import {m}" for m in ("scipy.constants", "scipy.linalg", "scipy.special") if f"{m}." in text]


def _call(helper: str) -> Callable[[Node, list[Code], Context], Code]:
    def rule(_: Node, args: list[Code], __: Context) -> Code:
        return Code(f"{helper}({', '.join(a.text for a in args)})")

    return rule


def _named(helper: str) -> Callable[[Node, list[Code], Context], Code]:
    """A call that also tells the helper what the matrix is called, for its error message."""

    def rule(node: Node, args: list[Code], context: Context) -> Code:
        name = context.describe(node.args[0]).replace('"', "'")
        return Code(f'{helper}({", ".join(a.text for a in args)}, "{name}")')

    return rule


def _lu(node: Node, args: list[Code], context: Context) -> Code:
    call = _named("_lu")(node, args, context).text
    return Code(f"{call[:-1]}, in_place=True)" if node.data else call)


def _scalar(node: Node, args: list[Code], context: Context) -> Code:
    names = {**context.names, **{a.placeholder: c.at(ATOM) for a, c in zip(node.args, args, strict=True)}}
    return NumpyTarget().formula(_guarded(node.data, context.names), names)


def _combine(node: Node, args: list[Code], context: Context) -> Code:
    variables, body = node.data
    names = {**context.names, **{v: c.at(ATOM) for v, c in zip(variables, args, strict=True)}}
    return NumpyTarget().formula(_guarded(body, context.names), names)


def _map(node: Node, args: list[Code], context: Context) -> Code:
    f = node.data
    argument = args[0].text if f.expr.is_Function else args[0].at(ATOM)
    return NumpyTarget().function(Lambda(f.variables, _guarded(f.expr, context.names)), argument, context.names)


def _multiply(node: Node, args: list[Code], _: Context) -> Code:
    """A matrix product; an outer product and a 1 x 1 factor broadcast instead."""
    X, Y = args
    if node.args[0].cols == 1 or node.args[1].shape == (1, 1):
        return times(X, Y)
    return Code(f"{X.at(ATOM)} @ {Y.at(ATOM)}", PRODUCT)


def _product(_: Node, args: list[Code], __: Context) -> Code:
    return Code(" @ ".join(a.at(ATOM) for a in args), PRODUCT)


def _solve(node: Node, args: list[Code], context: Context) -> Code:
    M = f"{args[0].at(ATOM)}.mT" if node.data else args[0].text
    name = context.describe(node.args[0]).replace('"', "'")
    return Code(f'_solve({M}, {args[1].text}, "{name}")')


def _inverse(node: Node, args: list[Code], context: Context) -> Code:
    code = _named("_inverse")(node, args, context)
    return Code(f"{code.text}.mT") if node.data else code


def _lu_solve(node: Node, args: list[Code], _: Context) -> Code:
    return Code(f"_lu_solve({args[0].text}, {args[1].text}{', transposed=True' if node.data else ''})")


def _cholesky_solve(_: Node, args: list[Code], __: Context) -> Code:
    return Code(f"_cholesky_solve({args[0].text}, {args[1].text})")


def _triangular_solve(node: Node, args: list[Code], context: Context) -> Code:
    name, (lower, transposed) = context.describe(node.args[0]).replace('"', "'"), node.data
    options = f"lower={lower}, transposed={transposed}"
    return Code(f'_triangular_solve({args[0].text}, {args[1].text}, {options}, name="{name}")')


def _low_rank_solve(node: Node, args: list[Code], context: Context) -> Code:
    given = ", ".join(a.text for a in args)
    return Code(f'_low_rank_solve({given}, definite={node.data}, name="{context.describe(node)}")')


def _contraction_solve(node: Node, args: list[Code], context: Context) -> Code:
    given, gate = ", ".join(a.text for a in args[:4]), f", d={args[4].text}" if len(args) > 4 else ""
    return Code(f'_contraction_solve({given}, transposed={node.data}, name="{context.describe(node)}"{gate})')


def _active(node: Node, args: list[Code], context: Context) -> Code:
    identity = Code(f"np.eye({_shape(node, context).split(', ')[0]})")
    return _active_solve(node, [_active_lu(node, args, context), identity], context)


def _active_lu(node: Node, args: list[Code], context: Context) -> Code:
    return Code(f'_active_lu({", ".join(a.text for a in args)}, "{context.describe(node)}")')


def _active_solve(node: Node, args: list[Code], _: Context) -> Code:
    return Code(f"_active_solve({args[0].text}, {args[1].text}{', transposed=True' if node.data else ''})")


def _checked(node: Node, args: list[Code], _: Context) -> Code:
    """The call that looks at one or two columns; the names of the arguments follow them."""
    texts, k = [c.text for c in args], len(node.args)
    return Code(f"_shown_by({', '.join([*texts[:k], *(f'{x}={x}' for x in texts[k:])])})")


def _gemv(node: Node, args: list[Code], _: Context) -> Code:
    if node.data == "silent":
        return Code(f"_gemv({', '.join(c.text for c in args)})")
    M, x, s, y = args
    product = Code(f"{M.at(ATOM)} @ {x.at(ATOM)}", PRODUCT)
    return signed_sum([y, product if s.text == "1" else scaled(s, Code(f"({product.text})"))])


def _shown(node: Node, args: list[Code], _: Context) -> Code:
    """The call that looks at the first row or column of a matrix; the names of the arguments follow it."""
    X, *given = (c.text for c in args)
    slices = {"row": f"{X}[..., 0, :]", "column": f"{X}[..., :, 0]"}
    return Code(f"_shown({', '.join([*(slices[p] for p in node.data[1]), *(f'{x}={x}' for x in given)])})")


def _shape(node: Node, context: Context) -> str:
    target = NumpyTarget()
    return ", ".join(target.formula(k, context.names).text for k in node.shape)


def _column(node: Node, args: list[Code], context: Context) -> Code:
    return Code(f"{args[0].at(ATOM)}[..., :, {_slice(node.data[0], context)}]")


def _entry(node: Node, args: list[Code], context: Context) -> Code:
    i, j = (_slice(k, context) for k in node.data)
    return Code(f"{args[0].at(ATOM)}[..., {i}, {j}]")


def _slice(index: Any, context: Context) -> str:
    """A slice of length 1, so that the axis stays."""
    start = NumpyTarget().formula(index, context.names).text
    stop = NumpyTarget().formula(index + 1, context.names).text
    return f"{start} : {stop}" if not start.isidentifier() else f"{start} : {start} + 1"


def _diagpart(_: Node, args: list[Code], __: Context) -> Code:
    return Code(f"np.diagonal({args[0].text}, axis1=-2, axis2=-1)[..., None]")


def _repeat(node: Node, args: list[Code], context: Context) -> Code:
    count = NumpyTarget().formula(node.data, context.names).text
    return Code(f"np.repeat({args[0].text}, {count}, axis=-1)")


_FRESH = (
    "add",
    "hadamard",
    "in_place",
    "map",
    "product",
    "scale",
    "scale_columns",
    "scale_rows",
    "solve",
    "times",
    "kron",
)


def _add_diagonal(node: Node, args: list[Code], _: Context) -> Code:
    X = args[0]
    if X.text.isidentifier() or node.args[0].op not in _FRESH:
        # The helper works in place: what is used again, or is a view of an argument, is copied.
        return Code(f"_add_diagonal({X.at(ATOM)}.copy(), {args[1].text})")
    return Code(f"_add_diagonal({X.text}, {args[1].text})")


def _constant(node: Node, _: list[Code], context: Context) -> Code:
    target = NumpyTarget()
    rows = ["[" + ", ".join(target.formula(x, context.names).text for x in row) + "]" for row in node.data.tolist()]
    return Code(f"np.array([{', '.join(rows)}], dtype=float)")


def _blocks(node: Node, args: list[Code], _: Context) -> Code:
    rows = [", ".join(a.text for a in args[k : k + node.data]) for k in range(0, len(args), node.data)]
    return Code(f"_blocks([[{'], ['.join(rows)}]])")


_RULES: dict[str, Callable[[Node, list[Code], Context], Code]] = {
    "scalar": _scalar,
    "from_scalar": _call("np.atleast_2d"),
    "placement": lambda n, _, c: Code(
        f"_placement({', '.join(NumpyTarget().formula(k, c.names).text for k in n.data)})"
    ),
    "blocks": _blocks,
    "softmax_columns": _call("_softmax_columns"),
    "scale": lambda _, a, __: scaled(*a),
    "constant": _constant,
    "identity": lambda n, _, c: Code(f"np.eye({_shape(n, c).split(', ')[0]})"),
    "zeros": lambda n, _, c: Code(f"np.zeros(({_shape(n, c)}))"),
    "ones": lambda n, _, c: Code(f"np.ones(({_shape(n, c)}))"),
    "add": lambda _, a, __: signed_sum(a),
    "product": _product,
    "times": _multiply,
    "map": _map,
    "combine": _combine,
    "hadamard": lambda _, a, __: times(*a),
    "scale_rows": lambda _, a, __: times(*a),
    "scale_columns": lambda _, a, __: times(*a),
    "diagonal": _call("_diagonal"),
    "kron": _call("_kron"),
    "kron_apply": _call("_kron_apply"),
    "vec": _call("_vec"),
    "unvec": lambda n, a, c: Code(f"_unvec({a[0].text}, {_shape(n, c)})"),
    "transpose": lambda _, a, __: Code(f"{a[0].at(ATOM)}.mT"),
    "inverse": _inverse,
    "solve": _solve,
    "lu": _lu,
    "lu_solve": _lu_solve,
    "cholesky": _named("_cholesky"),
    "cholesky_solve": _cholesky_solve,
    "triangular_solve": _triangular_solve,
    "low_rank_solve": _low_rank_solve,
    "contraction_solve": _contraction_solve,
    "spread": _call("_spread"),
    "khatri_rao": _call("_khatri_rao"),
    "selected_rows": lambda n, a, c: Code(f"{a[0].at(ATOM)}[..., :: {_shape(n, c).split(', ')[0]} + 1, :]"),
    "active": _active,
    "active_lu": _active_lu,
    "active_solve": _active_solve,
    "checked": _checked,
    "gemv": _gemv,
    "shown": _shown,
    "in_place": _call("_entrywise"),
    "add_diagonal": _add_diagonal,
    "column": _column,
    "entry": _entry,
    "row_sum": lambda _, a, __: Code(f"{a[0].at(ATOM)}.sum(axis=-1, keepdims=True)"),
    "column_dot": lambda _, a, __: Code(f"({times(*a).text}).sum(axis=-2, keepdims=True)"),
    "repeat": _repeat,
    "hstack": lambda _, a, __: Code(f"np.concatenate({a[0].text}, axis=-1)"),
    "diagpart": _diagpart,
    "trace": lambda _, a, __: Code(f"np.trace({a[0].text}, axis1=-2, axis2=-1)[..., None, None]"),
    "trace_product": lambda _, a, __: Code(f"({times(*a).text}).sum(axis=(-2, -1), keepdims=True)"),
    "det": lambda _, a, __: Code(f"np.linalg.det({a[0].text})[..., None, None]"),
    "logdet": _named("_logdet"),
    "commutation": lambda n, _, c: Code(
        f"_commutation({', '.join(NumpyTarget().formula(k, c.names).text for k in n.data)})"
    ),
    "selection": lambda n, _, c: Code(f"_selection({_shape(n, c).split(', ')[1]})"),
}
