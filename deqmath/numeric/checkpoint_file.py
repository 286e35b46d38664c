"""The file a training run is kept in: written atomically, read back only by the run it belongs to."""

from __future__ import annotations

import hashlib
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import DataError, InputError
from deqmath.writing import remove_parts, write_atomically

#: What reading a file can raise whose bytes are damaged, or were never a checkpoint.
_UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def digest(words: Iterable[Any], arrays: Iterable[NDArray[Any]]) -> str:
    """A hash of everything that decides the bits of a run, but the versions of the libraries."""
    found = hashlib.sha256()
    found.update(json.dumps(list(words), default=str).encode())
    for array in arrays:
        found.update(str(array.shape).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


@dataclass
class CheckpointFile:
    """A file that holds the state of a run, and when it was last written.

    Attributes
    ----------
    path
        The .npz file.
    mark
        The :func:`digest` of the run it belongs to.
    every
        Seconds between two writes.
    """

    path: Path
    mark: str
    every: float
    written: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a place that cannot be written, before anything is computed."""
        if self.path.suffix != ".npz" or not self.path.parent.is_dir():
            msg = f"checkpoint is {str(self.path)!r}; it needs a .npz file in a folder that exists"
            raise InputError(msg)
        remove_parts(self.path)  # of a run that was killed while it wrote
        self.written = time.monotonic()

    def exists(self) -> bool:
        """Whether there is something to go on from."""
        return self.path.exists()

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() - self.written >= self.every

    def write(self, arrays: Mapping[str, NDArray[Any]], text: Mapping[str, Any]) -> None:
        """Write arrays and text with the mark, atomically."""
        content = {**text, "mark": self.mark, "names": sorted(arrays)}  # a zip file guards its entries, not their names
        line = np.frombuffer(json.dumps(content).encode(), dtype=np.uint8)
        write_atomically(self.path, lambda stream: np.savez(stream, allow_pickle=False, text=line, **arrays))
        self.written = time.monotonic()

    def read(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The arrays and the text.

        Raises
        ------
        DataError
            The file is no checkpoint, or belongs to another run.
        """
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                saved = {name: archive[name] for name in archive.files}
            text = json.loads(saved["text"].tobytes())
            mark, names = text["mark"], text["names"]
            missing = sorted({*names} - {*saved})
            if missing:
                raise KeyError(missing[0])
        except _UNREADABLE as error:
            msg = (
                f"{self.path} is no checkpoint of deqmath ({_complaint(error)}); remove it, or give another checkpoint="
            )
            raise DataError(msg) from error
        if mark != self.mark:
            msg = (
                f"{self.path} belongs to another run: network, data, method, options and version must be the same to resume; "
                "remove it, or give another checkpoint="
            )
            raise DataError(msg)
        return saved, text


def _complaint(error: Exception) -> str:
    """Why a file could not be read, in words of our own: NumPy's would advise to load it unsafely."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError):
        return f"it holds no entry {error}"
    return "its bytes are damaged, or were never those of one"
