"""Evaluating an expression at a point of a domain: one rule per node, no rewriting.

This is the referee of the calculus: it shares no code with it. A point gives sizes to the
dimensions and values (plain or dual) to the symbols.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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

from deqmath.checking.domains import BadPoint, Domain, PrimeField
from deqmath.checking.functions import scalar_function
from deqmath.checking.matrices import FieldMatrix, base_of, constant, lift, negative
from deqmath.errors import InputError
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
from deqmath.expressions.traversal import Rules

values = Rules("evaluation")


@dataclass
class Point:
    """Where to evaluate.

    Parameters
    ----------
    domain
        The numbers.
    sizes
        Dimension symbol -> positive integer.
    symbols
        Symbol -> value, a :class:`~deqmath.checking.matrices.FieldMatrix` or dual numbers over it.
    depth
        Layers of dual numbers in the values.
    rng
        Draws values for symbols met for the first time.
    forced_gates
        While an equation is being solved: expression -> its gate bits, decided before its value.
    """

    domain: Domain
    sizes: dict[Expr, int]
    symbols: dict[Expr, Any]
    depth: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    forced_gates: dict[tuple[Expr, tuple[tuple[Symbol, int], ...]], list[bool]] | None = None

    def size(self, d: Expr, bindings: Mapping[Symbol, int] | None = None) -> int:
        """A dimension (m, m n, m^2, 3, an index) as an integer."""
        if isinstance(d, int):
            return d
        found = (bindings or {}).get(d)
        if found is None:
            found = self.sizes.get(d)
        if found is None:
            found = int(d) if d.is_Integer else self._composed_size(d, bindings or {})
            if d.free_symbols <= set(self.sizes):
                self.sizes[d] = found
        return found

    def _composed_size(self, d: Expr, bindings: Mapping[Symbol, int]) -> int:
        for s in d.free_symbols:
            if s not in self.sizes and s not in bindings:
                msg = f"the dimension {s} has no size; give one in sizes, as in {{{s}: 3}}"
                raise InputError(msg)
        value = d.subs({**self.sizes, **bindings})
        if not value.is_Integer or value < 0:
            msg = f"the dimension {d} is {value} at sizes {self.sizes}; it needs to be a positive integer"
            raise InputError(msg)
        return int(value)

    def value_of(self, x: Expr, bindings: Mapping[Symbol, int]) -> Any:
        """The value of a symbol, drawn now if it has none."""
        found = self.symbols.get(x)
        if found is None:
            shape = x.shape if isinstance(x, MatrixSymbol) else (S.One, S.One)
            rows, cols = (self.size(d, bindings) for d in shape)
            entries = [self.domain.draw(self.rng) for _ in range(rows * cols)]
            found = constant(FieldMatrix(self.domain, self.domain.matrix(rows, cols, entries)), self.depth)
            self.symbols[x] = found
        return found

    def number(self, p: int, q: int = 1) -> Any:
        """p/q as a 1 x 1 constant."""
        one = FieldMatrix(self.domain, self.domain.matrix(1, 1, [self.domain.number(p, q)]))
        return constant(one, self.depth)

    def constant(self, rows: int, cols: int, entries: list[int]) -> Any:
        """An integer matrix."""
        mat = self.domain.matrix(rows, cols, [self.domain.number(e) for e in entries])
        return constant(FieldMatrix(self.domain, mat), self.depth)

    def identity(self, k: int) -> Any:
        return self.constant(k, k, [int(i == j) for i in range(k) for j in range(k)])


class Evaluator:
    """Evaluates expressions at one point, once per distinct subexpression."""

    def __init__(self, point: Point, bindings: Mapping[Symbol, int] | None = None) -> None:
        self.point = point
        self.bindings = dict(bindings or {})
        self._cache: dict[Expr, Any] = {}

    def __call__(self, x: Expr) -> Any:
        found = self._cache.get(x)
        if found is None:
            found = values(x, self)
            self._cache[x] = found
        return found

    def size(self, d: Expr) -> int:
        return self.point.size(d, self.bindings)

    def bound(self, index: Symbol, k: int) -> Evaluator:
        """The same point with one more sample index fixed."""
        return Evaluator(self.point, {**self.bindings, index: k})

    def signs(self, argument: MatrixExpr) -> list[bool]:
        """1[u > 0] for each entry (row by row) of a pre-activation."""
        forced = self.point.forced_gates
        if forced is not None:
            key = (argument, tuple(sorted(self.bindings.items(), key=str)))
            if key not in forced:
                rows, cols = (self.size(d) for d in argument.shape)
                forced[key] = [self.point.domain.guess_gate(self.point.rng) for _ in range(rows * cols)]
            return forced[key]
        base = base_of(self(argument))
        return [base.domain.is_positive(e, None) for e in base.mat.entries()]


@values.register(MatrixSymbol)
def _matrix_symbol(x: MatrixSymbol, ev: Evaluator) -> Any:
    return ev.point.value_of(x, ev.bindings)


@values.register(Symbol)
def _symbol(x: Symbol, ev: Evaluator) -> Any:
    if x in ev.point.sizes or x in ev.bindings:
        return ev.point.number(ev.size(x))
    return ev.point.value_of(x, ev.bindings)


@values.register(sp.Rational)
def _rational(x: sp.Rational, ev: Evaluator) -> Any:
    return ev.point.number(int(x.p), int(x.q))


@values.register(sp.Float)
def _float(x: sp.Float, ev: Evaluator) -> Any:
    """A float is the dyadic rational it denotes, exactly."""
    return _rational(sp.Rational(x), ev)


@values.register(sp.Add)
def _scalar_sum(x: sp.Add, ev: Evaluator) -> Any:
    return _fold_sum([ev(a) for a in x.args])


@values.register(sp.Mul)
def _scalar_product(x: sp.Mul, ev: Evaluator) -> Any:
    out = ev(x.args[0])
    for a in x.args[1:]:
        out = out @ ev(a)
    return out


@values.register(sp.Pow)
def _scalar_power(x: sp.Pow, ev: Evaluator) -> Any:
    base, n = x.args
    if n.is_Integer:
        return _power_of(ev(base), int(n), ev.point.number(1))
    if n.is_Rational and n.q == 2:
        return _power_of(scalar_function("sqrt", ev(base)), int(n.p), ev.point.number(1))
    if base == S.Exp1:
        return scalar_function("exp", ev(n))
    if n.free_symbols and n.free_symbols <= ev.point.sizes.keys():
        return _power_of(ev(base), int(n.subs(ev.point.sizes)), ev.point.number(1))
    return scalar_function("exp", scalar_function("log", ev(base)) @ ev(n))


@values.register(sp.Function, sp.exp)
def _function(x: sp.Function, ev: Evaluator) -> Any:
    if len(x.args) != 1:
        msg = f"no exact value for {x}: functions of one argument are needed"
        raise InputError(msg)
    return scalar_function(x.func.__name__, ev(x.args[0]))


@values.register(sp.core.numbers.Pi)
def _pi(_x: Expr, ev: Evaluator) -> Any:
    return lift(ev.point.domain.function("pi", ev.point.domain.number(0)), ev.point.number(0))


@values.register(sp.core.numbers.Exp1)
def _e(_x: Expr, ev: Evaluator) -> Any:
    return scalar_function("exp", ev.point.number(1))


#: Powers beyond this are left to the prime field, where they do not grow.
_HIGHEST_POWER = 1 << 12


def _power_of(a: Any, n: int, one: Any) -> Any:
    if abs(n) > _HIGHEST_POWER and not isinstance(base_of(a).domain, PrimeField):
        msg = f"the power {n} of a number that is no residue"
        raise BadPoint(msg)
    if n < 0:
        a, n = a.inverted(), -n
    out = one
    while n:
        if n & 1:
            out = out @ a
        a, n = a @ a, n >> 1
    return out


def _fold_sum(parts: list[Any]) -> Any:
    out = parts[0]
    for p in parts[1:]:
        out = out + p
    return out


@values.register(Identity)
def _identity(x: Identity, ev: Evaluator) -> Any:
    return ev.point.identity(ev.size(x.shape[0]))


@values.register(ZeroMatrix)
def _zero(x: ZeroMatrix, ev: Evaluator) -> Any:
    rows, cols = (ev.size(d) for d in x.shape)
    return ev.point.constant(rows, cols, [0] * (rows * cols))


@values.register(OneMatrix)
def _ones(x: OneMatrix, ev: Evaluator) -> Any:
    rows, cols = (ev.size(d) for d in x.shape)
    return ev.point.constant(rows, cols, [1] * (rows * cols))


@values.register(ImmutableDenseMatrix)
def _entries(x: ImmutableDenseMatrix, ev: Evaluator) -> Any:
    parts = [ev(a) for a in x]
    placed = [_place(p, k // x.cols, k % x.cols, x.rows, x.cols) for k, p in enumerate(parts)]
    return _fold_sum(placed)


def _place(block: Any, row: int, col: int, rows: int, cols: int) -> Any:
    """A block put at (row, col) of a larger zero matrix."""
    p, q = block.shape

    def pick(i: int, j: int) -> tuple[int, int] | None:
        return (i - row, j - col) if row <= i < row + p and col <= j < col + q else None

    return block.reshaped(pick, rows, cols)


@values.register(BlockMatrix)
def _blocks(x: BlockMatrix, ev: Evaluator) -> Any:
    rows, cols = (ev.size(d) for d in x.shape)
    parts, row = [], 0
    for r in range(x.blocks.shape[0]):
        col = 0
        for c in range(x.blocks.shape[1]):
            block = ev(x.blocks[r, c])
            parts.append(_place(block, row, col, rows, cols))
            col += block.shape[1]
        row += block.shape[0]
    return _fold_sum(parts)


@values.register(MatAdd)
def _sum(x: MatAdd, ev: Evaluator) -> Any:
    return _fold_sum([ev(a) for a in x.args])


@values.register(MatMul)
def _product(x: MatMul, ev: Evaluator) -> Any:
    scalars = [a for a in x.args if not isinstance(a, MatrixExpr)]
    matrices = [ev(a) for a in x.args if isinstance(a, MatrixExpr)]
    out = matrices[0]
    for m in matrices[1:]:
        out = out @ m
    for s in scalars:
        out = out.scaled(ev(s))
    return out


@values.register(MatPow)
def _matrix_power(x: MatPow, ev: Evaluator) -> Any:
    base, n = x.args
    k = int(n) if n.is_Integer else ev.size(n)
    value = ev(base)
    return _power_of(value, k, ev.point.identity(value.shape[0]))


@values.register(Inverse)
def _inverse(x: Inverse, ev: Evaluator) -> Any:
    return ev(x.arg).inverted()


@values.register(Transpose)
def _transpose(x: Transpose, ev: Evaluator) -> Any:
    return ev(x.arg).transposed()


@values.register(HadamardProduct)
def _hadamard(x: HadamardProduct, ev: Evaluator) -> Any:
    out = ev(x.args[0])
    for a in x.args[1:]:
        out = out.hadamard(ev(a))
    return out


@values.register(HadamardPower)
def _hadamard_power(x: HadamardPower, ev: Evaluator) -> Any:
    base, n = x.args
    return _by_entry(ev(base), lambda e: _power_of(e, int(n), ev.point.number(1)))


@values.register(KroneckerProduct)
def _kron(x: KroneckerProduct, ev: Evaluator) -> Any:
    out = ev(x.args[0])
    for a in x.args[1:]:
        out = out.kron(ev(a))
    return out


def _by_entry(value: Any, f: Any) -> Any:
    rows, cols = value.shape
    return _fold_sum([_place(f(value.entry(i, j)), i, j, rows, cols) for i in range(rows) for j in range(cols)])


@values.register(Elementwise)
def _elementwise(x: Elementwise, ev: Evaluator) -> Any:
    value = ev(x.arg)
    rows, cols = value.shape
    if x.is_relu or x.is_step:
        signs = ev.signs(x.arg)
        mask = ev.point.constant(rows, cols, [int(s) for s in signs])
        return mask.hadamard(value) if x.is_relu else mask
    (t,) = x.function.variables
    body = x.function.expr

    def apply(e: Any) -> Any:
        inner = Evaluator(ev.point, ev.bindings)
        inner._cache[t] = e
        return inner(body)

    return _by_entry(value, apply)


@values.register(Gate)
def _gate(x: Gate, ev: Evaluator) -> Any:
    signs = ev.signs(x.arg)
    k = len(signs)
    return ev.point.constant(k, k, [int(i == j and signs[i]) for i in range(k) for j in range(k)])


@values.register(Diag, DiagMatrix)
def _diag(x: Diag, ev: Evaluator) -> Any:
    v = ev(x.args[0])
    k = v.shape[0]
    return v.reshaped(lambda i, j: (i, 0) if i == j else None, k, k)


@values.register(DiagonalOf)
def _diagonal_of(x: DiagonalOf, ev: Evaluator) -> Any:
    value = ev(x.args[0])
    return value.reshaped(lambda i, _: (i, i), value.shape[0], 1)


@values.register(SoftmaxColumns)
def _softmax(x: SoftmaxColumns, ev: Evaluator) -> Any:
    """``e_ij / sum_k e_kj`` with ``e = exp(x)``, entry by entry: the definition."""
    value = ev(x.arg)
    rows, cols = value.shape
    placed = []
    for j in range(cols):
        column = [scalar_function("exp", value.entry(i, j)) for i in range(rows)]
        inverse = _fold_sum(column).inverted()
        placed += [_place(e @ inverse, i, j, rows, cols) for i, e in enumerate(column)]
    return _fold_sum(placed)


@values.register(Placement)
def _placement(x: Placement, ev: Evaluator) -> Any:
    before, size, after = (ev.size(d) for d in x.args)
    rows = before + size + after
    return ev.point.constant(rows, size, [int(r == before + c) for r in range(rows) for c in range(size)])


@values.register(DiagSelection)
def _selection(x: DiagSelection, ev: Evaluator) -> Any:
    k = ev.size(x.args[0])
    return ev.point.constant(k * k, k, [int(r == i * k + i) for r in range(k * k) for i in range(k)])


@values.register(Vec)
def _vec(x: Vec, ev: Evaluator) -> Any:
    value = ev(x.arg)
    rows, cols = value.shape
    return value.reshaped(lambda i, _: (i % rows, i // rows), rows * cols, 1)


@values.register(Commutation)
def _commutation(x: Commutation, ev: Evaluator) -> Any:
    p, q = (ev.size(d) for d in x.args)
    # row of vec(X^T) (X^T is q x p): entry (j, i) of X^T at i * q + j; column of vec(X): j * p + i
    entries = [0] * (p * q) ** 2
    for i in range(p):
        for j in range(q):
            entries[(i * q + j) * p * q + (j * p + i)] = 1
    return ev.point.constant(p * q, p * q, entries)


@values.register(Column)
def _column(x: Column, ev: Evaluator) -> Any:
    value = ev(x.arg)
    k = ev.size(x.index)
    if not 0 <= k < value.shape[1]:
        msg = f"column {k} of a matrix with {value.shape[1]} columns, in {x}"
        raise InputError(msg)
    return value.reshaped(lambda i, _: (i, k), value.shape[0], 1)


@values.register(Total)
def _total(x: Total, ev: Evaluator) -> Any:
    n = ev.size(x.count)
    return _fold_sum([ev.bound(x.index, k)(x.term) for k in range(n)])


@values.register(Trace)
def _trace(x: Trace, ev: Evaluator) -> Any:
    value = ev(x.arg)
    return _fold_sum([value.entry(i, i) for i in range(value.shape[0])])


@values.register(MatrixElement)
def _element(x: MatrixElement, ev: Evaluator) -> Any:
    matrix, i, j = x.args
    return ev(matrix).entry(ev.size(i), ev.size(j))


@values.register(Determinant)
def _determinant(x: Determinant, ev: Evaluator) -> Any:
    """Of plain numbers by flint; of dual numbers by expansion along the first row while small, else by elimination."""
    value = ev(x.arg)
    if isinstance(value, FieldMatrix):
        domain = value.domain
        return FieldMatrix(domain, domain.matrix(1, 1, [value.mat.det()]))
    return _minors(value, ev.point) if value.shape[0] <= 4 else _eliminated(value)


def _eliminated(value: Any) -> Any:
    """``det [a r; c M] = a det(M - c a^{-1} r)``; a point with a = 0 is drawn again."""
    out = None
    while (k := value.shape[0]) > 1:
        pivot = value.entry(0, 0)
        out = pivot if out is None else out @ pivot
        row = value.reshaped(lambda _, j: (0, j + 1), 1, k - 1)
        column = value.reshaped(lambda i, _: (i + 1, 0), k - 1, 1)
        rest = value.reshaped(lambda i, j: (i + 1, j + 1), k - 1, k - 1)
        value = rest + negative(column @ (pivot.inverted() @ row))
    return out @ value


def _minors(value: Any, point: Point) -> Any:
    k = value.shape[0]
    if k == 1:
        return value.entry(0, 0)
    terms = []
    for j in range(k):
        minor = value.reshaped(lambda r, c, j=j: (r + 1, c + (c >= j)), k - 1, k - 1)
        term = value.entry(0, j) @ _minors(minor, point)
        terms.append(negative(term) if j % 2 else term)
    return _fold_sum(terms)
