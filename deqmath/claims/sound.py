"""What a counterexample rests on: a claim that is expected to be refuted must not pass because its own argument fails."""

from __future__ import annotations

from deqmath.errors import InputError
from deqmath.verdict import Verdict


def sound(verdict: Verdict) -> Verdict:
    """The verdict itself, if it is verified.

    In a claim with ``expect="refuted"`` any refutation counts as the one expected, that of a step of the argument too.

    Raises
    ------
    InputError
        If it is not verified, so that the claim is undecided.

    Examples
    --------
    >>> import deqmath as dm
    >>> from deqmath.claims.sound import sound
    >>> sound(dm.check_equal(dm.one(), dm.one())).status
    'verified'
    """
    if verdict.status != "verified":
        reasons = "; ".join(e.detail for e in verdict.evidence)
        msg = f"a step that the counterexample rests on is {verdict.status}: {reasons}"
        raise InputError(msg)
    return verdict
