"""The lines around an mpmath body: validation, dimensions, result, and the companion test."""

from __future__ import annotations

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.digits_text import bad_arguments, size_text


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
        bound = "None" if a.bound is None else size_text(a.bound, names)
        lines.append(f'{a.name} = _integer("{a.name}", {a.name}, 0, {bound})')
    return lines


def epilogue(codes: list[tuple[str, Node, list[str]]], _: Signature) -> str:
    """The results, rounded to the precision of the context."""
    return (
        f"return {', '.join(f'+({text})' if node.shape and text.isidentifier() else text for text, node, _ in codes)}"
    )


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
''' + bad_arguments(", ctx=context(20)")
