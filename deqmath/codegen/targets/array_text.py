"""Lines that generated functions of every array library share: sizes read from shapes, example arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Symbol

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text


def sizes_lines(sig: Signature, write: Callable[[Expr], str]) -> list[str]:
    """Read each dimension, cross-check the shapes, and check indices against their bound."""
    lines, dims, matrices = [], sig.names, sig.of_kind("matrix")
    if matrices:
        entries = [f'"{a.name}": ({a.name}, ({_axis(a.shape[0], dims)}, {_axis(a.shape[1], dims)}))' for a in matrices]
        call = ("sizes = " if sig.dims else "") + "_sizes({" + ", ".join(entries) + "})"
        lines.append(call)
    lines += [f'{dims[k]} = sizes["{dims[k]}"]' for k in sig.dims]
    for a in matrices:
        if any(not (k.is_Symbol or k.is_Integer) for k in a.shape):
            exact = ", ".join(write(k) for k in a.shape)
            lines.append(f'_shape("{a.name}", {a.name}, ({exact}), "{shape_text(a.shape, dims)}")')
    for a in sig.of_kind("index"):
        bound = write(a.bound) if a.bound is not None else "None"
        lines.append(f'{a.name} = _integer("{a.name}", {a.name}, 0, {bound})')
    return lines


def _axis(k: Expr, dims: dict[Any, str]) -> str:
    if k.is_Integer:
        return str(int(k))
    return f'"{dims[k]}"' if k.is_Symbol and k in dims else '""'


def size_text(k: Expr, sig: Signature) -> str:
    """A dimension in the names of the companion test; a dimension that is an argument is 4 there."""
    free = {s: 4 for s in k.free_symbols if s not in sig.dims}
    return str(k.xreplace(free).xreplace({s: Symbol(sig.names[s]) for s in sig.dims}))


def arguments_text(sig: Signature, sizes: Mapping[str, int]) -> list[str]:
    """Example arguments from ``rng``: square matrices near the identity, so that inverses and log det exist."""
    lines = [f"{name} = {size}" for name, size in sizes.items()]
    entries = []
    for a in sig.arguments:
        if a.kind == "matrix":
            shape = ", ".join(size_text(k, sig) for k in a.shape)
            square = f"rng.eye({size_text(a.shape[0], sig)}) + " if a.shape[0] == a.shape[1] != 1 else ""
            entries.append(f'    "{a.name}": {square}rng.normal(*batch, {shape}),')
        else:
            value = {"scalar": "0.5 + 0.1 * rng.normal(*batch)", "dimension": "4"}.get(a.kind, "0")
            entries.append(f'    "{a.name}": {value},')
    return [*lines, "return {", *entries, "}"]


#: How a random array gets a property that is stated of the argument.
_STATED = {
    "symmetric": "({X} + {X}.mT) / 2",
    "diagonal": "{X} * rng.eye({X}.shape[-1])",
    "lower": "{xp}.tril({X})",
    "upper": "{xp}.triu({X})",
    "gate": "{xp}.where({X} > 0, 0 * {X} + 1, 0 * {X})",
}


def stated_samples(lines: list[str], sig: Signature, xp: str) -> list[str]:
    """The lines that return example arguments, which then have the properties that are stated of them."""
    if not sig.stated:
        return lines
    start = lines.index("return {")
    changed = [f'given["{x}"] = {_STATED[word].format(X=f"""given["{x}"]""", xp=xp)}' for word, x in sig.stated]
    return [*lines[:start], "given = {", *lines[start + 1 :], *changed, "return given"]
