"""Expressions as a paper prints them: one line of Unicode, and LaTeX.

Both printers take ``names``, pairs (expression, name): where the expression stands, also as a
run of factors inside a product, its name is printed instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixExpr, S, Symbol, Trace, ZeroMatrix
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
)
from deqmath.expressions.symbol_names import SUBSCRIPTS, column_name, symbol_name
from deqmath.expressions.traversal import Rules

Names = Sequence[tuple[MatrixExpr, "Name"]]

#: How tightly a printed piece binds: a piece is bracketed inside a tighter context.
SUM, KRON, PRODUCT, ATOM = 0, 1, 2, 3


@dataclass(frozen=True)
class Name:
    """A short name for an expression, as text and as LaTeX; ``also`` marks another form of one named before."""

    text: str
    latex: str
    also: bool = False


@dataclass(frozen=True)
class Style:
    """What differs between the two printers, the names in force, and what is printed already: shared parts once."""

    tex: bool
    names: Names = field(default=())
    known: dict[Expr, tuple[str, int]] = field(default_factory=dict, compare=False)


pieces = Rules("printing")


@any_depth
def text(x: Expr, names: Names = ()) -> str:
    """One line of Unicode: ``γ (zᵀ ⊗ (I - γ D A)⁻¹ D)``."""
    return _piece(x, Style(False, names))[0]


@any_depth
def latex(x: Expr, names: Names = ()) -> str:
    """LaTeX without dollar signs."""
    return _piece(x, Style(True, names))[0]


def _piece(x: Expr, st: Style) -> tuple[str, int]:
    found = st.known.get(x)
    if found is None:
        found = st.known[x] = _print(x, st)
    return found


def _print(x: Expr, st: Style) -> tuple[str, int]:
    for expr, name in st.names:
        if x == expr:
            return (name.latex if st.tex else name.text), ATOM
    if not isinstance(x, MatrixExpr) and not isinstance(x, (Trace, Determinant, MatrixElement)):
        return _scalar(x, st)
    found: tuple[str, int] = pieces(x, st)
    return found


def _bracket(piece: tuple[str, int], context: int, st: Style) -> str:
    s, binding = piece
    if binding >= context:
        return s
    return f"\\left({s}\\right)" if st.tex else f"({s})"


def _scalar(x: Expr, st: Style) -> tuple[str, int]:
    """A commutative scalar; traces and determinants inside are printed by their own rules."""
    if isinstance(x, Symbol):
        return symbol_name(x.name, st.tex), ATOM
    if x.is_Add:
        parts = [_piece(a, st) for a in x.args]
        return _join_sum([_bracket(p, KRON, st) for p in parts]), SUM
    if x.could_extract_minus_sign():
        return "-" + _bracket(_piece(-x, st), KRON, st), PRODUCT
    top, bottom = sp.fraction(x)
    if bottom != 1:
        a, b = _piece(top, st), _piece(bottom, st)
        if st.tex:
            return f"\\frac{{{a[0]}}}{{{b[0]}}}", PRODUCT
        return f"{_bracket(a, PRODUCT, st)}/{_bracket(b, ATOM, st)}", PRODUCT
    if x.is_Mul:
        factors = sorted(x.args, key=lambda a: (not a.is_number, str(a)))
        return " ".join(_bracket(_piece(a, st), PRODUCT, st) for a in factors), PRODUCT
    if x.is_Pow:
        return _scalar_power(x, st), ATOM
    if isinstance(x, sp.Function) and len(x.args) == 1:
        name = x.func.__name__.removesuffix("_scalar")
        return f"{_function_name(name, st)}({_piece(x.args[0], st)[0]})", ATOM
    return (sp.latex(x) if st.tex else str(x)), ATOM


def _scalar_power(x: sp.Pow, st: Style) -> str:
    if x.exp == S.Half:
        b, _ = _piece(x.base, st)
        return f"\\sqrt{{{b}}}" if st.tex else f"√{b}" if x.base.is_Atom else f"√({b})"
    b = _bracket(_piece(x.base, st), ATOM, st)
    e, _ = _piece(x.exp, st)
    if st.tex:
        return f"{b}^{{{e}}}"
    return b + {"2": "²", "3": "³", "n": "ⁿ"}.get(e, f"^{e}" if x.exp.is_Atom else f"^({e})")


def _function_name(name: str, st: Style) -> str:
    """``relu`` upright; ``sigma''``, an activation left open, as the Greek letter with its primes."""
    letter = symbol_name(name.rstrip("'"), st.tex)
    if letter != name.rstrip("'"):
        return letter + name[len(name.rstrip("'")) :]
    return f"\\operatorname{{{name}}}" if st.tex else name


def _join_sum(parts: list[str]) -> str:
    out = parts[0]
    for p in parts[1:]:
        out += f" - {p[1:].lstrip()}" if p.startswith("-") else f" + {p}"
    return out


def _raise(x: MatrixExpr, mark: str, tex: str, st: Style) -> tuple[str, int]:
    inner = _bracket(_piece(x, st), ATOM, st)
    if st.tex and "^" in inner:
        inner = f"{{{inner}}}"  # a second superscript is an error in LaTeX
    return (f"{inner}^{{{tex}}}" if st.tex else f"{inner}{mark}"), ATOM


@pieces.register(MatrixSymbol)
def _matrix_symbol(x: MatrixSymbol, st: Style) -> tuple[str, int]:
    return symbol_name(x.name, st.tex), ATOM


@pieces.register(Identity)
def _identity(_x: Identity, _st: Style) -> tuple[str, int]:
    return "I", ATOM


@pieces.register(ZeroMatrix)
def _zero(_x: ZeroMatrix, _st: Style) -> tuple[str, int]:
    return "0", ATOM


@pieces.register(OneMatrix)
def _ones(x: OneMatrix, st: Style) -> tuple[str, int]:
    one = "\\mathbf{1}" if st.tex else "𝟏"
    if x.shape[1] == 1:
        return one, ATOM
    if x.shape[0] == 1:
        return (f"{one}^{{\\mathsf{{T}}}}" if st.tex else f"{one}ᵀ"), ATOM
    return (f"{one}{one}^{{\\mathsf{{T}}}}" if st.tex else f"{one}{one}ᵀ"), PRODUCT


@pieces.register(ImmutableDenseMatrix)
def _numbers(x: ImmutableDenseMatrix, st: Style) -> tuple[str, int]:
    if st.tex:
        return sp.latex(x), ATOM
    return "[" + "; ".join(" ".join(_scalar(a, st)[0] for a in x.row(r)) for r in range(x.rows)) + "]", ATOM


@pieces.register(BlockMatrix)
def _blocks(x: BlockMatrix, st: Style) -> tuple[str, int]:
    rows = [[_piece(x.blocks[r, c], st)[0] for c in range(x.blocks.shape[1])] for r in range(x.blocks.shape[0])]
    if st.tex:
        return "\\begin{bmatrix}" + " \\\\ ".join(" & ".join(r) for r in rows) + "\\end{bmatrix}", ATOM
    return "[" + "; ".join("  ".join(r) for r in rows) + "]", ATOM


@pieces.register(MatAdd)
def _sum(x: MatAdd, st: Style) -> tuple[str, int]:
    def order(a: MatrixExpr) -> int:
        return 0 if isinstance(a, Identity) else 1

    return _join_sum([_bracket(_piece(a, st), KRON, st) for a in sorted(x.args, key=order)]), SUM


@pieces.register(MatMul)
def _product(x: MatMul, st: Style) -> tuple[str, int]:
    flat = _factors(x)
    coefficient = sp.Mul(*(a for a in flat if not isinstance(a, MatrixExpr)))
    factors = _abbreviate([a for a in flat if isinstance(a, MatrixExpr)], st)
    space = " \\, " if st.tex else " "
    last = len(factors) - 1
    body = space.join(f if isinstance(f, str) else _factor(f, k == last, st) for k, f in enumerate(factors))
    if coefficient == 1:
        return body, PRODUCT
    if coefficient == -1:
        return f"-{body}", PRODUCT
    c = _piece(coefficient, st)
    front = c[0] if c[1] >= PRODUCT else _bracket(c, PRODUCT, st)
    return f"{front}{space}{body}", PRODUCT


def _factors(x: MatMul) -> list[Expr]:
    """The factors with those of products inside in their places, so that a sign inside comes out."""
    return [b for a in x.args for b in (_factors(a) if isinstance(a, MatMul) else (a,))]


def _factor(x: MatrixExpr, is_last: bool, st: Style) -> str:
    """A factor of a product; a sum over samples reaches as far right as it can, so it is bracketed before others."""
    return _bracket(_piece(x, st), PRODUCT if is_last or not isinstance(x, Total) else ATOM, st)


def _abbreviate(factors: list[MatrixExpr], st: Style) -> list[MatrixExpr | str]:
    """Runs of factors that have a name are replaced by it, longest run first."""
    runs = [(tuple(e.args), n) for e, n in st.names if isinstance(e, MatMul)]
    runs.sort(key=lambda r: -len(r[0]))
    out: list[MatrixExpr | str] = []
    k = 0
    while k < len(factors):
        for args, name in runs:
            if tuple(factors[k : k + len(args)]) == args:
                out.append(name.latex if st.tex else name.text)
                k += len(args)
                break
        else:
            out.append(factors[k])
            k += 1
    return out


@pieces.register(MatPow)
def _power(x: MatPow, st: Style) -> tuple[str, int]:
    e, _ = _piece(x.args[1], st)
    return _raise(x.args[0], {"2": "²", "3": "³"}.get(e, f"^{e}"), e, st)


@pieces.register(Inverse)
def _inverse(x: Inverse, st: Style) -> tuple[str, int]:
    return _raise(x.arg, "⁻¹", "-1", st)


@pieces.register(Transpose)
def _transpose(x: Transpose, st: Style) -> tuple[str, int]:
    if isinstance(x.arg, (Gate, Diag, DiagMatrix)):  # a diagonal matrix is its own transpose
        return _piece(x.arg, st)
    return _raise(x.arg, "ᵀ", "\\mathsf{T}", st)


def _infix(x: MatrixExpr, sign: str, st: Style) -> tuple[str, int]:
    return f" {sign} ".join(_bracket(_piece(a, st), PRODUCT, st) for a in x.args), KRON


@pieces.register(KroneckerProduct)
def _kron(x: KroneckerProduct, st: Style) -> tuple[str, int]:
    return _infix(x, "\\otimes" if st.tex else "⊗", st)


@pieces.register(HadamardProduct)
def _hadamard(x: HadamardProduct, st: Style) -> tuple[str, int]:
    return _infix(x, "\\circ" if st.tex else "∘", st)


@pieces.register(HadamardPower)
def _hadamard_power(x: HadamardPower, st: Style) -> tuple[str, int]:
    e, _ = _piece(x.args[1], st)
    return _raise(x.args[0], f"^∘{e}", f"\\circ {e}", st)


def _call(name: str, x: Expr, st: Style) -> tuple[str, int]:
    return f"{_function_name(name, st)}({_piece(x, st)[0]})", ATOM


@pieces.register(Gate, Vec, SoftmaxColumns)
def _named(x: MatrixExpr, st: Style) -> tuple[str, int]:
    return _call({Gate: "gate", Vec: "vec", SoftmaxColumns: "softmax"}[type(x)], x.args[0], st)


@pieces.register(Diag, DiagMatrix)
def _diag(x: Diag, st: Style) -> tuple[str, int]:
    return _call("diag", x.args[0], st)


@pieces.register(DiagonalOf)
def _diagonal_of(x: DiagonalOf, st: Style) -> tuple[str, int]:
    return _call("diagonal", x.args[0], st)


@pieces.register(Placement)
def _placement(x: Placement, st: Style) -> tuple[str, int]:
    before, size, after = (_piece(a, st)[0] for a in x.args)
    return (f"P_{{{before},{size},{after}}}" if st.tex else f"P[{before},{size},{after}]"), ATOM


@pieces.register(Trace)
def _trace(x: Trace, st: Style) -> tuple[str, int]:
    return _call("tr", x.arg, st)


@pieces.register(MatrixElement)
def _element(x: MatrixElement, st: Style) -> tuple[str, int]:
    matrix, i, j = (_piece(a, st) for a in x.args)
    inner = _bracket(matrix, ATOM, st)
    return (f"{inner}_{{{i[0]},{j[0]}}}" if st.tex else f"{inner}[{i[0]},{j[0]}]"), ATOM


@pieces.register(Determinant)
def _det(x: Determinant, st: Style) -> tuple[str, int]:
    return _call("det", x.arg, st)


@pieces.register(Elementwise)
def _elementwise(x: Elementwise, st: Style) -> tuple[str, int]:
    body, (t,) = x.function.expr, x.function.variables
    if isinstance(body, sp.Function) and body.args == (t,):
        return _call(body.func.__name__.removesuffix("_scalar"), x.arg, st)
    if body.is_Pow and body.base == t and body.exp.is_number:
        e, _ = _piece(body.exp, st)
        return _raise(x.arg, f"^∘{e}" if body.exp.is_Integer else f"^∘({e})", f"\\circ {e}", st)
    inner = _bracket(_piece(x.arg, st), ATOM, st)
    if st.tex:
        return f"\\left[{latex(body)}\\right]_{{{_piece(t, st)[0]} = {inner}}}", ATOM
    return f"[{text(body)}]({text(t)}={inner})", ATOM


@pieces.register(Commutation)
def _commutation(x: Commutation, st: Style) -> tuple[str, int]:
    p, q = (_piece(a, st)[0] for a in x.args)
    return (f"K_{{{p},{q}}}" if st.tex else f"K[{p},{q}]"), ATOM


@pieces.register(DiagSelection)
def _selection(x: DiagSelection, st: Style) -> tuple[str, int]:
    k, _ = _piece(x.args[0], st)
    return (f"E_{{{k}}}" if st.tex else f"E[{k}]"), ATOM


@pieces.register(Column)
def _column(x: Column, st: Style) -> tuple[str, int]:
    """``z_i`` for column i of Z, ``y_i`` for entry i of a column y written as ``column(y.T, i)``."""
    i = x.index
    base = x.arg
    if isinstance(base, Transpose) and isinstance(base.arg, MatrixSymbol) and base.arg.shape[1] == 1:
        base = base.arg
    if isinstance(base, MatrixSymbol):
        return symbol_name(f"{column_name(base.name)}_{i}", st.tex), ATOM
    if isinstance(base, Identity):
        return symbol_name(f"e_{i}", st.tex), ATOM
    if isinstance(base, SoftmaxColumns):
        return _call("softmax", Column(base.arg, i), st)
    inner = _bracket(_piece(base, st), ATOM, st)
    if st.tex and "_" in inner:
        inner = f"{{{inner}}}"  # nor may there be a second subscript
    return (f"{inner}_{{\\cdot {i}}}" if st.tex else f"{inner}[:,{i}]"), ATOM


@pieces.register(Total)
def _total(x: Total, st: Style) -> tuple[str, int]:
    x = _with_plain_index(x) if x.index.name.startswith("#") else x
    term = _piece(x.term, st)
    inner = _bracket(term, ATOM if term[0].startswith("-") else PRODUCT, st)
    i = symbol_name(x.index.name, st.tex)
    if st.tex:
        return f"\\sum_{{{i}=1}}^{{{_piece(x.count, st)[0]}}} {inner}", PRODUCT
    sub = "".join(SUBSCRIPTS.get(c, c) for c in i)
    return f"Σ{sub} {inner}", PRODUCT


def _with_plain_index(x: Total) -> Total:
    """The same sum with a letter that is free in it, where its index has a reserved name."""
    taken = {getattr(s, "name", "") for s in x.term.atoms(Symbol, MatrixSymbol)}
    letter = Symbol(next(c for c in (*"ijklpqr", "index") if c not in taken), integer=True)
    return Total(x.term.xreplace({x.index: letter}), letter, x.count)


def norm_symbol(M: MatrixExpr) -> Symbol:
    """The nonnegative symbol that stands for ``||M||_2`` in a bound; it prints as ‖M‖."""
    return Symbol(f"norm_{M.name if isinstance(M, MatrixSymbol) else text(M)}", nonnegative=True)
