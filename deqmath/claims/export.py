"""From a claim to a module of code: its expressions, its hypotheses, and what they are derivatives of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from deqmath.claims.claim import Claim
from deqmath.claims.collect import collect, find
from deqmath.claims.guard import guarded
from deqmath.codegen import GeneratedModule, generate
from deqmath.errors import InputError
from deqmath.model import ReLUModel

#: What can be exported whole, beside the claims.
MODELS = {"gg22.model": ReLUModel}


def hypotheses(claim: Claim) -> tuple[Any, ...]:
    """What the claim's derivation assumes, as data: code generation uses, and checks, what it can use."""
    derivation = claim.derivation() if claim.derivation is not None else None
    return tuple(getattr(derivation, "assumptions", ()))


def module_of(name: str, target: str = "numpy") -> GeneratedModule:
    """The module of a claim (an id, or PATH::ID) or of a whole model.

    Raises
    ------
    UnknownClaimError
        If there is no such claim, with the nearest ids.
    InputError
        If the claim exports nothing, or its own code breaks.
    """
    if name in MODELS:
        return generate(MODELS[name](), target=target, claim=name)
    return claims_module(find(name), target)


def claims_module(claim: Claim, target: str = "numpy", *, name: str | None = None) -> GeneratedModule:
    """The module of one claim that is already collected."""
    expressions, failure = guarded(claim.expressions, claim.where)
    if failure is not None:
        raise InputError(str(failure))
    if not expressions:
        msg = f"claim {claim.id} exports no expressions; a claim does so with @dm.claim(..., exports={{name: expression}})"
        raise InputError(msg)
    return generate(
        expressions,
        target=target,
        claim=claim.id,
        assumptions=hypotheses(claim),
        derivatives=claim.known_derivatives(),
        name=name,
    )


def every_module(target: str, places: Sequence[str] = ()) -> Iterable[GeneratedModule]:
    """The modules of all claims that export expressions, and of the whole models where no place is named."""
    for claim in collect(places):
        if claim.exports is not None:
            yield claims_module(claim, target, name=_identifier(claim.id))
    for name, model in () if places else MODELS.items():
        yield generate(model(), target=target, claim=name, name=_identifier(name))


def _identifier(claim_id: str) -> str:
    """``gg22_eq10``, as Python can import it."""
    name = re.sub(r"\W", "_", claim_id)
    return name if name.isidentifier() else f"claim_{name}"
