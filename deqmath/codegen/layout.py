"""Lines of generated code that are too long, broken at the commas of a call as formatters break them."""

from __future__ import annotations

import io
import tokenize

#: The longest line of generated code.
WIDTH = 118
_OPEN, _CLOSE = "([{", ")]}"
#: From Python 3.12 on the brackets inside a formatted text are tokens of their own; they are left alone.
_TEXT_STARTS = {getattr(tokenize, "FSTRING_START", -1)}
_TEXT_ENDS = {getattr(tokenize, "FSTRING_END", -1)}


def folded(text: str) -> str:
    """The text with every line of code of more than ``WIDTH`` columns broken inside its last outer brackets."""
    return "\n".join(part for line in text.split("\n") for part in fold(line))


def fold(line: str) -> list[str]:
    """A line as it is, or as several: what stands before the brackets, their items, what stands behind."""
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    code, commented, comment = line.partition("  # ")
    if commented and '"' not in comment:
        return [f"{indent}# {comment}", *fold(code)]
    bare = line.strip()
    if bare.startswith("return ") and _commas(bare):
        bare = f"return ({bare.removeprefix('return ')})"
    brackets = _brackets(bare)
    if brackets is None:
        return [line]
    start, stop, commas = brackets
    items = [bare[a + 1 : b].strip() for a, b in zip([start, *commas], [*commas, stop], strict=True)]
    head, tail = f"{indent}{bare[: start + 1]}", f"{indent}{bare[stop:]}"
    inner = f"{indent}    "
    together = inner + ", ".join(items)
    if len(together) <= WIDTH:
        return [head, together, tail]
    ends = "," if commas else ""
    return [head, *(part for item in items if item for part in fold(f"{inner}{item}{ends}")), tail]


def _brackets(code: str) -> tuple[int, int, list[int]] | None:
    """Where the last outermost brackets of a line open and close, and the commas between their items."""
    found: tuple[int, int, list[int]] | None = None
    start, commas = 0, list[int]()
    for text, column, depth in _operators(code):
        if text in _OPEN and depth == 0:
            start, commas = column, []
        elif text == "," and depth == 1:
            commas.append(column)
        elif text in _CLOSE and depth == 1 and column > start + 1:
            found = (start, column, commas)
    return found


def _commas(code: str) -> bool:
    """Whether a comma stands outside of all brackets."""
    return any(text == "," and depth == 0 for text, _, depth in _operators(code))


def _operators(code: str) -> list[tuple[str, int, int]]:
    """The operators of a line, with their columns and how many brackets are open before them."""
    found, depth, texts = [], 0, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            texts += (token.type in _TEXT_STARTS) - (token.type in _TEXT_ENDS)
            if token.type == tokenize.OP and not texts:
                found.append((token.string, token.start[1], depth))
                depth += (token.string in _OPEN) - (token.string in _CLOSE)
    except (tokenize.TokenError, IndentationError):  # a piece of a longer statement, or text
        return []
    return found
