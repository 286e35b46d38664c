"""Names of symbols as a paper prints them: Greek letters, subscripts, differentials, norms."""

from __future__ import annotations

_LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma tau upsilon phi chi psi omega"
)
_GREEK = dict(zip(_LETTERS.split(), "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
_GREEK |= {n.capitalize(): c.upper() for n, c in _GREEK.items()}
SUBSCRIPTS = dict(zip("0123456789aehijklmnoprstuvx+-", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋", strict=True))


def symbol_name(name: str, tex: bool) -> str:
    """A symbol's name in Unicode or LaTeX: ``gamma`` is γ, ``phi_i`` has a subscript, ``Wbar`` a bar, ``dA`` an upright d."""
    if name.startswith("norm_"):
        inner = symbol_name(name.removeprefix("norm_"), tex)
        return f"\\Vert {inner}\\Vert" if tex else f"‖{inner}‖"
    head, _, tail = name.partition("_")
    if head.endswith("bar") and len(head) == 4:
        bare = symbol_name(head[0], tex)
        return (f"\\overline{{{bare}}}" if tex else f"{bare}\u0304") + (f"_{tail}" if tail else "")
    d = ""
    if len(head) > 1 and head[0] == "d" and head not in _GREEK:
        d, head = ("\\mathrm{d}" if tex else "d"), head[1:]
    if tex:
        greek = f"\\{head}" if head in _GREEK and _GREEK[head] not in "ΑΒΕΖΗΙΚΜΝΟΡΤΧ" else head
        return d + greek + (f"_{{{tail}}}" if tail else "")
    sub = "".join(SUBSCRIPTS.get(c, "") for c in tail)
    shown = sub if len(sub) == len(tail) else f"_{tail}"
    return d + _GREEK.get(head, head) + (shown if tail else "")


def column_name(name: str) -> str:
    """The lower-case name of a matrix's column: Z -> z, Phi -> phi, dZ -> dz."""
    if name[:1] == "d" and len(name) > 1:
        return "d" + name[1].lower() + name[2:]
    return name[0].lower() + name[1:]
