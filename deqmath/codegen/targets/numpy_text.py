"""The lines around a NumPy body: validation, dimensions and result; the companion test."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Expr

from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import shape_text
from deqmath.codegen.graph import Node
from deqmath.codegen.targets.array_companion import companion
from deqmath.codegen.targets.array_text import sizes_lines


def prologue(sig: Signature, write: Callable[[Expr], str]) -> list[str]:
    """Check each argument, read the dimensions and the batch shape: at once where all is plain."""
    arrays = ", ".join(f"{a.name}={a.name}" for a in sig.of_kind("matrix", "scalar"))
    general = [*_general(sig, write), f"batch = _batch({arrays})"]
    plain = _plain(sig)
    if plain:
        comment = "# Float64 matrices and floats are plain; all else is converted, or refused with a reason."
        lines = [comment, *plain, "else:", *(f"    {line}" for line in general)]
    else:
        lines = general
    scanned = [a.name for a in sig.of_kind("matrix") if a.symbol not in sig.certified]
    if scanned:
        lines.append(f"_finite({', '.join(f'{x}={x}' for x in scanned)})")
    words = dict.fromkeys(word for word, _ in sig.stated)
    groups = [f"{w}={{{', '.join(f'{chr(34)}{x}{chr(34)}: {x}' for k, x in sig.stated if k == w)}}}" for w in words]
    return [*lines, f"_stated({', '.join(groups)})"] if groups else lines


def _general(sig: Signature, write: Callable[[Expr], str]) -> list[str]:
    """Convert and check each argument, then read the dimensions."""
    lines, dims = [], sig.names
    for a in sig.of_kind("matrix"):
        lines.append(f'{a.name} = _matrix("{a.name}", {a.name}, "{shape_text(a.shape, dims)}")')
    lines += [f'{a.name} = _scalar("{a.name}", {a.name})' for a in sig.of_kind("scalar")]
    lines += [f'{a.name} = _integer("{a.name}", {a.name}, 1)' for a in sig.of_kind("dimension")]
    return lines + sizes_lines(sig, write)


def is_plain(sig: Signature) -> bool:
    """Whether the text has a variable ``plain`` that says that all arguments are as they should be."""
    return bool(_plain(sig))


def _plain(sig: Signature) -> list[str]:
    """The branch for float64 matrices without batch axes and finite floats: comparisons, and no call that can fail."""
    matrices, scalars = sig.of_kind("matrix"), [a.name for a in sig.of_kind("scalar")]
    simple = all(k.is_Symbol or k.is_Integer for a in matrices for k in a.shape)
    if not matrices or not simple or len(matrices) + len(scalars) < len(sig.arguments):
        return []
    names = [a.name for a in matrices]
    read: dict[Expr, str] = {}  # dimension -> its name
    groups: dict[tuple[str, ...], list[str]] = {}  # shape -> arguments of that shape
    sources: dict[str, list[str]] = {}  # argument -> its axes that are the first to have their dimension
    for a in matrices:
        for axis, k in enumerate(a.shape):
            if k.is_Symbol and k not in read:
                read[k] = sig.names[k]
                sources.setdefault(a.name, []).append(f"({read[k]} := {a.name}.shape[{axis}])")
        groups.setdefault(tuple(read.get(k, str(k)) for k in a.shape), []).append(a.name)
    tests = [
        *_chain("type({})", names, " is ", "np.ndarray"),
        *_chain("{}.dtype", names, " is ", "_FLOAT64"),
        *_chain("type({})", scalars, " is ", "float"),
        *(f"{x} - {x} == 0.0" for x in scalars),
        *_chain("{}.ndim", list(sources), " == ", "2"),
        *(test for axes in sources.values() for test in axes),
    ]
    for shape, given in groups.items():
        if len(sources.get(given[0], ())) == 2:  # both read from the first, which is then any
            tests += _chain("{}.shape", given[1:], " == ", f"{given[0]}.shape")
        else:
            tests += _chain("{}.shape", given, " == ", f"({', '.join(shape)})")
    return [
        "plain = (",
        f"    {tests[0]}",
        *(f"    and {test}" for test in tests[1:]),
        ")",
        "if plain:",
        "    batch = ()",
    ]


def _chain(pattern: str, names: Iterable[str], relation: str, value: str) -> list[str]:
    """``type(A) is type(B) is np.ndarray``, broken where a line would grow too long."""
    chains: list[list[str]] = []
    for name in names:
        text = pattern.format(name)
        if not chains or len(relation.join([*chains[-1], text, value])) > 100:
            chains.append([])
        chains[-1].append(text)
    return [relation.join([*chain, value]) for chain in chains]


#: Operations that make an array of their own, of the full shape and of the dtype of their operands.
_MADE = (
    "times", "product", "gemv", "in_place", "scale", "hadamard", "scale_rows", "scale_columns",
    "active_solve", "lu_solve", "solve", "cholesky_solve", "contraction_solve",
)  # fmt: skip


def epilogue(codes: list[tuple[str, Node, list[str]]], sig: Signature) -> str:
    """Every result in the batch shape and dtype of the arguments; one made of plain arguments is as it should be."""
    arrays = [a.name for a in sig.of_kind("matrix", "scalar")]
    given = f"({', '.join(arrays)}{',' if len(arrays) == 1 else ''})"
    if len(codes) == 1 and _plain(sig) and _is_made(codes[0][1]):
        text, _, shape = codes[0]
        name = text if text.isidentifier() else "result"
        first = "" if name == text else f"result = {text}\n    "
        return f"{first}return {name} if plain else _finish({name}, (*batch, {', '.join(shape)}), {given})"
    parts = []
    for text, node, shape in codes:
        if node.shape:
            parts.append(f"_finish({text}, (*batch, {', '.join(shape)}), {given})")
        else:
            parts.append(f"_finish(np.atleast_2d({text})[..., 0, 0], batch, {given})")
    nodes = [node for _, node, _ in codes]
    if len(nodes) == 1 or (len(set(nodes)) == len(nodes) and all(_is_made(n) for n in nodes if n.shape)):
        return f"return {', '.join(parts)}"
    return f"return _apart({', '.join(parts)})"


def _is_made(node: Node) -> bool:
    inner = node.args[0] if node.op in ("checked", "shown") else node
    return inner.op in _MADE and inner.shape != (1, 1)


def numpy_companion(setup: str, make: str) -> str:
    """The tests of a module whose arrays have NumPy's interface."""
    return companion(
        setup=setup, make=make, whole="x.astype(int)", single="x.astype(np.float32)", flat="np.ravel(x).tolist()"
    )


_SETUP = """
OTHER = {1.0}


def frozen(x):
    x.flags.writeable = False
    return x
"""

#: The tests of a generated NumPy module, whose arguments are read-only.
COMPANION = numpy_companion(_SETUP, "frozen(np.reshape(np.asarray(values, dtype=float), shape))")
