"""Expressions that nest deeper than Python's recursion limit are derived, checked and printed."""

from __future__ import annotations

import sys

import pytest
import sympy as sp
from sympy import Inverse, MatAdd, MatMul, MatrixSymbol

import deqmath as dm
from deqmath.errors import InputError
from deqmath.expressions.depth import any_depth
from deqmath.expressions.printing import text
from deqmath.expressions.traversal import distinct_nodes

m = dm.dim("m")
X = MatrixSymbol("X", m, m)


def _letters(count):
    return [MatrixSymbol(f"A{k}", m, m) for k in range(count)]


def affine_layers(k):
    """``A_k (... A_1 (A_0 X + A_0) + A_1 ...) + A_k``."""
    x = X
    for a in _letters(k):
        x = MatAdd(a, MatMul(a, x))
    return x


def network(k):
    """``tanh(A_k tanh(... tanh(X z)))``."""
    z = MatrixSymbol("z", m, 1)
    for a in (X, *_letters(k)):
        z = dm.elementwise(sp.tanh, MatMul(a, z))
    return z


def continued_fraction(k):
    """``(A_k + (A_{k-1} + ...)^{-1})^{-1}``."""
    x = Inverse(X)
    for a in _letters(k):
        x = Inverse(MatAdd(a, x))
    return x


def test_four_hundred_affine_layers_are_derived_and_checked():
    limit = sys.getrecursionlimit()
    derived = dm.jacobian(affine_layers(400), X)
    assert sys.getrecursionlimit() == limit
    assert len(derived.result.free_symbols) == 401
    assert derived.steps[-1].verdict.status == "verified"


@pytest.mark.parametrize(("family", "k"), [(network, 120), (continued_fraction, 30)])
def test_deep_functions_and_inverses_are_derived_and_printed(family, k):
    derived = dm.jacobian(family(k), X)
    assert len({a for a in distinct_nodes(derived.result) if isinstance(a, MatrixSymbol)}) >= k
    assert f"A{k - 1}" in text(derived.result).replace("A_", "A")


def test_an_error_on_the_large_stack_is_the_error_of_the_call():
    @any_depth
    def deep(k):
        if k == 0:
            raise KeyError(k)
        return deep.__wrapped__(k - 1)

    with pytest.raises(KeyError, match="0"):
        deep(3000)


def test_what_is_too_deep_is_said():
    @any_depth
    def forever(k):
        return forever.__wrapped__(k + 1)

    with pytest.raises(InputError, match="forever received an expression that nests too deep"):
        forever(0)
