"""Files appear whole or not at all; ``-`` is stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deqmath import writing
from deqmath.errors import InputError


def check_target(target: Path | str | None, what: str = "the output file") -> None:
    """Refuse a target that cannot be written, before any work is done for it.

    Raises
    ------
    InputError
        If it is a folder, or its folder is missing or read-only.
    """
    if target is None or str(target) == "-":
        return
    path = Path(target)
    if path.name.startswith("--"):
        msg = f"{what} was given {path}, which reads as an option; needed the name of a file, or - for stdout"
        raise InputError(msg)
    if path.is_dir():
        msg = f"{what} {path} is a folder; needed the name of a file"
        raise InputError(msg)
    if not path.parent.is_dir():
        msg = f"{what} {path} would go into the folder {path.parent}, which does not exist; create it first"
        raise InputError(msg)
    writable = path if path.exists() and not path.is_file() else path.parent
    if not os.access(writable, os.W_OK):
        msg = f"{what} {path} cannot be written: no permission in {path.parent}"
        raise InputError(msg)


def write_text(target: Path | str, text: str) -> None:
    """Write ``text`` to a file in one step, or to stdout if ``target`` is ``-``.

    Raises
    ------
    DataError
        The file could not be written; see :func:`deqmath.writing.write_atomically`.
    """
    if str(target) == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    writing.write_text(target, text)
