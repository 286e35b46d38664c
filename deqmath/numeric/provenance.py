"""Where a result came from, and keeping the record of a run."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.writing import write_atomically, write_text


def provenance() -> dict[str, Any]:
    """Versions, BLAS, machine, command and time."""
    versions = {}
    for package in ("deqmath", "numpy", "scipy", "mpmath", "array-api-compat"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed as a package"
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return {
        "python": platform.python_version(),
        "versions": versions,
        "blas": {key: str(blas.get(key, "unknown")) for key in ("name", "version")},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cpus": str(os.cpu_count())},
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv else [],
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically; the caller has made every number a string."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_text(path, text)


def save_record(path: str | Path, arrays: Mapping[str, NDArray[Any]], summary: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write ``path.npz`` (the arrays) and ``path.json`` (summary and provenance), each atomically.

    Parameters
    ----------
    path
        Where, with or without the suffix .npz or .json; its folder must exist.
    arrays
        By name.
    summary
        Its numbers as strings.

    Returns
    -------
    (Path, Path)
        The two files.

    Raises
    ------
    InputError
        The folder does not exist.
    """
    base = Path(path)
    if base.suffix in (".npz", ".json"):
        base = base.with_suffix("")
    if not base.name or not base.parent.is_dir():
        msg = f"the folder {base.parent} does not exist; create it first, for example with Path.mkdir(parents=True)"
        raise InputError(msg)
    npz, text = base.with_name(base.name + ".npz"), base.with_name(base.name + ".json")
    write_atomically(npz, lambda stream: np.savez_compressed(stream, allow_pickle=False, **arrays))
    write_json(text, {**summary, "arrays": npz.name, "provenance": provenance()})
    return npz, text
