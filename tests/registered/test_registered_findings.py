"""docs/findings.md: each finding has one command, one picture that exists, and an attack; the commands are there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.registered.__main__ import FINDINGS, main

DOCS = Path(__file__).resolve().parents[2] / "docs"
PARTS = re.split(r"^## (\d+)\. ", (DOCS / "findings.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
SECTIONS = dict(zip(map(int, PARTS[::2]), PARTS[1::2], strict=True))


def test_every_finding_has_a_module():
    assert list(SECTIONS) == list(FINDINGS)


@pytest.mark.parametrize("number", SECTIONS)
def test_a_finding_has_its_command_its_picture_and_its_attack(number):
    text = SECTIONS[number]
    assert text.count(f"*Reproduce.* `python -m tests.registered {number}`") == 1
    assert text.count("*Attacked.*") == 1
    (picture,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    drawn = (DOCS / picture).read_bytes()
    assert drawn.lstrip().startswith(b"<?xml")
    assert len(drawn) < 300_000
    assert callable(import_module(f"tests.registered.{FINDINGS[number]}").main)


def test_a_cheap_finding_is_reproduced(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tests.registered.picture.FOLDER", tmp_path)
    monkeypatch.setattr("tests.registered.unbounded_summands.DRAWS", 500)
    assert main(["6"]) == 0
    assert "R = 100" in capsys.readouterr().out
    assert (tmp_path / "finding-6.svg").is_file()


def test_an_unknown_finding_is_refused(capsys):
    assert main(["0"]) == 2
    assert "N from 1 to 12" in capsys.readouterr().err
