"""A derivation as HTML: a table whose formulas are inline pictures, so that any page can hold it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from deqmath.derivation.as_latex import broken, relation
from deqmath.derivation.display import definitions, hypothesis, mark
from deqmath.expressions.printing import latex, text
from deqmath.expressions.rendering import svg

if TYPE_CHECKING:
    from deqmath.derivation.derivation import Derivation, Step

_CELL = 'style="text-align:left;padding:0.35em 0.8em;border:none"'
#: A formula that stays too wide after it is broken scrolls by itself, and the reason stays in sight.
_SCROLL = 'style="max-width:46em;overflow-x:auto"'
_REASON = 'style="text-align:left;padding:0.35em 0.8em;border:none;color:#555"'


def as_html(d: Derivation) -> str:
    """One row a step: number, formula, rule and reason, verdict; then names and hypotheses."""
    rows = []
    for k, s in enumerate(d.steps, 1):
        formula = _formula(s, d)
        reason = html.escape(f"{s.rule}: {s.reason}")
        rows.append(
            f"<tr><td {_CELL}>({k})</td><td {_CELL}><div {_SCROLL}>{formula}</div></td><td {_REASON}>{reason}</td>"
            f"<td {_CELL}>{mark(s)}</td></tr>"
        )
    title = f'<caption style="text-align:left">{html.escape(d.title)}</caption>' if d.title else ""
    where = [
        svg(f"{n.latex} = {formula}", f"{n.text} = {plain}")
        for (n, formula), (_, plain) in zip(definitions(d, latex), definitions(d, text), strict=True)
    ]
    return (
        f'<table style="border-collapse:collapse">{title}<tbody>{"".join(rows)}</tbody></table>'
        + _list("where", where)
        + _list("assuming", [html.escape(hypothesis(a, d)) for a in d.assumptions])
        + _list("stated but not used", [html.escape(hypothesis(a, d)) for a in d.unused_assumptions])
    )


def _formula(s: Step, d: Derivation) -> str:
    """A line as pictures one below the other, broken before + and - outside brackets where it is long."""
    head = f"{s.label.latex} {relation(s)}"
    plain = f"{s.label.text} {s.line.relation} {text(s.expression, d.names)}"
    first, *rest = broken(latex(s.expression, d.names))
    shown = [svg(f"{head} {first}", plain), *(svg(f"\\quad {r}", plain) for r in rest)]
    fallback = next((line for line in shown if line.startswith("<code>")), None)
    return fallback or "<br>".join(shown)  # the fallback is the whole line: once is enough


def _list(title: str, items: list[str]) -> str:
    if not items:
        return ""
    return f"<p>{title}</p><ul>{''.join(f'<li>{i}</li>' for i in items)}</ul>"
