"""What came of a claim, and of a whole run, as plain data that travels between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deqmath.claims.guard import Failure
from deqmath.verdict import Evidence, Status

#: Exit codes of a run, as the command line promises them.
OK, REFUTED, UNDECIDED, MISSING_BACKEND, INTERRUPTED = 0, 1, 3, 4, 130


@dataclass(frozen=True)
class KindCount:
    """How evidence of one kind fared against planted errors."""

    planted: int = 0
    refuted: int = 0


@dataclass(frozen=True)
class Mutant:
    """One planted error that was not refuted."""

    name: str
    description: str
    detail: str


@dataclass(frozen=True)
class Mutation:
    """How a claim's checks fared when errors were planted in what they judge.

    Parameters
    ----------
    planted, refuted
        Counts over all the verdicts of the claim that can be judged again.
    survivors
        Planted errors that were verified: the check is blind to them.
    undecided
        Planted errors that were neither verified nor refuted.
    kinds
        The same by kind of evidence, each over the errors it was asked about.
    equivalent
        Slips that change nothing, as the calculus proves, or that are defined nowhere; they are not among those planted.
    """

    planted: int = 0
    refuted: int = 0
    survivors: tuple[Mutant, ...] = ()
    undecided: tuple[Mutant, ...] = ()
    kinds: Mapping[str, KindCount] = field(default_factory=dict)
    equivalent: tuple[Mutant, ...] = ()


@dataclass(frozen=True)
class ClaimResult:
    """What came of one claim.

    Parameters
    ----------
    id, source, equation, statement, expect
        As in the claim.
    evidence
        All the evidence, in the order it was yielded, its figures ready for JSON.
    counterexample
        Python that reproduces a refutation, or None.
    assumptions
        Hypotheses used by any of the verdicts.
    seconds
        Wall-clock time.
    failure
        What went wrong in the claim's own code, or None.
    mutation
        What came of planting errors, or None if that was not asked for.
    cached
        Whether this is the result of an earlier run of the same claim; ``seconds`` is what it took then.
    """

    id: str
    source: str
    equation: str
    statement: str
    expect: Status
    evidence: tuple[Evidence, ...] = ()
    counterexample: str | None = None
    assumptions: tuple[str, ...] = ()
    seconds: float = 0.0
    failure: Failure | None = None
    mutation: Mutation | None = None
    cached: bool = False

    @property
    def status(self) -> Status:
        """Refuted if anything refutes; verified if something verifies and nothing is open; else undecided."""
        if any(e.status == "refuted" for e in self.evidence):
            return "refuted"
        earned = [e.status for e in self.evidence if e.kind != "assumed"]
        whole = bool(earned) and all(status == "verified" for status in earned) and self.failure is None
        return "verified" if whole else "undecided"

    @property
    def ok(self) -> bool:
        """Whether the claim came out as expected; an expected refutation must be earned and show its counterexample."""
        if self.expect == "refuted" and not any(e.status == "refuted" and e.kind != "assumed" for e in self.evidence):
            return False
        if self.status != self.expect or (self.failure is not None and self.failure.counterexample is None):
            return False
        return self.expect != "refuted" or bool(self.counterexample)

    @property
    def remark(self) -> str:
        """Why the claim is not ok, in a line; empty if it is."""
        if self.failure is not None and self.failure.counterexample is None:
            return str(self.failure)
        if self.ok:
            return ""
        if not self.evidence:
            return "no evidence was gathered: yield an Evidence, a Verdict or a Derivation"
        if self.status == self.expect and self.counterexample:
            return "refuted as expected, but only in the claim's own words: yield the Verdict of a judge"
        if self.status == self.expect:
            return "refuted as expected, but without a counterexample: yield a Verdict that carries one"
        if self.expect == "refuted":
            return f"expected to be refuted, but {self.status}"
        earned = [e.detail for e in self.evidence if e.status == self.status and e.kind != "assumed"]
        assumed = [e.detail for e in self.evidence if e.kind == "assumed"]
        return "; ".join(earned) or f"{self.status}, by assumption only: {'; '.join(assumed)}"


@dataclass(frozen=True)
class RunResult:
    """What came of a run: one result per claim, in the order the claims were collected.

    Parameters
    ----------
    claims
        The results.
    seed, level, digits
        The settings.
    seconds
        Wall-clock time of the whole run.
    interrupted
        Whether it was stopped before the last claim.
    """

    claims: tuple[ClaimResult, ...]
    seed: int = 0
    level: str = "standard"
    digits: int = 40
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def summary(self) -> dict[str, int]:
        """How many claims are ok, failed (refuted, or not refuted as expected), or undecided."""
        bad = [c for c in self.claims if not c.ok]
        undecided = sum(c.status == "undecided" for c in bad)
        return {"ok": len(self.claims) - len(bad), "failed": len(bad) - undecided, "undecided": undecided}

    @property
    def cached(self) -> int:
        """How many results come from the cache."""
        return sum(c.cached for c in self.claims)

    @property
    def mutation(self) -> dict[str, int] | None:
        """Planted errors over all claims, or None if none were asked for."""
        seen = [c.mutation for c in self.claims if c.mutation is not None]
        if not seen:
            return None
        return {
            "planted": sum(m.planted for m in seen),
            "refuted": sum(m.refuted for m in seen),
            "undecided": sum(len(m.undecided) for m in seen),
            "survived": sum(len(m.survivors) for m in seen),
        }

    @property
    def exit_code(self) -> int:
        """0 all as expected, 1 something is not, 3 undecided, 4 a backend is missing, 130 interrupted."""
        mutation = self.mutation or {}
        if self.interrupted:
            return INTERRUPTED
        if self.summary["failed"] or mutation.get("survived"):
            return REFUTED
        if self.summary["undecided"]:
            open_claims = [c.failure.type if c.failure else "" for c in self.claims if not c.ok]
            return MISSING_BACKEND if set(open_claims) == {"MissingBackendError"} else UNDECIDED
        # Errors were asked for and none could be planted: the checks were not tested.
        return UNDECIDED if mutation.get("undecided") or mutation.get("planted") == 0 else OK


def as_text(value: Any) -> str:
    """One line of any text."""
    return " ".join(str(value).split())
