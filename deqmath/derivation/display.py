"""How a derivation shows itself: terminal, notebook, LaTeX, Markdown, HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.printing import Name, text

if TYPE_CHECKING:
    from sympy import MatrixExpr

    from deqmath.derivation.derivation import Derivation, Step


class Display:
    """Displays of a derivation; mixed into :class:`~deqmath.derivation.derivation.Derivation`."""

    def __str__(self) -> str:
        from deqmath.derivation.as_text import as_text

        return as_text(self)  # type: ignore[arg-type]

    def to_latex(self) -> str:
        """An ``align`` environment: one numbered line a step, the reason at the right."""
        from deqmath.derivation.as_latex import as_latex

        return as_latex(self)  # type: ignore[arg-type]

    def to_markdown(self) -> str:
        """Display math, one numbered formula a step, with its reason below."""
        from deqmath.derivation.as_latex import as_markdown

        return as_markdown(self)  # type: ignore[arg-type]

    def to_html(self) -> str:
        """A table with one row a step; formulas are pictures inside the page, so nothing is loaded."""
        from deqmath.derivation.as_html import as_html

        return as_html(self)  # type: ignore[arg-type]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {
            "text/plain": str(self),
            "text/html": self.to_html(),
            "text/latex": self.to_latex(),
            "text/markdown": self.to_markdown(),
        }


def definitions(d: Derivation, show: Callable[..., str]) -> list[tuple[Name, str]]:
    """Each name that is used once, its formula written with the other names."""
    main = [(e, n) for e, n in d.names if not n.also]

    def formula(e: MatrixExpr, n: Name, printer: Callable[..., str]) -> str:
        return printer(e, [p for p in d.names if p[0] != e and p[1].text not in (n.text, f"{n.text}ᵀ")])

    lines = [f"{s.label.text} {text(s.expression, d.names)}" for s in d.steps]
    used, waiting = set(), " ".join([*lines, *(hypothesis(a, d) for a in (*d.assumptions, *d.unused_assumptions))])
    while True:
        fresh = [(e, n) for e, n in main if n not in used and _holds_word(waiting, n.text)]
        if not fresh:
            return [(n, formula(e, n, show)) for e, n in main if n in used]
        used |= {n for _, n in fresh}
        waiting = " ".join(formula(e, n, text) for e, n in fresh)


def _holds_word(line: str, name: str) -> bool:
    return (
        re.search(rf"(?<![\w\u0304]){re.escape(name)}(?![\w\u0304])", line.replace("ᵀ", " ").replace("⁻", " "))
        is not None
    )


def hypothesis(a: Assumption, d: Derivation, show: Callable[..., str] = text) -> str:
    """A hypothesis in words, in the derivation's short names."""
    e = show(a.expr, d.names)
    return {
        "invertible": f"{e} is invertible",
        "no-kink": f"no entry of {e} is 0",
        "equation": f"{e} = 0",
        "contraction": f"‖{e}‖ < 1",
        "nonnegative": f"{e} ≥ 0 entrywise",
    }[a.kind]


def mark(s: Step) -> str:
    """✓, ✗ or ? as the checker says; nothing for a given line."""
    return "" if s.rule == "given" else {"verified": "✓", "refuted": "✗", "undecided": "?"}[s.verdict.status]
