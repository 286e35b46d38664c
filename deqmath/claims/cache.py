"""Results of claims kept from one run to the next, by content: a claim that has not changed is not run again."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deqmath.claims.result import ClaimResult, KindCount, Mutant, Mutation
from deqmath.errors import DataError
from deqmath.verdict import Evidence
from deqmath.writing import write_text

if TYPE_CHECKING:
    from deqmath.claims.catalogue import Listed
    from deqmath.claims.claim import Claim

#: The variable that says where the cache is, instead of the user's cache folder.
VARIABLE = "DEQMATH_CACHE_DIR"


def default_folder() -> Path:
    """``$DEQMATH_CACHE_DIR``, else deqmath's place in the cache folder that this platform gives a user."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "deqmath" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "deqmath"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deqmath"


class Cache:
    """A folder with one JSON file for each result; nothing in it is ever run, and nothing in it is trusted unread.

    Only results that came out as expected are kept, so that a failure is looked into afresh every time. A file that is
    damaged, of another format or of another claim counts as absent, and so does a folder that cannot be used.

    Parameters
    ----------
    folder
        Where; made on the first result. See :func:`default_folder`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or default_folder()) / "claims"
        #: What files declare; see :mod:`deqmath.claims.catalogue`.
        self.declared = (folder or default_folder()) / "declared"

    def get(self, key: str | None, claim: Claim | Listed) -> ClaimResult | None:
        """The result kept under a key, marked as cached; None if there is none to be trusted."""
        if key is None:
            return None
        try:
            found = _from_json(read_sealed(self.folder, key), claim)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return found if worth_keeping(found) else None

    def put(self, key: str | None, result: ClaimResult) -> None:
        """Keep a result, if it came out as expected; a folder that cannot be written to is left alone."""
        if key is None or not worth_keeping(result):
            return
        write_sealed(self.folder, key, _to_json(result))


def worth_keeping(result: ClaimResult) -> bool:
    """Whether the claim came out as expected, nothing broke, and every planted error was refuted."""
    mutation = result.mutation
    whole = mutation is None or not (mutation.survivors or mutation.undecided)
    return result.ok and result.failure is None and whole


def read_sealed(folder: Path, key: str) -> Any:
    """What was kept under a key.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If there is none, or the file is damaged or was written under another key.
    """
    stored = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
    if stored["sha256"] != _digest(key, stored["body"]):
        msg = f"the file of {key} is damaged"
        raise ValueError(msg)
    return stored["body"]


def write_sealed(folder: Path, key: str, body: Any) -> None:
    """Keep something under a key, whole or not at all; a folder that cannot be written to is left alone."""
    text = json.dumps({"sha256": _digest(key, body), "body": body}, ensure_ascii=False)
    with suppress(OSError, DataError):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / f"{key}.json", text)


def _digest(key: str, body: Any) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()


def _to_json(result: ClaimResult) -> dict[str, Any]:
    mutation = result.mutation
    return {
        "id": result.id,
        "evidence": [[e.kind, e.status, e.detail, dict(e.figures)] for e in result.evidence],
        "counterexample": result.counterexample,
        "assumptions": list(result.assumptions),
        "seconds": result.seconds,
        "mutation": None
        if mutation is None
        else {
            "counts": [mutation.planted, mutation.refuted],
            "kinds": {kind: [n.planted, n.refuted] for kind, n in mutation.kinds.items()},
            "equivalent": [[m.name, m.description, m.detail] for m in mutation.equivalent],
        },
    }


def _from_json(body: Mapping[str, Any], claim: Claim | Listed) -> ClaimResult:
    if body["id"] != claim.id:
        msg = f"the stored result is of {body['id']}, not of {claim.id}"
        raise ValueError(msg)
    mutation = None
    if body["mutation"] is not None:
        stored = body["mutation"]
        kinds = {kind: KindCount(*counts) for kind, counts in stored["kinds"].items()}
        equivalent = tuple(Mutant(*fields) for fields in stored["equivalent"])
        planted, refuted = stored["counts"]
        mutation = Mutation(planted, refuted, kinds=kinds, equivalent=equivalent)
    plain = ClaimResult(claim.id, claim.source, claim.equation, claim.statement, claim.expect)
    return replace(
        plain,
        evidence=tuple(Evidence(*fields) for fields in body["evidence"]),
        counterexample=body["counterexample"],
        assumptions=tuple(body["assumptions"]),
        seconds=float(body["seconds"]),
        mutation=mutation,
        cached=True,
    )
