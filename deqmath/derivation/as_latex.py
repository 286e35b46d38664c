"""A derivation as LaTeX (a numbered align, reasons at the right) and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deqmath.derivation.display import definitions
from deqmath.expressions.printing import latex

if TYPE_CHECKING:
    from deqmath.derivation.derivation import Derivation, Step

#: Longer formulas are broken before a + or - outside brackets.
_WIDTH = 160


def as_latex(d: Derivation) -> str:
    """An ``align`` environment and, below it, what the short names stand for."""
    rows = []
    for s in d.steps:
        first, *rest = broken(latex(s.expression, d.names))
        reason = f"&& \\text{{{words(s.reason)}}}"
        rows += [f"  {s.label.latex} &{relation(s)} {first} {reason}", *(f"  &\\quad {r} \\notag" for r in rest)]
    where = [f"{n.latex} = {formula}" for n, formula in definitions(d, latex)]
    notes = f"\nwhere ${'$, $'.join(where)}$." if where else ""
    return "\\begin{align}\n" + " \\\\\n".join(rows) + "\n\\end{align}" + notes


def as_markdown(d: Derivation) -> str:
    """Markdown with display math."""
    rows = [f"**{d.title}**", ""] if d.title else []
    for k, s in enumerate(d.steps, 1):
        formula = f"{s.label.latex} {relation(s)} {latex(s.expression, d.names)}"
        rows += [f"$$ {formula} \\tag{{{k}}} $$", f"*{s.rule}*: {s.reason}", ""]
    return "\n".join(rows)


def relation(s: Step) -> str:
    """What stands between the two sides of a line."""
    return {"=": "=", "≤": "\\leq"}[s.line.relation]


def broken(formula: str) -> list[str]:
    """A long formula in parts, each later one with its sign."""
    if len(formula) <= _WIDTH:
        return [formula]
    depth, parts, start = 0, [], 0
    for k, ch in enumerate(formula):
        depth += ch in "({["
        depth -= ch in ")}]"
        if depth == 0 and ch in "+-" and k > start + 40 and formula[k - 1] == " ":
            parts.append(formula[start:k].rstrip())
            start = k
    return [*parts, formula[start:]]


_WORDS = {
    "\\": "\\textbackslash{}",
    "&": "\\&",
    "%": "\\%",
    "#": "\\#",
    "_": "\\_",
    "^": "\\textasciicircum{}",
    "ᵀ": "$^{\\mathsf{T}}$",
    "⁻¹": "$^{-1}$",
    "⊗": "$\\otimes$",
    "∘": "$\\circ$",
    "∂": "$\\partial$",
    "−": "$-$",
    "≤": "$\\leq$",
    "≥": "$\\geq$",
    "Σ": "$\\Sigma$",
    "√": "$\\surd$",
    "‖": "$\\Vert$",
    "ρ": "$\\rho$",
    "γ": "$\\gamma$",
    "φ": "$\\phi$",
    "ᵢ": "$_i$",
    "ⱼ": "$_j$",
    "ₖ": "$_k$",
    "₀": "$_0$",
    "²": "$^2$",
    "³": "$^3$",
    "ᵏ": "$^k$",
    "·": "$\\cdot$",
}


def words(reason: str) -> str:
    """A reason in words, safe inside ``\\text{...}``."""
    out = reason.replace("⁻¹", "\0")
    out = "".join(_WORDS.get(c, c) for c in out)
    return out.replace("\0", _WORDS["⁻¹"])
