"""How nodes are made: each constructor checks what it received and names the node when it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Dummy, Expr, Identity, Lambda, MatAdd, MatMul, MatrixExpr, S, Symbol, Trace, ZeroMatrix
from sympy.core.sympify import SympifyError, _sympify  # strict: refuses text, which sympify would run
from sympy.matrices.expressions import (
    BlockMatrix,
    DiagonalOf,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)

from deqmath.errors import InputError, ShapeError
from deqmath.expressions.depth import any_depth
from deqmath.expressions.nodes import (
    RELU,
    Column,
    Commutation,
    Diag,
    Elementwise,
    Gate,
    SoftmaxColumns,
    Total,
    Vec,
    entry_variable,
)


def _matrix(node: str, X: Any) -> MatrixExpr:
    """``X`` as a matrix expression, or an error that names the node."""
    if not getattr(X, "is_Matrix", False) and not isinstance(X, MatrixExpr):
        msg = f"{node} received {X!r} of type {type(X).__name__}; it needs a matrix expression, as in MatrixSymbol('A', m, m)"
        raise InputError(msg)
    return X if isinstance(X, MatrixExpr) else X.as_immutable()


def _size(node: str, p: Any) -> Expr:
    """``p`` as a number of rows or columns, or an error that names the node."""
    try:
        size = _sympify(p)
    except SympifyError:
        size = None
    if not isinstance(size, Expr) or size.is_integer is False or size.is_negative:
        msg = f"{node} received the dimension {p!r}; it needs an integer that is not negative, as in {node}(2, 3) or {node}(dm.dim('p'), 3)"
        raise ShapeError(msg)
    return size


def _column_vector(node: str, v: Any) -> MatrixExpr:
    v = _matrix(node, v)
    if v.shape[1] != 1:
        msg = f"{node} received {v} of shape {v.shape[0]} x {v.shape[1]}; it needs a column vector, of shape (k, 1)"
        raise ShapeError(msg)
    return v


def _scalar(node: str, c: Any) -> Expr:
    try:
        value = _sympify(c)
    except SympifyError:
        value = None
    if not isinstance(value, Expr) or isinstance(value, MatrixExpr):
        msg = f"{node} received {c!r}; it needs a number or a scalar symbol"
        raise InputError(msg)
    return value


def relu(X: Any) -> MatrixExpr:
    """``relu(X) = max(X, 0)``, entry by entry.

    Parameters
    ----------
    X
        A matrix expression of any shape.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> print(dm.text(dm.relu(MatrixSymbol("u", dm.dim("m"), 1))))
    relu(u)
    """
    return Elementwise(RELU, _matrix("relu", X))


def gate(u: Any) -> MatrixExpr:
    """``gate(u) = diag(1[u > 0])``, the derivative of relu at a column u with no entry 0.

    Parameters
    ----------
    u
        The pre-activation, a column of shape (m, 1).

    Returns
    -------
    Gate
        Shape (m, m). Its own differential is 0 wherever no entry of u is 0; that
        hypothesis is named by every derivation that uses it.
    """
    return Gate(_column_vector("gate", u))


@any_depth
def elementwise(f: Any, X: Any) -> MatrixExpr:
    """``f(X)`` entry by entry, for a scalar SymPy function such as ``sympy.tanh``.

    Parameters
    ----------
    f
        A SymPy function class, a ``Lambda`` of one variable, or a Python callable that
        takes one SymPy symbol and gives a SymPy expression in it.
    X
        A matrix expression of any shape.
    """
    X = _matrix("elementwise", X)
    if isinstance(f, Lambda) and len(f.variables) != 1:
        msg = f"elementwise received {f} of {len(f.variables)} variables; it needs a function of one"
        raise InputError(msg)
    if isinstance(f, Lambda) or callable(f):
        entry = Dummy("t", real=True)
        body = f(entry)
    else:
        msg = f"elementwise received {f!r}; it needs a SymPy function or Lambda, as in elementwise(sympy.tanh, X)"
        raise InputError(msg)
    if not isinstance(body, Expr):
        msg = f"elementwise received {f!r}, which gives {body!r} of a symbol; it needs a SymPy expression"
        raise InputError(msg)
    if body == entry:
        return X
    # a parameter of the function may be called t as well: the entry then takes another name
    taken = {s.name for s in body.free_symbols if s != entry}
    variable = entry_variable
    while variable.name in taken:
        variable = Symbol(f"{variable.name}_", real=True)
    return Elementwise(Lambda(variable, body.xreplace({entry: variable})), X)


def diag(v: Any) -> MatrixExpr:
    """``diag(v)``, the diagonal matrix of a column v (k x 1); of a square matrix, its diagonal (as ``numpy.diag``).

    Parameters
    ----------
    v
        A column (k, 1), which gives a (k, k) matrix; or a square matrix (k, k), which gives a column (k, 1).

    Raises
    ------
    ShapeError
        Neither a column nor square.
    """
    v = _matrix("diag", v)
    if v.shape[1] != 1 and v.shape[0] == v.shape[1]:
        return DiagonalOf(v)
    return Diag(_column_vector("diag", v))


def diagonal_of(M: Any) -> MatrixExpr:
    """The diagonal of a square matrix M (k x k) as a column (k x 1); SymPy's own node.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> k = dm.dim("k")
    >>> dm.expressions.diagonal_of(MatrixSymbol("M", k, k)).shape
    (k, 1)
    """
    M = _matrix("diagonal_of", M)
    if M.shape[0] != M.shape[1]:
        msg = f"diagonal_of received {M} of shape {M.shape[0]} x {M.shape[1]}; it needs a square matrix"
        raise ShapeError(msg)
    return DiagonalOf(M)


def softmax_columns(X: Any) -> MatrixExpr:
    """Softmax down each column of X (p x q): ``s_ij = exp(x_ij) / sum_k exp(x_kj)``, shape (p, q).

    Column j moves by ``ds_j = J_j dx_j`` with ``J_j = diag(s_j) - s_j s_j^T``; ``1^T S = 1^T``.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m = dm.dim("m")
    >>> S = dm.expressions.softmax_columns(MatrixSymbol("A", m, m))
    >>> print(dm.text(dm.simplified(dm.expressions.ones(m).T * S)))
    𝟏ᵀ
    """
    return SoftmaxColumns(_matrix("softmax_columns", X))


def leaky_relu(X: Any, slope: Any) -> MatrixExpr:
    """``leaky_relu(X) = slope X + (1 - slope) relu(X)``: t for t > 0 and slope t for t < 0, entry by entry.

    Parameters
    ----------
    X
        A matrix expression of any shape.
    slope
        A number or a scalar symbol.

    Notes
    -----
    Its derivative at a column u is ``slope I + (1 - slope) gate(u)``, off the kink u = 0.
    """
    X = _matrix("leaky_relu", X)
    slope = _scalar("leaky_relu", slope)
    return MatAdd(MatMul(slope, X), MatMul(1 - slope, relu(X)))


def squared_norm(X: Any) -> Expr:
    """``||X||_F^2 = tr(X^T X)``, a SymPy scalar.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> X = MatrixSymbol("X", dm.dim("m"), dm.dim("n"))
    >>> print(dm.text(dm.gradient(dm.expressions.squared_norm(X), X).result))
    2 X
    """
    X = _matrix("squared_norm", X)
    return Trace(MatMul(Transpose(X), X))


def ones(p: Any, q: Any = 1) -> MatrixExpr:
    """The p x q matrix of ones; a column by default."""
    return OneMatrix(_sympify(p), _sympify(q))


def blocks(rows: Any) -> MatrixExpr:
    """A block matrix from a list of lists of matrix expressions (SymPy's own node); 0 stands for a zero block.

    Parameters
    ----------
    rows
        Rows of blocks. Blocks of one row need equal numbers of rows, blocks of one column equal numbers of columns.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m, n = dm.dim("m"), dm.dim("n")
    >>> A, B = MatrixSymbol("A", m, m), MatrixSymbol("B", n, n)
    >>> dm.expressions.blocks([[A, 0], [0, B]]).shape
    (m + n, m + n)
    """
    if not isinstance(rows, (list, tuple)) or not rows or any(not isinstance(r, (list, tuple)) or not r for r in rows):
        msg = f"blocks received {rows!r}; it needs a list of rows of blocks, as in blocks([[A, B], [C, D]])"
        raise InputError(msg)
    if len({len(r) for r in rows}) != 1:
        msg = f"blocks received rows of {[len(r) for r in rows]} blocks; every row needs the same number"
        raise ShapeError(msg)
    given = [[None if isinstance(b, int) and b == 0 else _matrix("blocks", b) for b in r] for r in rows]
    heights = [_common(r, 0, f"row {k}") for k, r in enumerate(given)]
    widths = [_common(c, 1, f"column {k}") for k, c in enumerate(zip(*given, strict=True))]
    filled = [
        [ZeroMatrix(h, w) if b is None else b for w, b in zip(widths, r, strict=True)]
        for h, r in zip(heights, given, strict=True)
    ]
    return BlockMatrix(filled)


def _common(line: Sequence[MatrixExpr | None], axis: int, where: str) -> Expr:
    """The size that all blocks of a row or column share."""
    sizes = [b.shape[axis] for b in line if b is not None]
    if not sizes:
        msg = f"blocks received only zeros in {where}, whose size is then unknown; write ZeroMatrix(p, q) once"
        raise ShapeError(msg)
    for b, s in zip([b for b in line if b is not None], sizes, strict=True):
        if s != sizes[0]:
            what = ("rows", "columns")[axis]
            msg = f"blocks received {b} of shape {b.shape[0]} x {b.shape[1]} in {where}, where the first has {sizes[0]} {what}"
            raise ShapeError(msg)
    return sizes[0]


def vec(X: Any) -> MatrixExpr:
    """``vec(X)``: the columns of X (p x q) stacked into a column of length p q."""
    return Vec(_matrix("vec", X))


def kron(*factors: Any) -> MatrixExpr:
    """The Kronecker product ``A kron B kron ...`` (SymPy's own node).

    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m = dm.dim("m")
    >>> dm.kron(MatrixSymbol("z", m, 1).T, MatrixSymbol("R", m, m)).shape
    (m, m**2)
    """
    if not factors:
        msg = "kron received no factor; it needs at least one, as in kron(A, B)"
        raise InputError(msg)
    matrices = [_matrix("kron", f) for f in factors]
    return matrices[0] if len(matrices) == 1 else KroneckerProduct(*matrices)


def hadamard(*factors: Any) -> MatrixExpr:
    """The entrywise product ``A o B o ...`` (SymPy's own node); all shapes must be equal."""
    matrices = [_matrix("hadamard", f) for f in factors]
    for f in matrices[1:]:
        if tuple(f.shape) != tuple(matrices[0].shape):
            msg = f"hadamard received {matrices[0]} of shape {matrices[0].shape} and {f} of shape {f.shape}; it needs equal shapes"
            raise ShapeError(msg)
    return matrices[0] if len(matrices) == 1 else HadamardProduct(*matrices)


def commutation(p: Any, q: Any) -> MatrixExpr:
    """The commutation matrix: ``vec(X^T) = commutation(p, q) vec(X)`` for X of shape p x q."""
    return Commutation(_size("commutation", p), _size("commutation", q))


def column(X: Any, i: Any) -> MatrixExpr:
    """``z_i``, column i (counted from 0) of a matrix whose columns are samples."""
    return Column(_matrix("column", X), i)


def total(term: Any, i: Symbol, n: Any) -> MatrixExpr:
    """``sum_i term``, i = 0 .. n-1; ``term`` is a matrix expression in the index symbol i."""
    if not isinstance(i, Symbol):
        msg = f"total received the index {i!r}; it needs a Symbol, as in total(column(Z, i), i, n)"
        raise InputError(msg)
    return Total(_matrix("total", term), i, n)


def one() -> MatrixExpr:
    """The 1 x 1 identity: ``c * one()`` is a scalar c as a matrix expression."""
    return Identity(S.One)


def direction(X: Any, name: str) -> MatrixSymbol:
    """A matrix symbol of the shape of X, for a direction in which X moves or a weight on it."""
    return MatrixSymbol(name, *_matrix("direction", X).shape)
