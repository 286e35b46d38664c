"""What a claim's result depends on, as one hash: its source, deqmath's own, the libraries, and the options."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deqmath

if TYPE_CHECKING:
    from deqmath.claims.catalogue import Listed
    from deqmath.claims.claim import Claim
    from deqmath.claims.run import Settings

#: Distributions whose version is part of the key, by the name they are imported under.
LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sympy": "sympy",
    "mpmath": "mpmath",
    "flint": "python-flint",
}


def fingerprint(claim: Claim | Listed, settings: Settings) -> str | None:
    """The key of a claim's result under some settings; None where what it depends on cannot be told.

    It hashes the text of the claim's file and of the sibling files it imports, directly or not; every file of the
    installed deqmath; the versions of Python and of the numerical libraries; the machine's architecture; seed,
    digits, level, and whether errors are planted. A file that imports anything else gets no key, so its claims always
    run. What a claim reads from outside (a file, the network, the clock) is not seen.
    """
    parts = _depends_on(claim.file)
    if parts is None:
        return None
    asked = [settings.seed, settings.digits, settings.level, settings.mutate]
    return _hashed(parts | {"claim": claim.id, "expect": claim.expect, "settings": asked})


def fingerprint_of_file(file: Path) -> str | None:
    """The key of what a file declares: as for its claims, without options."""
    parts = _depends_on(file)
    return None if parts is None else _hashed(parts | {"declares": file.name})


def _depends_on(file: Path) -> dict[str, Any] | None:
    sources = _sources(file)
    if sources is None:
        return None
    return {"sources": sources, "deqmath": _package_digest(), "libraries": _versions()}


def _hashed(parts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def _package_digest() -> str:
    """Of every file of the package, data included, by path and content."""
    root = Path(deqmath.__file__).resolve().parent
    digest = hashlib.sha256()
    files = (f for f in root.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    for file in sorted(f for f in files if f.relative_to(root).parts[0] != "_derivations"):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _versions() -> list[str]:
    found = [platform.python_version(), platform.machine()]
    for name in LIBRARIES.values():
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    return found


def _sources(file: Path) -> dict[str, str] | None:
    """Name -> hash of a file and of the siblings it imports; None if it imports what cannot be followed."""
    found: dict[str, str] = {}
    waiting = [file]
    while waiting:
        current = waiting.pop()
        if current.name in found:
            continue
        text = current.read_bytes()
        found[current.name] = hashlib.sha256(text).hexdigest()
        names = _imported(text)
        siblings = [current.parent / f"{name}.py" for name in names or ()]
        if names is None or not all(sibling.is_file() for sibling in siblings):
            return None
        waiting += siblings
    return found


@cache
def _imported(text: bytes) -> tuple[str, ...] | None:
    """The siblings that a file's text imports; None for an import that cannot be followed, or a text that is no Python."""
    names: list[str] = []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level != 1 or "." in (node.module or ""):
                return None
            names += [node.module] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and not _known(node):
            return None
    return tuple(names)


def _known(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether an absolute import is of the standard library, deqmath, or a library whose version is in the key."""
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    roots = {name.partition(".")[0] for name in names}
    return roots <= {"deqmath", *LIBRARIES, *sys.stdlib_module_names}
