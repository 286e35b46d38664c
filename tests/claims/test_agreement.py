"""Generated code of every claim agrees with exact evaluation; a planted error does not."""

from __future__ import annotations

import pytest
from sympy import Rational

from deqmath.claims import collect
from deqmath.claims.agreement import ALWAYS, compare, evidence, installed

CLAIMS = {c.id: c for c in collect() if c.exports}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claims_code_agrees(claim):
    pieces = evidence(CLAIMS[claim].expressions())
    assert [p.figures["target"] for p in pieces] == list(ALWAYS)
    assert {p.status for p in pieces} == {"verified"}


@pytest.mark.parametrize("target", installed())
def test_a_planted_error_is_seen(target):
    right = {k: e for k, e in CLAIMS["gg22.eq10"].expressions().items() if k != "dz_dvecA"}
    found = compare(right, [target])
    assert all(a.digits >= a.needed for a in found)
    for wrong in ({k: -e for k, e in right.items()}, {k: (1 + Rational(1, 10**9)) * e for k, e in right.items()}):
        assert all(a.digits < a.needed for a in compare(right, [target], written=wrong))
