"""Every node of SymPy and deqmath is lowered on every target, or refused by name."""

from __future__ import annotations

import inspect

import pytest
import sympy.matrices.expressions as mx
from sympy import Identity, Lambda, MatrixExpr, MatrixSymbol, Poly, Symbol, Transpose, ZeroMatrix
from sympy.combinatorics import Permutation

import deqmath as dm
from deqmath import expressions
from deqmath.codegen.targets import TARGETS
from deqmath.errors import UnknownNodeError

m, n = dm.dim("m"), dm.dim("n")
A, B, z = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m), MatrixSymbol("z", m, 1)
k = Symbol("k", integer=True)

LOWERED = {
    "Column": dm.column(A, 1),
    "Commutation": dm.commutation(m, n),
    "Diag": dm.diag(z),
    "DiagSelection": expressions.DiagSelection(m),
    "Elementwise": dm.relu(A),
    "Gate": dm.gate(z),
    "Placement": expressions.Placement(n, m, 1),
    "SoftmaxColumns": expressions.softmax_columns(A),
    "Total": dm.total(dm.column(A, k), k, m),
    "Vec": dm.vec(A),
    "MatAdd": A + B,
    "MatMul": A * B,
    "MatPow": A**2,
    "MatrixSymbol": A,
    "Inverse": mx.Inverse(A),
    "Transpose": Transpose(A),
    "Adjoint": mx.Adjoint(A),
    "Identity": Identity(m),
    "ZeroMatrix": ZeroMatrix(m, n),
    "OneMatrix": mx.OneMatrix(m, n),
    "HadamardProduct": mx.HadamardProduct(A, B),
    "HadamardPower": mx.HadamardPower(A, 2),
    "KroneckerProduct": mx.KroneckerProduct(A, B),
    "DiagMatrix": mx.DiagMatrix(z),
    "DiagonalMatrix": mx.DiagonalMatrix(A) * B,
    "DiagonalOf": mx.DiagonalOf(A),
    "BlockMatrix": expressions.blocks([[A, z]]),
    "BlockDiagMatrix": mx.BlockDiagMatrix(A, B),
    "ElementwiseApplyFunction": A.applyfunc(lambda t: t**2),
}
swap = Permutation([1, 0, 2])
REFUSED = {
    "MatrixSlice": A[1:3, 0:2],
    "FunctionMatrix": mx.FunctionMatrix(3, 3, Lambda((k, n), k + n)),
    "MatrixPermute": mx.MatrixPermute(MatrixSymbol("C", 3, 3), swap),
    "PermutationMatrix": mx.PermutationMatrix(swap),
    "CompanionMatrix": mx.CompanionMatrix(Poly([1, 2, 3], Symbol("x"))),
}


def _nodes():
    every = {**vars(mx), **vars(expressions)}
    return sorted(k for k, c in every.items() if inspect.isclass(c) and issubclass(c, MatrixExpr) and k != "MatrixExpr")


def test_no_node_is_left_out():
    assert set(_nodes()) <= LOWERED.keys() | REFUSED.keys()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("node", LOWERED)
def test_a_node_is_lowered(node, target):
    assert dm.generate({"f": LOWERED[node]}, target=target).source


@pytest.mark.parametrize("node", REFUSED)
def test_a_node_without_a_rule_is_named(node):
    with pytest.raises(UnknownNodeError, match="codegen rule"):
        dm.generate({"f": REFUSED[node]})
