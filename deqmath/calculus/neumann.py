"""The Neumann series: closed form, partial sums, condition and tail."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatrixExpr, S, Symbol

from deqmath.calculus.expression import word_expr
from deqmath.calculus.normal_form import normal_form, simplified
from deqmath.calculus.polynomial import Monomial
from deqmath.errors import InputError, ShapeError
from deqmath.expressions.assumptions import Assumption, contraction
from deqmath.expressions.printing import latex, text


@dataclass(frozen=True)
class NeumannSeries:
    """``sum_k M^k rhs = (I - M)^{-1} rhs`` where ``||M|| < 1``.

    Parameters
    ----------
    M, rhs
        The matrix (k x k) and what the series acts on (k x p).
    terms
        The number of terms of the partial sum, or None for the whole series.
    """

    M: MatrixExpr
    rhs: MatrixExpr
    terms: int | None

    @property
    def closed_form(self) -> MatrixExpr:
        """``(I - M)^{-1} rhs``."""
        return simplified(MatMul(Inverse(self._resolvent), self.rhs))

    @property
    def _resolvent(self) -> MatrixExpr:
        return simplified(MatAdd(Identity(self.M.shape[0]), -self.M))

    @property
    def partial_sum(self) -> MatrixExpr:
        """``sum_{k < terms} M^k rhs``."""
        count = 1 if self.terms is None else self.terms
        powers = [MatMul(*([self.M] * k), self.rhs) if k else self.rhs for k in range(count)]
        return simplified(MatAdd(*powers)) if len(powers) > 1 else simplified(powers[0])

    @property
    def remainder(self) -> MatrixExpr:
        """``closed_form - partial_sum = M^terms (I - M)^{-1} rhs``, an identity wherever I - M is invertible."""
        count = 1 if self.terms is None else self.terms
        return simplified(MatMul(*([self.M] * count), Inverse(self._resolvent), self.rhs))

    @property
    def condition(self) -> Assumption:
        """``||M|| < 1``, under which the series converges to the closed form."""
        return contraction(self.M)

    def tail_bound(self, norm: Expr | None = None, rhs_norm: Expr | None = None) -> Expr:
        """``||remainder|| <= rho^K/(1 - rho) ||rhs||`` with K terms and ``rho = ||M|| < 1``.

        Parameters
        ----------
        norm, rhs_norm
            Symbols or numbers for ``||M||`` and ``||rhs||``; symbols named rho and r by default.
        """
        rho = Symbol("rho", nonnegative=True) if norm is None else norm
        r = Symbol("r", nonnegative=True) if rhs_norm is None else rhs_norm
        K = Symbol("K", integer=True, nonnegative=True) if self.terms is None else self.terms
        return rho**K * r / (1 - rho)

    def __str__(self) -> str:
        m, r = text(self.M), text(self.rhs)
        return f"Σₖ ({m})ᵏ {r} = {text(self.closed_form)}   where ‖{m}‖ < 1; tail after K terms ≤ ρᴷ/(1-ρ) ‖{r}‖, ρ = ‖{m}‖"

    def _repr_latex_(self) -> str:
        return f"$\\sum_{{k\\ge 0}} \\left({latex(self.M)}\\right)^k {latex(self.rhs)} = {latex(self.closed_form)}$"


def neumann(M: MatrixExpr, rhs: MatrixExpr | None = None, terms: int | None = None) -> NeumannSeries:
    """The Neumann series of M applied to ``rhs``.

    Parameters
    ----------
    M
        A square matrix expression (k x k).
    rhs
        What it acts on (k x p); the identity by default.
    terms
        Number of terms of ``.partial_sum``.

    Returns
    -------
    NeumannSeries
        ``.closed_form``, ``.partial_sum``, ``.remainder``, ``.condition``, ``.tail_bound()``.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol, Symbol
    >>> m = dm.dim("m")
    >>> A, phi = MatrixSymbol("A", m, m), MatrixSymbol("phi", m, 1)
    >>> s = dm.neumann(Symbol("gamma") * A, phi, terms=3)
    >>> print(dm.text(s.partial_sum))
    φ + γ A φ + γ² A A φ
    """
    if M.shape[0] != M.shape[1]:
        msg = f"neumann received M of shape {M.shape}; it needs a square matrix"
        raise ShapeError(msg)
    rhs = Identity(M.shape[0]) if rhs is None else rhs
    if rhs.shape[0] != M.shape[0]:
        msg = f"neumann received M of shape {M.shape} and rhs of shape {rhs.shape}; rhs needs {M.shape[0]} rows"
        raise ShapeError(msg)
    if terms is not None and (not isinstance(terms, int) or terms < 1):
        msg = f"neumann received terms={terms!r}; it needs a positive integer, as in neumann(M, phi, terms=3)"
        raise InputError(msg)
    return NeumannSeries(M, rhs, terms)


def expand_resolvent(expr: MatrixExpr, terms: int | None = None) -> NeumannSeries:
    """The Neumann series of ``(I - M)^{-1} rhs``, read off the expression: :func:`neumann` the other way.

    Parameters
    ----------
    expr
        A product that begins, in normal form, with the inverse of ``I - M``.
    terms
        Number of terms of ``.partial_sum``.

    Raises
    ------
    InputError
        The expression is not a resolvent times something.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import Identity, MatrixSymbol, Symbol
    >>> m = dm.dim("m")
    >>> A, phi = MatrixSymbol("A", m, m), MatrixSymbol("phi", m, 1)
    >>> s = dm.expand_resolvent((Identity(m) - Symbol("gamma") * A).I * phi, terms=2)
    >>> print(dm.text(s.M), "|", dm.text(s.partial_sum))
    γ A | φ + γ A φ
    """
    p = normal_form(expr)
    if len(p) == 1:
        ((m, c),) = p
        if m.word and isinstance(m.word[0], Inverse) and not m.binders and not m.traces:
            inner = normal_form(m.word[0].arg)
            if inner.terms.get(Monomial()) == 1 and len(inner) > 1:
                M = simplified(MatAdd(Identity(inner.shape[0]), MatMul(S.NegativeOne, m.word[0].arg)))
                rest = word_expr(m.word[1:], m.word[0].shape[1])
                return neumann(M, rest if c == 1 else simplified(MatMul(c, rest)), terms)
    msg = f"{text(expr)} is not a resolvent (I - M)⁻¹ times a matrix; give one, as in (Identity(m) - A).I * phi"
    raise InputError(msg)


__all__ = ["NeumannSeries", "expand_resolvent", "neumann"]
