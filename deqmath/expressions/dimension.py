"""Dimensions that stay symbolic."""

from __future__ import annotations

from sympy import Symbol

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
