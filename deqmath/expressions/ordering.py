"""A cheap deterministic order of expressions.

SymPy's own sorting and printing simplify as they go and take most of the time of a derivation;
this key is one pass over the tree, remembered for every node.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Basic, Symbol
from sympy.matrices.expressions import MatrixSymbol


@lru_cache(maxsize=1 << 17)
def structure_key(x: Basic) -> str:
    """A text that differs for different expressions of one problem, to sort by.

    Names come first, then the node's class with its arguments; the order is the same in every process.
    """
    if isinstance(x, (MatrixSymbol, Symbol)):
        return str(x.name)
    if not x.args:
        return str(x)
    keys = [structure_key(a) if isinstance(a, Basic) else str(a) for a in x.args]
    if getattr(x, "is_commutative", False) and (x.is_Add or x.is_Mul):
        keys.sort()
    return f"{_name(x)}({','.join(keys)})"


def _name(x: Any) -> str:
    return type(x).__name__
