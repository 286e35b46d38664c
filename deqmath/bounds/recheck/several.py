"""Certificates of several claims about one network: well-posedness, equilibria, the Gram matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deqmath.bounds.recheck.exact_matrix import Exact
from deqmath.bounds.recheck.network import Equilibria, Gram, Network, gram_of, prove_adjoints, prove_equilibria
from deqmath.bounds.recheck.reading import Claim, FalseCertificateError, field, number
from deqmath.bounds.recheck.single import array, require_norm
from deqmath.errors import DataError

Arrays = Mapping[str, Exact]
Record = Mapping[str, Any]
Claims = Mapping[str, Claim]


def check_well_posed(record: Record, arrays: Arrays, claimed: Claims) -> dict[str, str]:
    """``||A||``, ``rho = gamma ||A||`` and the monotonicity of ``I - gamma A``."""
    a = array(arrays, "A")
    gamma = number(field(record, "parameters", dict), "gamma")
    out: dict[str, str] = {}
    for name, (lower, upper) in claimed.items():
        if name == "norm":
            out[name] = require_norm(a, lower, upper, "the norm of A")
        elif name == "rho":
            out[name] = require_norm(a.times(gamma), lower, upper, "gamma ||A||")
        elif name == "monotonicity" and lower is not None and upper is None:
            nothing = Exact.of_fractions([gamma * 0], 1, 1)
            out[name] = Network(a, nothing, nothing, nothing, gamma, "relu").require_monotone(lower)
        else:
            raise DataError(unknown(name, "well_posed"))
    return out


def check_equilibrium(record: Record, arrays: Arrays, claimed: Claims) -> dict[str, str]:
    """Balls and signs; the one claim is that every sample's distance from its centre is at most the largest radius."""
    if set(claimed) != {"radius"}:
        raise DataError(unknown(", ".join(set(claimed) - {"radius"}), "equilibrium"))
    net = Network.of(record, arrays)
    found, reason = prove_equilibria(net, field(record, "witness", dict))
    if found is None:
        return {"radius": reason}
    largest = max(found.vectors.radii)
    lower, upper = claimed["radius"]
    if (lower is not None and lower > 0) or upper is None or upper < largest:
        msg = "a ball is larger than the claimed radius"
        raise FalseCertificateError(msg)
    return {"radius": ""}


def check_network_lambda_min(record: Record, arrays: Arrays, claim: Claim) -> str:
    """``lambda_min(H)`` of the true H."""
    net = Network.of(record, arrays)
    gram, reason, _ = proved_gram(net, field(record, "witness", dict))
    return reason if gram is None else gram.require_lambda_min(*claim)


def proved_gram(net: Network, witness: Mapping[str, Any]) -> tuple[Gram | None, str, Equilibria | None]:
    """H in balls, with the equilibria it comes from; or None and the reason."""
    found, reason = prove_equilibria(net, witness)
    if found is None:
        return None, reason, None
    return gram_of(net, found, prove_adjoints(net, found, witness)), "", found


def unknown(name: str, quantity: str) -> str:
    """The message for a claim that the checker has no rule for."""
    return f"a certificate of {quantity} makes no claim {name!r} of that form"
