"""Runs: order, processes, seeds, interrupts, exit codes, reports."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from deqmath.claims import Cache, Case, Settings, as_json, collect, run
from deqmath.claims.case import seed_of
from deqmath.claims.page import to_html
from deqmath.claims.report import to_text
from deqmath.claims.table import listing, results, to_plain
from deqmath.errors import InputError

SEVERAL = """
@dm.claim("t.drawn", "t", "(1)", "a random number")
def drawn(case):
    yield Evidence("numeric", "verified", "drawn", {"x": case.rng().random(), "seed": case.seed})

@dm.claim("t.false", "t", "(2)", "x <y> & z", expect="refuted")
def false():
    yield Verdict((BAD,), counterexample="assert 1 < 0  # <script>", assumptions=("x > 0",))

@dm.claim("t.also-drawn", "t", "(3)", "another random number")
def also(case):
    yield Evidence("statistical", "verified", "drawn", {"x": case.rng().random()})
"""


def timeless(result):
    document = as_json(result)
    for claim in document["claims"]:
        del claim["seconds"]
    return document


def test_one_and_two_processes_agree_and_keep_the_order(write):
    claims = collect([write(SEVERAL)])
    seen = []
    alone = run(claims, Settings(seed=5))
    together = run(claims, Settings(seed=5), jobs=2, on_result=lambda r: seen.append(r.id))
    assert timeless(alone) == timeless(together)
    assert seen == ["t.drawn", "t.false", "t.also-drawn"]
    figures = [c.evidence[0].figures for c in alone.claims]
    assert figures[0]["x"] != figures[2]["x"]
    assert timeless(run(claims[2:], Settings(seed=5)))["claims"][0] == timeless(alone)["claims"][2]
    assert timeless(run(claims, Settings(seed=6))) != timeless(alone)


def test_a_worker_that_dies_leaves_its_claim_undecided(write):
    text = '@dm.claim("t.dies", "t", "(1)", "s")\ndef f():\n    import os\n    os._exit(0)\n'
    result = run(collect([write(text)]), jobs=2)
    assert result.claims[0].status == "undecided"
    assert "worker process died" in result.claims[0].remark
    assert result.exit_code == 3


def test_an_interrupt_keeps_what_is_finished(write):
    text = SEVERAL.replace("yield Verdict((BAD,)", "raise KeyboardInterrupt\n    yield Verdict((BAD,)")
    result = run(collect([write(text)]))
    assert [c.id for c in result.claims] == ["t.drawn"]
    assert (result.interrupted, result.exit_code) == (True, 130)
    assert as_json(result)["interrupted"] is True
    assert "interrupted" in to_plain(results(result))
    assert "Interrupted" in to_html(result)


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        (["yield GOOD"], 0),
        (["yield GOOD", "yield BAD"], 1),
        (["yield OPEN", "yield BAD"], 1),
        (["yield GOOD", "yield OPEN"], 3),
        (["yield GOOD", "1 / 0"], 3),
        (["from deqmath.errors import MissingBackendError as M; raise M('pip install x')", "yield GOOD"], 4),
        (["from deqmath.errors import MissingBackendError as M; raise M('pip install x')", "yield OPEN"], 3),
    ],
)
def test_exit_codes(write, bodies, code):
    claims = [f'@dm.claim("t.c{i}", "t", "(1)", "s")\ndef f():\n    {body}\n' for i, body in enumerate(bodies)]
    assert run(collect([write("".join(claims))])).exit_code == code


def test_seeds_come_from_the_id_and_the_global_seed():
    assert seed_of("a", 0) == seed_of("a", 0)
    assert len({seed_of(name, seed) for name in "abc" for seed in range(3)}) == 9
    assert 0 <= seed_of("a", 0) < 2**32
    assert Case(seed=3).rng().random() == Case(seed=3).rng().random()


@pytest.mark.parametrize("bad", [{"seed": -1}, {"digits": 0}, {"level": "hard"}])
def test_bad_settings_are_refused_before_anything_runs(write, bad):
    with pytest.raises(InputError):
        run(collect([write(SEVERAL)]), Settings(**bad))


def test_no_jobs_is_refused(write):
    with pytest.raises(InputError, match="jobs is 0"):
        run(collect([write(SEVERAL)]), jobs=0)


def test_the_report_is_the_contract_s(write):
    document = json.loads(to_text(as_json(run(collect([write(SEVERAL)])))))
    assert {"deqmath", "seed", "claims", "summary"} <= set(document)
    assert document["summary"] == {"ok": 3, "failed": 0, "undecided": 0}
    needed = {"id", "source", "equation", "statement", "expect", "status", "ok", "seconds", "evidence"}
    for claim in document["claims"]:
        assert needed | {"counterexample", "assumptions"} <= set(claim)
        for evidence in claim["evidence"]:
            assert {"kind", "status", "detail"} <= set(evidence)
    assert document["claims"][1]["counterexample"] == "assert 1 < 0  # <script>"
    assert document["claims"][1]["assumptions"] == ["x > 0"]
    assert document["claims"][0]["counterexample"] is None


def test_the_page_is_well_formed_escaped_and_self_contained(write):
    page = to_html(run(collect([write(SEVERAL)]), Settings(mutate=True)))

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.seen, self.attributes = [], [], []

        def handle_starttag(self, tag, attrs):
            self.seen.append(tag)
            self.attributes += attrs
            if tag not in ("meta", "br"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert not {"script", "link", "img", "iframe"} & set(reader.seen)
    assert not {"src", "href"} & {name for name, _ in reader.attributes}
    assert "url(" not in page
    assert "@import" not in page
    assert "x &lt;y&gt; &amp; z" in page
    assert "# &lt;script&gt;" in page


def test_a_long_counterexample_is_not_folded(write):
    line = "x = [" + "1, " * 60 + "1]"
    text = SEVERAL.replace("assert 1 < 0  # <script>", line)
    assert f"    {line}\n" in to_plain(results(run(collect([write(text)]))))


def test_the_table_fits_80_columns_and_shows_the_counterexample(write):
    text = to_plain(results(run(collect([write(SEVERAL)]))))
    assert max(map(len, text.splitlines())) <= 80
    for shown in ("t.also-drawn", "✗ numeric", "✓ statistical", "as expected", "assert 1 < 0", "3 ok, 0 failed"):
        assert shown in text.replace("\u00a0", " ")


@pytest.mark.parametrize("width", [40, 60, 120])
def test_the_list_fits_narrow_terminals_with_every_id_in_one_line(write, width):
    long = '@dm.claim("t.a-rather-long-name-1", "t", "Section 5.1, bound", "‖z‖ ≤ ‖φ‖/(1 - ρ), which is a long line")'
    text = to_plain([listing(collect([write(SEVERAL + long + "\ndef last():\n    yield GOOD\n")]))], width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    ids = ["t.drawn", "t.false", "t.also-drawn", "t.a-rather-long-name-1"]
    assert [line.strip() for line in lines if not line.startswith("  ")] == ids
    assert "expected to be refuted" in " ".join(text.split())
    assert "bound" in text


def test_cached_results_are_marked(write, tmp_path):
    claims = collect([write(SEVERAL)])
    run(claims[:2], cache=Cache(tmp_path))
    result = run(claims, cache=Cache(tmp_path))
    assert "2 of 3 from the cache" in to_plain(results(result))
    assert to_plain(results(result)).count("cached") == 2
    assert [entry.get("cached") for entry in as_json(result)["claims"]] == [True, True, None]
    assert to_html(result).count("(cached)") == 2
