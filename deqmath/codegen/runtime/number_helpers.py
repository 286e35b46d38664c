"""Checks of shapes for the libraries of many digits, whose matrices have no batch axes."""

# ruff: noqa: EM102, F821 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any

#: Of the library's own file: the shape of a matrix.
_dimensions: Any


def _rows(name: str, value: Any, needed: str) -> Any:
    """The rows of nested lists, all of one length from 1 on."""
    rows = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(rows, (list, tuple)) or not all(isinstance(r, (list, tuple)) for r in rows):
        raise ValueError(f"{name}: received a {type(value).__name__}; it needs {needed}")
    if len({len(r) for r in rows}) != 1 or not rows[0]:
        raise ValueError(f"{name}: received rows of lengths {[len(r) for r in rows]}; it needs {needed}, not empty")
    return rows


def _sizes(arguments: dict[str, tuple[Any, tuple[str | int, str | int]]]) -> dict[str, int]:
    """The dimensions read from the shapes; two arguments that disagree are both named."""
    sizes: dict[Any, int] = {}
    source: dict[Any, str] = {}
    for name, (X, axes) in arguments.items():
        shape, needed = _dimensions(X), f"({axes[0]}, {axes[1]})"
        for axis, size in zip(axes, shape, strict=True):
            if isinstance(axis, int):
                if size != axis:
                    raise ValueError(f"{name}: received shape {shape}; it needs {needed}")
            elif axis == "" or sizes.setdefault(axis, size) == size:
                source.setdefault(axis, name)
            elif source[axis] == name:
                raise ValueError(f"{name}: received shape {shape}; it needs {needed}, a square matrix")
            else:
                other, wanted = arguments[source[axis]]
                raise ValueError(
                    f"{name} and {source[axis]} disagree on {axis}: received {name} of shape {shape} and "
                    f"{source[axis]} of shape {_dimensions(other)}; "
                    f"they need {needed} and ({wanted[0]}, {wanted[1]})"
                )
    return sizes


def _shape(name: str, X: Any, shape: tuple[int, int], symbols: str) -> None:
    """Check a shape that is a formula in the dimensions."""
    if _dimensions(X) != shape:
        raise ValueError(f"{name}: received shape {_dimensions(X)}; it needs {symbols} = {shape}")
