"""The check of an integer argument, the same text for every library."""

# ruff: noqa: EM102 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any


def _integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer argument in ``low <= value < high``."""
    try:
        number = None if isinstance(value, bool) else int(value.__index__())
    except (AttributeError, TypeError):  # what is a whole number by chance only, such as 2.0, is refused
        number = None
    if number is None:
        raise ValueError(f"{name}: received {value!r}; it needs an integer")
    if number < low or (high is not None and number >= high):
        upper = "" if high is None else f" and at most {high - 1}"
        raise ValueError(f"{name}: received {number}; it needs an integer of at least {low}{upper}")
    return number
