"""Collecting what a claim function yields, up to the point where it ends or breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import GeneratorType
from typing import Any, get_args

from deqmath.claims.case import Case
from deqmath.claims.claim import Claim, HasVerdict
from deqmath.claims.guard import Failure, guarded
from deqmath.claims.jsonable import jsonable
from deqmath.errors import InputError
from deqmath.verdict import KINDS, Evidence, Status, Verdict

_STATUSES = get_args(Status)
#: Kinds that a claim may report on its own, with figures.
MEASURED = ("numeric", "statistical")
_RESERVED = ("kind", "status", "detail")
_END = object()


@dataclass
class Gathered:
    """The evidence of one claim, and the verdicts it came from (they are needed to plant errors)."""

    evidence: list[Evidence] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    counterexample: str | None = None
    assumptions: list[str] = field(default_factory=list)
    failure: Failure | None = None

    def add(self, piece: Any) -> None:
        """Take in one yielded object."""
        if isinstance(piece, Evidence):
            self.evidence.append(_by_hand(_checked(piece)))
            return
        verdict = piece if isinstance(piece, Verdict) else _judged(piece)
        if not verdict.evidence:
            msg = "a Verdict without any evidence was yielded; needed at least one Evidence in it"
            raise InputError(msg)
        checked = [_checked(e) for e in verdict.evidence]
        self.evidence += checked if verdict.judged else [_by_hand(e) for e in checked]
        self.verdicts.append(verdict)
        if verdict.status == "refuted":
            self.counterexample = self.counterexample or verdict.counterexample
        self.assumptions += [a for a in map(str, verdict.assumptions) if a not in self.assumptions]


def gather(claim: Claim, case: Case) -> Gathered:
    """Run the claim's function and take in what it yields; a crash keeps what came before it."""
    found = Gathered()
    stream = pieces(claim, case)

    def step() -> bool:
        piece = next(stream, _END)
        if piece is not _END:
            found.add(piece)
        return piece is not _END

    while True:
        more, failure = guarded(step, claim.where)
        if failure is not None:
            _record(found, failure)
        if failure is not None or not more:
            return found


def pieces(claim: Claim, case: Case) -> Iterator[Any]:
    """What the claim's function yields or returns, alone or in a list."""
    answer = claim.function(case) if claim.takes_case else claim.function()
    if isinstance(answer, GeneratorType):
        answer = yield from answer
    if isinstance(answer, (list, tuple)):
        yield from answer
    elif answer is not None:
        yield answer


def _judged(piece: Any) -> Verdict:
    if isinstance(piece, HasVerdict) and not isinstance(piece, type):
        verdict = piece.verdict()
        if isinstance(verdict, Verdict):
            return verdict
        piece = verdict
    shown = repr(piece)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    msg = (
        f"a claim yielded {shown} ({type(piece).__name__}); needed an Evidence, a Verdict or a Derivation, "
        "such as dm.check_equal(lhs, rhs)"
    )
    raise InputError(msg)


def _checked(evidence: Evidence) -> Evidence:
    if evidence.kind not in KINDS or evidence.status not in _STATUSES:
        msg = (
            f"an Evidence has kind {evidence.kind!r} and status {evidence.status!r}; "
            f"needed a kind among {', '.join(KINDS)} and a status among {', '.join(_STATUSES)}"
        )
        raise InputError(msg)
    clash = [name for name in _RESERVED if name in evidence.figures]
    if clash:
        msg = f"the figures of an Evidence use the reserved name {clash[0]!r}; choose another"
        raise InputError(msg)
    return replace(evidence, detail=str(evidence.detail), figures=jsonable(evidence.figures, "the figure"))


def _by_hand(evidence: Evidence) -> Evidence:
    """Evidence that a claim wrote itself: taken at its word only where it is a measurement with its figures.

    A proof, an exact evaluation or an enclosure is what deqmath's judges found; written by hand it is an assumption,
    which is never green. A measurement (numeric, statistical) must say its figures.
    """
    if evidence.kind == "assumed" or (evidence.kind in MEASURED and evidence.figures):
        return evidence
    needed = "without figures" if evidence.kind in MEASURED else "by hand, not by a judge such as dm.check_equal"
    return replace(evidence, kind="assumed", detail=f"stated as {evidence.kind} {needed}: {evidence.detail}")


def _record(found: Gathered, failure: Failure) -> None:
    """A refuted step is evidence; any other failure leaves the claim undecided."""
    found.failure = failure
    if failure.counterexample is not None:
        found.evidence.append(Evidence("derived", "refuted", " ".join(failure.message.split())))
        found.counterexample = found.counterexample or failure.counterexample
