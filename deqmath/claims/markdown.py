"""The table of claims as Markdown, for README.md and docs: written from a run, never typed.

A page that has the two marker lines gets a summary between them, and keeps all else; any other page becomes the whole table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deqmath.claims.result import ClaimResult, RunResult
from deqmath.errors import InputError
from deqmath.verdict import KINDS

BEGIN, END = "<!-- claims -->", "<!-- end of claims -->"
COLUMNS = ("id", "statement", "where", "status", "evidence", "command", "s")


def claims_page(result: RunResult) -> str:
    """All claims, a table for each source: id, statement, where in the paper, status, evidence, command, seconds.

    Examples
    --------
    >>> from deqmath.claims.markdown import claims_page
    >>> from deqmath.claims.result import RunResult
    >>> print(claims_page(RunResult(())).splitlines()[0])
    # Claims
    """
    counts = result.summary
    lines = [
        "# Claims",
        "",
        "Written by `deqmath verify --markdown docs/claims.md`, never typed. What a kind of evidence means stands in",
        "[README.md](../README.md); what the judges cannot see, in [checking.md](checking.md). Seconds are those of one noisy core.",
        "",
        f"{counts['ok']} as expected, {counts['failed']} not, {counts['undecided']} undecided, at level {result.level}.",
    ]
    for source in dict.fromkeys(claim.source for claim in result.claims):
        lines += ["", f"## {source}", "", *_row(COLUMNS, head=True)]
        for claim in result.claims:
            if claim.source == source:
                lines += _row(_cells(claim))
    return "\n".join(lines) + "\n"


def summary_table(result: RunResult) -> str:
    """How many claims of each source are verified, or refuted as expected, and with how many pieces of each kind of evidence."""
    kinds = [kind for kind in KINDS if kind != "assumed"]
    lines = _row(("source", "claims", "verified", "refuted as expected", *kinds), head=True)
    for source in dict.fromkeys(claim.source for claim in result.claims):
        own = [claim for claim in result.claims if claim.source == source]
        fine = Counter(claim.status for claim in own if claim.ok)
        pieces = Counter[str](evidence.kind for claim in own for evidence in claim.evidence)
        numbers = (len(own), fine["verified"], fine["refuted"], *(pieces[kind] for kind in kinds))
        lines += _row((f"`{source}`", *map(str, numbers)))
    return "\n".join(lines)


def page_with_claims(path: Path, result: RunResult) -> str:
    """What the file at ``path`` is to hold: its own text with a new summary between the markers, or the whole table.

    Raises
    ------
    InputError
        The file has one marker without the other.
    """
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    begins, ends = old.count(BEGIN), old.count(END)
    if not begins and not ends:
        return claims_page(result)
    if (begins, ends) != (1, 1) or old.index(BEGIN) > old.index(END):
        msg = f"{path} needs one line {BEGIN} and, after it, one line {END}, or neither; found {begins} and {ends}"
        raise InputError(msg)
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    return f"{before}{BEGIN}\n{summary_table(result)}\n{END}{after}"


def rows(page: str) -> list[dict[str, str]]:
    """The rows of the tables of a page made by :func:`claims_page`, cells by column."""
    found = []
    for line in page.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip().replace("\\|", "|") for cell in line.strip("| ").replace("\\|", "\0").split("|")]
            found.append(dict(zip(COLUMNS, (cell.replace("\0", "|") for cell in cells), strict=True)))
    return found


def _cells(claim: ClaimResult) -> tuple[str, ...]:
    counts = Counter[str](evidence.kind for evidence in claim.evidence)
    evidence = ", ".join(f"{kind} {counts[kind]}" for kind in KINDS if counts[kind])
    expected = " (as expected)" if claim.expect == "refuted" and claim.ok else ""
    return (
        f"`{claim.id}`",
        claim.statement,
        claim.equation,
        claim.status + expected,
        evidence or "none",
        f"`deqmath verify {claim.id}`",
        f"{claim.seconds:.1f}",
    )


def _row(cells: Sequence[str], *, head: bool = False) -> list[str]:
    line = "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
    return [line, "|" + " --- |" * len(cells)] if head else [line]
