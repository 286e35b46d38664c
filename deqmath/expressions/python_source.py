"""Expressions as Python that builds them again, for counterexamples that can be pasted."""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps
from keyword import iskeyword
from unicodedata import normalize

import sympy as sp
from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixExpr, Symbol, Trace, ZeroMatrix
from sympy.matrices.expressions import (
    BlockMatrix,
    Determinant,
    DiagMatrix,
    DiagonalOf,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.immutable import ImmutableDenseMatrix

from deqmath.expressions.depth import any_depth
from deqmath.expressions.nodes import (
    Column,
    Commutation,
    Diag,
    DiagSelection,
    Elementwise,
    Gate,
    Placement,
    SoftmaxColumns,
    Total,
    Vec,
    relu_scalar,
    step_scalar,
)
from deqmath.expressions.traversal import Rules

#: Names that scripts use themselves.
_NEEDED = ("dm", "np", "sp", "at", "print")

sources = Rules("python_source")


@any_depth
def python_source(x: Expr) -> str:
    """Python for one expression, in terms of ``dm`` (deqmath), ``sp`` (SymPy) and the symbols' names."""
    if not isinstance(x, (MatrixExpr, Trace, Determinant, MatrixElement)):
        return _scalar(x)
    text: str = sources(x)
    return text


def variable(name: str) -> str:
    """The Python variable for a symbol: its name, where that is one and is not needed by a script itself; no two are the same.

    Other names end in one underscore, with the codes of what is no ASCII letter or digit in them; so a name that does gets one more.

    Examples
    --------
    >>> from deqmath.expressions.python_source import variable
    >>> variable("gamma"), variable("lambda"), variable("lambda_"), variable("x'"), variable("sp")
    ('gamma', 'lambda_', 'lambda__', 'x_u27_c_', 'sp_')
    """
    if not name.isidentifier() or normalize("NFKC", name) != name:  # as Python reads names
        kept = [c.isascii() and (c.isalpha() or (c.isdigit() and k > 0)) for k, c in enumerate(name)]
        return "".join(c if plain else f"_u{ord(c):x}_" for c, plain in zip(name, kept, strict=True)) + "c_"
    return f"{name}_" if iskeyword(name) or name in _NEEDED or name.endswith("_") else name


def declared(name: str, call: str) -> str:
    """The line that declares a symbol, `call` with its name in the place of ``{}``."""
    text = dumps(name, ensure_ascii=False) if name.isprintable() else ascii(name)
    return f"{variable(name)} = {call.format(text)}"


def declarations(matrices: Iterable[MatrixSymbol], scalars: Iterable[Symbol], dims: Iterable[Symbol]) -> list[str]:
    """Lines that declare the symbols an expression needs."""
    plain, full = "dm.dim({})", "sp.Symbol({}, integer=True, positive=True)"
    lines = [declared(d.name, plain if d.name.isidentifier() else full) for d in dims]
    for s in scalars:
        flags = "".join(
            f", {k}=True" for k in ("integer", "positive", "real") if s.assumptions0.get(k) and k in s._assumptions_orig
        )
        lines.append(declared(s.name, f"sp.Symbol({{}}{flags})"))
    for M in matrices:
        rows, cols = (_scalar(d) for d in M.shape)
        lines.append(declared(M.name, f"sp.MatrixSymbol({{}}, {rows}, {cols})"))
    return lines


def _scalar(x: Expr) -> str:
    """A commutative scalar; rationals stay exact."""
    if isinstance(x, sp.Rational):
        return str(x.p) if x.q == 1 else f"sp.Rational({x.p}, {x.q})"
    if isinstance(x, sp.Float):  # its exact value: the text of a float may be rounded
        return _scalar(sp.Rational(x))
    if isinstance(x, Symbol):
        return variable(x.name)
    if x.is_Add or x.is_Mul:
        sign = " + " if x.is_Add else " * "
        return "(" + sign.join(python_source(a) for a in x.args) + ")"
    if x.is_Pow:
        if x.exp == sp.S.Half:
            return f"sp.sqrt({python_source(x.base)})"
        return f"({python_source(x.base)})**({python_source(x.exp)})"
    if isinstance(x, (relu_scalar, step_scalar)):
        return f"dm.expressions.nodes.{type(x).__name__}({python_source(x.args[0])})"
    if isinstance(x, sp.Function):
        return f"sp.{x.func.__name__}({', '.join(python_source(a) for a in x.args)})"
    return f"sp.{x}"


def _group(x: Expr) -> str:
    s = python_source(x)
    return f"({s})" if isinstance(x, (MatAdd, MatMul)) else s


def _call(name: str, *args: Expr) -> str:
    return f"{name}({', '.join(python_source(a) for a in args)})"


@sources.register(MatrixSymbol)
def _symbol(x: MatrixSymbol) -> str:
    return variable(x.name)


@sources.register(Identity, ZeroMatrix, OneMatrix)
def _special(x: MatrixExpr) -> str:
    sizes = x.shape[:1] if isinstance(x, Identity) else x.shape
    return f"sp.{type(x).__name__}({', '.join(_scalar(d) for d in sizes)})"


@sources.register(MatAdd)
def _sum(x: MatAdd) -> str:
    return " + ".join(_group(a) if isinstance(a, MatAdd) else python_source(a) for a in x.args)


@sources.register(MatMul)
def _product(x: MatMul) -> str:
    return " * ".join(f"({s})" if (s := python_source(a)).startswith("-") else _group(a) for a in x.args)


@sources.register(MatPow, HadamardPower)
def _power(x: MatPow) -> str:
    base, n = x.args
    if isinstance(x, HadamardPower):
        return f"sp.HadamardPower({python_source(base)}, {_scalar(n)})"
    return f"({python_source(base)})**({_scalar(n)})"


@sources.register(Inverse)
def _inverse(x: Inverse) -> str:
    return f"sp.Inverse({python_source(x.arg)})"


@sources.register(Transpose)
def _transpose(x: Transpose) -> str:
    return f"({python_source(x.arg)}).T" if not isinstance(x.arg, MatrixSymbol) else f"{variable(x.arg.name)}.T"


@sources.register(HadamardProduct)
def _hadamard(x: HadamardProduct) -> str:
    return _call("dm.hadamard", *x.args)


@sources.register(KroneckerProduct)
def _kron(x: KroneckerProduct) -> str:
    return _call("dm.kron", *x.args)


@sources.register(Elementwise)
def _elementwise(x: Elementwise) -> str:
    if x.is_relu:
        return _call("dm.relu", x.arg)
    (t,) = x.function.variables
    return f"dm.elementwise(lambda {variable(t.name)}: {_scalar(x.function.expr)}, {python_source(x.arg)})"


@sources.register(Gate)
def _gate(x: Gate) -> str:
    return _call("dm.gate", x.arg)


@sources.register(Diag, DiagMatrix)
def _diag(x: Diag) -> str:
    return _call("dm.diag", x.args[0])


@sources.register(DiagSelection)
def _selection(x: DiagSelection) -> str:
    return f"dm.expressions.DiagSelection({_scalar(x.args[0])})"


@sources.register(Placement)
def _placement(x: Placement) -> str:
    return f"dm.expressions.Placement({', '.join(_scalar(a) for a in x.args)})"


@sources.register(DiagonalOf)
def _diagonal_of(x: DiagonalOf) -> str:
    return _call("dm.expressions.diagonal_of", x.args[0])


@sources.register(SoftmaxColumns)
def _softmax(x: SoftmaxColumns) -> str:
    return _call("dm.expressions.softmax_columns", x.arg)


@sources.register(Vec)
def _vec(x: Vec) -> str:
    return _call("dm.vec", x.arg)


@sources.register(Commutation)
def _commutation(x: Commutation) -> str:
    return f"dm.commutation({_scalar(x.args[0])}, {_scalar(x.args[1])})"


@sources.register(Column)
def _column(x: Column) -> str:
    return f"dm.column({python_source(x.arg)}, {_scalar(x.index)})"


@sources.register(Total)
def _total(x: Total) -> str:
    return f"dm.total({python_source(x.term)}, {variable(x.index.name)}, {_scalar(x.count)})"


@sources.register(Trace)
def _trace(x: Trace) -> str:
    return f"sp.Trace({python_source(x.arg)})"


@sources.register(MatrixElement)
def _element(x: MatrixElement) -> str:
    matrix, i, j = x.args
    return f"({python_source(matrix)})[{_scalar(i)}, {_scalar(j)}]"


@sources.register(Determinant)
def _determinant(x: Determinant) -> str:
    return f"sp.Determinant({python_source(x.arg)})"


@sources.register(ImmutableDenseMatrix)
def _entries(x: ImmutableDenseMatrix) -> str:
    rows = ", ".join("[" + ", ".join(_scalar(a) for a in x.row(r)) + "]" for r in range(x.rows))
    return f"sp.ImmutableMatrix([{rows}])"


@sources.register(BlockMatrix)
def _blocks(x: BlockMatrix) -> str:
    rows = (
        "[" + ", ".join(python_source(x.blocks[r, c]) for c in range(x.blocks.shape[1])) + "]"
        for r in range(x.blocks.shape[0])
    )
    return f"sp.BlockMatrix([{', '.join(rows)}])"
