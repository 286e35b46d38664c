"""Rewrites of the plan: one file a pass, whose docstring is the identity it applies.

Every pass takes the algebra and the roots and gives new roots with the same values; each can be
left out (``generate(..., without=("solves",))``), and the code is then slower, never different.
"""

from __future__ import annotations

from collections.abc import Callable

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node
from deqmath.codegen.passes import (
    chains,
    diagonals,
    factor_once,
    kronecker,
    one_matrix,
    samples,
    scalings,
    solves,
    traces,
)

Pass = Callable[[Algebra, list[Node]], list[Node]]

#: Name -> pass, in the order in which they run.
PIPELINE: dict[str, Pass] = {
    "one_matrix": one_matrix.run,
    "kronecker": kronecker.run,
    "traces": traces.run,
    "samples": samples.run,
    "chains": chains.run,
    "solves": solves.run,
    "scalings": scalings.run,
    "diagonals": diagonals.run,
    "factor_once": factor_once.run,
}

__all__ = ["PIPELINE", "Pass"]
