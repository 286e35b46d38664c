"""Testing a claim's checks by breaking what they judge: a check that cannot fail proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sympy import Expr, Inverse, preorder_traversal

from deqmath.checking.verdict import Status, Verdict
from deqmath.claims.guard import guarded
from deqmath.claims.result import KindCount, Mutant, Mutation


def mutate(verdicts: Iterable[Verdict], where: str) -> Mutation:
    """Plant errors in every subject that verified verdicts can judge again.

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
    Verdicts with one subject judge each error together, as the claim itself would: it is refuted
    if any of them refutes it, and what each kind of evidence catches by itself is counted beside.
    A planted error that a check rejects as ill-formed (:class:`~deqmath.errors.ShapeError`)
    counts as refuted; one that makes a check crash counts as undecided there.
    One that is not refuted is no error only if the calculus, which no check uses, proves it equal
    to the subject for all dimensions; it is then listed as equivalent and not counted as planted. So is an
    undecided one that inverts a matrix which is singular everywhere (a chance below 2^-100 that it is not): it states nothing.
    """
    tally: Counter[Status] = Counter()
    kinds: dict[str, KindCount] = {}
    survivors: list[Mutant] = []
    undecided: list[Mutant] = []
    equivalent: list[Mutant] = []
    for subject, judges in _by_subject(verdicts):
        planted, failure = guarded(lambda subject=subject: list(_mutants(subject)), where)  # type: ignore[misc]
        if failure is not None:
            undecided.append(Mutant("none planted", f"no error could be planted in {subject}", str(failure)))
        for mutant in planted or ():
            outcomes = [_judge(verdict, mutant, where) for verdict in judges]
            seen = {status for status, _, _ in outcomes}
            status: Status = "refuted" if "refuted" in seen else "undecided" if "undecided" in seen else "verified"
            if status != "refuted" and _proved_equal(subject, mutant.expression, where):
                equivalent.append(Mutant(str(mutant.name), str(mutant.description), "proved equal"))
                continue
            if status == "undecided" and _defined_nowhere(mutant.expression, where):
                reason = "states nothing: it inverts a matrix that is singular at every point tried"
                equivalent.append(Mutant(str(mutant.name), str(mutant.description), reason))
                continue
            tally[status] += 1
            _count(kinds, [judged for _, judged, _ in outcomes])
            if status != "refuted":
                left = survivors if status == "verified" else undecided
                detail = "; ".join(dict.fromkeys(detail for _, _, detail in outcomes))
                left.append(Mutant(str(mutant.name), str(mutant.description), detail))
    planted_in_all = sum(tally.values())
    return Mutation(planted_in_all, tally["refuted"], tuple(survivors), tuple(undecided), kinds, tuple(equivalent))


def _by_subject(verdicts: Iterable[Verdict]) -> list[tuple[Any, list[Verdict]]]:
    """The verified verdicts that can judge again, those on one subject together, in order."""
    groups: list[tuple[Any, list[Verdict]]] = []
    for verdict in verdicts:
        if verdict.subject is None or verdict.recheck is None or verdict.status != "verified":
            continue
        found = next((judges for subject, judges in groups if subject == verdict.subject), None)
        if found is None:
            groups.append((verdict.subject, [verdict]))
        else:
            found.append(verdict)
    return groups


def _mutants(subject: Any) -> Iterable[Any]:
    own = getattr(subject, "mutants", None)
    if callable(own):
        yield from own()
        return
    from deqmath.checking import mutants

    yield from mutants(subject)


def _proved_equal(subject: Any, other: Any, where: str) -> bool:
    """Whether the calculus proves that nothing was changed; False decides nothing."""
    if not isinstance(subject, Expr) or not isinstance(other, Expr):
        return False
    from deqmath.calculus import proves_equal

    found, _ = guarded(lambda: proves_equal(subject, other), where)
    return bool(found)


def _defined_nowhere(other: Any, where: str) -> bool:
    """Whether a matrix that the planted error inverts is singular at every point, of sizes 2 and more, that was tried."""
    if not isinstance(other, Expr):
        return False
    from deqmath.checking.exact import singular_everywhere

    inverted = {node.arg for node in preorder_traversal(other) if isinstance(node, Inverse)}
    found, _ = guarded(lambda: any(singular_everywhere(M) is not None for M in inverted), where)
    return bool(found)


def _judge(verdict: Verdict, mutant: Any, where: str) -> tuple[Status, Verdict | None, str]:
    recheck = verdict.recheck
    assert recheck is not None
    judged, failure = guarded(lambda: recheck(mutant.expression), where)
    if judged is not None:
        return judged.status, judged, "; ".join(f"{e.kind}: {e.status}" for e in judged.evidence)
    if failure is not None and failure.type == "ShapeError":
        return "refuted", None, str(failure)
    return "undecided", None, str(failure) if failure else "the check gave no verdict"


def _count(kinds: dict[str, KindCount], judged: Iterable[Verdict | None]) -> None:
    evidence = [e for verdict in judged if verdict is not None for e in verdict.evidence]
    for kind in dict.fromkeys(e.kind for e in evidence):
        seen = kinds.get(kind, KindCount())
        caught = any(e.kind == kind and e.status == "refuted" for e in evidence)
        kinds[kind] = KindCount(seen.planted + 1, seen.refuted + caught)
