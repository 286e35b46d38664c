"""The cache of results: what it returns is what was found, and anything that could change a result makes it run again."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deqmath.claims import Cache, Settings, collect, run
from deqmath.claims import fingerprint as fingerprints
from deqmath.claims.cache import default_folder
from deqmath.claims.fingerprint import fingerprint

COUNTED = """
@dm.claim("t.one", "t", "(1)", "a statement"{more})
def one(case):
    with open({log!r}, "a") as log:
        log.write("x")
    {body}
"""
SHARED = "VALUE = 3\n"


@pytest.fixture
def lemma(write, tmp_path):
    """A file with one claim that leaves a mark whenever it runs; how often it has, and a run through one cache."""

    class Lemma:
        log = tmp_path / "log"
        path = tmp_path / "lemma.py"
        cache = Cache(tmp_path / "cache")

        def write(self, body="yield GOOD", more="", head=""):
            write(head + COUNTED.format(log=str(self.log), body=body, more=more))

        def run(self, settings=None, **options):
            return run(collect([self.path]), settings or Settings(), cache=self.cache, **options)

        @property
        def times(self):
            return len(self.log.read_text()) if self.log.exists() else 0

    made = Lemma()
    made.write()
    return made


def only(folder):
    (file,) = Path(folder).rglob("*.json")
    return file


def test_the_second_run_gives_the_same_result_without_running(lemma):
    symmetric = "A = dm.diag(dm.direction(dm.one(), 'a'))\n    yield dm.check_equal(A * A, A * A)\n    yield GOOD"
    lemma.write(symmetric)
    first, second = lemma.run(Settings(mutate=True)), lemma.run(Settings(mutate=True))
    assert lemma.times == 1
    assert (first.cached, second.cached) == (0, 1)
    assert replace(second.claims[0], cached=False) == first.claims[0]
    assert first.claims[0].mutation.planted > 0


def test_without_a_cache_it_runs(lemma):
    lemma.run()
    run(collect([lemma.path]))
    assert lemma.times == 2


@pytest.mark.parametrize(
    "settings", [Settings(seed=1), Settings(digits=41), Settings(level="quick"), Settings(mutate=True)]
)
def test_other_options_run_again(lemma, settings):
    lemma.run()
    lemma.run(settings)
    assert lemma.times == 2


def test_an_edit_of_the_claim_or_of_what_it_imports_runs_again(lemma, tmp_path):
    (tmp_path / "_shared.py").write_text("from ._deep import DEEP\n")
    (tmp_path / "_deep.py").write_text("DEEP = 1\n")
    (tmp_path / "_other.py").write_text("X = 1\n")
    lemma.write(head="from . import _shared\n")
    lemma.run()
    (tmp_path / "_other.py").write_text("X = 2\n")
    lemma.run()
    assert lemma.times == 1
    (tmp_path / "_deep.py").write_text("DEEP = 2\n")
    lemma.run()
    assert lemma.times == 2
    lemma.write(head="from . import _shared  # a comment\n")
    lemma.run()
    assert lemma.times == 3


def test_another_deqmath_or_library_runs_again(lemma, monkeypatch):
    lemma.run()
    monkeypatch.setattr(fingerprints, "_package_digest", lambda: "other")
    lemma.run()
    monkeypatch.setattr(fingerprints, "_versions", lambda: ["other"])
    lemma.run()
    assert lemma.times == 3


def test_the_package_digest_sees_every_file(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "data" / "digits.csv").write_text("1,2\n")
    monkeypatch.setattr(fingerprints.deqmath, "__file__", str(tmp_path / "__init__.py"))
    digest = fingerprints._package_digest.__wrapped__
    before = digest()
    (tmp_path / "data" / "digits.csv").write_text("1,3\n")
    assert digest() != before


@pytest.mark.parametrize(
    "line", ["import antigravity_not_known", "from sklearn import datasets", "from .. import above"]
)
def test_imports_that_cannot_be_followed_give_no_key(lemma, line):
    (claim,) = collect([lemma.path])
    lemma.path.write_text(lemma.path.read_text() + f"\nif False:\n    {line}\n")
    assert fingerprint(claim, Settings()) is None


@pytest.mark.parametrize("body", ["yield BAD", "yield OPEN", "1 / 0", "yield GOOD; 1 / 0", "return []"])
def test_what_is_not_as_expected_is_never_kept(lemma, body):
    lemma.write(body)
    lemma.run()
    lemma.run()
    assert lemma.times == 2
    assert not list(lemma.cache.folder.rglob("*.json"))


def test_an_expected_refutation_is_kept_with_its_counterexample(lemma):
    lemma.write("yield dm.check_equal(dm.one(), 2 * dm.one())", more=', expect="refuted"')
    first, second = lemma.run(), lemma.run()
    assert (lemma.times, second.cached) == (1, 1)
    assert second.claims[0].counterexample == first.claims[0].counterexample
    assert first.claims[0].counterexample


def test_a_survivor_of_planted_errors_is_never_kept(lemma):
    lemma.write("yield Verdict((GOOD,), subject=dm.one(), recheck=lambda other: Verdict((GOOD,)))")
    assert lemma.run(Settings(mutate=True)).claims[0].mutation.survivors
    lemma.run(Settings(mutate=True))
    assert lemma.times == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:0],
        lambda text: text[: len(text) // 2],
        lambda text: text[:0] + "[]",
        lambda text: text[:0] + "null",
        lambda text: text.replace("evaluated at points", "evaluated at pointz"),
        lambda text: json.dumps({**json.loads(text), "sha256": "0" * 64}),
        lambda text: text + "\x00\xff",
    ],
)
def test_a_damaged_file_counts_as_absent_and_is_replaced(lemma, damage):
    lemma.run()
    file = only(lemma.cache.folder)
    whole = file.read_text(encoding="utf-8")
    file.write_text(damage(whole), encoding="utf-8")
    assert lemma.run().cached == 0
    assert lemma.times == 2
    assert lemma.run().cached == 1


def test_the_result_of_another_key_is_not_taken(lemma):
    lemma.run()
    file = only(lemma.cache.folder)
    (claim,) = collect([lemma.path])
    other = fingerprint(claim, Settings(seed=5))
    file.rename(file.with_name(f"{other}.json"))
    assert lemma.run(Settings(seed=5)).cached == 0


def test_a_folder_that_cannot_be_used_is_no_error(lemma, tmp_path):
    (tmp_path / "file").write_text("")
    lemma.cache = Cache(tmp_path / "file")
    assert [lemma.run().cached for _ in range(2)] == [0, 0]


def test_cached_and_fresh_results_keep_their_order_on_processes(write, tmp_path):
    body = '@dm.claim("t.c{0}", "t", "(1)", "s")\ndef c{0}():\n    yield GOOD\n'
    cache = Cache(tmp_path / "cache")
    path = write("\n".join(body.format(i) for i in range(4)))
    claims = collect([path])
    run(claims[1:3], cache=cache)
    for jobs in (1, 2):
        result = run(claims, Settings(seed=0), jobs=jobs, cache=Cache(tmp_path / "cache") if jobs == 1 else cache)
        assert [c.id for c in result.claims] == [c.id for c in claims]
        assert result.cached == (2 if jobs == 1 else 4)


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("DEQMATH_CACHE_DIR", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("DEQMATH_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    for platform, place in (
        ("linux", "xdg/deqmath"),
        ("darwin", "Library/Caches/deqmath"),
        ("win32", "local/deqmath/Cache"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert default_folder() == tmp_path / place
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == tmp_path / ".cache" / "deqmath"
    assert os.environ["HOME"] == str(tmp_path)
