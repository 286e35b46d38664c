"""Which helper functions a generated text needs, and their source, copied from the runtime modules."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from types import ModuleType


@cache
def _sources(module: ModuleType) -> dict[str, tuple[str, frozenset[str]]]:
    """Each function of a runtime module: its source text and the names it uses."""
    text = inspect.getsource(module)
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            used = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            found[node.name] = (ast.get_source_segment(text, node) or "", used)
    return found


def needed(module: ModuleType, text: str) -> list[str]:
    """The sources of the helpers used in a text, directly or by one another, in file order."""
    sources = _sources(module)
    names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    wanted: set[str] = set()
    while fresh := {n for n in names & sources.keys() if n not in wanted}:
        wanted |= fresh
        names = names.union(*(sources[n][1] for n in fresh))
    return [source for name, (source, _) in sources.items() if name in wanted]


def all_names(module: ModuleType) -> frozenset[str]:
    """Every helper's name: reserved in generated text."""
    return frozenset(_sources(module))
