"""``dm.differential`` called with the wrong things: an error that is a ValueError and shows the call that works."""

from __future__ import annotations

import pytest
from sympy import ImmutableMatrix, MatrixSymbol, Symbol, ZeroMatrix

import deqmath as dm
from deqmath.errors import InputError, ShapeError

m = dm.dim("m")
A, B, dA = (MatrixSymbol(name, m, m) for name in ("A", "B", "dA"))
c = Symbol("c")


@pytest.mark.parametrize(
    ("expr", "by", "says"),
    [
        (A * B, dA, "received dA of type MatrixSymbol; it needs symbols and their differentials"),
        (A * B, None, "received None"),
        (A * B, [(A, dA)], "of type list"),
        (A * B, {A: 3}, "received 3 of type int for the differential of A"),
        (c * B, {c: "dc"}, "received 'dc' of type str for the differential of c"),
        ("A*B", {A: dA}, "received 'A*B' of type str; it needs a SymPy expression"),
        (3, {A: dA}, "received 3 of type int"),
    ],
)
def test_wrong_calls(expr, by, says):
    with pytest.raises(InputError) as caught:
        dm.differential(expr, by)
    assert isinstance(caught.value, ValueError)
    assert says in str(caught.value)
    assert "as in dm.differential(A * B, {A: dA})" in str(caught.value)


def test_right_calls():
    assert dm.differential(A * B, {A: dA}) == dA * B
    assert dm.differential(A * B, {}) == ZeroMatrix(m, m)
    numbers = MatrixSymbol("N", 1, 2)
    assert dm.differential(2 * numbers, {numbers: ImmutableMatrix([[1, 3]])}).as_explicit() == ImmutableMatrix([[2, 6]])
    with pytest.raises(ShapeError, match="must be equal"):
        dm.differential(A * B, {A: MatrixSymbol("d", m, 1)})


@pytest.mark.parametrize("size", [-1, 1.5, "m", None, True, -dm.dim("m")])
@pytest.mark.parametrize("second", [False, True])
def test_a_commutation_matrix_has_whole_dimensions(size, second):
    with pytest.raises(ShapeError, match=r"commutation\(2, 3\)"):
        dm.commutation(*((2, size) if second else (size, 2)))


@pytest.mark.parametrize("size", [0, 2, dm.dim("m"), 2 * dm.dim("m") + 1])
def test_whole_dimensions_are_taken(size):
    assert dm.commutation(size, 3).shape == (3 * size, 3 * size)
