"""Testing a claim's checks by breaking what they judge: a check that cannot fail proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from deqmath.checking.verdict import Status, Verdict
from deqmath.claims.guard import guarded
from deqmath.claims.result import KindCount, Mutant, Mutation


def mutate(verdicts: Iterable[Verdict], where: str) -> Mutation:
    """Plant errors in the subject of every verified verdict that can be judged again.

    Parameters
    ----------
    verdicts
        Those with a ``subject`` and a ``recheck`` take part. The planted errors are those of
        ``subject.mutants()`` if it has that method, else of :func:`deqmath.checking.mutants`;
        each has a ``name``, a ``description`` and an ``expression``.
    where
        ``file:line`` of the claim, for messages.

    Notes
    -----
    Only verified verdicts take part: an error planted in a false statement may well make it true.
    A planted error that the check rejects as ill-formed (:class:`~deqmath.errors.ShapeError`)
    counts as refuted; one that makes the check crash counts as undecided.
    """
    tally: Counter[Status] = Counter()
    kinds: dict[str, KindCount] = {}
    survivors: list[Mutant] = []
    undecided: list[Mutant] = []
    for verdict in verdicts:
        if verdict.subject is None or verdict.recheck is None or verdict.status != "verified":
            continue
        planted, failure = guarded(lambda subject=verdict.subject: list(_mutants(subject)), where)  # type: ignore[misc]
        if failure is not None:
            undecided.append(Mutant("none planted", f"no error could be planted in {verdict.subject}", str(failure)))
        for mutant in planted or ():
            status, judged, detail = _judge(verdict, mutant, where)
            tally[status] += 1
            _count(kinds, judged)
            if status != "refuted":
                left = survivors if status == "verified" else undecided
                left.append(Mutant(str(mutant.name), str(mutant.description), detail))
    return Mutation(sum(tally.values()), tally["refuted"], tuple(survivors), tuple(undecided), kinds)


def _mutants(subject: Any) -> Iterable[Any]:
    own = getattr(subject, "mutants", None)
    if callable(own):
        yield from own()
        return
    from deqmath.checking import mutants

    yield from mutants(subject)


def _judge(verdict: Verdict, mutant: Any, where: str) -> tuple[Status, Verdict | None, str]:
    recheck = verdict.recheck
    assert recheck is not None
    judged, failure = guarded(lambda: recheck(mutant.expression), where)
    if judged is not None:
        return judged.status, judged, "; ".join(f"{e.kind}: {e.status}" for e in judged.evidence)
    if failure is not None and failure.type == "ShapeError":
        return "refuted", None, str(failure)
    return "undecided", None, str(failure) if failure else "the check gave no verdict"


def _count(kinds: dict[str, KindCount], judged: Verdict | None) -> None:
    evidence = () if judged is None else judged.evidence  # bool(judged) is its truth, not its presence
    for kind in dict.fromkeys(e.kind for e in evidence):
        seen = kinds.get(kind, KindCount())
        caught = any(e.kind == kind and e.status == "refuted" for e in evidence)
        kinds[kind] = KindCount(seen.planted + 1, seen.refuted + caught)
