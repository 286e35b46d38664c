"""The verbs a user calls: jacobian, gradient, implicit_jacobian, implicit_differential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, MatrixExpr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.calculus.explicit import gradient_lines, jacobian_lines
from deqmath.calculus.implicit import implicit_jacobian_lines, implicit_lines, system
from deqmath.calculus.lipschitz import contraction_lines
from deqmath.calculus.multipliers import multiplier_lines
from deqmath.calculus.normal_form import simplified
from deqmath.checking.exact import singular_everywhere
from deqmath.derivation.derivation import Derivation, abbreviations, derivation
from deqmath.errors import InputError, SingularError
from deqmath.expressions.depth import any_depth
from deqmath.expressions.nodes import Column, Gate
from deqmath.expressions.plain import plain
from deqmath.expressions.printing import Name, text
from deqmath.expressions.traversal import distinct_nodes


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
    return plain(expr)


def _gates(expr: Expr) -> tuple[tuple[MatrixExpr, Name], ...]:
    """The name D for the gate of a result, if it has just one."""
    found = list(dict.fromkeys(a for a in distinct_nodes(simplified(expr)) if isinstance(a, Gate)))
    letters = {a.name for a in distinct_nodes(expr) if isinstance(a, (MatrixSymbol, Symbol))}
    if len(found) != 1 or "D" in letters:
        return ()
    return tuple(abbreviations("D", found[0]))


@any_depth
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


@any_depth
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


def _several(name: str, residual: Any, unknown: Any, wrt: Any) -> tuple[list[Any], list[Any]]:
    """One equation or a list of them, and its unknowns likewise."""
    residuals = list(residual) if isinstance(residual, (list, tuple)) else [residual]
    unknowns = list(unknown) if isinstance(unknown, (list, tuple)) else [unknown]
    for z in unknowns:
        if not isinstance(z, (MatrixSymbol, Column)):
            msg = f"{name} received the unknown {z!r}; it needs a MatrixSymbol, or one column of one"
            raise InputError(msg)
        if wrt == z:
            msg = f"{name} received {text(z)} both as the unknown and to differentiate by; the unknown moves with another symbol"
            raise InputError(msg)
    return [_checked(name, r, wrt) for r in residuals], unknowns


@any_depth
def implicit_jacobian(residual: Any, unknown: Any, wrt: Any, *, of: Any = None) -> Derivation:
    """``d vec(unknown)/d vec(wrt)^T`` of the unknown that ``residual = 0`` defines.

    Parameters
    ----------
    residual
        A matrix expression of the unknown's shape, such as ``z - relu(gamma A z + phi)``; or a list
        of them, for a system.
    unknown
        What the equation determines: a matrix symbol of any shape, or one column of one; a list for
        a system.
    wrt
        A matrix, vector or scalar symbol.
    of
        For a system: the unknown whose derivative is wanted; all of them stacked by default.

    Returns
    -------
    Derivation
        By the implicit function theorem, ``-F_z^{-1} F_X`` in numerator layout, a system by Schur
        complements; ``.assumptions`` names every matrix that must be invertible and the kinks
        avoided.

    Raises
    ------
    SingularError
        The equations do not determine the unknowns: ``F_z`` is 0, or singular at every point tried.
    ShapeError
        A residual and its unknown differ in shape.

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
    equations = system(*_several("implicit_jacobian", residual, unknown, wrt))
    result, lines = implicit_jacobian_lines(equations, wrt, of)
    made = derivation(lines, f"derivative of {_listed(equations.unknowns)} by {text(wrt)}, implicitly", _gates(result))
    _refuse_singular(made)
    return made


def _listed(unknowns: tuple[MatrixExpr, ...]) -> str:
    return ", ".join(text(z) for z in unknowns)


def _refuse_singular(made: Derivation) -> None:
    """Raise where a matrix that must be invertible is singular at every point tried."""
    for a in made.assumptions:
        if a.kind == "invertible":
            sizes = singular_everywhere(a.expr, [b for b in made.assumptions if b.kind == "equation"])
            if sizes is not None:
                where = ", ".join(f"{k} = {v}" for k, v in sizes.items())
                msg = (
                    f"{text(a.expr, made.names)} is singular at every point tried ({where}): the equations do not "
                    "determine their unknowns"
                )
                raise SingularError(msg)


@any_depth
def implicit_differential(residual: Any, unknown: Any, wrt: Any, *, of: Any = None) -> Derivation:
    """``d unknown`` as an expression linear in ``d wrt``, without vec: the forward form.

    Parameters
    ----------
    residual, unknown, wrt, of
        As in :func:`implicit_jacobian`; of a system the differential of ``of``, the last unknown by default.

    Raises
    ------
    InputError
        An unknown does not enter by left multiplication only, so there is no form without vec.
    """
    equations = system(*_several("implicit_differential", residual, unknown, wrt))
    solution = implicit_lines(equations, wrt)
    if solution is None:
        msg = (
            f"{_listed(equations.unknowns)} does not enter by left multiplication only, so its differential needs vec; "
            "ask for dm.implicit_jacobian instead"
        )
        raise InputError(msg)
    lines = list(solution.lines)
    if of is not None:
        wanted = equations.unknowns.index(of) - len(equations.unknowns)
        lines.append(lines.pop(wanted))
    made = derivation(lines, f"differential of {_listed(equations.unknowns)}", _gates(lines[-1].expression))
    _refuse_singular(made)
    return made


@any_depth
def adjoint_gradient(
    scalar: Any, wrt: Any, *, implicit: Mapping[MatrixExpr, MatrixExpr], multipliers: Sequence[str] = ()
) -> Derivation:
    """The gradient by the adjoint method, in matrix notation: one multiplier an equation.

    Lambda solves ``(dF/dz)^*[Lambda] = df/dz``, and ``grad f = df/dX - (dF/dX)^*[Lambda]``.

    Parameters
    ----------
    scalar, wrt
        As in :func:`gradient`.
    implicit
        Unknown -> residual, unknowns of any shape, coupled or not.
    multipliers
        Names for the multipliers; Lambda by default.

    Returns
    -------
    Derivation
        The result holds the multipliers; their equations are lines, and hypotheses of the last one.

    Examples
    --------
    The Stein equation ``X = A X A^T + Q``, f = tr(C^T X):

    >>> from deqmath.derivation import adjoint_gradient
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol, Trace
    >>> m = dm.dim("m")
    >>> A, C, Q, X = (MatrixSymbol(s, m, m) for s in "ACQX")
    >>> d = adjoint_gradient(Trace(C.T * X), A, implicit={X: X - A * X * A.T - Q})
    >>> print(d.steps[-2].label.text, "=", dm.text(d.steps[-2].expression))
    adjoint of X = -C + Λ - Aᵀ Λ A
    >>> print(dm.text(d.result))
    Λ A Xᵀ + Λᵀ A X
    """
    scalar = _checked("adjoint_gradient", scalar, wrt)
    result, _, lines = multiplier_lines(scalar, wrt, implicit, multipliers)
    return derivation(lines, f"gradient by {text(wrt)}, adjoint form", _gates(result))


@any_depth
def well_posedness(residual: Any, unknown: Any) -> Derivation:
    """When ``residual = unknown - F(unknown)`` has one and only one zero, and how large it is.

    The Lipschitz constant rho of F is derived by structure (triangle inequality,
    submultiplicativity, 1-Lipschitz activations); Banach's theorem does the rest where rho < 1.
    """
    _, lines = contraction_lines(_checked("well_posedness", residual, unknown), unknown)
    return derivation(lines, f"well-posedness of {text(unknown)}")
