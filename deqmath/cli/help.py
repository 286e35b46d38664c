"""``deqmath COMMAND --help``, made from the command's signature and numpydoc docstring.

Kept apart from the parser (cyclopts), whose import alone takes as long as help may take in all.
"""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

#: Options that have a short form.
SHORT = {"output": "-o"}


def command_help(name: str, command: Callable[..., Any]) -> str:
    """The help text of one command: usage, what it does, its arguments and options."""
    summary, described = _sections(inspect.getdoc(command) or "")
    parameters = inspect.signature(command).parameters.values()
    arguments: list[tuple[inspect.Parameter, str, str]] = []
    options: list[tuple[inspect.Parameter, str, str]] = []
    for parameter in parameters:
        kind, text = described[parameter.name]
        (arguments if _is_argument(parameter) else options).append((parameter, kind, text))
    usage = " ".join(["Usage: deqmath", name, *(_in_usage(p, kind) for p, kind, _ in arguments), "[OPTIONS]"])
    rows = [("-h, --help", "Show this.")]
    lines = [usage, "", *textwrap.wrap(summary, _width())]
    if arguments:
        lines += ["", "Arguments:", *_table([(kind, text) for _, kind, text in arguments])]
    lines += ["", "Options:", *_table([*(_option(*entry) for entry in options), *rows])]
    return "\n".join(lines) + "\n"


def _sections(doc: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """The text before ``Parameters``, and ``name -> (kind, text)`` from it."""
    summary, _, section = doc.partition("\nParameters\n----------\n")
    described: dict[str, tuple[str, str]] = {}
    for line in section.splitlines():
        if line and not line[0].isspace():
            name, _, kind = line.partition(" : ")
            described[name] = (kind, "")
        elif line.strip():
            name = list(described)[-1]
            kind, text = described[name]
            described[name] = (kind, f"{text} {line.strip()}".strip())
    return " ".join(summary.split()), described


def _is_argument(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


def _in_usage(parameter: inspect.Parameter, kind: str) -> str:
    return f"[{kind} ...]" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else kind


def _option(parameter: inspect.Parameter, kind: str, text: str) -> tuple[str, str]:
    flag = "--" + parameter.name.replace("_", "-")
    if parameter.name in SHORT:
        flag = f"{SHORT[parameter.name]}, {flag}"
    default = parameter.default
    if isinstance(default, bool):
        return flag, text
    shown = "" if default is None else " [needed]" if default is parameter.empty else f" [default: {default}]"
    return f"{flag} {kind}", text + shown


def _table(rows: list[tuple[str, str]]) -> Iterator[str]:
    column = min(28, max(len(left) for left, _ in rows) + 4)
    for left, right in rows:
        lines = textwrap.wrap(right, _width() - column) or [""]
        if len(left) > column - 4:
            yield f"  {left}"
        else:
            yield f"  {left:<{column - 2}}{lines.pop(0)}"
        yield from (" " * column + line for line in lines)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100) - 1
