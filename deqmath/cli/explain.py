"""``deqmath explain``."""

from __future__ import annotations

from functools import partial
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

    For a claim without a derivation: its prose and the evidence for or against it. Exit code 1 if what is shown is
    refuted (or is not, where that was expected), 3 if it is undecided.

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
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import check_outputs, deliver
    from deqmath.errors import InputError

    if latex and html:
        msg = "--latex and --html exclude each other; give one of them"
        raise InputError(msg)
    check_outputs({"--json": json, "--output": output})
    claim = find(claim_id)
    derivation = _derivation(claim)
    if derivation is None and (latex or html or json is not None):
        msg = f"claim {claim.id} has no derivation to write; see its evidence with: deqmath verify {claim.id}"
        raise InputError(msg)
    writes = []
    if json is not None:
        writes.append(partial(write_text, json, to_text(_as_json(claim, derivation))))
    text, code = _by_evidence(claim) if derivation is None else _by_lines(claim, derivation, latex=latex, html=html)
    if output is not None or json is None:
        writes.append(partial(write_text, output or "-", text.rstrip("\n") + "\n"))
    return deliver(lambda: None, writes, code)


def _derivation(claim: Claim) -> Any:
    """The claim's derivation: the one it names, else the first one it yields, else None."""
    from deqmath.claims.case import Case
    from deqmath.claims.gather import pieces
    from deqmath.claims.guard import guarded
    from deqmath.errors import InputError, StepRefuted

    def first_yielded() -> Any:
        return next((piece for piece in pieces(claim, Case(level="quick")) if hasattr(piece, "steps")), None)

    found, failure = guarded(claim.derivation or first_yielded, claim.where)
    if failure is not None and claim.derivation is not None:
        if failure.counterexample is not None:
            raise StepRefuted(str(failure), failure.counterexample)
        raise InputError(str(failure))
    return found


def _by_lines(claim: Claim, derivation: Any, *, latex: bool, html: bool) -> tuple[str, int]:
    """The derivation, and the exit code for what its lines came to."""
    if latex or html:
        text = derivation.to_latex() if latex else derivation.to_html()
    else:
        text = "\n\n".join([*_head(claim), str(derivation)])
    refuted = 0 if claim.expect == "refuted" else 1
    return text, {"refuted": refuted, "undecided": 3}.get(derivation.verdict().status, 0)


def _by_evidence(claim: Claim) -> tuple[str, int]:
    """Prose and evidence, and the exit code for what the claim came to."""
    from deqmath.claims import RunResult, run_claim
    from deqmath.claims.run import Settings

    result = run_claim(claim, Settings(level="quick"))
    lines = [f"{result.status}{' as expected' if result.ok and claim.expect == 'refuted' else ''}:"]
    lines += [f"  {e.kind}, {e.status}: {e.detail}" for e in result.evidence]
    if result.remark and not result.evidence:
        lines.append(f"  {result.remark}")
    if result.counterexample:
        lines += ["counterexample:", *(f"    {line}" for line in result.counterexample.splitlines())]
    return "\n\n".join([*_head(claim), "\n".join(lines)]), RunResult((result,)).exit_code


def _head(claim: Claim) -> list[str]:
    head = f"{claim.id}: {claim.source} {claim.equation}\n{claim.statement}"
    return [head, claim.prose] if claim.prose else [head]


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
