"""Sums inside sums: every target computes what the exact evaluation does, whatever the indices and symbols are called."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest
import sympy as sp
from sympy import Identity, Integer, MatrixSymbol, Symbol, Trace, Transpose
from sympy.matrices.expressions import Inverse

import deqmath as dm
from deqmath.codegen.emit import Emitter
from deqmath.codegen.graph import Graph
from deqmath.codegen.targets import TARGETS
from deqmath.expressions import blocks, column, diagonal_of, softmax_columns, total

from .backends import LIBRARIES, call, require

m, n = dm.dim("m"), dm.dim("n")
A, B = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m)
i, j = Symbol("i", integer=True), Symbol("j", integer=True)
a, b = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[1.0, 0.0], [3.0, 1.0]])


def exact(expression, values):
    return np.array(dm.evaluate(expression, values, digits=15).tolist(), dtype=float)


def agrees(target, expression, values, **sizes):
    """Whether the code gives the value of the expression; values by symbol, sizes by the dimensions' names."""
    used = {s: x for s, x in values.items() if s in expression.atoms(MatrixSymbol) | expression.free_symbols}
    given = {s: x for s, x in used.items() if not (isinstance(s, Symbol) and s.name in sizes)}
    code = dm.generate({"f": expression}, target)
    names = {x.symbol: x.name for x in code.plans[0].signature.arguments}
    arguments = {
        names[str(s)]: x for s, x in {**given, **{dm.dim(k): v for k, v in sizes.items()}}.items() if str(s) in names
    }
    want = exact(expression, {**given, **{dm.dim(k): v for k, v in sizes.items()}})
    got = np.reshape(call(target, code.load().f, arguments), want.shape)
    return np.allclose(got, want, rtol=1e-8, atol=1e-8 * (1 + np.abs(want).max()))


def differential_of_softmax():
    g = dm.gradient(Trace(B.T * softmax_columns(A)), A).result
    return dm.differential(softmax_columns(A) * B, {A: g})


@pytest.mark.parametrize("target", LIBRARIES)
def test_the_differential_along_a_gradient_of_softmax(target):
    require(target)
    want = [[-0.16687059, -0.00408186], [0.16687059, 0.00408186]]
    got = call(target, dm.generate({"d": differential_of_softmax()}, target).load().d, {"A": a, "B": b})
    assert np.allclose(got, want, atol=1e-8)


@pytest.mark.parametrize("target", LIBRARIES)
def test_a_matrix_built_inside_a_loop(target):
    """The variables of an entry's formula are not those of the loops around it."""
    require(target)
    unit = column(Transpose(column(Identity(m), j)), i)
    assert agrees(target, total(total(column(A, i) * unit * column(B, j).T, j, m), i, m), {A: a, B: b}, m=2)


@pytest.mark.parametrize("target", LIBRARIES)
@pytest.mark.parametrize("names", ["ijk", "kci", "jtn", "cip"])
def test_symbols_with_the_names_of_loop_variables(target, names):
    """Columns repeated, diagonals taken and columns multiplied, of matrices called i, j, k, t, c, with a parameter t."""
    require(target)
    X, Y, Z = MatrixSymbol(names[0], m, m), MatrixSymbol(names[1], m, m), MatrixSymbol(names[2], m, m)
    t = Symbol("t0" if "t" in names else "t", real=True)
    values = {X: a, Y: b, Z: a + b.T, t: 0.5}
    for e in (
        total(column(X, i) * column(Y, i).T * Trace(column(Z, i) * column(X, i).T), i, m),
        diagonal_of(X * Y) + diagonal_of(Z),
        Trace(X) * Y + Trace(X * Z) * X,
        total(total(column(X, i) * (column(Z, i).T * column(X, j)) * column(Y, j).T, i, m), j, m),
        dm.elementwise(lambda x: t * sp.sin(x) + t, X),
        dm.elementwise(lambda x: t * x**2, Y) * Z,
        blocks([[X, Y], [Z, X]]),
    ):
        assert agrees(target, e, values, m=2), e


@pytest.mark.parametrize("target", LIBRARIES)
def test_dimensions_with_the_names_of_loop_variables(target):
    require(target)
    p, q = dm.dim("i"), dm.dim("j")
    X, Y = MatrixSymbol("X", p, q), MatrixSymbol("Y", q, p)
    k = Symbol("k", integer=True)
    e = total(column(X, k) * column(Y.T, k).T * Trace(column(X, k).T * column(X, k)), k, q)
    values = {X: np.arange(6.0).reshape(2, 3), Y: np.arange(6.0).reshape(3, 2) - 2}
    assert agrees(target, e, values, i=2, j=3)
    assert agrees(target, dm.jacobian(X * Y, Y).result * dm.vec(Y), values, i=2, j=3)


