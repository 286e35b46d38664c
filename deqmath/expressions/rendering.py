"""Formulas as pictures: LaTeX to inline SVG by matplotlib's mathtext, so that a page needs nothing else."""

from __future__ import annotations

import html
import io
import re


def svg(latex: str, fallback: str, size: float = 13.0) -> str:
    """A formula as an inline SVG; as text where mathtext does not know a command.

    Parameters
    ----------
    latex
        LaTeX without dollar signs.
    fallback
        What is shown instead, and what a screen reader says.
    size
        Font size in points.

    Returns
    -------
    str
        An ``<svg>`` element, or a ``<code>`` element.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    out = io.StringIO()
    try:
        with rc_context({"svg.fonttype": "path", "mathtext.fontset": "cm", "svg.hashsalt": "deqmath"}):
            figure = Figure(figsize=(0.01, 0.01))
            FigureCanvasSVG(figure)
            figure.text(0, 0, f"${latex}$", fontsize=size)
            figure.savefig(
                out, format="svg", bbox_inches="tight", pad_inches=0.02, transparent=True, metadata={"Date": None}
            )
    except ValueError:
        return f"<code>{html.escape(fallback)}</code>"
    found = re.search(r"<svg.*</svg>", out.getvalue(), re.DOTALL)
    assert found is not None
    body = re.sub(r"<metadata>.*?</metadata>", "", found.group(0), flags=re.DOTALL)
    label = html.escape(fallback, quote=True)
    return body.replace("<svg ", f'<svg role="img" aria-label="{label}" style="vertical-align:middle" ', 1)
