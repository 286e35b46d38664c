"""The implicit function theorem at symbolic size: ``F(z, X) = 0`` gives ``dz = -F_z^{-1} F_X dX``.

One equation or a system, unknowns and parameters of any shape. Two forms: the forward form keeps
dX inside (unknowns that enter by left multiplication); the vec form gives the Jacobian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import BlockMatrix, Expr, MatrixExpr, S, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.calculus.differential import differential_with_assumptions
from deqmath.calculus.elimination import Elimination, eliminate
from deqmath.calculus.expression import to_expr
from deqmath.calculus.linear_map import coefficient_of, jacobian_of
from deqmath.calculus.normal_form import normal_form
from deqmath.calculus.polynomial import Polynomial
from deqmath.calculus.trace import Label, Line
from deqmath.errors import InputError, ShapeError, SingularError
from deqmath.expressions.assumptions import Assumption, equation, invertible
from deqmath.expressions.dimension import same_shape
from deqmath.expressions.nodes import Column, Vec
from deqmath.expressions.printing import latex, text
from deqmath.expressions.statements import DerivativeOf, DifferentialOf, Given

_IFT = "−(∂F/∂z)⁻¹ ∂F/∂X, written with mixed products (A ⊗ B)(C ⊗ D) = AC ⊗ BD and push-through"


def differential_symbol(x: Expr) -> Expr:
    """``dX``: a symbol of the shape of X, for its differential (of the whole matrix, for one column of it)."""
    if isinstance(x, Column):
        return Column(differential_symbol(x.arg), x.index)
    if isinstance(x, MatrixSymbol):
        return MatrixSymbol(f"d{x.name}", *x.shape)
    if isinstance(x, Symbol):
        return Symbol(f"d{x.name}", real=True)
    msg = f"received {x} to differentiate by; it needs a MatrixSymbol, a Symbol or one column of a MatrixSymbol"
    raise InputError(msg)


def base_symbol(x: Expr) -> Expr:
    """Z for its column z_i, x itself otherwise."""
    return x.arg if isinstance(x, Column) else x


def movement(*symbols: Expr) -> dict[Expr, Expr]:
    """Symbol -> differential; for one column of a matrix the whole matrix moves."""
    return {base_symbol(x): differential_symbol(base_symbol(x)) for x in symbols}


@dataclass(frozen=True)
class System:
    """Equations ``F_1 = 0, F_2 = 0, ...`` that determine unknowns of the same shapes."""

    residuals: tuple[MatrixExpr, ...]
    unknowns: tuple[MatrixExpr, ...]

    @property
    def pairs(self) -> tuple[tuple[MatrixExpr, MatrixExpr], ...]:
        """(unknown, residual) for each equation."""
        return tuple(zip(self.unknowns, self.residuals, strict=True))

    @property
    def equations(self) -> tuple[Assumption, ...]:
        """The hypotheses that the equations hold."""
        return tuple(equation(r, u) for u, r in self.pairs)

    def name(self, i: int) -> str:
        """What equation i is called in the lines."""
        return "F" if len(self.residuals) == 1 else f"F_{i + 1}"


def system(residuals: Sequence[MatrixExpr], unknowns: Sequence[MatrixExpr]) -> System:
    """The equations, their shapes checked.

    Raises
    ------
    ShapeError
        A residual and its unknown differ in shape, or their numbers differ.
    InputError
        An unknown stands in none of the equations, or is listed twice.
    """
    if len(residuals) != len(unknowns) or not unknowns:
        msg = f"received {len(residuals)} equations and {len(unknowns)} unknowns; it needs one equation an unknown"
        raise ShapeError(msg)
    if len(set(unknowns)) != len(unknowns):
        msg = f"the unknowns {', '.join(map(str, unknowns))} repeat one; each needs an equation of its own"
        raise InputError(msg)
    for F, z in zip(residuals, unknowns, strict=True):
        if not same_shape(F.shape, z.shape):
            msg = (
                f"the residual has shape {F.shape} and the unknown {z} has shape {z.shape}; "
                "one equation per unknown is needed, so the shapes must be equal"
            )
            raise ShapeError(msg)
        if not any(G.has(z) for G in residuals):
            shown = text(F) if len(residuals) == 1 else ", ".join(map(text, residuals))
            msg = f"the residual {shown} does not contain the unknown {z}"
            raise InputError(msg)
    return System(tuple(residuals), tuple(unknowns))


@dataclass(frozen=True)
class Linearised:
    """``dF_i`` of each equation, split by the differential that a term is linear in."""

    differentials: tuple[MatrixExpr, ...]
    kinks: tuple[tuple[Assumption, ...], ...]
    by_unknown: dict[tuple[int, int], Polynomial]
    by_parameter: tuple[Polynomial, ...]


def linearised(sys: System, wrt: Expr) -> Linearised:
    """The differentials of the equations when the unknowns and the parameter move."""
    by = movement(*sys.unknowns, wrt)
    totals, kinks, parts, rests = [], [], {}, []
    for i, F in enumerate(sys.residuals):
        total, used = differential_with_assumptions(F, by)
        totals.append(total)
        kinks.append(used)
        rest = normal_form(total)
        for j, z in enumerate(sys.unknowns):
            part, rest = split(rest, differential_symbol(z))
            if not part.is_zero:
                parts[i, j] = part
        for z in sys.unknowns:
            if isinstance(z, Column) and not split(rest, differential_symbol(z.arg))[0].is_zero:
                msg = f"the equation of {z} holds other columns of {z.arg}; give {z.arg} as the unknown"
                raise InputError(msg)
        rests.append(rest)
    return Linearised(tuple(totals), tuple(kinks), parts, tuple(rests))


def split(p: Polynomial, dz: Expr) -> tuple[Polynomial, Polynomial]:
    """The terms that hold dz, and the others."""
    inside, outside = Polynomial(p.shape), Polynomial(p.shape)
    for m, c in p:
        holds = c.has(dz) or any(x.has(dz) for x in (*m.word, *(y for t in m.traces for y in t)))
        (inside if holds else outside).add(m, c)
    return inside, outside


def _opening(sys: System, lin: Linearised, wrt: Expr) -> list[Line]:
    """The equations and their differentials, as lines."""
    by = tuple(movement(*sys.unknowns, wrt).items())
    lines = []
    for i, (z, F) in enumerate(sys.pairs):
        name = sys.name(i)
        why = f"the equation {name} = 0 determines {text(z)}"
        if len(sys.unknowns) > 1:
            why = f"equation {i + 1}; the equations determine {' and '.join(text(u) for u in sys.unknowns)} together"
        lines.append(Line(Label(name, name), F, "given", why, (), Given()))
    for i, F in enumerate(sys.residuals):
        name = sys.name(i)
        lines.append(
            Line(
                Label(f"d{name}", f"\\mathrm{{d}}{name}"),
                lin.differentials[i],
                "differential",
                "differential of both sides, term by term",
                lin.kinks[i],
                DifferentialOf(lin.differentials[i], F, by),
            )
        )
    return lines


def _not_determined(sys: System, lin: Linearised) -> None:
    for j, z in enumerate(sys.unknowns):
        if not any((i, j) in lin.by_unknown for i in range(len(sys.residuals))):
            shown = ", ".join(text(F) for F in sys.residuals)
            msg = f"F_z is zero: {shown} = 0 does not determine {z}"
            raise SingularError(msg)


def _needed(done: Elimination) -> tuple[Assumption, ...]:
    return tuple(invertible(to_expr(p)) for _, _, p, _ in done.pivots if not p.is_identity)


def _kinks(lin: Linearised) -> tuple[Assumption, ...]:
    return tuple(dict.fromkeys(a for used in lin.kinks for a in used))


@dataclass(frozen=True)
class ImplicitSolution:
    """``dz`` of each unknown as an expression linear in dX, with the lines that lead to it."""

    differentials: tuple[MatrixExpr, ...]
    lines: tuple[Line, ...]
    assumptions: tuple[Assumption, ...]


def implicit_lines(sys: System, wrt: Expr) -> ImplicitSolution | None:
    """The differentials of the unknowns, ``dz = -F_z^{-1} F_X dX``, line by line: the forward form.

    None where an unknown does not enter by left multiplication only; then the vec form is needed.

    Raises
    ------
    SingularError
        ``F_z`` is zero: the equations do not determine the unknowns.
    """
    lin = linearised(sys, wrt)
    _not_determined(sys, lin)
    blocks = {}
    for (i, j), part in lin.by_unknown.items():
        dz = differential_symbol(sys.unknowns[j])
        operator, _ = coefficient_of(part, dz)
        if operator is None:
            return None
        blocks[i, j] = Polynomial((sys.residuals[i].shape[0], dz.shape[0]), operator.terms)
    done = eliminate(blocks, [r.scaled(S.NegativeOne) for r in lin.by_parameter])
    needed, dx = _needed(done), differential_symbol(wrt)
    lines = _opening(sys, lin, wrt)
    results = tuple(to_expr(s) for s in done.solutions)
    for z, result in zip(sys.unknowns, results, strict=True):
        dz = differential_symbol(z)
        why = f"dF = 0 solved for {text(dz)}, whose factor is invertible"
        if len(sys.unknowns) > 1:
            why = f"dF = 0 solved for {text(dz)} by block elimination (Schur complement)"
        used = (*needed, *sys.equations)
        statement = DifferentialOf(result, z, ((wrt, dx),), sys.pairs)
        lines.append(Line(Label(text(dz), latex(dz)), result, "implicit function theorem", why, used, statement))
    return ImplicitSolution(results, tuple(lines), (*_kinks(lin), *needed, *sys.equations))


@dataclass(frozen=True)
class VecForm:
    """``d vec(z_j)/d vec(X)^T`` of every unknown, with the blocks it came from."""

    jacobians: tuple[Polynomial, ...]
    by_unknown: dict[tuple[int, int], Polynomial]
    by_parameter: tuple[Polynomial, ...]
    needed: tuple[Assumption, ...]
    lin: Linearised
    pivots: tuple[tuple[int, int, Polynomial, bool], ...]


def vec_form(sys: System, wrt: Expr, last: int | None = None) -> VecForm:
    """``J_z = -F_z^{-1} F_X`` in numerator layout, by block elimination."""
    lin = linearised(sys, wrt)
    _not_determined(sys, lin)
    blocks = {(i, j): jacobian_of(p, differential_symbol(sys.unknowns[j])) for (i, j), p in lin.by_unknown.items()}
    right = tuple(jacobian_of(r, differential_symbol(wrt)) for r in lin.by_parameter)
    done = eliminate(blocks, [r.scaled(S.NegativeOne) for r in right], last)
    return VecForm(done.solutions, blocks, right, _needed(done), lin, done.pivots)


def implicit_jacobian_lines(
    sys: System, wrt: Expr, of: MatrixExpr | None = None
) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """``d vec(z)/d vec(X)^T`` of one unknown, or of all of them stacked, line by line."""
    if of is not None and of not in sys.unknowns:
        msg = f"of received {of}; it needs one of the unknowns {', '.join(map(str, sys.unknowns))}"
        raise InputError(msg)
    form = vec_form(sys, wrt, None if of is None else sys.unknowns.index(of))
    return closing_lines(sys, wrt, of, form, _opening(sys, form.lin, wrt))


def closing_lines(
    sys: System, wrt: Expr, of: MatrixExpr | None, form: VecForm, lines: list[Line]
) -> tuple[MatrixExpr, tuple[Line, ...]]:
    """The Jacobian blocks, the Schur complement and the result, as lines."""
    kinks = _kinks(form.lin)
    for (i, j), block in sorted(form.by_unknown.items()):
        z, F = sys.unknowns[j], sys.residuals[i]
        M = to_expr(block)
        column = z.shape[1] == 1
        why = f"what multiplies {text(differential_symbol(z))} in dF" if column else "vec(L E R) = (Rᵀ ⊗ L) vec(E)"
        statement = DerivativeOf(M, F, z)
        lines.append(Line(derivative_label(sys.name(i), z), M, "vec and Kronecker", why, form.lin.kinks[i], statement))
    for i, N in enumerate(form.by_parameter):
        statement = DerivativeOf(to_expr(N), sys.residuals[i], wrt)
        why = "vec(L E R) = (Rᵀ ⊗ L) vec(E)"
        label = derivative_label(sys.name(i), wrt)
        lines.append(Line(label, to_expr(N), "vec and Kronecker", why, form.lin.kinks[i], statement))
    for _, j, pivot, schur in form.pivots:
        if schur:
            why = f"the Schur complement: what multiplies {text(differential_symbol(sys.unknowns[j]))} once the others are eliminated"
            lines.append(Line(Label("S", "S"), to_expr(pivot), "given", why, (), Given()))
    used = (*kinks, *form.needed, *sys.equations)
    results = [to_expr(p) for p in form.jacobians]
    if of is not None or len(results) == 1:
        j = 0 if of is None else sys.unknowns.index(of)
        target, result = sys.unknowns[j], results[j]
        label = derivative_label(text(target), wrt, latex(target))
    else:
        stack = [z if z.shape[1] == 1 else Vec(z) for z in sys.unknowns]
        target, result = BlockMatrix([[z] for z in stack]), BlockMatrix([[r] for r in results])
        names = ", ".join(text(z) for z in sys.unknowns)
        label = derivative_label(f"({names})", wrt, f"({', '.join(latex(z) for z in sys.unknowns)})")
    why = _IFT if len(results) == 1 else "block elimination (Schur complement) of dF = 0, written with mixed products"
    statement = DerivativeOf(result, target, wrt, implicit=sys.pairs)
    lines.append(Line(label, result, "implicit function theorem", why, used, statement))
    return result, tuple(lines)


def derivative_label(top: str, bottom: Expr, top_latex: str | None = None) -> Label:
    """``∂vec(top)/∂vec(bottom)ᵀ``."""
    above, below = top_latex or top, latex(bottom)
    fraction = (
        f"\\frac{{\\partial\\,\\mathrm{{vec}}({above})}}{{\\partial\\,\\mathrm{{vec}}({below})^{{\\mathsf{{T}}}}}}"
    )
    return Label(f"∂vec({top})/∂vec({text(bottom)})ᵀ", fraction)
