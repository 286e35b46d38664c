"""Names that would not be text but code, and file names that a companion test could not import."""

from __future__ import annotations

import pytest
from sympy import Identity, Inverse, MatrixSymbol, Symbol

import deqmath as dm
from deqmath.errors import InputError

m = dm.dim("m")
B, z = MatrixSymbol("B", m, m), MatrixSymbol("z", m, 1)


def expressions(name):
    """A name in the place of a matrix, a scalar, a dimension, a parameter of a function, an index."""
    matrix, size = MatrixSymbol(name, m, m), Symbol(name, integer=True, positive=True)
    scalar, square = Symbol(name), MatrixSymbol("D", size, size)
    yield Inverse(matrix) * z
    yield Inverse(Identity(m) - matrix) * B
    yield scalar * B
    yield Inverse(square)
    yield dm.elementwise(lambda t: t * scalar, B)
    yield dm.total(dm.column(B, scalar), scalar, m)


@pytest.mark.parametrize(
    ("name", "works"),
    [("A\nB", "AB"), ("A\nimport os #", "Aimport_os__"), ("A\\B", "A_B"), ("A\0B", "AB"), ("A\rB", "AB"),
     ("A\u2028B", "AB"), ("A\ud800B", "AB"), ("\\", "x"), ("A\t", "A")],
)  # fmt: skip
@pytest.mark.parametrize("target", ["numpy", "mpmath"])
def test_a_name_that_breaks_out_of_a_comment_or_text_is_refused(name, works, target):
    for expression in expressions(name):
        with pytest.raises(InputError) as caught:
            dm.generate({"f": expression}, target=target)
        message = str(caught.value)
        assert f"generate received a symbol named {name!r}; it needs names of printable characters" in message
        assert message.endswith(f"as in {works!r}")


@pytest.mark.parametrize("name", ["A B", "A'", 'A"""B', "A#B", "{A}", "αβ", "1x", "A%s"])
def test_other_names_are_written_as_identifiers(name):
    for expression in expressions(name):
        code = dm.generate({"f": expression})
        compile(code.source, "module", "exec")
        compile(code.test_source, "test", "exec")


@pytest.mark.parametrize(
    ("given", "works"), [("a b.py", "a_b.py"), ("class.py", "class_.py"), ("f.v2.py", "f_v2.py"), ("f.txt", "f_txt.py")]
)
def test_write_with_tests_needs_a_name_that_can_be_imported(tmp_path, given, works):
    code = dm.generate({"f": B * z})
    with pytest.raises(InputError) as caught:
        code.write(tmp_path / given, tests=True)
    assert f"write received the file name {given}" in str(caught.value)
    assert f"as in write({str(tmp_path / works)!r}, tests=True)" in str(caught.value)
    assert list(tmp_path.iterdir()) == []  # refused before anything is written
    code.write(tmp_path / works, tests=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([works, f"test_{works}"])
    assert code.write(tmp_path / given).read_text() == code.source
