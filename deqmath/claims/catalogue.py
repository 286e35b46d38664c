"""What derivations files declare, kept by content: claims are listed, and old results shown, without importing anything.

Importing the files costs seconds, since they state their models in SymPy. Whether a kept result still holds is decided by
hashes of files alone; where one of them is new, nothing here answers and the files are imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from deqmath.claims.cache import Cache, read_sealed, write_sealed
from deqmath.claims.claim import EXPECTATIONS, Claim, Expect
from deqmath.claims.collect import select
from deqmath.claims.fingerprint import fingerprint, fingerprint_of_file
from deqmath.claims.load import load
from deqmath.claims.result import ClaimResult, RunResult
from deqmath.claims.run import Settings

_FIELDS = ("id", "source", "equation", "statement", "expect")


@dataclass(frozen=True)
class Listed:
    """A claim without its function: what a list shows of it."""

    id: str
    source: str
    equation: str
    statement: str
    expect: Expect
    file: Path


class _Unknown(LookupError):
    """A file is new, or has changed since it was last imported."""


def collect_and_remember(cache: Cache, targets: Sequence[str | Path]) -> list[Claim]:
    """As :func:`~deqmath.claims.collect`; what every imported file declares is kept."""

    def load_and_remember(files: Iterable[Path]) -> list[Claim]:
        files = list(files)
        claims = load(files)
        for file in files:
            key = fingerprint_of_file(file)
            if key is not None:
                own = [[getattr(claim, name) for name in _FIELDS] for claim in claims if claim.file == file]
                write_sealed(cache.declared, key, own)
        return claims

    return select(targets, load_and_remember)


def listed(cache: Cache, targets: Sequence[str | Path]) -> list[Listed] | None:
    """The claims asked for, as :func:`~deqmath.claims.collect` would give them; None where the files must be imported.

    Raises
    ------
    InputError
        As :func:`~deqmath.claims.collect`, for a path or an id that is not there.
    """
    try:
        return select(targets, lambda files: _declared(cache, files))
    except _Unknown:
        return None


def recalled(cache: Cache, targets: Sequence[str | Path], settings: Settings) -> RunResult | None:
    """The whole run, if every claim asked for has a result in the cache that still holds; else None."""
    start = perf_counter()
    found: list[ClaimResult] = []
    for claim in listed(cache, targets) or ():
        kept = cache.get(fingerprint(claim, settings), claim)
        if kept is None:
            return None
        found.append(kept)
    if not found:
        return None
    return RunResult(tuple(found), settings.seed, settings.level, settings.digits, perf_counter() - start)


def _declared(cache: Cache, files: Iterable[Path]) -> list[Listed]:
    claims: list[Listed] = []
    for file in files:
        key = fingerprint_of_file(file)
        try:
            rows = [] if key is None else read_sealed(cache.declared, key)
            claims += [Listed(**dict(zip(_FIELDS, row, strict=True)), file=file) for row in rows]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            key = None
        if key is None:
            raise _Unknown(file)
    repeated = any(count > 1 for count in Counter(claim.id for claim in claims).values())
    if repeated or any(claim.expect not in EXPECTATIONS for claim in claims):
        raise _Unknown  # the import says where they are
    return claims
