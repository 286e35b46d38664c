"""The table of a run in a terminal, 80 columns or more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import indent

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deqmath.claims.catalogue import Listed
from deqmath.claims.claim import Claim
from deqmath.claims.result import ClaimResult, Mutation, RunResult, as_text
from deqmath.verdict import Evidence

#: Mark and colour of a status.
MARKS = {"verified": ("✓", "green"), "refuted": ("✗", "red"), "undecided": ("?", "yellow")}
ASSUMED = ("·", "dim")
_MOST_DESCRIBED = 3
_INTERRUPTED = "interrupted: the remaining claims were not run"


def listing(claims: Sequence[Claim | Listed]) -> RenderableType:
    """The list of ``deqmath list``: the id in a line of its own, then equation and statement, indented.

    No columns: at any width the ids stay whole, and the statements have the rest of the line.
    """
    parts: list[RenderableType] = []
    for claim in claims:
        paper = claim.equation if claim.id.startswith(f"{claim.source}.") else f"{claim.source} {claim.equation}"
        found = " (expected to be refuted)" if claim.expect == "refuted" else ""
        parts.append(Text(claim.id, "bold"))
        parts.append(Padding(Text.assemble((paper, "dim"), f"  {claim.statement}", (found, "dim")), (0, 0, 0, 2)))
    return Group(*parts)


def results(result: RunResult) -> list[RenderableType]:
    """The table of ``deqmath verify``, what went wrong or was refuted below it, and the summary.

    Each is to be printed in turn, by :func:`print_parts`.
    """
    table = new_table()
    table.add_column("claim", ratio=1)
    table.add_column("evidence")
    table.add_column("status")
    table.add_column("s", justify="right", no_wrap=True)
    for claim in result.claims:
        table.add_row(
            Text.assemble((claim.id, "bold"), (f"  {claim.equation}\n", "dim"), claim.statement),
            _ticks(claim.evidence),
            _status(claim),
            Text(f"{claim.seconds:.1f}" + ("\ncached" if claim.cached else ""), "dim"),
        )
    below = [part for claim in result.claims for part in _below(claim)]
    planted = _planted(result) if result.mutation is not None else []
    return [table, *below, *planted, summary(result)]


def summary(result: RunResult) -> Text:
    """The last line: how many are ok, failed, undecided; then time and settings."""
    counts = result.summary
    line = Text()
    for name, style in (("ok", "green"), ("failed", "red"), ("undecided", "yellow")):
        line.append(f"{counts[name]} {name}", f"bold {style}" if counts[name] else "dim")
        line.append(", " if name != "undecided" else f" in {result.seconds:.1f} s")
    line.append(f" (seed {result.seed}, level {result.level})", "dim")
    if result.cached:
        line.append(f"\n{result.cached} of {len(result.claims)} from the cache: unchanged since they ran", "dim")
        line.append("; --no-cache runs them again", "dim")
    if result.interrupted:
        line.append(f"\n{_INTERRUPTED}", "bold yellow")
    return line


def print_parts(console: Console, parts: Sequence[RenderableType]) -> None:
    """Print tables folded to the width, and texts unfolded, so that a counterexample can be copied."""
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))


def to_plain(parts: Sequence[RenderableType], width: int = 80) -> str:
    """Any of these as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        print_parts(console, parts)
    return capture.get()


def new_table() -> Table:
    """An empty table in the style of all tables here: a rule below the head, nothing else."""
    return Table(box=SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", leading=0)


def _ticks(evidence: Sequence[Evidence]) -> Text:
    """One tick a kind and status, with how many of them; breaks between kinds only."""
    counts: dict[tuple[str, str], int] = {}
    for e in evidence:
        counts[e.kind, e.status] = counts.get((e.kind, e.status), 0) + 1
    text = Text()
    for (kind, status), count in counts.items():
        mark, style = ASSUMED if kind == "assumed" else MARKS[status]
        times = f"\u00a0×{count}" if count > 1 else ""
        text.append(f"{mark}\u00a0{kind}{times}", style)
        text.append("\n")
    text.rstrip()
    return text if counts else Text("none", "yellow")


def _status(claim: ClaimResult) -> Text:
    text = Text(claim.status, f"bold {MARKS[claim.status][1] if not claim.ok else 'green'}")
    if claim.expect == "refuted":
        text.append("\nas expected" if claim.ok else "\n(expected\nrefuted)", "dim")
    return text


def _below(claim: ClaimResult) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if not claim.ok:
        parts.append(Text.assemble((f"{claim.id}: ", f"bold {MARKS[claim.status][1]}"), as_text(claim.remark)))
    if claim.status == "refuted" and claim.counterexample:
        if claim.ok:
            why = "; ".join(e.detail for e in claim.evidence if e.status == "refuted")
            parts.append(Text.assemble((f"{claim.id}: ", "bold"), "refuted as expected: ", as_text(why)))
        parts.append(Text(indent(claim.counterexample.strip("\n"), "    ")))
    return [*parts, Text("")] if parts else []


def _planted(result: RunResult) -> list[RenderableType]:
    table = new_table()
    table.add_column("planted errors in", ratio=1)
    table.add_column("refuted", justify="right")
    table.add_column("by kind of evidence")
    table.add_column("survivors")
    for claim in result.claims:
        if claim.mutation is None:
            continue
        mutation = claim.mutation
        table.add_row(Text(claim.id, "bold"), _refuted(mutation), _by_kind(mutation), _left(mutation))
    total = result.mutation or {}
    line = (
        f"{total['refuted']} of {total['planted']} planted errors refuted, "
        f"{total['survived']} survived, {total['undecided']} undecided"
    )
    if not total["planted"]:
        line = "no errors were planted, so the checks were not tested: no verdict here can be judged again"
    described = [part for claim in result.claims for part in _described(claim)]
    return [
        table,
        *described,
        Text(line, "bold red" if total["survived"] else "bold" if total["planted"] else "bold yellow"),
    ]


def _refuted(mutation: Mutation) -> Text:
    if not mutation.planted:
        return Text("0 planted", "yellow")
    whole = mutation.refuted == mutation.planted
    return Text(f"{mutation.refuted}/{mutation.planted}", "green" if whole else "red")


def _by_kind(mutation: Mutation) -> Text:
    return Text("\n".join(f"{kind}\u00a0{n.refuted}/{n.planted}" for kind, n in mutation.kinds.items()))


def _left(mutation: Mutation) -> Text:
    text = Text()
    for left, style, note in ((mutation.survivors, "red", ""), (mutation.undecided, "yellow", " (undecided)")):
        for name, count in Counter(m.name for m in left).items():
            times = f"\u00a0×{count}" if count > 1 else ""
            text.append(f"{name}{times}{note}\n", style)
    text.rstrip()
    return text if text.plain else Text("none", "dim")


def _described(claim: ClaimResult) -> list[RenderableType]:
    """The first few planted errors that were not refuted, in words; the JSON report has all."""
    if claim.mutation is None:
        return []
    left = [*claim.mutation.survivors, *claim.mutation.undecided]
    lines: list[RenderableType] = [
        Text.assemble((f"{claim.id}, {m.name}: ", "bold red"), as_text(f"{m.description} ({m.detail})"))
        for m in left[:_MOST_DESCRIBED]
    ]
    if len(left) > _MOST_DESCRIBED:
        lines.append(Text(f"{claim.id}: and {len(left) - _MOST_DESCRIBED} more, all of them in the JSON report", "dim"))
    return lines