@pytest.mark.parametrize("target", ["mpmath", "flint"])
def test_the_companion_of_dimensions_called_i_and_j(target):
    """The example arguments have the shapes that the function takes."""
    require(target)
    X = MatrixSymbol("X", dm.dim("j"), dm.dim("i"))
    text = next(t for t in dm.generate({"f": X * X.T}, target).test_source.split("\n") if '"X": [[' in t)
    rows = eval(text.strip().rstrip(",").partition(": ")[2], {"Fraction": Fraction, "rng": Random(0), "i": 3, "j": 2})
    assert [len(row) for row in rows] == [3, 3]


def emitted(root, target="numpy"):
    emitter = Emitter(TARGETS[target], {m: "m"}, {"A": "A", "B": "B"}, {"A", "B", "m"})
    codes = emitter.run([root])
    return emitter, "\n".join(emitter.lines), codes[0].text


def test_a_loop_that_binds_the_index_of_the_loop_around_it():
    """What was computed for the outer index is computed again, and afterwards the outer letter stands again."""
    graph, index = Graph(), Symbol("_index0", integer=True)
    matrix = graph.make("input", (), "A", (m, m))
    col = graph.make(
        "softmax_columns", (graph.make("column", (matrix,), (index,), (m, Integer(1))),), None, (m, Integer(1))
    )
    inner = graph.make("total", (col,), (index, m), (m, Integer(1)))
    both = graph.make("hadamard", (col, inner, col), None, (m, Integer(1)))
    around = graph.make(
        "add", (graph.make("total", (both,), (index, m), (m, Integer(1))), inner), None, (m, Integer(1))
    )
    emitter, lines, value = emitted(around)
    softmax = lambda x: np.exp(x) / np.exp(x).sum(axis=0)
    space = {"np": np, "m": 2, "A": a, "_softmax_columns": softmax}
    exec("if True:\n" + lines + f"\n    result = {value}", space)  # noqa: S102
    S = softmax(a)
    whole = S.sum(axis=1, keepdims=True)
    assert np.allclose(space["result"], (S * S * whole).sum(axis=1, keepdims=True) + whole)
    assert emitter.symbols == {m: "m"}


@pytest.mark.parametrize("inner_first", [True, False])
def test_the_letters_inside_and_outside_of_a_loop_over_the_same_index(inner_first):
    """``sum_i sum_j M_ij (sum_i A_ij)``: M a matrix of its own, or A itself."""
    graph, one = Graph(), Integer(1)
    outer, middle = (Symbol(f"_index{k}", integer=True) for k in range(2))

    def entry(name):
        return graph.make("entry", (graph.make("input", (), name, (m, m)),), (outer, middle), (one, one))

    inner = graph.make("total", (entry("A"),), (outer, m), (one, one))
    parts = (inner, entry("B")) if inner_first else (entry("A"), inner)
    between = graph.make("total", (graph.make("hadamard", parts, None, (one, one)),), (middle, m), (one, one))
    _, lines, value = emitted(graph.make("total", (between,), (outer, m), (one, one)))
    space = {"np": np, "m": 2, "A": a, "B": b}
    exec("if True:\n" + lines + f"\n    result = {value}", space)  # noqa: S102
    assert np.allclose(space["result"], ((b if inner_first else a) * a.sum(axis=0)).sum())


def test_what_a_loop_inside_binds_is_not_taken_out_of_it():
    """The inner sum runs over an index of the loop around: its body stays in it."""
    graph, one = Graph(), Integer(1)
    outer, middle = Symbol("_index1", integer=True), Symbol("_index0", integer=True)
    X, Y = graph.make("input", (), "A", (m, m)), graph.make("input", (), "B", (m, m))
    x = graph.make("column", (X,), (outer,), (m, one))
    y = graph.make("column", (Y,), (middle,), (m, one))
    s = graph.make("softmax_columns", (x,), None, (m, one))
    inner = graph.make("total", (graph.make("hadamard", (s, y), None, (m, one)),), (outer, m), (m, one))
    between = graph.make("total", (graph.make("hadamard", (inner, y, x), None, (m, one)),), (middle, m), (m, one))
    root = graph.make("total", (between,), (outer, m), (m, one))
    _, lines, value = emitted(root)
    softmax = lambda v: np.exp(v) / np.exp(v).sum(axis=0)
    space = {"np": np, "m": 2, "A": a, "B": b, "_softmax_columns": softmax}
    exec("if True:\n" + lines + f"\n    result = {value}", space)  # noqa: S102
    whole = softmax(a).sum(axis=1, keepdims=True)
    assert np.allclose(space["result"], (whole * (b * b).sum(axis=1, keepdims=True)) * a.sum(axis=1, keepdims=True))
    assert lines.count("_softmax_columns(") == 1


