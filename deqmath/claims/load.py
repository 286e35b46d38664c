"""Importing derivations files. They are Python that the user chose to run, as with pytest."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from deqmath.claims.claim import Claim, collecting
from deqmath.claims.guard import guarded
from deqmath.errors import InputError

_PREFIX = "deqmath_derivations_"


def load(files: Iterable[Path]) -> list[Claim]:
    """The claims of some files, in order of file and line.

    Each folder becomes a package of its own (``deqmath_derivations_<hash>``), so that a file
    can say ``from . import _shared``, and equal file names in two folders do not meet.

    Raises
    ------
    InputError
        If a file does not run (with the file and line), a helper file declares a claim, or two
        claims share an id.
    """
    files = [file.resolve() for file in files]
    for folder in dict.fromkeys(file.parent for file in files):
        _forget(folder)
    claims: list[Claim] = []
    token = collecting.set(claims)
    try:
        for file in files:
            _, failure = guarded(lambda file=file: _import(file), f"{file}:1")  # type: ignore[misc]
            if failure is not None:
                raise InputError(str(failure))
    finally:
        collecting.reset(token)
    return _ordered(claims, files)


def _package(folder: Path) -> str:
    return _PREFIX + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def _forget(folder: Path) -> None:
    """Drop what an earlier collection imported, so that an edited file is read again."""
    package = _package(folder)
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def _import(file: Path) -> None:
    package = _package(file.parent)
    if package not in sys.modules:
        spec = ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(file.parent)]
        sys.modules[package] = module_from_spec(spec)
    stem = re.sub(r"\W", "_", file.stem)
    name = f"{package}.{stem}"
    if name in sys.modules:
        return
    spec_of_file = spec_from_file_location(name, file)
    assert spec_of_file is not None
    assert spec_of_file.loader is not None
    module = module_from_spec(spec_of_file)
    sys.modules[name] = module
    try:
        spec_of_file.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _ordered(claims: list[Claim], files: list[Path]) -> list[Claim]:
    place = {file: i for i, file in enumerate(files)}
    for claim in claims:
        if claim.file not in place and claim.file.name.startswith("_"):
            msg = (
                f"{claim.where}: claim {claim.id} is in a file whose name starts with '_'; such helpers hold no claims"
            )
            raise InputError(msg)
    # A sibling that was only imported by a chosen file was not itself chosen.
    chosen = sorted((c for c in claims if c.file in place), key=lambda c: (place[c.file], c.line))
    seen: dict[str, Claim] = {}
    for claim in chosen:
        first = seen.setdefault(claim.id, claim)
        if first is not claim:
            msg = f"{claim.where}: claim id {claim.id} is taken by {first.where}; choose another"
            raise InputError(msg)
    return chosen
