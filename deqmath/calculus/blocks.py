"""Block matrices: ``sum_ij P_i B_ij P_j^T`` inside the normal form, a block matrix again when written out.

``P_i`` is the :class:`~deqmath.expressions.nodes.Placement` of block row i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Expr, MatAdd, MatrixExpr, S, ZeroMatrix
from sympy.matrices.expressions import BlockMatrix, Transpose

from deqmath.calculus.polynomial import Monomial, Polynomial
from deqmath.expressions.nodes import Placement

#: A block of rows or columns: rows before it, its size, rows after it.
Span = tuple[Expr, Expr, Expr]


def spans(sizes: Sequence[Expr]) -> list[Span]:
    """Where each of a row of blocks stands."""
    return [(sum(sizes[:k], S.Zero), s, sum(sizes[k + 1 :], S.Zero)) for k, s in enumerate(sizes)]


def grouped(p: Polynomial, write: Callable[[Polynomial], MatrixExpr]) -> MatrixExpr | None:
    """The block matrix that a sum of placed blocks is, plus what is not placed; None where nothing is placed."""
    placed = {m: (_row_span(m), _column_span(m)) for m, _ in p if m.word}
    rows = _partition({r for r, _ in placed.values() if r is not None}, p.shape[0])
    cols = _partition({c for _, c in placed.values() if c is not None}, p.shape[1])
    if rows is None or cols is None or (len(rows) == 1 and len(cols) == 1):
        return None
    inside: dict[tuple[Span, Span], Polynomial] = {(r, c): Polynomial((r[1], c[1])) for r in rows for c in cols}
    outside = Polynomial(p.shape)
    for m, c in p:
        if not m.word and rows == cols:
            for r in rows:
                inside[r, r].add(m, c)
            continue
        row, col = placed.get(m, (None, None))
        row, col = _only(row, rows), _only(col, cols)
        if row is None or col is None:
            outside.add(m, c)
            continue
        inside[row, col].add(Monomial(_inner(m), m.traces, m.binders), c)
    if all(b.is_zero for b in inside.values()):
        return None
    body = [[_block(inside[r, c], write) for c in cols] for r in rows]
    block = BlockMatrix(body)
    return block if outside.is_zero else MatAdd(block, write(outside))


def block_rows(p: Polynomial) -> list[Span] | None:
    """The block rows that the terms stand in, where they are the same as the block columns."""
    rows = _partition({r for m, _ in p if m.word and (r := _row_span(m)) is not None}, p.shape[0])
    cols = _partition({c for m, _ in p if m.word and (c := _column_span(m)) is not None}, p.shape[1])
    return rows if rows is not None and rows == cols and len(rows) > 1 else None


def _block(p: Polynomial, write: Callable[[Polynomial], MatrixExpr]) -> MatrixExpr:
    return ZeroMatrix(*p.shape) if p.is_zero else write(p)


def _only(span: Span | None, parts: list[Span]) -> Span | None:
    """The span of a term; the whole side where it is not cut into blocks."""
    return span if span is not None else parts[0] if len(parts) == 1 else None


def _row_span(m: Monomial) -> Span | None:
    return m.word[0].args if isinstance(m.word[0], Placement) else None


def _column_span(m: Monomial) -> Span | None:
    last = m.word[-1]
    return last.arg.args if isinstance(last, Transpose) and isinstance(last.arg, Placement) else None


def _inner(m: Monomial) -> tuple[MatrixExpr, ...]:
    word = m.word[1:] if isinstance(m.word[0], Placement) else m.word
    return word[:-1] if word and _column_span(Monomial(word)) is not None else word


def _partition(found: set[Span], size: Expr) -> list[Span] | None:
    """The spans in order, gaps filled, as a partition of the whole side; None where they overlap."""
    if not found:
        return [(S.Zero, size, S.Zero)]
    out: list[Span] = []
    start, left = S.Zero, set(found)
    while left:
        at = [s for s in left if s[0] == start]
        if len(at) != 1:
            gap = [s for s in left if (s[0] - start).is_positive]
            if at or len(gap) != len(left):
                return None
            first = min(gap, key=lambda s: sum((s[0] - o[0]).is_nonnegative is True for o in gap))
            out.append((start, first[0] - start, size - first[0]))
            start = first[0]
            continue
        out.append(at[0])
        left.discard(at[0])
        start = at[0][0] + at[0][1]
    if start != size:
        out.append((start, size - start, S.Zero))
    return out
