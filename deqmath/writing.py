"""Files appear whole or not at all: every file that deqmath writes goes through here."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from deqmath.errors import DataError, InputError


def write_atomically(path: str | os.PathLike[str], write: Callable[[IO[bytes]], None]) -> None:
    """Write beside the place under another name, then move it there: the old file or the new one, never a half.

    A link is followed. A device or a pipe (``/dev/null``) is written to, never replaced. A file that was there keeps
    its mode; a new one gets what the user's umask says.

    Raises
    ------
    DataError
        The disk is full, or the place cannot be written; what was there before is still whole.
    InputError
        The place is a folder, or its folder does not exist.
    """
    place = Path(path).resolve()
    if place.is_dir():
        msg = f"{path} is a folder; needed the name of a file, as in {Path(path) / 'result'}"
        raise InputError(msg)
    if not place.parent.is_dir():
        msg = f"{path} would go into the folder {place.parent}, which does not exist; create it first, for example with Path.mkdir"
        raise InputError(msg)
    try:
        if place.exists() and not place.is_file():
            with place.open("wb") as stream:
                write(stream)
        else:
            _replace(place, write)
    except OSError as error:
        msg = f"{path} could not be written: {error.strerror or error}; make room, or give a place that can be written"
        raise DataError(msg) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """:func:`write_atomically` of a text, in UTF-8."""

    def write(stream: IO[bytes]) -> None:
        stream.write(text.encode())

    write_atomically(path, write)


def remove_parts(path: str | os.PathLike[str]) -> None:
    """Remove what a process that was killed while it wrote this file has left beside it; nobody else may be writing it."""
    place = Path(path).resolve()
    with suppress(OSError):  # a folder that may be written and not listed keeps them
        for part in place.parent.iterdir():
            if re.fullmatch(rf"\.{re.escape(place.name)}\.[0-9a-f]{{16}}\.part", part.name):
                part.unlink(missing_ok=True)


def _replace(place: Path, write: Callable[[IO[bytes]], None]) -> None:
    part = place.with_name(f".{place.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        if place.exists():
            shutil.copymode(place, part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
