"""From plans to the text of a module."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deqmath import __version__
from deqmath.codegen.arguments import Signature
from deqmath.codegen.docs import docstring, header
from deqmath.codegen.emit import Emitter
from deqmath.codegen.graph import Node
from deqmath.codegen.helpers import is_constant, needed
from deqmath.codegen.layout import folded
from deqmath.codegen.plan import Plan
from deqmath.codegen.targets.base import Target


@dataclass(frozen=True)
class Appended:
    """Functions written by hand that call the generated ones: their text, public names, imports and tests."""

    text: str
    names: tuple[str, ...]
    imports: tuple[str, ...]
    tests: str = ""


@dataclass(frozen=True)
class About:
    """What the caller says about the expressions: for the header and the docstrings."""

    claim: str | None
    assumptions: tuple[Any, ...]
    formulas: Mapping[str, str]
    appended: Appended | None = None


def module_text(plans: Sequence[Plan], target: Target, about: About) -> str:
    """The whole generated module."""
    functions = [_function(p, target, about) for p in plans]
    extra = about.appended or Appended("", (), ())
    body = "\n\n\n".join([*functions, *([extra.text] if extra.text else [])])
    everything = _in_order(needed(target.helpers, body), body, target.decorator)
    top = header(__version__, target.name, about.claim, about.assumptions)
    imports = import_block([*target.imports(everything), *extra.imports], everything)
    exported = _exported(sorted([*(p.name for p in plans), *extra.names], key=_sort_key))
    return folded(target.finished("\n".join([*top, "", *imports, "", *exported]) + "\n\n\n" + everything + "\n"))


def _in_order(helpers: Sequence[str], body: str, decorator: str) -> str:
    """Constants, what the reader came for, then the helpers; a decorator must stand before what it decorates."""
    first = [h for h in helpers if decorator and h.startswith(f"def {decorator.removeprefix('@')}(")]
    constants = [h for h in helpers if is_constant(h)]
    rest = [h for h in helpers if h not in [*first, *constants]]
    if rest:
        rest[0] = f"# Below, private: the checks of arguments, and pieces of linear algebra.\n\n\n{rest[0]}"
    return "\n\n\n".join([*(["\n".join(constants)] if constants else []), *first, body, *rest])


def import_block(lines: Sequence[str], text: str) -> list[str]:
    """The import lines as linters order them: Python's own, then the libraries; ``import`` before ``from``."""
    every = {line for line in lines if line} | ({"from typing import Any"} if re.search(r"\bAny\b", text) else set())
    standard = {line for line in every if line.split()[1].split(".")[0] in sys.stdlib_module_names}
    typing = sorted(line.removeprefix("from typing import ") for line in every if line.startswith("from typing "))
    every = {line for line in every if not line.startswith("from typing ")}
    standard = {line for line in standard if line in every}
    standard |= {f"from typing import {', '.join(typing)}"} if typing else set()
    out = ["from __future__ import annotations"]
    for group in (standard, every - standard):
        out += ["", *sorted(group, key=lambda line: (line.startswith("from"), line))] if group else []
    return out


def _exported(names: list[str]) -> list[str]:
    quoted = [f'"{name}"' for name in names]
    line = f"__all__ = [{', '.join(quoted)}]"
    return [line] if len(line) <= 100 else ["__all__ = [", *(f"    {q}," for q in quoted), "]"]


def _sort_key(name: str) -> tuple[Any, ...]:
    """Constants, classes, then the rest, numbers by value: the order linters expect of ``__all__``."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, [(int(t) if t.isdigit() else -1, t) for t in re.split(r"(\d+)", name) if t]


def parameters(sig: Signature, target: Target) -> str:
    """The parameter list of a function."""
    keyword_only = target.keyword_only(sig)
    return ", ".join([a.name for a in sig.arguments] + (["*", keyword_only] if keyword_only else []))


def _function(plan: Plan, target: Target, about: About) -> str:
    sig = plan.signature
    lines = [target.decorator] if target.decorator else []
    lines.append(f"def {plan.name}({parameters(sig, target)}):")
    lines += docstring(
        plan.raw, plan.roots, sig, plan.outputs, array=target.array, notes=target.notes,
        formula_text=about.formulas.get(plan.name), assumptions=about.assumptions,
        keyword_doc=target.keyword_doc if target.keyword_only(sig) else (), batched=target.batched,
    )  # fmt: skip
    return "\n".join(lines + body_lines(plan, plan.roots, target))


def body_lines(plan: Plan, roots: list[Node], target: Target) -> list[str]:
    """The lines of a function: arguments checked, the algebra, the result."""
    sig = plan.signature
    inputs = {a.symbol: a.name for a in sig.of_kind("matrix")}
    taken = {*inputs.values(), *sig.names.values(), *(a.name for a in sig.arguments), *target.reserved}
    emitter = Emitter(target, sig.names, inputs, taken, target.quick(sig))
    codes = emitter.run(roots)
    shapes = [[target.size(k, sig.names) for k in r.shape] for r in roots]
    values = [(c.text, r, shape) for c, r, shape in zip(codes, roots, shapes, strict=True)]
    body = [*emitter.lines, f"    {target.epilogue(values, sig)}"]
    return [f"    {line}" for line in _needed_lines(target.prologue(sig), body, set(sig.names.values()))] + body


def _needed_lines(prologue: list[str], body: list[str], dims: set[str]) -> list[str]:
    """The prologue without the dimensions that no line reads."""
    kept: list[str] = []
    for line in reversed(prologue):
        name, _, value = line.strip().partition(" = ")
        named = re.fullmatch(r"( *and )\((\w+) := (.+)\)", line)  # a dimension read in a comparison
        name, value = (named[2], named[3]) if named else (name, value)
        code = [re.sub(r'"[^"]*"', "", text.partition("  # ")[0]) for text in [*kept, *body]]
        if name in dims and "[" in value and not any(re.search(rf"\b{name}\b(?! = )", text) for text in code):
            if named:
                kept.insert(0, f"{named[1]}{named[3]}")
            continue
        kept.insert(0, line)
    read = any("sizes[" in line for line in kept)
    return [line if read else line.replace("sizes = _sizes(", "_sizes(") for line in kept]
