"""Displays: terminal, LaTeX, Markdown, HTML; formulas as the paper prints them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
import sympy as sp
from sympy import MatrixSymbol, Symbol

import deqmath as dm
from deqmath.derivation.as_text import WIDTH
from deqmath.expressions import printing, softmax_columns
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


def test_signs_inside_products_come_out_and_reserved_indices_print_as_letters():
    m, n = dm.dim("m"), dm.dim("n")
    A, B, x = MatrixSymbol("A", m, m), MatrixSymbol("B", m, n), MatrixSymbol("x", m, 1)
    S = softmax_columns(A)
    d = dm.gradient(sp.Trace(B.T * (sp.Identity(m) - S).I * B), A)
    for shown in (str(d), d.to_latex()):
        assert "#" not in shown
    assert "(Σᵢ (diag(softmax(aᵢ)) - softmax(aᵢ) softmax(aᵢ)ᵀ) daᵢ eᵢᵀ)" in " ".join(str(d).split())
    assert dm.text(sp.MatMul(A, sp.MatMul(-1, x), evaluate=False)) == "-A x"
    assert dm.text(sp.MatMul(A, sp.MatMul(-2, S.T, A), x, evaluate=False)) == "-2 A softmax(A)ᵀ A x"


def test_diagonal_matrices_and_entrywise_powers_print_short():
    m = dm.dim("m")
    A, x = MatrixSymbol("A", m, m), MatrixSymbol("x", m, 1)
    assert dm.text(sp.Transpose(dm.gate(A * x))) == "gate(A x)"
    assert dm.text(dm.diag(dm.elementwise(lambda t: 1 / t, softmax_columns(x)))) == "diag(softmax(x)^∘-1)"


def test_a_long_line_in_html_is_broken_and_keeps_the_reason_in_sight(eq6):
    page = eq6.to_html()
    assert "overflow-x:auto" in page
    assert page.count("<svg") > len(eq6.steps)


def test_named_parts_that_are_raised_twice_are_drawn():
    """An abbreviated transpose has a superscript already; a column of its inverse, transposed, takes two more."""
    m = dm.dim("m")
    A, B, G = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m), MatrixSymbol("G", m, m)
    S = softmax_columns(A)
    U = sp.Identity(m) - S / 2
    made = dm.gradient(sp.Trace(G.T * B * sp.Inverse(U)), A).where(U=U)
    assert "}^{-1}_" in made.to_latex()
    assert "^{\\mathsf{T}}^" not in made.to_latex()
    assert "<code>" not in made.to_html()


def test_shared_parts_are_printed_once(monkeypatch):
    """The derivative of a layer with normalisation: some fifty nodes that stand hundreds of times in the formula."""
    m = dm.dim("m")
    a, z, phi = MatrixSymbol("A", m, m), MatrixSymbol("z", m, 1), MatrixSymbol("phi", m, 1)
    u = a * z + phi
    scaled = u / sp.sqrt(sp.Trace(u.T * u) / m + Symbol("lambda", positive=True))
    result = dm.jacobian(dm.elementwise(sp.tanh, scaled), a).result
    printed, calls = printing._print, []
    monkeypatch.setattr(printing, "_print", lambda x, st: calls.append(x) or printed(x, st))
    assert dm.text(result)
    assert len(calls) < 1.2 * len(set(calls))  # small numbers are printed apart, in the name of a function
