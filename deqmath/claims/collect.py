"""Finding claims: bundled ones, those of other packages, and those of files and folders given by name."""

from __future__ import annotations

import difflib
import fnmatch
import os
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeVar

from deqmath.claims.claim import Claim
from deqmath.claims.load import load
from deqmath.errors import InputError, UnknownClaimError

GROUP = "deqmath.derivations"


class Named(Protocol):
    """What a claim is chosen by."""

    @property
    def id(self) -> str: ...

    @property
    def file(self) -> Path: ...


C = TypeVar("C", bound=Named)


def collect(targets: Sequence[str | Path] = ()) -> list[Claim]:
    """Collect claims as pytest collects tests.

    Parameters
    ----------
    targets
        Files, folders, ids (``gg22.eq10``), patterns of ids (``gg22.*``), or ``PATH::ID``.
        Without any: all claims of the bundled derivations and of installed packages that
        register a folder in the entry-point group ``deqmath.derivations``.

    Returns
    -------
    list of Claim
        Each claim once: files in alphabetical order, claims in the order they are written.

    Raises
    ------
    UnknownClaimError
        If no claim has an id that was asked for; the nearest ids are named.
    InputError
        If a path does not exist, holds no claims, or a file does not run.
    """
    return select(targets, load)


def select(targets: Sequence[str | Path], claims_of: Callable[[Iterable[Path]], list[C]]) -> list[C]:
    """Those of the claims of some files that are asked for; ``claims_of`` says what the files declare."""
    asked = [_split(str(target)) for target in targets]
    given = _files_of(path for path, _ in asked if path is not None)
    needs_default = not asked or any(path is None for path, _ in asked)
    default = default_files() if needs_default else []
    claims = claims_of(dict.fromkeys([*default, *given]))
    if not asked:
        return claims
    chosen: set[str] = set()
    for path, pattern in asked:
        scope = default if path is None else _files_of([path])
        within = [claim for claim in claims if claim.file in scope]
        chosen |= {claim.id for claim in _match(within, path, pattern)}
    return [claim for claim in claims if claim.id in chosen]


def find(claim_id: str) -> Claim:
    """The one claim with this id (or ``PATH::ID``).

    Raises
    ------
    UnknownClaimError
        If there is none, with the nearest ids.
    InputError
        If the text names several claims.
    """
    claims = collect([claim_id])
    if len(claims) != 1:
        msg = f"{claim_id} names {len(claims)} claims ({', '.join(c.id for c in claims[:3])}, ...); needed one id"
        raise InputError(msg)
    return claims[0]


def default_files() -> list[Path]:
    """The files of the bundled derivations, then those of installed packages, in a fixed order."""
    registered = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return _files_of([bundled_folder(), *map(_registered_folder, registered)])


def bundled_folder() -> Path:
    """The derivations that came with deqmath: inside an installed wheel, beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_derivations", package.parent / "derivations"):
        if folder.is_dir():
            return folder
    msg = f"the bundled derivations are missing beside {package}; install deqmath again with: pip install deqmath"
    raise InputError(msg)


def _registered_folder(point: EntryPoint) -> Path:
    try:
        spec = find_spec(point.module)
    except ModuleNotFoundError:
        spec = None
    roots = list(spec.submodule_search_locations or ()) if spec is not None else []
    for root in roots:
        folder = Path(root) / (point.attr or "")
        if folder.is_dir():
            return folder
    msg = f"the installed entry point {point.name} = {point.value} of {GROUP} names no folder; needed 'package:folder'"
    raise InputError(msg)


def _split(target: str) -> tuple[Path | None, str | None]:
    """``PATH``, ``PATH::ID`` or ``ID``, as (path or None, id or None)."""
    path, separator, pattern = target.partition("::")
    if separator:
        if not path or not pattern:
            msg = f"{target!r} is not PATH::ID; write for instance derivations/gg22/lemma_3_2.py::gg22.eq10"
            raise InputError(msg)
        return Path(path), pattern
    looks_like_path = os.sep in target or target.endswith(".py") or Path(target).is_dir()
    return (Path(target), None) if looks_like_path else (None, target)


def _files_of(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.py") if not _hidden(p.relative_to(path)))
            files += [p.resolve() for p in inside]
        elif path.is_file():
            files.append(path.resolve())
        else:
            msg = (
                f"{path} does not exist; needed a derivations file, a folder of them, or a claim id (see: deqmath list)"
            )
            raise InputError(msg)
    return list(dict.fromkeys(files))


def _hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _match(claims: list[C], path: Path | None, pattern: str | None) -> list[C]:
    if pattern is None:
        if not claims:
            msg = f"{path} declares no claims; a claim is a function under @dm.claim(id, source, equation, statement)"
            raise InputError(msg)
        return claims
    exact = [claim for claim in claims if claim.id == pattern]
    found = exact or [claim for claim in claims if fnmatch.fnmatchcase(claim.id, pattern)]
    if not found:
        ids = [claim.id for claim in claims]
        near = difflib.get_close_matches(pattern, ids, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "see: deqmath list"
        msg = f"no claim has the id {pattern}; {hint}"
        raise UnknownClaimError(msg)
    return found
