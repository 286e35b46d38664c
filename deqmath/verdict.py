"""Evidence and verdicts: what is known about a statement, and how it came to be known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from deqmath.errors import UndecidedError

Status = Literal["verified", "refuted", "undecided"]
Kind = Literal["derived", "exact", "certified", "numeric", "statistical", "assumed"]

#: How a green tick of each kind was earned, in one sentence each.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "derived": "rewritten with named rules, for all dimensions",
        "exact": "evaluated exactly over a prime field at random points, at several sizes",
        "certified": "enclosed in ball or exact-integer arithmetic",
        "numeric": "compared in floating point, tolerance from conditioning",
        "statistical": "tested on random draws, with a confidence interval",
        "assumed": "taken as given; never green",
    }
)


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence for or against a statement.

    Parameters
    ----------
    kind
        How it was obtained; see :data:`KINDS`.
    status
        What it says about the statement.
    detail
        One sentence a theorist can read.
    figures
        The numbers behind it (sizes, points, chance of error, tolerance in ulps, ...);
        high-precision numbers as strings.
    """

    kind: Kind
    status: Status
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The evidence as the contract's JSON object: kind, status, detail, then the figures."""
        return {"kind": self.kind, "status": self.status, "detail": self.detail, **dict(self.figures)}


@dataclass(frozen=True)
class Verdict:
    """What is known about one statement.

    Parameters
    ----------
    evidence
        The evidence, in the order it was gathered.
    counterexample
        Python that reproduces a refutation, or None.
    assumptions
        Hypotheses used, in words or symbols.
    subject
        The expression that was judged, when planting an error in it makes sense.
    recheck
        Judges another expression put in the place of ``subject``: this is how a check is
        tested by breaking it.
    judge
        The part of deqmath that reached the verdict where it cannot judge again; empty for one written by hand.

    Notes
    -----
    ``status`` is refuted if any piece of evidence refutes; verified if at least one piece
    (not of kind ``assumed``) verifies; undecided otherwise. ``bool(verdict)`` raises
    :class:`~deqmath.errors.UndecidedError` rather than guess.
    """

    evidence: tuple[Evidence, ...]
    counterexample: str | None = None
    assumptions: tuple[str, ...] = ()
    subject: Any = None
    recheck: Callable[[Any], Verdict] | None = field(default=None, compare=False, repr=False)
    judge: str = ""

    @property
    def judged(self) -> bool:
        """Whether a judge of deqmath reached it: one that can judge again, or one that signs."""
        return self.recheck is not None or bool(self.judge)

    @property
    def status(self) -> Status:
        """``"verified"``, ``"refuted"`` or ``"undecided"``."""
        seen = {e.status for e in self.evidence if e.kind != "assumed"}
        if "refuted" in seen:
            return "refuted"
        return "verified" if "verified" in seen else "undecided"

    def __bool__(self) -> bool:
        if self.status == "undecided":
            reasons = "; ".join(e.detail for e in self.evidence) or "no evidence was gathered"
            msg = f"the verdict is undecided ({reasons}); read .status instead of using it as a truth value"
            raise UndecidedError(msg)
        return self.status == "verified"

    def __str__(self) -> str:
        lines: list[str] = [self.status]
        lines += [f"  {e.kind}: {e.status}: {e.detail}" for e in self.evidence]
        if self.counterexample:
            lines += ["  counterexample:", *("    " + line for line in self.counterexample.splitlines())]
        return "\n".join(lines)
