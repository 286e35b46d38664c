"""Every node has a rule in every table: nothing a theorist can write meets a pass that does not know it."""

from __future__ import annotations

import pytest
import sympy as sp
import sympy.matrices.expressions as mx
from sympy import Identity, ImmutableDenseMatrix, Inverse, MatrixSymbol, Symbol
from sympy.matrices.expressions.matexpr import MatrixElement

import deqmath as dm
from deqmath.calculus.adjoints import adjoints
from deqmath.calculus.differential import CONSTANTS, differentials
from deqmath.calculus.linear_map import jacobians
from deqmath.calculus.normal_form import normal_form, polynomials
from deqmath.checking.degree import Degrees
from deqmath.checking.degree import degrees as degree_rules
from deqmath.checking.evaluation import values
from deqmath.expressions import nodes
from deqmath.expressions.printing import pieces
from deqmath.expressions.python_source import python_source, sources

k, n = dm.dim("k"), dm.dim("n")
M, N = MatrixSymbol("M", k, k), MatrixSymbol("N", k, n)
v = MatrixSymbol("v", k, 1)
i = Symbol("i", integer=True)

#: One expression of each node class, and whether a symbol in it may move.
SAMPLES = {
    "MatrixSymbol": M,
    "MatAdd": M + M.T,
    "MatMul": 2 * M * N,
    "MatPow": M**3,
    "Inverse": Inverse(M),
    "Transpose": N.T,
    "Identity": Identity(k),
    "ZeroMatrix": sp.ZeroMatrix(k, n),
    "OneMatrix": mx.OneMatrix(k, n),
    "ImmutableDenseMatrix": ImmutableDenseMatrix([[1, 2], [3, 4]]),
    "BlockMatrix": dm.expressions.blocks([[M, N], [N.T, 0 * Identity(n)]]),
    "HadamardProduct": dm.hadamard(M, M.T),
    "HadamardPower": mx.HadamardPower(M, 3),
    "KroneckerProduct": dm.kron(M, N),
    "DiagonalOf": dm.expressions.diagonal_of(M),
    "DiagMatrix": mx.DiagMatrix(v),
    "Trace": sp.Trace(M),
    "Determinant": sp.Determinant(M),
    "MatrixElement": M[0, 0],
    "Elementwise": dm.elementwise(sp.tanh, N),
    "Gate": dm.gate(v),
    "Diag": dm.diag(v),
    "DiagSelection": nodes.DiagSelection(k),
    "Vec": dm.vec(N),
    "Commutation": dm.commutation(k, n),
    "Column": dm.column(N, 0),
    "Total": dm.total(dm.column(N, i) * dm.column(N, i).T, i, n),
    "SoftmaxColumns": dm.expressions.softmax_columns(N),
    "Placement": nodes.Placement(k, n, 0),
}

TABLES = {
    "differential": differentials,
    "normal_form": polynomials,
    "evaluation": values,
    "degree": degree_rules,
    "printing": pieces,
    "python_source": sources,
}
#: Scalars are read by ``scalar_form``, not by the table of matrix nodes.
SCALARS = {"Trace", "Determinant", "MatrixElement"}

OWN_NODES = [
    c
    for c in vars(nodes).values()
    if isinstance(c, type) and issubclass(c, sp.MatrixExpr) and c.__module__ == nodes.__name__
]
SYMPY_NODES = [
    mx.MatAdd,
    mx.MatMul,
    mx.MatPow,
    mx.Inverse,
    mx.Transpose,
    mx.Identity,
    mx.ZeroMatrix,
    mx.OneMatrix,
    mx.BlockMatrix,
    mx.HadamardProduct,
    mx.HadamardPower,
    mx.KroneckerProduct,
    mx.DiagMatrix,
    mx.DiagonalOf,
    mx.Trace,
    mx.Determinant,
    MatrixElement,
    MatrixSymbol,
    ImmutableDenseMatrix,
]


def test_every_node_of_deqmath_has_a_sample():
    named = {c.__name__ for c in OWN_NODES if not c.__name__.startswith("_")}
    assert named <= set(SAMPLES)
    assert {c.__name__ for c in SYMPY_NODES} <= set(SAMPLES)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_table_has_a_rule_for_every_node(table, name):
    if table == "normal_form" and name in SCALARS:
        return
    known = TABLES[table].classes
    assert any(c in known for c in type(SAMPLES[name]).__mro__), f"no {table} rule for {name}"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_node_prints_evaluates_and_builds_again(name):
    x = SAMPLES[name]
    assert dm.text(x)
    assert dm.latex(x)
    names = {"dm": dm, "sp": sp, "k": k, "n": n, "M": M, "N": N, "v": v, "i": i}
    again = eval(python_source(x), names)  # the source is deqmath's own
    whole = x if isinstance(x, sp.MatrixExpr) else x * dm.one()
    built = again if isinstance(again, sp.MatrixExpr) else again * dm.one()
    assert dm.check_equal(whole, built).status == "verified"
    assert normal_form(x).shape == tuple(whole.shape)
    assert Degrees({k: 2, n: 3})(x) >= (0, 0)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_node_has_a_derivative_that_the_checker_accepts(name):
    x = SAMPLES[name]
    wrt = next((s for s in (N, M, v) if x.has(s)), M)
    assert dm.check_derivative(dm.jacobian(x, wrt).result, x, wrt).status == "verified"


@pytest.mark.parametrize("name", [s for s in SAMPLES if s not in {c.__name__ for c in CONSTANTS}])
def test_every_node_has_a_gradient_that_the_checker_accepts(name):
    x = SAMPLES[name]
    wrt = next((s for s in (N, M, v) if x.has(s)), M)
    weights = MatrixSymbol("G", *x.shape) if isinstance(x, sp.MatrixExpr) else None
    scalar = x if weights is None else sp.Trace(weights.T * x)
    assert dm.check_derivative(dm.gradient(scalar, wrt).result, scalar, wrt).status == "verified"


LINEAR = [
    "MatrixSymbol",
    "Transpose",
    "Column",
    "HadamardProduct",
    "Diag",
    "DiagonalOf",
    "Vec",
    "KroneckerProduct",
    "Total",
]


@pytest.mark.parametrize("name", LINEAR)
def test_every_node_that_may_carry_a_differential_has_an_adjoint(name):
    cls = type(SAMPLES[name])
    assert cls in jacobians.classes
    assert cls in adjoints.classes
