"""Long lines of generated code, broken as formatters break them, and the same code."""

from __future__ import annotations

import ast

import pytest

from deqmath.codegen.layout import WIDTH, fold

NAMES = [f"a_matrix_with_a_name_{k}" for k in range(8)]
LINES = {
    "call": f"batch = _batch({', '.join(f'{n}={n}' for n in NAMES)})",
    "definition": f"def total({', '.join(NAMES)}, *, prec=128): pass",
    "results": f"return {', '.join(f'_finish({n}, (*batch, m, m), kind)' for n in NAMES)}",
    "nested": f"sizes = _sizes({{{', '.join(f'{n!r}: ({n}, (1, 1))' for n in NAMES)}}})",
    "text": f'raise ValueError(f"received ({{name}}, {"x" * 30}), (and commas, of text); it needs {"y" * 20}")',
    "text alone": f'x = call(a, f"{{name}} {"x" * 90}"), f"{{name!r}}, and more"',
    "comment": f"x = _solve(a_matrix, another)  # x = {'U^-1 p + ' * 12}q",
}


@pytest.mark.parametrize("name", LINES)
def test_long_lines_are_broken_and_mean_the_same(name):
    line = LINES[name]
    assert len(line) > WIDTH
    pieces = fold(line)
    assert len(pieces) > 1
    assert all(len(piece) <= WIDTH for piece in pieces)
    assert ast.dump(ast.parse("\n".join(pieces))) == ast.dump(ast.parse(line))


def test_what_cannot_be_broken_and_what_is_short_stays():
    for line in ("x = 1", f"x = {'a' * 130}", '    """' + "words " * 30, f"x = {'(' * 60}{'a' * 70}"):
        assert fold(line) == [line]
