"""Claims: the statements of a paper, tied to the evidence for them."""

from __future__ import annotations

from deqmath.claims.cache import Cache
from deqmath.claims.case import Case
from deqmath.claims.claim import Claim, claim
from deqmath.claims.collect import collect, find
from deqmath.claims.report import as_json
from deqmath.claims.result import ClaimResult, RunResult
from deqmath.claims.run import Settings, run, run_claim

__all__ = [
    "Cache",
    "Case",
    "Claim",
    "ClaimResult",
    "RunResult",
    "Settings",
    "as_json",
    "claim",
    "collect",
    "find",
    "run",
    "run_claim",
]