class Sums:
    """Random expressions of sums in sums, of columns, softmax, diagonals, traces and inverses; indices come again."""

    POOLS = ("ABXYuvmn", "ijkcgtmn", "ASQijcmn", "ABXYuvij")

    def __init__(self, seed):
        self.random = Random(seed)
        names = self.random.choice(self.POOLS)
        p, q = (dm.dim(x) for x in names[6:])
        self.sizes = dict(zip(names[6:], (2, 3), strict=True))
        self.A, self.B = (MatrixSymbol(x, p, p) for x in names[:2])
        self.X, self.Y = MatrixSymbol(names[2], p, q), MatrixSymbol(names[3], q, p)
        self.u, self.v = MatrixSymbol(names[4], p, 1), MatrixSymbol(names[5], q, 1)
        self.dims = {"m": p, "n": q, "1": Integer(1)}
        count = self.random.choice((1, 2, 3))
        self.indices = [Symbol(x, integer=True) for x in "ijk"[:count]]
        rng = np.random.default_rng(seed)
        shape = {p: 2, q: 3}
        self.values = {
            M: np.round(rng.normal(size=tuple(int(k.subs(shape)) for k in map(sp.sympify, M.shape))), 2)
            for M in (self.A, self.B, self.X, self.Y, self.u, self.v)
        }

    def leaf(self, rows, cols):
        known = {
            "mm": [self.A, self.B, self.A.T, Identity(self.dims["m"])], "mn": [self.X, self.Y.T], "nm": [self.Y, self.X.T],
            "nn": [self.X.T * self.X], "m1": [self.u], "n1": [self.v], "1m": [self.u.T], "1n": [self.v.T], "11": [dm.one()],
        }  # fmt: skip
        return self.random.choice(known[rows + cols])

    def column(self, rows, depth, bound):
        index, size = self.random.choice(bound)
        return column(self.make(rows, size, depth - 1, bound if self.random.random() < 0.5 else []), index)

    def make(self, rows, cols, depth, bound):
        if bound and cols == "1" != rows and (depth <= 0 or self.random.random() < 0.3):
            return self.column(rows, max(depth, 1), bound)
        if depth <= 0:
            return self.leaf(rows, cols)
        d, again = depth - 1, self.random.choice("mn1")
        kinds = ["add", "product", "transpose", "total", "total", "total"]
        kinds += ["softmax"] * (rows != "1") + ["trace"] * (rows == cols == "1")
        kinds += ["hadamard", "outer"] * ("1" not in (rows, cols)) + ["diag", "inverse"] * (rows == cols != "1")
        kind = self.random.choice(kinds)
        make = lambda r, c: self.make(r, c, d, bound)
        if kind == "total":
            index, size = self.random.choice(self.indices), self.random.choice("mn")
            inside = [x for x in bound if x[0] != index] + [(index, size)]
            return total(self.make(rows, cols, d, inside), index, self.dims[size])
        return {
            "add": lambda: make(rows, cols) - 2 * make(rows, cols),
            "product": lambda: make(rows, again) * make(again, cols),
            "transpose": lambda: Transpose(make(cols, rows)),
            "softmax": lambda: softmax_columns(make(rows, cols)),
            "trace": lambda: Trace(make("m", "m")) * dm.one(),
            "hadamard": lambda: dm.hadamard(make(rows, cols), make(rows, cols)),
            "outer": lambda: make(rows, "1") * make("1", cols),
            "diag": lambda: dm.diag(make(rows, "1")),
            "inverse": lambda: Inverse(5 * Identity(self.dims[rows]) + dm.elementwise(sp.tanh, make(rows, cols))),
        }[kind]()

    def expression(self):
        rows, cols = self.random.choice(("mm", "mn", "m1", "nm"))
        e = total(self.make(rows, cols, 3, [(self.indices[0], "n")]), self.indices[0], self.dims["n"])
        if self.random.random() < 0.3:
            return dm.differential(e, {self.A: self.B * self.A})
        return dm.gradient(Trace(self.leaf(cols, rows) * e), self.A).result if self.random.random() < 0.3 else e


@pytest.mark.parametrize("target", ["numpy", "array-api", "mpmath", "flint", "torch"])
@pytest.mark.parametrize("first", range(0, 60, 15))
def test_random_sums_in_sums(target, first):
    require(target)
    count = 0
    for seed in range(first, first + 15):
        made = Sums(seed)
        e = made.expression()
        if not e.atoms(MatrixSymbol) or len(str(e)) > 1200:
            continue
        count += 1
        assert agrees(target, e, made.values, **made.sizes), (seed, e)
    assert count >= 8
