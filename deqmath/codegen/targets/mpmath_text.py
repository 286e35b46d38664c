"""The lines around an mpmath body: validation, dimensions, result, and the companion test."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node


def _written(k: Expr, names: Mapping[Symbol, str]) -> str:
    return str(k.xreplace({s: Symbol(name) for s, name in names.items()}))


def prologue(sig: Signature) -> list[str]:
    """Convert and check each argument, then read the dimensions."""
    names, matrices = sig.names, sig.of_kind("matrix")
    lines = [f'{a.name} = _matrix(ctx, "{a.name}", {a.name}, "{shape_text(a.shape, names)}")' for a in matrices]
    lines += [f'{a.name} = _number(ctx, "{a.name}", {a.name})' for a in sig.of_kind("scalar")]
    lines += [f'{a.name} = _integer("{a.name}", {a.name}, 1)' for a in sig.of_kind("dimension")]
    if matrices:
        lines.append("sizes = _sizes({" if sig.dims else "_sizes({")
        for a in matrices:
            axes = [str(k) if k.is_Integer else f'"{names[k]}"' if k in sig.dims else '""' for k in a.shape]
            lines.append(f'    "{a.name}": ({a.name}, ({axes[0]}, {axes[1]})),')
        lines.append("})")
    lines += [f'{names[k]} = sizes["{names[k]}"]' for k in sig.dims]
    for a in matrices:
        if any(not (k.is_Symbol or k.is_Integer) for k in a.shape):
            lines.append(f'_shape("{a.name}", {a.name}, {shape_text(a.shape, names)}, "{shape_text(a.shape, names)}")')
    for a in sig.of_kind("index"):
        bound = "None" if a.bound is None else _written(a.bound, names)
        lines.append(f'{a.name} = _integer("{a.name}", {a.name}, 0, {bound})')
    return lines


def epilogue(codes: list[tuple[str, Node, list[str]]], _: Signature) -> str:
    """The results, rounded to the precision of the context."""
    return (
        f"return {', '.join(f'+({text})' if node.shape and text.isidentifier() else text for text, node, _ in codes)}"
    )


def samples(sig: Signature, sizes: Mapping[str, int]) -> list[str]:
    """Example arguments: rational numbers, with square matrices near the identity."""
    lines = [f"{name} = {size}" for name, size in sizes.items()]
    entries = []
    for a in sig.arguments:
        if a.kind == "matrix":
            free = {s: 4 for k in a.shape for s in k.free_symbols if s not in sig.dims}
            rows, cols = (_written(k.xreplace(free), sig.names) for k in a.shape)
            one = "1 if i == j else 0" if a.shape[0] == a.shape[1] != 1 else "0"
            cell = f"({one}) + Fraction(rng.randint(-99, 99), 300)"
            entries.append(f'    "{a.name}": [[{cell} for j in range({cols})] for i in range({rows})],')
        else:
            value = {"scalar": "Fraction(rng.randint(30, 70), 100)", "dimension": "4"}.get(a.kind, "0")
            entries.append(f'    "{a.name}": {value},')
    return [*lines, "return {", *entries, "}"]


#: The tests of a generated mpmath module; ``FUNCTIONS`` maps a name to (function, reference, samples).
COMPANION = '''
def context(digits):
    ctx = mpmath.mp.clone()
    ctx.dps = digits
    return ctx


def outputs(value):
    return value if isinstance(value, tuple) else (value,)


def entries(value):
    return list(value) if hasattr(value, "rows") else [value]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_the_plain_evaluation_at_more_digits(name):
    function, reference, samples = FUNCTIONS[name]
    arguments = samples(random.Random(0))
    got, want = outputs(function(**arguments, ctx=context(40))), outputs(reference(**arguments, ctx=context(60)))
    for g, w in zip(got, want, strict=True):
        for x, y in zip(entries(g), entries(w), strict=True):
            assert abs(x - y) <= mpmath.mpf(10) ** -34 * (1 + abs(y))


@pytest.mark.parametrize("name", DERIVATIVES)
def test_is_the_derivative_by_central_differences(name):
    """A residual stays 0 to first order along (direction, derivative); a function moves by its derivative."""
    derivative, base, samples, wrt, along, unknown = DERIVATIVES[name]
    ctx = context(60)
    arguments = {k: matrix(ctx, v) for k, v in samples(random.Random(3)).items()}
    V = arguments.pop("V__") if along is None else arguments[along]
    value = call(derivative, arguments, ctx)
    if along is None:  # a Jacobian, applied to vec(V)
        value = value * ctx.matrix(by_columns(V))
    h = ctx.mpf(2) ** -60

    def at(t):
        changed = {**arguments, wrt: arguments[wrt] + t * V}
        return call(base, changed if unknown is None else {**changed, unknown: arguments[unknown] + t * value}, ctx)

    ends = [by_columns(at(t)) for t in (h, -h)]
    change = [(a - b) / (2 * h) for a, b in zip(*ends, strict=True)]
    want = [0] * len(change) if unknown is not None else by_columns(value)
    assert all(abs(a - b) < ctx.mpf(10) ** -30 * (1 + abs(b)) for a, b in zip(change, want, strict=True))


def matrix(ctx, value):
    if isinstance(value, list):
        return ctx.matrix([[ctx.mpf(x.numerator) / x.denominator for x in row] for row in value])
    return value if isinstance(value, int) else ctx.mpf(value.numerator) / value.denominator


def call(function, arguments, ctx):
    return function(**{k: arguments[k] for k in inspect.signature(function).parameters if k in arguments}, ctx=ctx)


def by_columns(X):
    return [X[i, j] for j in range(X.cols) for i in range(X.rows)] if hasattr(X, "rows") else [X]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_arguments_are_named(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(random.Random(0))
    for key, value in arguments.items():
        if isinstance(value, int):
            continue
        for bad in (float("nan"), 1j):
            wrong = [[bad] * len(value[0]) for _ in value] if isinstance(value, list) else bad
            with pytest.raises(ValueError, match=rf"^{key}\\b"):
                function(**{**arguments, key: wrong}, ctx=context(20))
        if isinstance(value, list):
            with pytest.raises(ValueError, match=rf"\\b{key}\\b"):
                function(**{**arguments, key: [*value, value[0] * 2]}, ctx=context(20))
'''
