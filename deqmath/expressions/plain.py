"""What SymPy writes in another way, in the nodes that every pass knows.

``X.adjoint()`` is ``X^T``, since every matrix here is real; ``(x.T * A * x)[0, 0]``, which SymPy turns
into a sum over entries, is the trace of the product again.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sympy import Adjoint, Expr, Identity, Mul, S, Sum, Trace, Transpose
from sympy.matrices.expressions import MatMul
from sympy.matrices.expressions.matexpr import MatrixElement

from deqmath.expressions.nodes import Column

#: One factor ``M[i, j]`` of a summand.
Entry = tuple[Any, Expr, Expr]


def plain(x: Any) -> Any:
    """The expression without adjoints and without sums over entries that are products of matrices.

    A sum that is no such product stays as it is, and the first pass that meets it names it.
    """
    if not isinstance(x, Expr) or not x.has(Adjoint, Sum):
        return x
    x = x.replace(lambda a: isinstance(a, Sum), lambda a: a if (found := _contracted(a)) is None else found)
    return x.replace(lambda a: isinstance(a, Adjoint), lambda a: Transpose(a.arg))


def _contracted(total: Sum) -> Expr | None:
    """``sum_ij x_i A_ij y_j = tr(x^T A y)``: each summand as traces and entries of products, or None."""
    bound = [limit[0] for limit in total.limits]
    out = S.Zero
    for term in total.function.expand().as_ordered_terms():
        found = _term(term, bound)
        if found is None or not _covers(total):
            return None
        out += found
    return out


def _covers(total: Sum) -> bool:
    """Whether every index runs over the whole dimension that it stands in."""
    ends = {i: b + 1 for i, a, b in total.limits if a == 0}
    places = [(e.args[k], e.args[0].shape[k - 1]) for e in total.function.atoms(MatrixElement) for k in (1, 2)]
    return len(ends) == len(total.limits) and all(ends[i] == size for i, size in places if i in ends)


def _term(term: Expr, bound: list[Expr]) -> Expr | None:
    entries: list[Entry] = []
    rest = []
    for factor in Mul.make_args(term):
        base, n = factor.as_base_exp()
        if isinstance(base, MatrixElement) and n.is_Integer and n > 0:
            entries += [base.args] * int(n)
        elif factor.has(*bound):
            return None
        else:
            rest.append(factor)
    counts = Counter(k for _, i, j in entries for k in (i, j) if k in bound)
    if any(counts[k] != 2 for k in bound):
        return None
    chains = []
    while entries:
        chains.append(_chain(entries, bound))
    return Mul(*rest, *chains)


def _chain(entries: list[Entry], bound: list[Expr]) -> Expr:
    """Take one chain ``M_ij N_jk ...`` out of the factors: a trace where it closes, an entry of a product else."""
    start = next((e for e in entries if e[1] not in bound or e[2] not in bound), entries[0])
    entries.remove(start)
    M, i, j = start
    if i in bound and j not in bound:
        M, i, j = Transpose(M), j, i
    factors = [M]
    while j in bound and j != i:
        following = next(e for e in entries if j in e[1:])
        entries.remove(following)
        N, k, end = following
        factors.append(N if k == j else Transpose(N))
        j = end if k == j else k
    product = MatMul(*factors)
    if i in bound or product.shape == (1, 1):
        return Trace(product)
    rows, cols = product.shape
    return Trace(MatMul(Column(Identity(cols), j), Transpose(Column(Identity(rows), i)), product))
