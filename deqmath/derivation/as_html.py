"""A derivation as HTML: a table whose formulas are inline pictures, so that any page can hold it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from deqmath.derivation.as_latex import relation
from deqmath.derivation.display import definitions, hypothesis, mark
from deqmath.expressions.printing import latex, text
from deqmath.expressions.rendering import svg

if TYPE_CHECKING:
    from deqmath.derivation.derivation import Derivation

_CELL = 'style="text-align:left;padding:0.35em 0.8em;border:none"'
_REASON = 'style="text-align:left;padding:0.35em 0.8em;border:none;color:#555"'


def as_html(d: Derivation) -> str:
    """One row a step: number, formula, rule and reason, verdict; then names and hypotheses."""
    rows = []
    for k, s in enumerate(d.steps, 1):
        plain = f"{s.label.text} {s.line.relation} {text(s.expression, d.names)}"
        formula = svg(f"{s.label.latex} {relation(s)} {latex(s.expression, d.names)}", plain)
        reason = html.escape(f"{s.rule}: {s.reason}")
        rows.append(
            f"<tr><td {_CELL}>({k})</td><td {_CELL}>{formula}</td><td {_REASON}>{reason}</td>"
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


def _list(title: str, items: list[str]) -> str:
    if not items:
        return ""
    return f"<p>{title}</p><ul>{''.join(f'<li>{i}</li>' for i in items)}</ul>"
