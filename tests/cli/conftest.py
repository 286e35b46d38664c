"""Running the command line in this process, and derivations files for it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deqmath.cli import main

HEAD = """\
import deqmath as dm
from deqmath.checking.verdict import Evidence, Verdict

GOOD = Evidence("numeric", "verified", "evaluated at points", {"points": 3})
BAD = Evidence("numeric", "refuted", "a point breaks it", {"points": 1})
OPEN = Evidence("numeric", "undecided", "too close to call", {"points": 1})
"""


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str


@pytest.fixture
def deqmath(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEQMATH_TRACEBACK", raising=False)

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture
def refused(deqmath: Callable[..., Answer], tmp_path: Path) -> Callable[..., str]:
    """Run a command that must be refused: exit 2, one line on stderr, nothing on stdout, nothing written."""

    def run(*arguments: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        answer = deqmath(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith("deqmath: error: ")
        assert answer.err.count("\n") == 1
        assert "Traceback" not in answer.err
        after = [path for path in sorted(tmp_path.rglob("*")) if "__pycache__" not in path.parts]
        assert after == [path for path in before if "__pycache__" not in path.parts]
        return answer.err

    return run


@pytest.fixture
def claims(tmp_path: Path) -> Callable[..., Path]:
    """A derivations file with one claim for each given body."""

    def write(*bodies: str, name: str = "lemma.py", more: str = "") -> Path:
        path = tmp_path / name
        parts = [HEAD]
        for i, body in enumerate(bodies):
            lines = textwrap.indent(textwrap.dedent(body), "    ")
            parts.append(
                f'@dm.claim("t.c{i}", "t", "({i})", "statement {i}"{more})\ndef c{i}():\n    "Prose."\n{lines}\n'
            )
        path.write_text("\n".join(parts), encoding="utf-8")
        return path

    return write
