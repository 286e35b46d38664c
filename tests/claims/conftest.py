"""Derivations files made of real Evidence and Verdict objects, and claims loaded from them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from deqmath.claims import Claim, collect

HEAD = """\
import deqmath as dm
from deqmath.checking.verdict import Evidence, Verdict

GOOD = Evidence("numeric", "verified", "evaluated at points", {"points": 3})
BAD = Evidence("numeric", "refuted", "a point breaks it", {"points": 1})
OPEN = Evidence("numeric", "undecided", "too close to call", {"points": 1})
ASSUMED = Evidence("assumed", "undecided", "taken from the literature")
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a derivations file below the usual head, and return its path."""

    def writer(body: str, name: str = "lemma.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
        return path

    return writer


@pytest.fixture
def one_claim(write: Callable[..., Path]) -> Callable[..., Claim]:
    """The claim whose function has this body (of lines after ``def``), collected from a file."""

    def maker(body: str, expect: str = "verified", signature: str = "()") -> Claim:
        lines = textwrap.indent(textwrap.dedent(body), "    ")
        decorator = f'@dm.claim("t.one", "t", "(1)", "a statement", expect="{expect}")'
        return collect([write(f"{decorator}\ndef one{signature}:\n{lines}\n")])[0]

    return maker
