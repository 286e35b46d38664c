"""How a derivation shows itself: terminal, notebook, LaTeX, HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deqmath.expressions.printing import Name, latex, text

if TYPE_CHECKING:
    from deqmath.derivation.derivation import Derivation, Step

_WIDTH = 100


class Display:
    """Displays of a derivation; mixed into :class:`~deqmath.derivation.derivation.Derivation`."""

    def __str__(self) -> str:
        return as_text(self)  # type: ignore[arg-type]

    def to_latex(self) -> str:
        """An ``align`` environment: one numbered line a step, the reason at the right."""
        return as_latex(self)  # type: ignore[arg-type]

    def to_html(self) -> str:
        """A table with one row a step, the formula as LaTeX in a notebook and as text elsewhere."""
        return as_html(self)  # type: ignore[arg-type]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {
            "text/plain": str(self),
            "text/html": self.to_html(),
            "text/latex": self.to_latex(),
            "text/markdown": as_markdown(self),  # type: ignore[arg-type]
        }


def as_text(d: Derivation) -> str:
    """One block a line: number, formula (broken at the width), rule and reason, verdict."""
    out = [d.title, ""] if d.title else []
    for k, s in enumerate(d.steps, 1):
        formula = f"{s.label.text} {s.line.relation} {text(s.expression, d.names)}"
        out += _wrapped(f"({k})  ", formula)
        mark = {"verified": "✓", "refuted": "✗", "undecided": "?"}[s.verdict.status] if s.rule != "given" else " "
        out += _wrapped(f"     {mark} ", f"{s.rule}: {s.reason}")
    if d.names:
        out += ["", "where"]
        for name, formula in _definitions(d, text):
            out += _wrapped("    ", f"{name.text} = {formula}")
    if d.assumptions:
        out += ["", "assuming"]
        for a in d.assumptions:
            out += _wrapped("    ", _assumption_text(a, d))
    return "\n".join(out)


def _definitions(d: Derivation, show: Callable[..., str]) -> list[tuple[Name, str]]:
    """Each name once, its formula written with the names of the smaller ones."""
    main = [(e, n) for e, n in d.names if not n.also]
    return [
        (n, show(e, [p for p in d.names if p[0] != e and p[1].text not in (n.text, f"{n.text}ᵀ")])) for e, n in main
    ]


def _assumption_text(a: Any, d: Derivation) -> str:
    e = text(a.expr, d.names)
    return {
        "invertible": f"{e} is invertible",
        "no-kink": f"no entry of {e} is 0",
        "equation": f"{e} = 0",
        "contraction": f"‖{e}‖ < 1",
        "nonnegative": f"{e} ≥ 0 entrywise",
    }[a.kind]


def _wrapped(lead: str, body: str) -> list[str]:
    indent = " " * len(lead)
    return textwrap.wrap(
        body, _WIDTH, initial_indent=lead, subsequent_indent=indent + "  ", break_long_words=False
    ) or [lead]


def as_latex(d: Derivation) -> str:
    """LaTeX: a numbered align, reasons at the right; long sums broken before + and -."""
    rows = []
    for s in d.steps:
        rows.append(
            f"  {s.label.latex} &{_tex_relation(s)} {_broken(latex(s.expression, d.names))} && \\text{{{_tex_text(s.reason)}}}"
        )
    body = " \\\\\n".join(rows)
    where = [f"{n.latex} = {formula}" for n, formula in _definitions(d, latex)]
    notes = f"\nwhere ${'$, $'.join(where)}$." if where else ""
    return "\\begin{align}\n" + body + "\n\\end{align}" + notes


def _tex_relation(s: Step) -> str:
    return {"=": "=", "≤": "\\le"}[s.line.relation]


def _broken(formula: str, width: int = 160) -> str:
    """Break a long sum onto lines of its own."""
    if len(formula) <= width:
        return formula
    depth, parts, start = 0, [], 0
    for k, ch in enumerate(formula):
        depth += ch in "({["
        depth -= ch in ")}]"
        if depth == 0 and ch in "+-" and k > start + 40 and formula[k - 1] == " ":
            parts.append(formula[start:k])
            start = k
    parts.append(formula[start:])
    return " \\\\\n  &\\quad ".join(parts)


def _tex_text(words: str) -> str:
    table = {
        "ᵀ": "$^{\\mathsf T}$",
        "⊗": "$\\otimes$",
        "∂": "$\\partial$",
        "⁻¹": "$^{-1}$",
        "−": "$-$",
        "∘": "$\\circ$",
    }
    for a, b in table.items():
        words = words.replace(a, b)
    return words.replace("_", "\\_").replace("&", "\\&")


def as_markdown(d: Derivation) -> str:
    """Markdown with display math."""
    rows = [f"**{d.title}**", ""] if d.title else []
    for k, s in enumerate(d.steps, 1):
        rows += [
            f"$$ {s.label.latex} {_tex_relation(s)} {latex(s.expression, d.names)} \\tag{{{k}}} $$",
            f"*{s.rule}*: {s.reason}",
            "",
        ]
    return "\n".join(rows)


def as_html(d: Derivation) -> str:
    """A table; MathJax or KaTeX of the page renders the formulas, and they read as text without it."""
    rows = []
    for k, s in enumerate(d.steps, 1):
        formula = html.escape(f"{s.label.latex} {_tex_relation(s)} {latex(s.expression, d.names)}")
        reason = html.escape(f"{s.rule}: {s.reason}")
        mark = {"verified": "✓", "refuted": "✗", "undecided": "?"}[s.verdict.status] if s.rule != "given" else ""
        rows.append(
            f'<tr><td>({k})</td><td style="text-align:left">\\({formula}\\)</td>'
            f'<td style="text-align:left">{reason}</td><td>{mark}</td></tr>'
        )
    title = f"<caption>{html.escape(d.title)}</caption>" if d.title else ""
    notes = "".join(f"<li>{html.escape(_assumption_text(a, d))}</li>" for a in d.assumptions)
    where = "".join(
        f"<li>\\({html.escape(n.latex)} = {html.escape(formula)}\\)</li>" for n, formula in _definitions(d, latex)
    )
    return (
        f"<table>{title}<tbody>{''.join(rows)}</tbody></table>"
        + (f"<p>where</p><ul>{where}</ul>" if where else "")
        + (f"<p>assuming</p><ul>{notes}</ul>" if notes else "")
    )
