"""What must fail, each with its error class and what its message says: nothing is silently 0 or clipped."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sympy as sp
from sympy import Determinant, Identity, Inverse, MatrixSymbol, Symbol, Trace, log
from sympy.matrices.expressions import MatPow
from sympy.matrices.expressions.fourier import DFT

import deqmath as dm
from deqmath.checking import mutants
from deqmath.errors import InputError, KinkError, ShapeError, SingularError, UnknownNodeError
from deqmath.expressions import blocks, diagonal_of, leaky_relu, softmax_columns, squared_norm

m, n = dm.dim("m"), dm.dim("n")
A, X = MatrixSymbol("A", m, m), MatrixSymbol("X", m, n)
x, y = MatrixSymbol("x", m, 1), MatrixSymbol("y", n, 1)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: dm.hadamard(A, X), ShapeError, ["hadamard", "(m, m)", "(m, n)"]),
        (lambda: dm.gate(X), ShapeError, ["gate", "m x n", "(k, 1)"]),
        (lambda: dm.diag(X), ShapeError, ["diag", "m x n"]),
        (lambda: diagonal_of(X), ShapeError, ["diagonal_of", "m x n", "square"]),
        (lambda: blocks([[A, y], [X, A]]), ShapeError, ["blocks", "row 0", "n x 1"]),
        (lambda: blocks([[A, X], [A]]), ShapeError, ["blocks", "[2, 1]"]),
        (lambda: blocks([[0, 0], [A, X]]), ShapeError, ["blocks", "row 0", "ZeroMatrix"]),
        (lambda: blocks("AB"), InputError, ["blocks", "list of rows"]),
        (lambda: dm.relu(3), InputError, ["relu", "3", "matrix expression"]),
        (lambda: dm.relu("x"), InputError, ["relu", "'x'"]),
        (lambda: softmax_columns("x"), InputError, ["softmax_columns"]),
        (lambda: squared_norm(2), InputError, ["squared_norm"]),
        (lambda: leaky_relu(x, "slope"), InputError, ["leaky_relu", "'slope'"]),
        (lambda: leaky_relu(x, A), InputError, ["leaky_relu", "scalar"]),
        (lambda: dm.elementwise("tanh", x), InputError, ["elementwise", "'tanh'", "SymPy function"]),
        (lambda: dm.dim("not a name"), InputError, ["dim", "identifier"]),
        (lambda: dm.total(x, 3, n), InputError, ["total", "Symbol"]),
        (lambda: dm.kron(), InputError, ["kron", "at least one"]),
    ],
)
def test_a_node_refuses_what_it_cannot_hold_and_names_itself(call, error, said):
    with pytest.raises(error) as caught:
        call()
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "expr",
    [
        dm.elementwise(sp.Abs, A * x),
        dm.elementwise(lambda t: sp.Max(t, 2 * t), x),
        dm.elementwise(sp.sign, x),
        dm.elementwise(lambda t: sp.Piecewise((t, t > 0), (0, True)), x),
    ],
    ids=["abs", "max", "sign", "piecewise"],
)
def test_a_kink_that_is_not_a_relu_is_refused_and_the_option_is_named(expr):
    with pytest.raises(KinkError, match=r"dm\.relu"):
        dm.jacobian(expr, x)


@pytest.mark.parametrize(
    ("expr", "node"),
    [
        (DFT(m) * MatPow(A, Symbol("k")), "MatPow"),
        (sp.Sum(x[Symbol("i"), 0] ** 3, (Symbol("i"), 0, m - 1)) * dm.one(), "Sum"),
        (sp.Sum(x[Symbol("i"), 0] ** 2, (Symbol("i"), 1, m - 1)) * dm.one(), "Sum"),
        (
            sp.matrices.expressions.FunctionMatrix(2, 2, sp.Lambda((Symbol("i"), Symbol("j")), Trace(A))) * 1,
            "FunctionMatrix",
        ),
    ],
)
def test_an_unknown_node_raises_with_its_name(expr, node):
    with pytest.raises(UnknownNodeError, match=node):
        dm.jacobian(expr, x if expr.has(x) else A)


def test_a_symbolic_power_says_what_is_needed():
    with pytest.raises(UnknownNodeError, match="MatPow"):
        dm.jacobian(MatPow(A, Symbol("k", integer=True, positive=True)), A)


def test_an_unknown_function_is_not_differentiated():
    with pytest.raises(InputError, match="derivative"):
        dm.jacobian(dm.elementwise(sp.Function("f"), x), x)


def test_a_gradient_needs_a_scalar():
    with pytest.raises(ShapeError, match="scalar"):
        dm.gradient(A * x, x)


@pytest.mark.parametrize("wrt", [A * A, 3, "A", A.T])
def test_only_symbols_can_be_differentiated_by(wrt):
    with pytest.raises(InputError, match="MatrixSymbol"):
        dm.jacobian(A * x, wrt)


def test_a_differential_has_the_shape_of_its_symbol():
    with pytest.raises(ShapeError, match="differential of A has shape"):
        dm.differential(A * x, {A: MatrixSymbol("dA", m, n)})


def test_the_inverse_of_zero_is_refused():
    with pytest.raises(SingularError, match="no inverse"):
        dm.simplified(Inverse(sp.MatAdd(A, -A)))


def test_checks_name_both_shapes():
    with pytest.raises(ShapeError) as caught:
        dm.check_equal(A, X)
    assert "(m, m)" in str(caught.value)
    assert "(m, n)" in str(caught.value)
    with pytest.raises(ShapeError, match="Jacobian"):
        dm.check_derivative(A, A * A, A)


def test_a_false_derivative_is_refuted_with_python_that_shows_it():
    verdict = dm.check_derivative(A.T, Trace(A * A), A)
    assert verdict.status == "refuted"
    ran = subprocess.run([sys.executable, "-c", verdict.counterexample], capture_output=True, text=True, check=True)
    left, right = (part for part in ran.stdout.split("Matrix(") if part.strip())
    assert left != right


class TestTrapsOfSymPy:
    """What SymPy's own ``.diff`` gets silently wrong (or raises on) comes out right here."""

    def test_log_det_is_not_zero(self):
        assert dm.gradient(log(Determinant(A)), A).result == Inverse(A.T)

    def test_an_entry_is_not_zero(self):
        found = dm.gradient(A[1, 1], A).result
        assert dm.evaluate(found, {m: 2, A: [[1, 2], [3, 4]]}) == sp.ImmutableMatrix([[0, 0], [0, 1]])

    def test_a_diagonal_inside_an_inverse(self):
        expr = Inverse(Identity(m) + dm.diag(x) * A) * x
        assert dm.check_derivative(dm.jacobian(expr, x).result, expr, x).status == "verified"

    def test_sympy_diagonal_inside_an_inverse(self):
        expr = Inverse(Identity(m) + sp.matrices.expressions.DiagMatrix(x) * A) * x
        assert dm.check_derivative(dm.jacobian(expr, x).result, expr, x).status == "verified"

    def test_a_scalar_through_an_inverse(self):
        gamma = Symbol("gamma")
        expr = Inverse(Identity(m) - gamma * A) * x
        assert dm.check_derivative(dm.jacobian(expr, gamma).result, expr, gamma).status == "verified"

    def test_the_residual_of_the_network(self):
        z, phi, gamma = MatrixSymbol("z", m, 1), MatrixSymbol("phi", m, 1), Symbol("gamma")
        expr = z - dm.relu(gamma * A * z + phi)
        assert dm.check_derivative(dm.jacobian(expr, z).result, expr, z).status == "verified"


def test_a_mutant_of_nothing_is_nothing():
    assert all(v.expression != A * A for v in mutants(A * A))


def test_a_sum_over_entries_says_what_to_write_instead():
    with pytest.raises(UnknownNodeError, match="Trace"):
        dm.check_equal((x.T * dm.hadamard(A, A.T) * x)[0, 0], Trace(A))
