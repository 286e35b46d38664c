"""The verbs a user calls: jacobian, gradient, implicit_jacobian, implicit_differential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, MatrixExpr, Symbol, preorder_traversal
from sympy.matrices.expressions import MatrixSymbol

from deqmath.calculus.explicit import gradient_lines, jacobian_lines
from deqmath.calculus.implicit import implicit_jacobian_lines, implicit_lines
from deqmath.calculus.lipschitz import contraction_lines
from deqmath.calculus.normal_form import simplified
from deqmath.derivation.derivation import Derivation, abbreviations, derivation
from deqmath.errors import InputError
from deqmath.expressions.nodes import Column, Gate
from deqmath.expressions.printing import Name, text


def _checked(name: str, expr: Any, wrt: Any) -> MatrixExpr | Expr:
    if hasattr(expr, "result"):
        expr = expr.result
    if hasattr(expr, "as_immutable") and not isinstance(expr, MatrixExpr):
        expr = expr.as_immutable()
    if not isinstance(expr, Expr):
        msg = f"{name} received {expr!r} of type {type(expr).__name__}; it needs a SymPy (matrix) expression"
        raise InputError(msg)
    if not isinstance(wrt, (MatrixSymbol, Symbol, Column)):
        msg = f"{name} received {wrt!r} to differentiate by; it needs a MatrixSymbol or a Symbol, as in {name}(expr, A)"
        raise InputError(msg)
    return expr


def _gates(expr: Expr) -> tuple[tuple[MatrixExpr, Name], ...]:
    """The name D for the gate of a result, if it has just one."""
    found = list(dict.fromkeys(a for a in preorder_traversal(simplified(expr)) if isinstance(a, Gate)))
    letters = {a.name for a in preorder_traversal(expr) if isinstance(a, (MatrixSymbol, Symbol))}
    if len(found) != 1 or "D" in letters:
        return ()
    return tuple(abbreviations("D", found[0]))


def jacobian(expr: Any, wrt: Any, *, implicit: Mapping[MatrixExpr, MatrixExpr] | None = None) -> Derivation:
    """The Jacobian ``d vec(expr) / d vec(wrt)^T``, numerator layout, with the lines that lead to it.

    Parameters
    ----------
    expr
        A matrix expression, or a scalar.
    wrt
        A matrix, vector or scalar symbol.
    implicit
        Unknown -> residual: unknowns in ``expr`` that move with ``wrt`` so that the residual stays 0.

    Returns
    -------
    Derivation
        ``.result`` has shape (size of expr, size of wrt).

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m, n = dm.dim("m"), dm.dim("n")
    >>> A, X = MatrixSymbol("A", m, m), MatrixSymbol("X", m, n)
    >>> print(dm.jacobian(A * X, X).result)
    KroneckerProduct(I, A)
    """
    result, lines = jacobian_lines(_checked("jacobian", expr, wrt), wrt, implicit)
    return derivation(lines, f"Jacobian by {text(wrt)}", _gates(result))


def gradient(scalar: Any, wrt: Any, *, implicit: Mapping[MatrixExpr, MatrixExpr] | None = None) -> Derivation:
    """The gradient of a scalar, in the shape of ``wrt``: ``d scalar = tr(G^T d wrt)``.

    Parameters
    ----------
    scalar
        A 1 x 1 expression, or a SymPy scalar such as ``Trace(...)`` or ``log(Determinant(...))``.
    wrt
        A matrix, vector or scalar symbol.
    implicit
        Unknown -> residual, as in :func:`jacobian`.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import Determinant, MatrixSymbol, log
    >>> m = dm.dim("m")
    >>> A = MatrixSymbol("A", m, m)
    >>> print(dm.gradient(log(Determinant(A)), A).result)
    A.T**(-1)
    """
    result, lines = gradient_lines(_checked("gradient", scalar, wrt), wrt, implicit)
    return derivation(lines, f"gradient by {text(wrt)}", _gates(result))


def implicit_jacobian(residual: Any, unknown: Any, wrt: Any) -> Derivation:
    """``d vec(unknown)/d vec(wrt)^T`` of the unknown that ``residual = 0`` defines.

    Parameters
    ----------
    residual
        A matrix expression of the unknown's shape, such as ``z - relu(gamma A z + phi)``.
    unknown
        What the equation determines: a matrix symbol, or one column of one.
    wrt
        A matrix, vector or scalar symbol.

    Returns
    -------
    Derivation
        By the implicit function theorem, ``-F_z^{-1} F_X`` in numerator layout; ``.assumptions``
        names the matrix that must be invertible and the kinks avoided.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol, Symbol
    >>> m = dm.dim("m")
    >>> A, z, phi = MatrixSymbol("A", m, m), MatrixSymbol("z", m, 1), MatrixSymbol("phi", m, 1)
    >>> d = dm.implicit_jacobian(z - dm.relu(Symbol("gamma") * A * z + phi), z, A)
    >>> print(d.steps[-1].label.text, "=", dm.text(d.result, d.names))
    ∂vec(z)/∂vec(A)ᵀ = γ (zᵀ ⊗ (I - γ D A)⁻¹ D)
    """
    residual = _checked("implicit_jacobian", residual, wrt)
    result, lines = implicit_jacobian_lines(residual, unknown, wrt)
    return derivation(lines, f"derivative of {text(unknown)} by {text(wrt)}, implicitly", _gates(result))


def implicit_differential(residual: Any, unknown: Any, wrt: Any) -> Derivation:
    """``d unknown`` as an expression linear in ``d wrt``, without vec: the forward form."""
    residual = _checked("implicit_differential", residual, wrt)
    solution = implicit_lines(residual, unknown, wrt)
    return derivation(solution.lines, f"differential of {text(unknown)}", _gates(solution.differential))


def well_posedness(residual: Any, unknown: Any) -> Derivation:
    """When ``residual = unknown - F(unknown)`` has one and only one zero, and how large it is.

    The Lipschitz constant rho of F is derived by structure (triangle inequality,
    submultiplicativity, 1-Lipschitz activations); Banach's theorem does the rest where rho < 1.
    """
    _, lines = contraction_lines(_checked("well_posedness", residual, unknown), unknown)
    return derivation(lines, f"well-posedness of {text(unknown)}")
