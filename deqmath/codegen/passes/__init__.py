"""Rewrites of the plan: one file a pass, whose docstring is the identity it applies.

Every pass takes the algebra and the roots and gives new roots with the same values; each can be
left out (``generate(..., without=("solves",))``), and the code is then slower, never different.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node
from deqmath.codegen.passes import (
    active,
    certify,
    chains,
    cholesky,
    contraction,
    diagonals,
    factor_once,
    gemv,
    in_place,
    known_inverse,
    kronecker,
    one_matrix,
    samples,
    scalings,
    selection,
    solves,
    stated_diagonal,
    symmetric,
    traces,
    triangular,
    woodbury,
)

Pass = Callable[[Algebra, list[Node]], list[Node]]

#: Name -> pass, in the order in which they run.
PIPELINE: dict[str, Pass] = {
    "symmetric": symmetric.run,
    "stated_diagonal": stated_diagonal.run,
    "one_matrix": one_matrix.run,
    "kronecker": kronecker.run,
    "selection": selection.run,
    "traces": traces.run,
    "active": active.run,
    "samples": samples.run,
    "chains": chains.run,
    "solves": solves.run,
    "contraction": contraction.run,
    "woodbury": woodbury.run,
    "triangular": triangular.run,
    "cholesky": cholesky.run,
    "scalings": scalings.run,
    "diagonals": diagonals.run,
    "factor_once": factor_once.run,
    "known_inverse": known_inverse.run,
    "gemv": gemv.run,
    "certify": certify.run,
    "in_place": in_place.run,
}

#: Pass -> the operations it introduces; a target without a rule for them leaves the pass out.
NEEDS: dict[str, frozenset[str]] = {
    "active": frozenset({"active", "active_lu", "active_solve"}),
    "certify": frozenset({"checked", "shown"}),
    "cholesky": frozenset({"cholesky", "cholesky_solve"}),
    "contraction": frozenset({"contraction_solve"}),
    "gemv": frozenset({"gemv"}),
    "in_place": frozenset({"in_place"}),
    "selection": frozenset({"spread", "khatri_rao", "selected_rows"}),
    "triangular": frozenset({"triangular_solve"}),
    "woodbury": frozenset({"low_rank_solve"}),
}


def beyond(operations: Container[str]) -> list[str]:
    """The passes that introduce an operation for which a target has no rule."""
    return [name for name, needed in NEEDS.items() if not all(op in operations for op in needed)]


__all__ = ["NEEDS", "PIPELINE", "Pass", "beyond"]
