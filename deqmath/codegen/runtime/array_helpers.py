"""Functions that generated modules carry a copy of, the same text for every array library.

Every matrix has shape (..., rows, columns); leading axes are batch axes and broadcast.
"""

# ruff: noqa: EM102, F821 - the text is copied into modules that stand alone, and is kept plain

from __future__ import annotations

from typing import Any

#: Of the library's own file: refuses what is no array, or not finite; whether a condition is known to fail.
_check_values: Any
_fails: Any


def _matrix(name: str, value: Any, shape: str) -> Any:
    """A matrix argument, with optional leading batch axes."""
    _check_values(name, value)
    if value.ndim < 2:
        advice = f"; a column is (k, 1): pass {name}[:, None]" if value.ndim == 1 else ""
        received = f"received shape {tuple(value.shape)}"
        raise ValueError(f"{name}: {received}; it needs {shape}, after any batch axes{advice}")
    return value


def _sizes(arguments: dict[str, tuple[Any, tuple[str | int, str | int]]]) -> dict[str, int]:
    """The dimensions read from the shapes; two arguments that disagree are both named."""
    sizes: dict[str, int] = {}
    source: dict[str, str] = {}
    for name, (array, axes) in arguments.items():
        shape, needed = tuple(array.shape), f"({axes[0]}, {axes[1]})"
        for axis, size in zip(axes, shape[-2:], strict=True):
            if isinstance(axis, int):
                if size != axis:
                    raise ValueError(f"{name}: received shape {shape}; it needs {needed}, after any batch axes")
            elif axis == "":
                continue
            elif size == 0:
                raise ValueError(f"{name}: received shape {shape}; it needs {needed} with {axis} at least 1")
            elif sizes.setdefault(axis, size) != size and source[axis] == name:
                raise ValueError(f"{name}: received shape {shape}; it needs {needed}, a square matrix")
            elif sizes[axis] != size:
                other, wanted = arguments[source[axis]]
                raise ValueError(
                    f"{name} and {source[axis]} disagree on {axis}: received {name} of shape {shape} and "
                    f"{source[axis]} of shape {tuple(other.shape)}; they need {needed} and ({wanted[0]}, {wanted[1]})"
                )
            source.setdefault(str(axis), name)
    return sizes


def _shape(name: str, array: Any, shape: tuple[int, int], symbols: str) -> None:
    """Check a shape that is a formula in the dimensions."""
    if tuple(array.shape[-2:]) != shape:
        raise ValueError(
            f"{name}: received shape {tuple(array.shape)}; it needs {symbols} = {shape}, after any batch axes"
        )


def _batch(**arguments: Any) -> tuple[int, ...]:
    """The common batch shape of the arguments."""
    shapes = {name: tuple(value.shape)[:-2] for name, value in arguments.items()}
    out: list[int] = [1] * max([0, *(len(s) for s in shapes.values())])
    for shape in shapes.values():
        for k, size in enumerate(reversed(shape), start=1):
            if size != 1 and out[-k] not in (1, size):
                listed = ", ".join(f"{n} {s}" for n, s in shapes.items() if s)
                raise ValueError(f"the batch axes do not broadcast: received {listed}; they need equal lengths, or 1")
            out[-k] = size if size != 1 else out[-k]
    return tuple(out)


def _stated(name: str, words: str, X: Any, other: Any, rounding: Any = 0.0) -> None:
    """Refuse an argument that is not what it is stated to be: ``other`` is X where it is."""
    if _fails(abs(X - other) <= rounding):
        raise ValueError(f"{name}: received an array that is not {words}, as was stated of it")
