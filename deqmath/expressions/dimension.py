"""Dimensions that stay symbolic."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Symbol, expand

from deqmath.errors import InputError


def dim(name: str) -> Symbol:
    """A positive-integer symbol for a dimension, such as the width ``m``.

    Parameters
    ----------
    name
        The name it prints under.

    Returns
    -------
    sympy.Symbol
        Two calls with one name give equal symbols.

    Examples
    --------
    >>> import deqmath as dm
    >>> m = dm.dim("m")
    >>> m.is_positive, m.is_integer
    (True, True)
    """
    if not isinstance(name, str) or not name.isidentifier():
        msg = f"dim() received {name!r}; it needs a name that is a Python identifier, as in dim('m')"
        raise InputError(msg)
    return Symbol(name, integer=True, positive=True)


def same_shape(a: Sequence[Expr], b: Sequence[Expr]) -> bool:
    """Whether two shapes are equal: ``m (m + n)`` is ``m^2 + m n``."""
    return tuple(a) == tuple(b) or (len(a) == len(b) and all(expand(x - y) == 0 for x, y in zip(a, b, strict=True)))
