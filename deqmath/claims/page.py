"""The report of a run as one self-contained HTML page: no script, no request leaves it."""

from __future__ import annotations

import json
from html import escape

import deqmath
from deqmath.claims.result import ClaimResult, Mutation, RunResult
from deqmath.verdict import KINDS, Evidence

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --open: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --open: #d29922; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; }
.summary { color: GrayText; margin-top: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: GrayText; }
th, td { padding: .5rem .8rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.id { font-weight: 600; white-space: nowrap; }
td.time { text-align: right; font-variant-numeric: tabular-nums; }
.verified { color: var(--good); } .refuted { color: var(--bad); } .undecided { color: var(--open); }
.ok.refuted { color: var(--good); }
.tick { white-space: nowrap; display: block; }
details { margin-top: .3rem; } summary { cursor: pointer; }
pre { background: #8881; padding: .6rem .8rem; overflow-x: auto; border-radius: .3rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1rem; }
"""
_MARKS = {"verified": "✓", "refuted": "✗", "undecided": "?"}


def to_html(result: RunResult, title: str = "deqmath verify") -> str:
    """The run as an HTML page, all text escaped, all style inside."""
    counts = result.summary
    line = ", ".join(f"{counts[name]} {name}" for name in ("ok", "failed", "undecided"))
    settings = f"seed {result.seed}, level {result.level}, {result.digits} digits, deqmath {deqmath.__version__}"
    stopped = "<p><strong>Interrupted: the remaining claims were not run.</strong></p>" if result.interrupted else ""
    rows = "\n".join(_row(claim) for claim in result.claims)
    kinds = "\n".join(f"<dt>{escape(kind)}</dt><dd>{escape(text)}</dd>" for kind, text in KINDS.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="summary">{line} in {result.seconds:.1f} s ({escape(settings)})</p>
{stopped}
<div class="wide"><table>
<thead><tr><th>claim</th><th>equation</th><th>statement</th><th>evidence</th><th>status</th><th>s</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
{_planted(result)}
<h2>What a tick means</h2>
<dl>
{kinds}
</dl>
</body>
</html>
"""


def _row(claim: ClaimResult) -> str:
    ticks = "".join(_tick(e) for e in claim.evidence) or "none"
    expected = " as expected" if claim.ok and claim.expect == "refuted" else ""
    classes = f"{claim.status}{' ok' if claim.ok else ''}"
    return (
        f'<tr><td class="id" id="{escape(claim.id)}">{escape(claim.id)}</td><td>{escape(claim.equation)}</td>'
        f"<td>{escape(claim.statement)}{_remark(claim)}{_details(claim)}</td><td>{ticks}</td>"
        f'<td class="{classes}"><strong>{claim.status}</strong>{expected}</td>'
        f'<td class="time">{claim.seconds:.1f}{" (cached)" if claim.cached else ""}</td></tr>'
    )


def _tick(evidence: Evidence) -> str:
    if evidence.kind == "assumed":
        return f'<span class="tick">· {escape(evidence.kind)}</span>'
    return f'<span class="tick {evidence.status}">{_MARKS[evidence.status]} {escape(evidence.kind)}</span>'


def _remark(claim: ClaimResult) -> str:
    return f'<p class="{claim.status}">{escape(claim.remark)}</p>' if claim.remark else ""


def _details(claim: ClaimResult) -> str:
    items = "".join(
        f"<dt>{escape(e.kind)}: {escape(e.status)}</dt><dd>{escape(e.detail)}{_figures(e)}</dd>" for e in claim.evidence
    )
    if claim.assumptions:
        items += f"<dt>assumptions</dt><dd>{'<br>'.join(map(escape, claim.assumptions))}</dd>"
    evidence = f"<details><summary>evidence</summary><dl>{items}</dl></details>" if items else ""
    if not claim.counterexample:
        return evidence
    shown = f"<pre>{escape(claim.counterexample)}</pre>"
    return f"{evidence}<details open><summary>counterexample</summary>{shown}</details>"


def _figures(evidence: Evidence) -> str:
    if not evidence.figures:
        return ""
    pairs = ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in evidence.figures.items())
    return f"<br><code>{escape(pairs)}</code>"


def _planted(result: RunResult) -> str:
    total = result.mutation
    if total is None:
        return ""
    rows = "".join(
        f'<tr><td class="id">{escape(claim.id)}</td><td>{claim.mutation.refuted} of {claim.mutation.planted}</td>'
        f"<td>{_survivors(claim.mutation)}</td></tr>"
        for claim in result.claims
        if claim.mutation is not None
    )
    head = "<thead><tr><th>claim</th><th>refuted</th><th>not refuted</th></tr></thead>"
    return (
        f"<h2>Planted errors</h2><p>{total['refuted']} of {total['planted']} refuted, {total['survived']} survived, "
        f'{total["undecided"]} undecided.</p><div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>'
    )


def _survivors(mutation: Mutation) -> str:
    left = [*mutation.survivors, *mutation.undecided]
    return "<br>".join(f"{escape(m.name)}: {escape(m.description)} ({escape(m.detail)})" for m in left) or "none"
