"""The normal form never changes a value, and nothing false is ever proved: random expressions, planted errors."""

from __future__ import annotations

import random

import pytest
from sympy import Transpose

import deqmath as dm
from deqmath.checking.mutants import planted
from deqmath.errors import SingularError

from .random_expressions import Maker

SHAPES = [("m", "m"), ("m", "1"), ("m", "n"), ("1", "1"), ("1", "m"), ("n", "m")]


def _draw(seed):
    rng = random.Random(seed)
    maker = Maker(seed)
    rows, cols = rng.choice(SHAPES)
    depth = rng.choice([2, 3, 3])
    return (maker.make(rows, cols, depth) if rng.random() > 0.1 else maker.block(1)), rng


def _check_one(seed):
    expr, rng = _draw(seed)
    try:
        form = dm.simplified(expr)
    except SingularError:
        return 0
    assert dm.check_equal(expr, form).status != "refuted", f"seed {seed}: the normal form of {expr} is {form}"
    assert dm.proves_equal(expr, form)
    assert dm.proves_equal(Transpose(expr), Transpose(form)), seed
    slips = list(planted(expr))
    rng.shuffle(slips)
    accepted = 0
    for mutant in slips[:3]:
        try:
            proved = dm.proves_equal(expr, mutant.expression)
        except SingularError:
            continue
        if proved:
            accepted += 1
            verdict = dm.check_equal(expr, mutant.expression)
            assert verdict.status != "refuted", f"seed {seed}: proved false: {expr} = {mutant.expression}"
    return accepted


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_what_the_rules_accept_the_checker_accepts(start):
    for seed in range(start, start + 20):
        _check_one(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(200, 3000, 100))
def test_what_the_rules_accept_the_checker_accepts_at_length(start):
    for seed in range(start, start + 100):
        _check_one(seed)
