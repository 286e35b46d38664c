"""Errors planted in generated modules are seen by the comparison with exact values, on every target."""

from __future__ import annotations

import pytest
from sympy import Identity, Inverse

import deqmath as dm
from deqmath.claims.agreement import installed

from .cases import A, V, gamma, m, phi, w, z
from .planted import changes, outcomes

D = dm.gate(gamma * A * z + phi)
EXPRESSIONS = {
    "resolvent": gamma * Inverse(Identity(m) - gamma * D * A) * D * V * z,
    "adjoint": gamma * dm.kron(z, D * Inverse(Identity(m) - gamma * A.T * D) * w),
}


@pytest.mark.parametrize("target", installed())
def test_every_change_of_an_expression_is_seen(target):
    found = list(outcomes(EXPRESSIONS, target))
    assert len(found) >= 15
    assert [words for words, seen in found if not seen] == []


def test_only_the_algebra_is_changed():
    source = dm.generate(EXPRESSIONS).source
    changed = list(changes(source, EXPRESSIONS))
    assert {name for name, _, _ in changed} == set(EXPRESSIONS)
    helpers = {text[text.index("def _") :] for _, _, text in changed}
    assert len(helpers) == 1
