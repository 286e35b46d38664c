"""Displays: terminal, LaTeX, Markdown, HTML; formulas as the paper prints them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from sympy import Symbol

import deqmath as dm
from deqmath.derivation.as_text import WIDTH
from deqmath.expressions.rendering import svg
from deqmath.model import ReLUModel

net = ReLUModel()
i = Symbol("i", integer=True)


@pytest.fixture(scope="module")
def eq10() -> dm.Derivation:
    return dm.implicit_jacobian(net.residual(), net.z(), net.A).where(**net.names())


@pytest.fixture(scope="module")
def eq6() -> dm.Derivation:
    return dm.gradient(net.loss(i), net.A, implicit=net.equations(i)).where(**net.names(i))


def test_the_terminal_shows_numbers_formulas_reasons_names_and_hypotheses(eq10):
    shown = str(eq10)
    assert "∂vec(z)/∂vec(A)ᵀ = γ (zᵀ ⊗ R)" in shown
    assert "(5)" in shown
    assert "R = U⁻¹ D" in shown
    assert "U is invertible" in shown
    assert shown.count("✓") == 4


def test_no_line_is_wider_than_the_page(eq6):
    assert max(len(line) for line in str(eq6).splitlines()) <= WIDTH


def test_reasons_stand_at_the_right(eq10):
    line = next(line for line in str(eq10).splitlines() if "differential of both sides" in line)
    assert len(line) >= WIDTH - 2


def test_latex_is_a_numbered_align_with_balanced_braces(eq10, eq6):
    for d in (eq10, eq6):
        tex = d.to_latex()
        assert tex.startswith("\\begin{align}")
        assert tex.count("{") == tex.count("}")
        assert tex.count("\\left(") == tex.count("\\right)")
    assert "z^{\\mathsf{T}} \\otimes R" in eq10.to_latex()


def test_html_holds_pictures_and_loads_nothing(eq10):
    page = eq10.to_html()
    assert page.count("<svg") >= 5
    assert not re.search(r"(src|href)=[\"']https?:", page)
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(picture)


def test_notebooks_get_every_form(eq10):
    assert set(eq10._repr_mimebundle_()) == {"text/plain", "text/html", "text/latex", "text/markdown"}


def test_a_formula_that_cannot_be_drawn_is_shown_as_text():
    assert svg("\\nosuchcommand{x}", "x < y") == "<code>x &lt; y</code>"


def test_greek_and_indices():
    assert dm.text(net.u(i)) == "γ A zᵢ + φᵢ"
    assert dm.text(net.f(i)) == "1/√m bᵀ zᵢ"
