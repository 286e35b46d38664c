"""Figures as JSON: short numbers as numbers, long or exact ones as strings, nothing by accident."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from deqmath.errors import InputError

#: Integers beyond this lose digits in readers that hold every number as a double.
_EXACT_IN_DOUBLE = 2**53


def jsonable(value: Any, name: str = "value") -> Any:
    """``value`` as what :func:`json.dumps` can write without losing anything.

    Parameters
    ----------
    value
        Python, NumPy, SymPy, mpmath or python-flint numbers, texts, paths, and mappings,
        sequences, arrays and dataclasses of them.
    name
        What to call it in the error message.

    Raises
    ------
    InputError
        For anything else: a figure is never written as an accidental ``str()``.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.claims.jsonable import jsonable
    >>> jsonable({"chance": Fraction(1, 2**61), "points": 3, "size": 2**80, "slack": float("nan")})
    {'chance': '1/2305843009213693952', 'points': 3, 'size': '1208925819614629174706176', 'slack': 'nan'}
    """
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value) if abs(value) <= _EXACT_IN_DOUBLE else str(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, (Fraction, Decimal, complex, PurePath)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, AbstractSet):
        return sorted((jsonable(item, name) for item in value), key=str)
    return _foreign(value, name)


def _foreign(value: Any, name: str) -> Any:
    """Numbers of other packages, told apart by the package that made them (none is imported here)."""
    package = type(value).__module__.partition(".")[0]
    if package == "numpy":
        return _numpy(value, name)
    if package == "sympy":
        return _sympy(value)
    if package in ("mpmath", "flint"):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name), f"{name}.{f.name}") for f in dataclasses.fields(value)}
    msg = (
        f"{name} is a {type(value).__module__}.{type(value).__qualname__}, which cannot be written as JSON; "
        "needed a number, a text, or a list or mapping of them (give str(...) of it if that says it all)"
    )
    raise InputError(msg)


def _numpy(value: Any, name: str) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is None or kind not in "biufcUO":
        msg = f"{name} is a {type(value).__qualname__}, which cannot be written as JSON; needed numbers or texts, or arrays of them"
        raise InputError(msg)
    if value.ndim:
        return [jsonable(item, name) for item in value]
    item = value.item()
    # longdouble.item() is itself: its digits go into a text
    return str(value) if type(item) is type(value) else jsonable(item, name)


def _sympy(value: Any) -> Any:
    if value.is_Boolean and value.is_Atom and not value.is_Symbol:
        return bool(value)
    return jsonable(int(value)) if value.is_Integer else str(value)
