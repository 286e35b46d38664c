"""Every identity of the table: derived, not typed in; judged by dual numbers; compared with the stated result."""

from __future__ import annotations

import time

import pytest

import deqmath as dm

from .collection import ALL
from .derive import solve
from .table import UNPROVED


@pytest.mark.parametrize("problem", ALL, ids=[f"{p.subject}: {p.name}" for p in ALL])
def test_identity(problem):
    outcome = solve(problem)
    assert outcome.derivative in (None, "verified"), dm.text(outcome.derived)
    assert outcome.stated == "verified", dm.text(outcome.derived)
    assert outcome.proved == ((problem.subject, problem.name) not in UNPROVED)


def test_there_are_at_least_sixty_and_none_twice():
    assert len(ALL) >= 60
    assert len({(p.subject, p.name) for p in ALL}) == len(ALL)


def test_all_together_take_less_than_ten_seconds():
    start = time.process_time()
    for problem in ALL:
        solve(problem)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("problem", [p for p in ALL if p.kind != "equal"], ids=lambda p: f"{p.subject}: {p.name}")
def test_a_wrong_result_is_refuted_with_a_counterexample(problem):
    wrong = 2 * solve(problem).derived
    verdict = dm.check_equal(wrong, problem.stated)
    assert verdict.status == "refuted"
    assert "dm.evaluate(" in verdict.counterexample
