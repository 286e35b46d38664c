"""Planted errors: what a check must refute.

Every operator below makes the kind of slip a person makes at a blackboard. A slip may change
nothing (the transpose of a symmetric factor, say). No evaluation decides that here, since
evaluation is what the planted errors are to test: a caller who can prove equality passes its
prover in, and what that does not prove equal stays an error that a check has to refute. A slip
after which a matrix to be inverted has a zero block row or column is not planted: it is defined
nowhere and says nothing that could be false.

====================  ===============================================================
sign                  the sign of the whole, or of one term of a sum, flipped
factor                the whole doubled; a scalar factor dropped or squared
transpose             a square factor transposed
order                 two neighbouring factors of one shape swapped; Kronecker factors swapped
gate                  a gate dropped; a gate taken of the negated pre-activation
index                 one sample index put for another
missing               a term of a sum dropped; a square factor of a product dropped; a factor of a
                      Hadamard product dropped
structure             a commutation ``K_pq`` turned into ``K_qp``; a block of a block matrix dropped
function              an elementwise function put for another; a softmax put for its exponential
inverse               an inverse dropped
====================  ===============================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sympy import (
    Expr,
    Identity,
    Inverse,
    Lambda,
    MatAdd,
    MatMul,
    MatPow,
    MatrixExpr,
    Mul,
    S,
    Symbol,
    Transpose,
    ZeroMatrix,
    exp,
)
from sympy.matrices.expressions import (
    BlockMatrix,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
)
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.immutable import ImmutableDenseMatrix

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
    entry_variable,
)
from deqmath.expressions.printing import text

_MOST = 60


@dataclass(frozen=True)
class Mutant:
    """An expression with one planted error."""

    name: str
    description: str
    expression: Expr


#: Says of two expressions that they are proved equal; False decides nothing.
Prover = Callable[[Expr, Expr], bool]


def mutants(expr: Expr, proves_equal: Prover | None = None) -> list[Mutant]:
    """Every planted error of the operators above.

    Parameters
    ----------
    expr
        A matrix expression, or a SymPy scalar.
    proves_equal
        Leaves out the slips that it proves to change nothing; without it none is left out.

    Returns
    -------
    list of Mutant
        In a fixed order, at most 60.
    """
    seen: set[Expr] = {expr}
    out: list[Mutant] = []
    for m in planted(expr):
        if len(out) >= _MOST:
            break
        if m.expression in seen:
            continue
        seen.add(m.expression)
        if proves_equal is None or not proves_equal(expr, m.expression):
            out.append(m)
    return out


def planted(expr: Expr) -> Iterator[Mutant]:
    """Every slip of every operator, in order; some may come twice."""
    shown = text(expr)
    yield Mutant("sign", f"-({shown})", _scale(S.NegativeOne, expr))
    yield Mutant("factor", f"2 ({shown})", _scale(S(2), expr))
    for path, node in _walk(expr, ()):
        for name, new in _slips(node, expr):
            whole = _rebuilt(expr, path, new)
            if not _defined_nowhere(whole):
                yield Mutant(name, f"{text(node)}  became  {text(new)}", whole)


def _defined_nowhere(x: Expr) -> bool:
    """Whether a block matrix with a zero block row or column is inverted: it is singular for all sizes."""
    return any(isinstance(a.arg, BlockMatrix) and _has_zero_line(a.arg.blocks) for a in x.atoms(Inverse))


def _has_zero_line(blocks: Any) -> bool:
    lines = [list(blocks.row(r)) for r in range(blocks.rows)] + [list(blocks.col(c)) for c in range(blocks.cols)]
    return any(all(isinstance(b, ZeroMatrix) for b in line) for line in lines)


def _scale(c: Expr, x: Expr) -> Expr:
    return MatMul(c, *x.args) if isinstance(x, MatMul) else MatMul(c, x) if isinstance(x, MatrixExpr) else c * x


#: Nodes whose arguments are dimensions, entries or nothing: no slip is made inside.
_LEAVES = (
    MatrixSymbol,
    Identity,
    ZeroMatrix,
    OneMatrix,
    Commutation,
    DiagSelection,
    Placement,
    ImmutableDenseMatrix,
)

#: Nodes whose first argument alone is an operand; the others are indices, counts and exponents.
_FIRST_ONLY = (Total, Column, MatrixElement, MatPow, HadamardPower)


def _walk(x: Expr, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Expr]]:
    yield path, x
    if isinstance(x, _LEAVES):
        return
    operands = _children(x)[:1] if isinstance(x, _FIRST_ONLY) else _children(x)
    for k, a in enumerate(operands):
        if isinstance(a, Expr):
            yield from _walk(a, (*path, k))


def _rebuilt(x: Expr, path: tuple[int, ...], new: Expr) -> Expr:
    if not path:
        return new
    k, *rest = path
    args = list(_children(x))
    args[k] = _rebuilt(args[k], tuple(rest), new)
    if isinstance(x, BlockMatrix):
        rows, cols = x.blockshape
        return BlockMatrix([args[r * cols : (r + 1) * cols] for r in range(rows)])
    return x.func(*args)


def _children(x: Expr) -> tuple[Any, ...]:
    """The arguments in which an error can be planted; of a block matrix, its blocks."""
    return tuple(x.blocks) if isinstance(x, BlockMatrix) else x.args


def _slips(x: Expr, whole: Expr) -> Iterator[tuple[str, Expr]]:
    for operator in _OPERATORS:
        for new in operator(x, whole):
            if not isinstance(x, MatrixExpr) or tuple(new.shape) == tuple(x.shape):
                yield operator.__name__, new


def sign(x: Expr, _: Expr) -> Iterator[Expr]:
    """The sign of one term of a sum flipped."""
    if isinstance(x, MatAdd) or x.is_Add:
        for k, a in enumerate(x.args):
            yield x.func(*x.args[:k], _scale(S.NegativeOne, a), *x.args[k + 1 :])


def factor(x: Expr, _: Expr) -> Iterator[Expr]:
    """A scalar factor dropped, or squared."""
    if isinstance(x, MatMul):
        scalars = [a for a in x.args if not isinstance(a, MatrixExpr)]
        matrices = [a for a in x.args if isinstance(a, MatrixExpr)]
        for c in Mul.make_args(Mul(*scalars)):
            if c not in (1, -1):
                rest = Mul(*scalars) / c
                yield MatMul(rest, *matrices) if rest != 1 else MatMul(*matrices)
                yield MatMul(rest * c**2, *matrices)
    elif x.is_Pow and not isinstance(x, MatrixExpr):
        yield x.base ** (x.exp * 2)
        yield x.base


def transpose(x: Expr, _: Expr) -> Iterator[Expr]:
    """A square symbol or inverse transposed, or a transpose dropped."""
    square = isinstance(x, MatrixExpr) and x.shape[0] == x.shape[1] and x.shape[0] != 1
    if square and isinstance(x, (MatrixSymbol, Inverse)):
        yield Transpose(x)
    if square and isinstance(x, Transpose):
        yield x.arg


def order(x: Expr, _: Expr) -> Iterator[Expr]:
    """Two neighbouring factors swapped."""
    if not isinstance(x, (MatMul, KroneckerProduct)):
        return
    for k in range(len(x.args) - 1):
        a, b = x.args[k : k + 2]
        if not isinstance(a, MatrixExpr) or not isinstance(b, MatrixExpr) or a == b:
            continue
        if isinstance(x, KroneckerProduct) or (tuple(a.shape) == tuple(b.shape) and a.shape[0] == a.shape[1]):
            yield x.func(*x.args[:k], b, a, *x.args[k + 2 :])


def gate(x: Expr, _: Expr) -> Iterator[Expr]:
    """A gate dropped, or taken of the negated pre-activation."""
    if isinstance(x, Gate):
        yield Identity(x.shape[0])
        yield Gate(_scale(S.NegativeOne, x.arg))


def index(x: Expr, whole: Expr) -> Iterator[Expr]:
    """One sample index put for another."""
    if isinstance(x, Column) and isinstance(x.index, Symbol):
        others = {s for c in whole.atoms(Column) for s in c.index.free_symbols}
        for other in sorted(others - {x.index}, key=str):
            yield Column(x.arg, other)


def missing(x: Expr, _: Expr) -> Iterator[Expr]:
    """A term of a sum dropped; a square factor dropped; one factor of a Hadamard product dropped."""
    if (isinstance(x, MatAdd) or x.is_Add) and len(x.args) > 1:
        for k in range(len(x.args)):
            rest = x.args[:k] + x.args[k + 1 :]
            yield rest[0] if len(rest) == 1 else x.func(*rest)
    if isinstance(x, MatMul):
        for k, a in enumerate(x.args):
            others = x.args[:k] + x.args[k + 1 :]
            droppable = isinstance(a, (MatrixSymbol, Inverse, Diag)) and a.shape[0] == a.shape[1]
            if droppable and any(isinstance(o, MatrixExpr) for o in others):
                yield x.func(*others)
    if isinstance(x, HadamardProduct):
        for k in range(len(x.args)):
            rest = x.args[:k] + x.args[k + 1 :]
            yield rest[0] if len(rest) == 1 else x.func(*rest)


def inverse(x: Expr, _: Expr) -> Iterator[Expr]:
    """An inverse dropped."""
    if isinstance(x, Inverse):
        yield x.arg


def structure(x: Expr, _: Expr) -> Iterator[Expr]:
    """Structure put down the wrong way round: a commutation transposed, a block dropped."""
    if isinstance(x, Commutation) and x.args[0] != x.args[1]:
        yield Commutation(x.args[1], x.args[0])
    if isinstance(x, BlockMatrix):
        rows, cols = x.blockshape
        for k in range(rows * cols):
            r, c = divmod(k, cols)
            if not isinstance(x.blocks[r, c], ZeroMatrix):
                body = [[x.blocks[i, j] for j in range(cols)] for i in range(rows)]
                body[r][c] = ZeroMatrix(*x.blocks[r, c].shape)
                yield BlockMatrix(body)


def function(x: Expr, _: Expr) -> Iterator[Expr]:
    """An elementwise function put for another."""
    if isinstance(x, Elementwise):
        (t,) = x.function.variables
        yield Elementwise(Lambda((t,), x.function.expr + 1), x.arg)
        if not x.is_relu and x.function.expr.is_Function:
            yield Elementwise(Lambda((t,), x.function.expr.diff(t)), x.arg)
    if isinstance(x, SoftmaxColumns):
        yield Elementwise(Lambda((entry_variable,), exp(entry_variable)), x.arg)


_OPERATORS: tuple[Callable[[Any, Any], Iterator[Expr]], ...] = (
    sign,
    factor,
    transpose,
    order,
    gate,
    index,
    missing,
    inverse,
    structure,
    function,
)
