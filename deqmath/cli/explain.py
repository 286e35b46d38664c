"""``deqmath explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deqmath.claims import Claim


def explain_command(
    claim_id: str,
    /,
    *,
    latex: bool = False,
    html: bool = False,
    json: Path | None = None,
    output: Path | None = None,
) -> int:
    """Show a derivation line by line, with the reason for each line.

    For a claim without a derivation: its prose and the evidence for or against it.

    Parameters
    ----------
    claim_id : ID
        A claim id, or FILE::ID for a claim in your own file (which is Python and is run).
    latex
        The derivation as LaTeX.
    html
        The derivation as HTML.
    json : FILE
        Write the steps to this file as JSON; - is stdout.
    output : FILE
        Write to this file instead of stdout.
    """
    from deqmath.claims import find
    from deqmath.claims.report import to_text
    from deqmath.claims.write import check_target, write_text
    from deqmath.errors import InputError

    if latex and html:
        msg = "--latex and --html exclude each other; give one of them"
        raise InputError(msg)
    check_target(json, "--json")
    check_target(output, "--output")
    claim = find(claim_id)
    derivation = _derivation(claim)
    if derivation is None and (latex or html or json is not None):
        msg = f"claim {claim.id} has no derivation to write; see its evidence with: deqmath verify {claim.id}"
        raise InputError(msg)
    if json is not None:
        write_text(json, to_text(_as_json(claim, derivation)))
        if output is None:
            return 0
    text = derivation.to_latex() if latex else derivation.to_html() if html else _plain(claim, derivation)
    write_text(output or "-", text.rstrip("\n") + "\n")
    return 0


def _derivation(claim: Claim) -> Any:
    """The claim's derivation: the one it names, else the first one it yields, else None."""
    from deqmath.claims.case import Case
    from deqmath.claims.gather import pieces
    from deqmath.claims.guard import guarded
    from deqmath.errors import InputError

    def first_yielded() -> Any:
        return next((piece for piece in pieces(claim, Case(level="quick")) if hasattr(piece, "steps")), None)

    found, failure = guarded(claim.derivation or first_yielded, claim.where)
    if failure is not None and claim.derivation is not None:
        raise InputError(str(failure))
    return found


def _plain(claim: Claim, derivation: Any) -> str:
    from deqmath.claims import run_claim
    from deqmath.claims.run import Settings

    head = f"{claim.id}: {claim.source} {claim.equation}\n{claim.statement}"
    parts = [head, claim.prose] if claim.prose else [head]
    if derivation is not None:
        return "\n\n".join([*parts, str(derivation)])
    result = run_claim(claim, Settings(level="quick"))
    lines = [f"{result.status}{' as expected' if result.ok and claim.expect == 'refuted' else ''}:"]
    lines += [f"  {e.kind}, {e.status}: {e.detail}" for e in result.evidence]
    if result.remark and not result.evidence:
        lines.append(f"  {result.remark}")
    if result.counterexample:
        lines += ["counterexample:", *(f"    {line}" for line in result.counterexample.splitlines())]
    return "\n\n".join([*parts, "\n".join(lines)])


def _as_json(claim: Claim, derivation: Any) -> dict[str, Any]:
    return {
        "id": claim.id,
        "source": claim.source,
        "equation": claim.equation,
        "statement": claim.statement,
        "prose": claim.prose,
        "assumptions": [str(a) for a in getattr(derivation, "assumptions", ())],
        "steps": [
            {
                "expression": str(step.expression),
                "rule": str(step.rule),
                "reason": str(step.reason),
                "assumptions": [str(a) for a in step.assumptions],
                "status": step.verdict.status,
            }
            for step in derivation.steps
        ],
        "latex": derivation.to_latex(),
    }
