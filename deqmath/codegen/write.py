"""From plans to the text of a module and of its companion test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deqmath import __version__
from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import docstring, header
from deqmath.codegen.emit import Emitter
from deqmath.codegen.graph import Node
from deqmath.codegen.helpers import needed
from deqmath.codegen.plan import Plan
from deqmath.codegen.targets.base import Target

_SIZES = (5, 3, 2, 6, 7, 8, 9)


@dataclass(frozen=True)
class About:
    """What the caller says about the expressions: for the header and the docstrings."""

    claim: str | None
    assumptions: tuple[Any, ...]
    formulas: Mapping[str, str]


def module_text(plans: Sequence[Plan], target: Target, about: About) -> str:
    """The whole generated module."""
    functions = [_function(p, target, about) for p in plans]
    body = "\n\n\n".join(functions)
    helpers = needed(target.helpers, body)
    everything = "\n\n\n".join([*helpers, body])
    top = header(__version__, target.name, about.claim, about.assumptions)
    imports = ["from __future__ import annotations", "", *target.imports(everything)]
    if "Any" in everything:
        at = next(k for k, line in enumerate(imports) if k > 1 and line.startswith("import " + _library(target)))
        standard = imports[2:at] or [""]
        imports = [*imports[:2], *standard[:-1], "from typing import Any", "", *imports[at:]]
    return (
        "\n".join([*top, "", *imports, "", *_exported(sorted((p.name for p in plans), key=_sort_key))])
        + "\n\n\n"
        + everything
        + "\n"
    )


def _exported(names: list[str]) -> list[str]:
    quoted = [f'"{name}"' for name in names]
    line = f"__all__ = [{', '.join(quoted)}]"
    return [line] if len(line) <= 100 else ["__all__ = [", *(f"    {q}," for q in quoted), "]"]


def _sort_key(name: str) -> tuple[Any, ...]:
    """Constants, classes, then the rest, numbers by value: the order linters expect of ``__all__``."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, [(int(t) if t.isdigit() else -1, t) for t in re.split(r"(\d+)", name) if t]


def _library(target: Target) -> str:
    return target.imports("")[-1].split()[1]


def _parameters(sig: Signature, target: Target) -> str:
    parts = [a.name for a in sig.arguments]
    return ", ".join([*parts, "*", target.keyword_only] if target.keyword_only else parts)


def _function(plan: Plan, target: Target, about: About) -> str:
    sig = plan.signature
    lines = [f"def {plan.name}({_parameters(sig, target)}):"]
    lines += docstring(
        plan.raw, plan.roots, sig, plan.outputs, array=target.array, notes=target.notes,
        formula_text=about.formulas.get(plan.name), assumptions=about.assumptions, keyword_only=target.keyword_only,
    )  # fmt: skip
    return "\n".join(lines + _body(plan, plan.roots, target))


def _body(plan: Plan, roots: list[Node], target: Target) -> list[str]:
    sig = plan.signature
    inputs = {a.symbol: a.name for a in sig.of_kind("matrix")}
    taken = {*inputs.values(), *sig.names.values(), *(a.name for a in sig.arguments), *target.reserved}
    emitter = Emitter(target, sig.names, inputs, taken)
    codes = emitter.run(roots)
    shapes = [[target.size(k, sig.names) for k in r.shape] for r in roots]
    values = [(c.text, r, shape) for c, r, shape in zip(codes, roots, shapes, strict=True)]
    body = [*emitter.lines, f"    {target.epilogue(values, sig)}"]
    return [f"    {line}" for line in _needed_lines(target.prologue(sig), body, set(sig.names.values()))] + body


def _needed_lines(prologue: list[str], body: list[str], dims: set[str]) -> list[str]:
    """The prologue without the dimensions that no line reads."""
    kept: list[str] = []
    for line in reversed(prologue):
        name, _, value = line.partition(" = ")
        code = [text.partition("  # ")[0] for text in [*kept, *body]]
        if name in dims and value.startswith("sizes[") and not any(re.search(rf"\b{name}\b", text) for text in code):
            continue
        kept.insert(0, line)
    read = any("sizes[" in line for line in kept)
    return [line if read else line.removeprefix("sizes = ") for line in kept]


def test_text(plans: Sequence[Plan], target: Target, module: str) -> str:
    """The companion test: each function against its expression evaluated plainly, and bad input."""
    parts, table = [], []
    for p in plans:
        reference = [f"def reference_{p.name}({_parameters(p.signature, target)}):"]
        reference.append('    """The expression as it stands: inverses and Kronecker products are formed."""')
        parts.append("\n".join(reference + _body(p, p.raw, target)))
        sizes = {p.signature.names[k]: size for k, size in zip(p.signature.dims, _SIZES * 9, strict=False)}
        lines = [f"    {line}" for line in target.samples(p.signature, sizes)]
        argument = "rng, batch" if target.name == "numpy" else "rng"
        parts.append("\n".join([f"def samples_{p.name}({argument}):", *lines]))
        table.append(f'    "{p.name}": (generated.{p.name}, reference_{p.name}, samples_{p.name}),')
    parts.append("\n".join(["FUNCTIONS = {", *table, "}"]))
    everything = "\n\n\n".join([*needed(target.helpers, "\n".join(parts)), *parts])
    whole = everything + "\n\n" + target.companion
    standard = [f"import {m}" for m in ("random",) if f"{m}.Random" in whole]
    standard += ["from fractions import Fraction"] if "Fraction(" in whole else []
    standard += ["from numbers import Rational"] if "Rational)" in whole else []
    standard += ["from typing import Any"] if "Any" in whole else []
    libraries = [line for line in target.imports(whole) if line and not line.startswith("from ")]
    standard = [line for line in libraries if line == "import warnings"] + standard
    libraries = sorted([*(line for line in libraries if line != "import warnings"), "import pytest"])
    top = [
        f"# Companion test of {module}.py, generated by deqmath {__version__}; run it with pytest in the same folder."
    ]
    top += ["", "from __future__ import annotations", "", *sorted(standard, key=lambda s: s.startswith("from")), ""]
    return "\n".join([*top, *libraries, "", f"import {module} as generated"]) + "\n\n\n" + whole.rstrip() + "\n"
