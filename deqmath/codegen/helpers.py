"""Which helper functions a generated text needs, and their source, copied from the runtime modules.

The runtime modules are read as text and never imported: a library that is not installed can still be
written for.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

_RUNTIME = Path(__file__).parent / "runtime"


@cache
def _sources(modules: tuple[str, ...]) -> dict[str, tuple[str, frozenset[str]]]:
    """Each function, class or constant of the runtime modules, a later one in place of an earlier: text, names it uses."""
    found = {}
    for module in modules:
        text = (_RUNTIME / f"{module}.py").read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                used = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
                found[node.name] = (_segment(text, node), used)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = (_segment(text, node), frozenset())
    return found


def _segment(text: str, node: ast.FunctionDef | ast.ClassDef | ast.Assign) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return "\n".join(line.partition("  # type: ignore")[0] for line in lines)


def needed(modules: tuple[str, ...], text: str) -> list[str]:
    """The sources of the helpers used in a text, directly or by one another, in file order."""
    sources = _sources(modules)
    names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    wanted: set[str] = set()
    while fresh := {n for n in names & sources.keys() if n not in wanted}:
        wanted |= fresh
        names = names.union(*(sources[n][1] for n in fresh))
    return [source for name, (source, _) in sources.items() if name in wanted]


def is_constant(source: str) -> bool:
    """Whether the source of a helper is a value, such as ``_FLOAT64 = np.dtype(float)``."""
    return not source.startswith(("def ", "class ", "@"))


def all_names(modules: tuple[str, ...]) -> frozenset[str]:
    """Every helper's name: reserved in generated text."""
    return frozenset(_sources(modules))
