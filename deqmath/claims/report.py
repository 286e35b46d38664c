"""The JSON report of a run, in the form the contract fixes."""

from __future__ import annotations

import json
from typing import Any

import deqmath
from deqmath.claims.result import ClaimResult, Mutation, RunResult


def as_json(result: RunResult) -> dict[str, Any]:
    """The run as JSON-able objects.

    Returns
    -------
    dict
        ``{"deqmath", "seed", "claims": [...], "summary": {"ok", "failed", "undecided"}}``; after
        planting errors also ``"mutation"`` per claim and in the summary; ``"interrupted": true``
        if the run was stopped.
    """
    document: dict[str, Any] = {
        "deqmath": deqmath.__version__,
        "seed": result.seed,
        "level": result.level,
        "digits": result.digits,
        "claims": [claim_as_json(claim) for claim in result.claims],
        "summary": dict(result.summary),
    }
    if result.mutation is not None:
        document["summary"]["mutation"] = result.mutation
    if result.interrupted:
        document["interrupted"] = True
    return document


def claim_as_json(claim: ClaimResult) -> dict[str, Any]:
    """One claim of the report; ``error`` is there only if its code broke."""
    entry: dict[str, Any] = {
        "id": claim.id,
        "source": claim.source,
        "equation": claim.equation,
        "statement": claim.statement,
        "expect": claim.expect,
        "status": claim.status,
        "ok": claim.ok,
        "seconds": round(claim.seconds, 6),
        "evidence": [evidence.as_json() for evidence in claim.evidence],
        "counterexample": claim.counterexample,
        "assumptions": list(claim.assumptions),
    }
    if claim.cached:
        entry["cached"] = True
    if claim.remark:
        entry["remark"] = claim.remark
    if claim.failure is not None:
        failure = claim.failure
        entry["error"] = {"type": failure.type, "message": failure.message, "where": failure.where}
    if claim.mutation is not None:
        entry["mutation"] = _mutation_as_json(claim.mutation)
    return entry


def _mutation_as_json(mutation: Mutation) -> dict[str, Any]:
    def listed(mutants: Any) -> list[dict[str, str]]:
        return [{"name": m.name, "description": m.description, "detail": m.detail} for m in mutants]

    return {
        "planted": mutation.planted,
        "refuted": mutation.refuted,
        "survivors": listed(mutation.survivors),
        "undecided": listed(mutation.undecided),
        "equivalent": listed(mutation.equivalent),
        "kinds": {kind: {"planted": n.planted, "refuted": n.refuted} for kind, n in mutation.kinds.items()},
    }


def to_text(document: Any) -> str:
    """JSON text, unicode kept, refusing NaN (figures hold it as a string)."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
