"""The tables in README.md and docs/ are those of the registered claims, and prose does not contradict them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from deqmath.checking.verdict import KINDS, Evidence
from deqmath.claims import ClaimResult, RunResult, Settings, collect, run
from deqmath.claims.markdown import BEGIN, END, claims_page, page_with_claims, rows, summary_table
from deqmath.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CLAIMS = {claim.id: claim for claim in collect()}
TABLE = {row["id"].strip("`"): row for row in rows((ROOT / "docs" / "claims.md").read_text(encoding="utf-8"))}


def kinds_of(row):
    return {} if row["evidence"] == "none" else {k: int(n) for k, n in (p.split() for p in row["evidence"].split(", "))}


def test_the_page_has_every_claim_as_it_is_registered():
    assert list(TABLE) == list(CLAIMS)
    for name, claim in CLAIMS.items():
        row = TABLE[name]
        assert (row["statement"], row["where"]) == (" ".join(claim.statement.split()), claim.equation)
        assert row["status"] == claim.expect + (" (as expected)" if claim.expect == "refuted" else "")
        assert row["command"] == f"`deqmath verify {name}`"
        assert kinds_of(row)
        assert set(kinds_of(row)) <= set(KINDS)


def test_the_summary_in_the_readme_adds_up():
    block = (ROOT / "README.md").read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    results = []
    for name, claim in CLAIMS.items():
        pieces = [Evidence(kind, claim.expect, "") for kind, n in kinds_of(TABLE[name]).items() for _ in range(n)]
        shown = "# shown" if claim.expect == "refuted" else None
        made = ClaimResult(name, claim.source, claim.equation, claim.statement, claim.expect, tuple(pieces), shown)
        results.append(made)
    assert block == summary_table(RunResult(tuple(results)))


def check_against(names):
    """Run claims: status and number of pieces of each kind must be those of the page."""
    for claim in run([CLAIMS[name] for name in names], Settings()).claims:
        assert claim.ok, claim.id
        assert dict(Counter(e.kind for e in claim.evidence)) == kinds_of(TABLE[claim.id]), claim.id


def test_the_cheapest_claims_have_the_evidence_of_the_page():
    check_against(sorted(TABLE, key=lambda name: float(TABLE[name]["s"]))[:6])


@pytest.mark.slow
def test_every_claim_has_the_evidence_of_the_page():
    check_against(TABLE)


def contradictions(text, claims):
    """Sentences that name one claim and a status that is not its own; ids in backticks that no claim has."""
    sources = {claim.source for claim in claims.values()}
    for sentence in re.split(r"(?<=[.;:])\s|\n\s*\n|\n[-|#]", text):
        named = re.findall(r"`(\w+\.[\w.+-]+)`", sentence)
        ours = [n for n in named if n.split(".")[0] in sources and "*" not in n and not n.endswith((".py", ".csv"))]
        yield from (f"{name} is no claim: {sentence}" for name in ours if name not in claims)
        said = set(re.findall(r"(?<!not )\b(verified|refuted|undecided)\b", sentence))
        denied = set(re.findall(r"\b(?:not|never) (verified|refuted|undecided)\b", sentence))
        both = re.search(r"\bare (?:both |all )?(verified|refuted|undecided)\b", sentence)
        for name in (n for n in ours if n in claims):
            status = claims[name].expect
            wrong = len(ours) == 1 and ((said and status not in said) or status in denied)
            if wrong or (both and len(said) == 1 and both[1] != status):
                yield f"{name} is {status}: {sentence}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_prose_does_not_contradict_a_status(page):
    assert list(contradictions(page.read_text(encoding="utf-8"), CLAIMS)) == []


@pytest.mark.parametrize("page", ["README.md", "docs/findings.md", "docs/reproduction.md"])
@pytest.mark.parametrize(
    "planted",
    [
        "The claim `gg22.eq13` is verified.",
        "See `gg22.eq27`, which is refuted on digits.",
        "Here `gg22.eq10` is not verified.",
        "`gg22.eq10` and `gg22.eq13` are both verified.",
        "See `gg22.eq99`.",
    ],
)
def test_prose_planted_in_a_page_is_seen_wherever_it_stands(page, planted):
    paragraphs = (ROOT / page).read_text(encoding="utf-8").split("\n\n")
    assert not list(contradictions("\n\n".join(paragraphs), CLAIMS))
    for place in range(0, len(paragraphs) + 1, max(1, len(paragraphs) // 12)):
        text = "\n\n".join([*paragraphs[:place], planted, *paragraphs[place:]])
        assert list(contradictions(text, CLAIMS)), f"{planted} as paragraph {place} of {page}"


def test_planted_prose_is_seen():
    for wrong in ("`gg22.eq13` is verified.", "Here `gg22.eq10` is refuted.", "See `gg22.eq99`."):
        assert list(contradictions(wrong, CLAIMS)), wrong
    assert not list(contradictions("`gg22.eq13` is refuted. `gg22.eq10` is verified.", CLAIMS))


def result(statement="a | b"):
    one = ClaimResult("t.one", "t", "(1)", statement, "verified", (Evidence("exact", "verified", ""),), seconds=1.25)
    return RunResult((one,))


def test_a_bar_in_a_statement_stays_in_its_cell():
    assert rows(claims_page(result()))[0]["statement"] == "a | b"
    assert rows(claims_page(result("|x| ≤ |y|")))[0]["statement"] == "|x| ≤ |y|"


def test_only_what_stands_between_the_markers_changes(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    new = page_with_claims(path, result())
    assert new.startswith(f"before\n{BEGIN}\n| source |")
    assert new.endswith(f"{END}\nafter\n")
    assert "old" not in new
    path.write_text(f"{END} {BEGIN}")
    with pytest.raises(InputError, match="needs one line"):
        page_with_claims(path, result())
