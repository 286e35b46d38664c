"""A derivation for the terminal: equation number, formula, and at the right the reason and the verdict."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from deqmath.derivation.display import definitions, hypothesis, mark
from deqmath.expressions.printing import text

if TYPE_CHECKING:
    from deqmath.derivation.derivation import Derivation, Step

WIDTH = 100


def as_text(d: Derivation) -> str:
    """The whole derivation; a long formula is broken before + or -, a long reason goes below its line."""
    out = [d.title, ""] if d.title else []
    for k, s in enumerate(d.steps, 1):
        out += _line(k, s, d)
    if d.names:
        out += ["", "where"]
        for name, formula in definitions(d, text):
            out += _hanging("    ", f"{name.text} = {formula}")
    if d.assumptions:
        out += ["", "assuming"]
        for a in d.assumptions:
            out += _hanging("    ", hypothesis(a, d))
    if d.unused_assumptions:
        out += ["", "stated but not used"]
        for a in d.unused_assumptions:
            out += _hanging("    ", hypothesis(a, d))
    return "\n".join(out)


def _line(k: int, s: Step, d: Derivation) -> list[str]:
    lead = f"({k})".ljust(6)
    head = f"{s.label.text} {s.line.relation} "
    rows = _broken(head, text(s.expression, d.names), WIDTH - len(lead))
    reason = f"{s.rule}: {s.reason}".strip()
    sign = mark(s).rjust(2)
    out = [lead + rows[0], *(" " * len(lead) + r for r in rows[1:])]
    room = WIDTH - len(out[-1]) - 4 - len(sign)
    if len(reason) <= room:
        out[-1] += reason.rjust(WIDTH - len(out[-1]) - len(sign)) + sign
        return out
    below = textwrap.wrap(reason, WIDTH - 20)
    out += [r.rjust(WIDTH - len(sign)) for r in below]
    out[-1] += sign
    return out


def _broken(head: str, formula: str, width: int) -> list[str]:
    """Break a long formula before + or - outside brackets, else at a space; later lines are indented."""
    if len(head) + len(formula) <= width:
        return [head + formula]
    pieces = _terms(formula)
    rows, current = [], head + pieces[0]
    indent = " " * min(len(head), 12)
    for p in pieces[1:]:
        if len(current) + 1 + len(p) <= width:
            current += " " + p
        else:
            rows.append(current)
            current = indent + p
    rows.append(current)
    return [
        r for row in rows for r in textwrap.wrap(row, width, subsequent_indent=indent + "  ", drop_whitespace=False)
    ]


def _terms(formula: str) -> list[str]:
    """The terms of a sum, each later one with its sign."""
    out, depth, start = [], 0, 0
    for k, ch in enumerate(formula):
        depth += ch in "(["
        depth -= ch in ")]"
        if depth == 0 and k and formula[k - 1] == " " and ch in "+-" and formula[k + 1 : k + 2] == " ":
            out.append(formula[start : k - 1])
            start = k
    out.append(formula[start:])
    return out


def _hanging(lead: str, body: str) -> list[str]:
    indent = " " * (len(lead) + 2)
    return textwrap.wrap(body, WIDTH, initial_indent=lead, subsequent_indent=indent, break_long_words=False) or [lead]
