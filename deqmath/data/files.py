"""Reading the user's own files, as data only: nothing in them is ever evaluated or unpickled."""

from __future__ import annotations

import csv
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import DataError

#: What NumPy and zipfile raise on a damaged archive: bad structure, checksum, header, method, or absurd size.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    MemoryError,
)

Arrays = tuple[NDArray[np.float64], NDArray[np.float64]]


def read_csv(path: Path) -> Arrays:
    """X and y of a comma-separated file: the last column is y; a first line without any number is a header.

    Raises
    ------
    DataError
        Missing, empty, not text, ragged, or holding something that is not a finite number (the line is named).
    """
    rows: list[list[float]] = []
    seen_header = False
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            for line, cells in _lines(csv.reader(stream, strict=True), path):
                numbers = [_number(cell) for cell in cells]
                if not rows and not seen_header and all(number is None for number in numbers):
                    seen_header = True
                    continue
                rows.append(_checked(path, line, cells, numbers, len(rows[0]) if rows else len(cells)))
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not a UTF-8 text file ({error.reason} at byte {error.start}); save it as CSV text"
        raise DataError(msg) from error
    except OSError as error:
        raise DataError(_unreadable(path, error)) from error
    if not rows:
        msg = f"{path.name} holds no rows of numbers; it needs one line a sample, the last column being y"
        raise DataError(msg)
    if len(rows[0]) < 2:
        msg = f"{path.name} has one column; it needs at least two, the last one being y"
        raise DataError(msg)
    table = np.array(rows, dtype=np.float64)
    return table[:, :-1], table[:, -1]


def _lines(reader: Any, path: Path) -> list[tuple[int, list[str]]]:
    found = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((reader.line_num, cells))
    except csv.Error as error:
        msg = f"{path.name}, line {reader.line_num}: not comma-separated values ({error})"
        raise DataError(msg) from error
    return found


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace("_", "?"))  # float() would accept 1_000
    except ValueError:
        return None


def _checked(path: Path, line: int, cells: list[str], numbers: list[float | None], columns: int) -> list[float]:
    if len(cells) != columns:
        msg = f"{path.name}, line {line}: {len(cells)} columns, but the lines before have {columns}"
        raise DataError(msg)
    for k, number in enumerate(numbers):
        if number is None or not np.isfinite(number):
            msg = f"{path.name}, line {line}, column {k + 1}: {cells[k]!r} is not a finite number; needed numbers, but for a first line of names"
            raise DataError(msg)
    return [number for number in numbers if number is not None]


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path} cannot be read: {error.strerror or error}; pass the path of a .csv or .npz file"


def read_npz(path: Path, names: tuple[str, str] = ("X", "y")) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two arrays of a NumPy archive, by name, without unpickling.

    Raises
    ------
    DataError
        Missing, truncated, not an archive, lacking an array, or holding objects.
    """
    try:
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                msg = f"{path.name} holds a single array; it needs a .npz archive: np.savez(path, {_savez(names)})"
                raise DataError(msg)
            with archive:
                return _members(path, archive, names)
    except DataError:
        raise
    except _BROKEN as error:
        msg = f"{path.name} is truncated or not a NumPy archive of plain arrays ({_reason(error)}); np.savez(path, {_savez(names)})"
        raise DataError(msg) from error
    except OSError as error:
        raise DataError(_unreadable(path, error)) from error


def _reason(error: BaseException) -> str:
    """Why NumPy could not read a file, without its advice to load what looks pickled in the way that runs it."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "pickle" not in text:
        return text
    return "it holds Python objects" if text.startswith("Object arrays") else "it does not begin like one"


def _members(path: Path, archive: Any, names: tuple[str, str]) -> tuple[NDArray[Any], NDArray[Any]]:
    if not set(names) <= set(archive.files):
        msg = (
            f"{path.name} holds {', '.join(archive.files) or 'nothing'}, but needs the arrays "
            f"{names[0]} and {names[1]}: np.savez(path, {_savez(names)})"
        )
        raise DataError(msg)
    first, second = (archive[name] for name in names)
    if not (isinstance(first, np.ndarray) and isinstance(second, np.ndarray)):
        msg = f"the member {names[0]} or {names[1]} of {path.name} is no NumPy array; np.savez(path, {_savez(names)})"
        raise DataError(msg)
    return first, second


def _savez(names: tuple[str, str]) -> str:
    return ", ".join(f"{name}={name}" for name in names)
