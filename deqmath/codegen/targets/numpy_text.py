"""The lines around a NumPy body: validation, dimensions and result; the companion test."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.array_companion import companion
from deqmath.codegen.targets.array_text import sizes_lines


def prologue(sig: Signature, write: Callable[[Expr], str]) -> list[str]:
    """Convert and check each argument, then read the dimensions and the batch shape."""
    lines, dims = [], sig.names
    for a in sig.of_kind("matrix"):
        lines.append(f'{a.name} = _matrix("{a.name}", {a.name}, "{shape_text(a.shape, dims)}")')
    lines += [f'{a.name} = _scalar("{a.name}", {a.name})' for a in sig.of_kind("scalar")]
    lines += [f'{a.name} = _integer("{a.name}", {a.name}, 1)' for a in sig.of_kind("dimension")]
    scanned = [a.name for a in sig.of_kind("matrix") if a.symbol not in sig.certified]
    if scanned:
        lines.append(f"_finite({', '.join(f'{x}={x}' for x in scanned)})")
    lines += sizes_lines(sig, write)
    words = dict.fromkeys(word for word, _ in sig.stated)
    groups = [f"{w}={{{', '.join(f'{chr(34)}{x}{chr(34)}: {x}' for k, x in sig.stated if k == w)}}}" for w in words]
    lines += [f"_stated({', '.join(groups)})"] if groups else []
    arrays = [a.name for a in sig.of_kind("matrix", "scalar")]
    lines.append(f"batch = _batch({', '.join(f'{x}={x}' for x in arrays)})")
    return lines


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


#: How a random array gets a property that is stated of the argument.
_STATED = {
    "symmetric": "({0} + {0}.mT) / 2",
    "diagonal": "{0} * np.eye({0}.shape[-1])",
    "lower": "np.tril({0})",
    "upper": "np.triu({0})",
    "gate": "np.heaviside({0}, 0.0)",
}


def samples(lines: list[str], sig: Signature) -> list[str]:
    """The lines that return example arguments, which then have the properties that are stated of them."""
    if not sig.stated:
        return lines
    start = lines.index("return {")
    changed = [f'given["{x}"] = {_STATED[word].format(f"""given["{x}"]""")}' for word, x in sig.stated]
    return [*lines[:start], "given = {", *lines[start + 1 :], *changed, "return given"]


#: The tests of a generated NumPy module.
COMPANION = companion(
    setup="OTHER = {1.0}",
    make="np.reshape(np.asarray(values, dtype=float), shape)",
    whole="x.astype(int)",
    single="x.astype(np.float32)",
    flat="np.ravel(x).tolist()",
)
