"""The lines around a NumPy body: validation, dimensions, result, and the companion test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node


def prologue(sig: Signature, write: Callable[[Expr], str]) -> list[str]:
    """Convert and check each argument, then read the dimensions and the batch shape."""
    lines, dims = [], sig.names
    for a in sig.of_kind("matrix"):
        lines.append(f'{a.name} = _matrix("{a.name}", {a.name}, "{shape_text(a.shape, dims)}")')
    lines += [f'{a.name} = _scalar("{a.name}", {a.name})' for a in sig.of_kind("scalar")]
    lines += [f'{a.name} = _integer("{a.name}", {a.name}, 1)' for a in sig.of_kind("dimension")]
    matrices = sig.of_kind("matrix")
    scanned = [a.name for a in matrices if a.symbol not in sig.certified]
    if scanned:
        lines.append(f"_finite({', '.join(f'{x}={x}' for x in scanned)})")
    if matrices:
        entries = [f'"{a.name}": ({a.name}, ({_axis(a.shape[0], dims)}, {_axis(a.shape[1], dims)}))' for a in matrices]
        call = "sizes = _sizes({" + ", ".join(entries) + "})"
        if not sig.dims:
            call = call.removeprefix("sizes = ")
        if len(call) > 110:
            start = call[: call.index("{") + 1]
            lines += [start, *(f"    {e}," for e in entries), "})"]
        else:
            lines.append(call)
    for k in sig.dims:
        lines.append(f'{dims[k]} = sizes["{dims[k]}"]')
    for a in matrices:
        if any(not (k.is_Symbol or k.is_Integer) for k in a.shape):
            exact = ", ".join(write(k) for k in a.shape)
            lines.append(f'_shape("{a.name}", {a.name}, ({exact}), "{shape_text(a.shape, dims)}")')
    for a in sig.of_kind("index"):
        bound = write(a.bound) if a.bound is not None else "None"
        lines.append(f'{a.name} = _integer("{a.name}", {a.name}, 0, {bound})')
    arrays = [a.name for a in sig.of_kind("matrix", "scalar")]
    lines.append(f"batch = _batch({', '.join(f'{x}={x}' for x in arrays)})")
    return lines


def _axis(k: Expr, dims: dict[Any, str]) -> str:
    if k.is_Integer:
        return str(int(k))
    return f'"{dims[k]}"' if k.is_Symbol and k in dims else '""'


def epilogue(codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:
    """Every result in the batch shape and dtype of the arguments."""
    arrays = [a.name for a in sig.of_kind("matrix", "scalar")]
    given = f"({', '.join(arrays)}{',' if len(arrays) == 1 else ''})"
    parts = []
    for text, node, shape in codes:
        if node.shape:
            parts.append(f"_finish({text}, (*batch, {', '.join(shape)}), {given})")
        else:
            parts.append(f"_finish(np.atleast_2d({text})[..., 0, 0], batch, {given})")
    return f"return {', '.join(parts)}"


def samples(sig: Signature, sizes: Mapping[str, int]) -> list[str]:
    """Example arguments: square matrices near the identity, so that inverses and log det exist."""
    lines = [f"{name} = {size}" for name, size in sizes.items()]
    entries = []
    for a in sig.arguments:
        if a.kind == "matrix":
            shape = ", ".join(size_text(k, sig) for k in a.shape)
            square = f"np.eye({size_text(a.shape[0], sig)}) + " if a.shape[0] == a.shape[1] != 1 else ""
            entries.append(f'    "{a.name}": {square}0.2 * rng.standard_normal((*batch, {shape})),')
        else:
            value = {"scalar": "0.3 + 0.4 * rng.random(batch)[()]", "dimension": "4"}.get(a.kind, "0")
            entries.append(f'    "{a.name}": {value},')
    return [*lines, "return {", *entries, "}"]


def size_text(k: Expr, sig: Signature) -> str:
    """A dimension in the names of the companion test; a dimension that is an argument is 4 there."""
    free = {s: 4 for s in k.free_symbols if s not in sig.dims}
    return str(k.xreplace(free).xreplace({s: Symbol(sig.names[s]) for s in sig.dims}))


#: The tests of a generated NumPy module; ``FUNCTIONS`` maps a name to (function, reference, samples).
COMPANION = '''
def outputs(value):
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_the_plain_evaluation(name):
    function, reference, samples = FUNCTIONS[name]
    for seed in range(3):
        arguments = samples(np.random.default_rng(seed), ())
        for got, want in zip(outputs(function(**arguments)), outputs(reference(**arguments)), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_agrees_with_one_sample_at_a_time(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(np.random.default_rng(0), (2, 3))
    batched = {k for k, v in arguments.items() if np.ndim(v)}
    together = outputs(function(**arguments))
    for index in np.ndindex(2, 3) if batched else ():
        alone = outputs(function(**{k: v[index] if k in batched else v for k, v in arguments.items()}))
        for got, want in zip(together, alone, strict=True):
            np.testing.assert_allclose(got[index], want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_smooth_arguments_have_a_finite_difference_limit(name):
    """Halving a small step halves the change: the function is differentiable at a random point."""
    function, _, samples = FUNCTIONS[name]
    arguments = samples(np.random.default_rng(1), ())
    other = samples(np.random.default_rng(2), ())

    def moved(t):
        return {k: v if isinstance(v, int) else v + t * (other[k] - v) for k, v in arguments.items()}

    start, half, full = (outputs(function(**moved(t))) for t in (0.0, 1e-6, 2e-6))
    for f0, f1, f2 in zip(start, half, full, strict=True):
        scale = 1.0 + np.max(np.abs(f0))
        np.testing.assert_allclose((f2 - f0) / 2e-6, (f1 - f0) / 1e-6, atol=1e-2 * scale)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_arguments_are_named(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(np.random.default_rng(0), ())
    for key, value in arguments.items():
        if isinstance(value, int):
            continue
        for bad in (np.full_like(value, np.nan), np.asarray(value) + 1j, np.asarray(value, dtype=object), None):
            with pytest.raises(ValueError, match=rf"^{key}\\b"):
                function(**{**arguments, key: bad})
        if np.ndim(value):
            with pytest.raises(ValueError, match=rf"\\b{key}\\b"):
                function(**{**arguments, key: value[0]})
'''
