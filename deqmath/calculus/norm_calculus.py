"""Norm calculus: an upper bound on ``||expr||_2`` by structure, one named inequality a line.

Each rule is an inequality with a name; each line states what it claims, so that the checker attacks it on its own.
What is known of the atoms stays in symbols ``||A||``; `deqmath.bounds` fills in numbers, in balls.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp
from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatrixExpr, S, Symbol
from sympy.matrices.expressions import HadamardProduct, KroneckerProduct, MatrixSymbol, Transpose

from deqmath.calculus.lipschitz import VANISHING, lipschitz_constant
from deqmath.calculus.normal_form import normal_form, simplified
from deqmath.calculus.polynomial import Monomial
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError
from deqmath.expressions.nodes import Elementwise, Gate
from deqmath.expressions.plain import plain
from deqmath.expressions.printing import latex, norm_symbol, text
from deqmath.expressions.statements import NormAtMost
from deqmath.expressions.traversal import Rules

norm_rules = Rules("norm")


@dataclass
class Trace:
    """The lines found so far, and the quantities that must stay below 1."""

    lines: list[Line] = field(default_factory=list)
    contractions: list[Expr] = field(default_factory=list)

    def bound(self, x: MatrixExpr) -> Expr:
        """An upper bound on ``||x||``."""
        found: Expr = norm_rules(x, self)
        return found

    def add(self, x: MatrixExpr, value: Expr, rule: str, reason: str) -> Expr:
        """Record ``||x|| <= value`` as a line."""
        contraction = sp.Max(*self.contractions) if self.contractions else None
        statement = NormAtMost(x, value, norms_of(x), (), contraction)
        label = Label(f"‖{text(x)}‖", f"\\Vert {latex(x)}\\Vert")
        self.lines.append(Line(label, value, rule, reason, statement=statement, relation="≤"))
        return value


@dataclass(frozen=True)
class NormBound:
    """``||expression|| <= bound`` where every contraction is below 1, with the lines that lead there."""

    expression: MatrixExpr
    bound: Expr
    lines: tuple[Line, ...]
    contractions: tuple[Expr, ...] = ()


def norms_of(x: MatrixExpr) -> tuple[tuple[Symbol, MatrixExpr], ...]:
    """The norm symbols of the atoms of an expression."""
    atoms = sorted(x.atoms(MatrixSymbol), key=lambda M: M.name)
    return tuple((norm_symbol(M), M) for M in atoms)


def norm_calculus(expr: MatrixExpr) -> NormBound:
    """Bound ``||expr||_2`` by the norms of its symbols.

    Parameters
    ----------
    expr
        Sums, products, transposes, inverses ``(c I - M)^{-1}`` with a number c, Kronecker and Hadamard products, gates,
        and elementwise 1-Lipschitz functions with ``sigma(0) = 0``.

    Returns
    -------
    NormBound

    Raises
    ------
    InputError
        An inverse for which no bound of ``||M||`` below ``|c|`` is in sight, such as ``A^{-1}``.
    UnknownNodeError
        The expression has a node without a rule.

    Examples
    --------
    >>> import deqmath as dm
    >>> from deqmath.calculus.norm_calculus import norm_calculus
    >>> from deqmath.model import ReLUModel
    >>> found = norm_calculus(ReLUModel().q())
    >>> print(dm.text(found.bound))
    ‖b‖/(1 - γ ‖A‖)
    >>> [line.rule for line in found.lines]
    ['Neumann lemma', 'submultiplicativity']
    """
    trace = Trace()
    bound = trace.bound(expr)
    return NormBound(expr, bound, tuple(trace.lines), tuple(trace.contractions))


@norm_rules.register(MatrixSymbol)
def of_symbol(x: MatrixSymbol, _: Trace) -> Expr:
    """``||A||`` is what it is."""
    return norm_symbol(x)


@norm_rules.register(Identity)
def of_identity(_x: Identity, _: Trace) -> Expr:
    """``||I|| = 1``."""
    return S.One


@norm_rules.register(Gate)
def of_gate(_x: Gate, _: Trace) -> Expr:
    """``||D|| <= 1`` for a gate, whatever it depends on."""
    return S.One


@norm_rules.register(Transpose)
def of_transpose(x: Transpose, trace: Trace) -> Expr:
    """``||X^T|| = ||X||``."""
    return trace.bound(x.arg)


@norm_rules.register(MatAdd)
def of_sum(x: MatAdd, trace: Trace) -> Expr:
    """``||X + Y|| <= ||X|| + ||Y||``."""
    return trace.add(x, sp.Add(*(trace.bound(a) for a in x.args)), "triangle inequality", "‖X + Y‖ ≤ ‖X‖ + ‖Y‖")


@norm_rules.register(MatMul)
def of_product(x: MatMul, trace: Trace) -> Expr:
    """``||c X Y|| <= |c| ||X|| ||Y||``."""
    value = sp.Mul(*(trace.bound(a) if isinstance(a, MatrixExpr) else sp.Abs(a) for a in x.args))
    if sum(isinstance(a, MatrixExpr) for a in x.args) < 2:
        return value
    return trace.add(x, value, "submultiplicativity", "‖c X Y‖ ≤ |c| ‖X‖ ‖Y‖; a gate has norm at most 1")


@norm_rules.register(KroneckerProduct)
def of_kronecker(x: KroneckerProduct, trace: Trace) -> Expr:
    """``||X kron Y|| = ||X|| ||Y||``."""
    return trace.add(x, sp.Mul(*(trace.bound(a) for a in x.args)), "Kronecker product", "‖X ⊗ Y‖ = ‖X‖ ‖Y‖")


@norm_rules.register(HadamardProduct)
def of_hadamard(x: HadamardProduct, trace: Trace) -> Expr:
    """``||X o Y|| <= ||X|| ||Y||`` (Schur): X o Y is a submatrix of X kron Y."""
    return trace.add(
        x, sp.Mul(*(trace.bound(a) for a in x.args)), "Schur product", "‖X ∘ Y‖ ≤ ‖X‖ ‖Y‖: a submatrix of X ⊗ Y"
    )


@norm_rules.register(Elementwise)
def of_elementwise(x: Elementwise, trace: Trace) -> Expr:
    """``||sigma(v)|| <= ||v||`` for a column v and a 1-Lipschitz sigma with sigma(0) = 0."""
    name = x.function.expr.func.__name__
    if name not in VANISHING or x.shape[1] != 1:
        msg = f"no norm rule for {text(x)}; there is one for columns and {', '.join(VANISHING)}"
        raise InputError(msg)
    value = trace.bound(x.arg)
    return trace.add(x, value, "1-Lipschitz activation", f"{name.removesuffix('_scalar')}(0) = 0, so ‖σ(v)‖ ≤ ‖v‖")


@norm_rules.register(Inverse)
def of_inverse(x: Inverse, trace: Trace) -> Expr:
    """``||(c I - M)^{-1}|| <= 1/(|c| - ||M||)`` where ``||M|| < |c|``; c is 1 or a number."""
    c, size, inside = _shifted(x.arg)
    if (size - c).is_nonnegative:
        msg = f"norm_calculus received {text(x)}, for which ‖M‖ ≤ {text(size)} is never below {text(c)}; it needs (c I - M)⁻¹ with a bound of ‖M‖ that can be below |c|"
        raise InputError(msg)
    trace.contractions += [*inside, size / c]
    lemma = "‖(I - M)⁻¹‖ ≤ 1/(1 - ‖M‖)" if c == 1 else "‖(c I - M)⁻¹‖ ≤ 1/(|c| - ‖M‖)"
    return trace.add(x, 1 / (c - size), "Neumann lemma", f"{lemma} where ‖M‖ ≤ {text(size)} < {text(c)}")


def _shifted(expr: MatrixExpr) -> tuple[Expr, Expr, list[Expr]]:
    """``|c|``, a bound of ``||M||`` for ``expr = c I - M``, and what that bound needs below 1; c is a number, else 1."""
    c = normal_form(plain(expr)).terms.get(Monomial(), S.One)
    c = c if c.is_number and c.is_nonzero else S.One
    moved = simplified(MatAdd(MatMul(c, Identity(expr.shape[0])), MatMul(S.NegativeOne, expr)))
    inner = Trace()
    size = S.Zero if moved.is_ZeroMatrix else inner.bound(moved)
    return sp.Abs(c), size, inner.contractions


def least_singular_value(expr: MatrixExpr) -> Expr:
    """``sigma_min(c I - M) >= |c| - ||M||``, as ``||c x - M x|| >= |c| ||x|| - ||M x||`` (reverse triangle inequality)."""
    c, size, inside = _shifted(expr)
    if inside:
        msg = f"least_singular_value received {text(expr)}; it needs c I - M with no inverse in M, whose bound holds under a condition only"
        raise InputError(msg)
    return c - size


def perturbed_fixed_point(residual: MatrixExpr, unknown: MatrixSymbol, parameter: MatrixSymbol) -> NormBound:
    """How far the solution of ``z = F(z; A)`` moves when A becomes ``A + E``: the pattern of (12) and (13).

    ``z - z_0 = (F(z; A) - F(z_0; A)) + (F(z_0; A) - F(z_0; A + E))``, so
    ``||z - z_0|| <= ||F(z_0; A) - F(z_0; A + E)||/(1 - Lip F)``, z_0 the solution at ``A + E``. The activation
    is dropped from the difference by its Lipschitz constant 1.
    """
    F = simplified(MatAdd(unknown, MatMul(S.NegativeOne, residual)))
    E = MatrixSymbol("E", *parameter.shape)
    other = MatrixSymbol(f"{unknown.name}_0", *unknown.shape)
    rho, used = lipschitz_constant(F, unknown)
    inner = F.arg if isinstance(F, Elementwise) else F
    at_other = inner.xreplace({unknown: other})
    shifted = at_other.xreplace({parameter: MatAdd(parameter, E)})
    gap = simplified(MatAdd(shifted, MatMul(S.NegativeOne, at_other)))
    trace = Trace()
    bound = trace.bound(gap) / (1 - rho)
    difference = MatAdd(unknown, MatMul(S.NegativeOne, other))
    moved = residual.xreplace({unknown: other, parameter: MatAdd(parameter, E)})
    norms = (*norms_of(MatAdd(difference, residual)), (norm_symbol(E), E), (norm_symbol(other), other))
    statement = NormAtMost(difference, bound, tuple(dict(norms).items()), ((unknown, residual), (other, moved)), rho)
    label = Label(f"‖{text(difference)}‖", f"\\Vert {latex(difference)}\\Vert")
    reason = f"F(z; A) - F(z₀; A) shrinks by {text(rho)} < 1 ({'; '.join(used)}); z₀ solves with A + E"
    line = Line(label, bound, "perturbed fixed point", reason, statement=statement, relation="≤")
    return NormBound(difference, bound, (*trace.lines, line), (rho,))


def telescoped(factors: tuple[MatrixExpr, ...], scale: Expr = S.One) -> NormBound:
    """The change of a product when each factor ``X_k`` becomes ``X_k + E_k``, term by term.

    ``||prod (X_k + E_k) - prod X_k|| <= |c| sum_k prod_{i<k} ||X_i + E_i|| ||E_k|| prod_{i>k} ||X_i||``: (15) for
    ``c z^T w q^T p``. ``factors`` are matrix symbols or their transposes.
    """
    pairs: list[tuple[MatrixExpr, MatrixExpr]] = []
    norms: dict[Symbol, MatrixExpr] = {}
    sizes: list[tuple[Expr, Expr, Expr]] = []
    for x in factors:
        symbol = x.arg if isinstance(x, Transpose) else x
        change = MatrixSymbol(f"d{symbol.name}", *symbol.shape)
        new = MatAdd(symbol, change)
        after = Symbol(f"norm_new_{symbol.name}", nonnegative=True)
        norms |= {norm_symbol(symbol): symbol, norm_symbol(change): change, after: new}
        pairs.append((Transpose(new) if isinstance(x, Transpose) else new, x))
        sizes.append((after, norm_symbol(change), norm_symbol(symbol)))
    terms = []
    for k in range(len(factors)):
        before, later = [s[0] for s in sizes[:k]], [s[2] for s in sizes[k + 1 :]]
        terms.append(sp.Mul(*before, sizes[k][1], *later))
    bound = sp.Abs(scale) * sp.Add(*terms)
    expr = MatAdd(MatMul(scale, *(n for n, _ in pairs)), MatMul(-scale, *(o for _, o in pairs)))
    statement = NormAtMost(expr, bound, tuple(norms.items()))
    label = Label("‖Π(X + E) - ΠX‖", "\\Vert\\prod(X_k+E_k) - \\prod X_k\\Vert")
    line = Line(label, bound, "telescoping product", "one factor changes at a time", statement=statement, relation="≤")
    return NormBound(expr, bound, (line,))
