"""The claims on the limit kernel tell a wrong kernel from the right one."""

from __future__ import annotations

from functools import lru_cache

import pytest

from deqmath.claims import Case, find

WRONG = {
    "no resolvent": lambda g, S, S_q, H: (S, S_q / (1 + g**2 * S_q), H),  # K_0 for K_0/(1 - gamma_0^2 K_0)
    "no feedback": lambda g, S, S_q, H: (S * (2 - g**2) / 2, S_q, H),  # the diagonal of kappa_1(X X^T) for that of S
    "gamma_0 once": lambda g, S, S_q, H: (S, S_q, H / g),
}


@lru_cache(maxsize=1)
def namespace(claim_id):
    """Both claims are in one file: its draws are made once for all of these tests."""
    return find(claim_id).function.__globals__


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("claim_id", ["beyond.limit-identity", "beyond.limit-relu"])
def test_a_wrong_limit_is_refuted(claim_id, wrong, monkeypatch):
    space = namespace("beyond.limit-identity")
    right, phi = space["enclosed"], claim_id.split("-")[1]

    def other(phi):
        found, parts = right(phi)
        return found, WRONG[wrong](space["GAMMA0"], *parts)

    monkeypatch.setitem(space, "enclosed", other)
    verdicts = list(space["convergence"](phi, Case(seed=1)))
    assert "refuted" in {v.status for v in verdicts}
