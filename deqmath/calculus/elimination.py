"""Block elimination: a linear system of matrix blocks solved in closed form by Schur complements.

For ``sum_j M_ij u_j = n_i``: with a pivot ``M_11`` the rest is ``S = M_22 - M_21 M_11^{-1} M_12``, and
``u_2 = S^{-1}(n_2 - M_21 M_11^{-1} n_1)``, ``u_1 = M_11^{-1}(n_1 - M_12 u_2)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import S

from deqmath.calculus import builders
from deqmath.calculus.algebra import multiply
from deqmath.calculus.polynomial import Polynomial
from deqmath.errors import SingularError

Blocks = Mapping[tuple[int, int], Polynomial]


@dataclass(frozen=True)
class Elimination:
    """The solution of each block, and the pivots that had to be inverted, in order.

    ``pivots`` holds (row, unknown, block, is a Schur complement).
    """

    solutions: tuple[Polynomial, ...]
    pivots: tuple[tuple[int, int, Polynomial, bool], ...]


def eliminate(blocks: Blocks, right: Sequence[Polynomial], last: int | None = None) -> Elimination:
    """Solve ``sum_j M_ij u_j = n_i``.

    Parameters
    ----------
    blocks
        (i, j) -> ``M_ij``; a missing block is 0.
    right
        ``n_i``.
    last
        The unknown to solve for last, so that its coefficient is one Schur complement.

    Raises
    ------
    SingularError
        No square block is left to divide by: the system does not determine its unknowns.
    """
    n = len(right)
    M = {k: b for k, b in blocks.items() if not b.is_zero}
    rhs = list(right)
    rows, cols = list(range(n)), list(range(n))
    changed: set[tuple[int, int]] = set()
    pivots: list[tuple[int, int, Polynomial, bool]] = []
    while rows:
        i, j = _pivot(M, rows, cols, last)
        pivot = M[i, j]
        inverse = builders.inverse_of(pivot)
        pivots.append((i, j, pivot, (i, j) in changed))
        rows.remove(i)
        cols.remove(j)
        for k in rows:
            if (k, j) not in M:
                continue
            factor = multiply(M.pop((k, j)), inverse)
            for c in cols:
                if (i, c) in M:
                    M[k, c] = _minus(M.get((k, c)), multiply(factor, M[i, c]))
                    changed.add((k, c))
                    if M[k, c].is_zero:
                        del M[k, c]
            rhs[k] = _minus(rhs[k], multiply(factor, rhs[i]))
    solutions: dict[int, Polynomial] = {}
    for i, j, pivot, _ in reversed(pivots):
        rest = rhs[i]
        for c, u in solutions.items():
            if (i, c) in M:
                rest = _minus(rest, multiply(M[i, c], u))
        solutions[j] = multiply(builders.inverse_of(pivot), rest)
    return Elimination(tuple(solutions[j] for j in range(n)), tuple(pivots))


def _pivot(M: Blocks, rows: list[int], cols: list[int], last: int | None) -> tuple[int, int]:
    """The block to divide by: one that fills in least, the equation's own unknown first."""
    usable = [
        (i, j)
        for i in rows
        for j in cols
        if (i, j) in M and M[i, j].shape[0] == M[i, j].shape[1] and (j != last or len(cols) == 1)
    ]
    if not usable:
        msg = (
            f"the system is singular: after elimination no equation determines unknown number {cols[0] + 1} "
            "(its coefficient is identically 0)"
        )
        raise SingularError(msg)

    def cost(spot: tuple[int, int]) -> tuple[int, bool, int, int]:
        i, j = spot
        fill = sum((k, j) in M for k in rows if k != i) * sum((i, c) in M for c in cols if c != j)
        return fill, i != j, i, j

    return min(usable, key=cost)


def _minus(a: Polynomial | None, b: Polynomial) -> Polynomial:
    out = Polynomial(b.shape)
    if a is not None:
        out.update(a)
    out.update(b, S.NegativeOne)
    return out
