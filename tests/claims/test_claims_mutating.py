"""Planted errors: a check that cannot fail is found out."""

from __future__ import annotations

import pytest

from deqmath.claims import Settings, as_json, collect, run
from deqmath.claims.table import results, to_plain

CHECKED = """
class Mutant:
    def __init__(self, name, expression):
        self.name, self.description, self.expression = name, name + " planted", expression

class Number:
    def __init__(self, value):
        self.value = value
    def mutants(self):
        return [Mutant("sign", Number(-self.value)), Mutant("factor", Number(2 * self.value))]

def careful(x):
    return Verdict((Evidence("exact", "verified" if x.value == 4 else "refuted", "compared"),), None, (), x, careful)

def blind_to_factors(x):
    status = "verified" if x.value > 0 else "refuted"
    return Verdict((Evidence("numeric", status, "compared"),), None, (), x, blind_to_factors)

def both(x):
    evidence = careful(x).evidence + blind_to_factors(x).evidence
    return Verdict(evidence, None, (), x, both)

def broken(x):
    if x.value != 4:
        raise {error}("no")
    return Verdict((GOOD,), None, (), x, broken)

@dm.claim("t.one", "t", "(1)", "2 + 2 = 4")
def one():
    yield {check}
"""


def mutated(write, check, error="ZeroDivisionError"):
    text = CHECKED.replace("{check}", check).replace("{error}", error)
    return run(collect([write(text)]), Settings(mutate=True))


def test_every_planted_error_refuted(write):
    result = mutated(write, "careful(Number(4))")
    assert result.mutation == {"planted": 2, "refuted": 2, "undecided": 0, "survived": 0}
    assert result.exit_code == 0


def test_a_survivor_is_named_and_fails_the_run(write):
    result = mutated(write, "blind_to_factors(Number(4))")
    assert result.claims[0].ok
    assert result.exit_code == 1
    document = as_json(result)
    assert [s["name"] for s in document["claims"][0]["mutation"]["survivors"]] == ["factor"]
    assert document["claims"][0]["mutation"]["planted"] == 2
    assert document["summary"]["mutation"]["survived"] == 1
    text = to_plain(results(result))
    assert "factor" in text
    assert "1 survived" in text


def test_kinds_are_counted_apart(write):
    result = mutated(write, "both(Number(4))")
    kinds = as_json(result)["claims"][0]["mutation"]["kinds"]
    assert kinds == {"exact": {"planted": 2, "refuted": 2}, "numeric": {"planted": 2, "refuted": 1}}
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("error", "refuted", "code"),
    [("ZeroDivisionError", 0, 3), ("__import__('deqmath.errors').errors.ShapeError", 2, 0)],
)
def test_a_check_that_breaks_decides_nothing_unless_the_shapes_are_wrong(write, error, refuted, code):
    result = mutated(write, "broken(Number(4))", error)
    assert result.mutation["refuted"] == refuted
    assert result.exit_code == code


@pytest.mark.parametrize("check", ["GOOD", "Verdict((GOOD,))", "careful(Number(5))"])
def test_nothing_planted_is_said(write, check):
    result = mutated(write, check)
    assert result.mutation["planted"] == 0
    assert result.exit_code in (1, 3)
    assert "0 planted" in to_plain(results(result))
    assert "the checks were not tested" in to_plain(results(result))


def test_the_same_on_two_processes(write):
    text = CHECKED.replace("{check}", "both(Number(4))").replace("{error}", "ValueError")
    claims = collect([write(text)])
    alone, together = (run(claims, Settings(mutate=True), jobs=jobs) for jobs in (1, 2))
    assert alone.claims[0].mutation == together.claims[0].mutation


PROVED = """
from sympy import Identity, Inverse, MatrixSymbol
m = dm.dim("m")
A, B = MatrixSymbol("A", m, m), MatrixSymbol("B", m, m)
stated = {stated}

@dm.claim("t.two", "t", "(2)", "a symmetric inverse")
def two():
    yield dm.check_equal(stated, stated)
"""


def test_a_survivor_that_is_proved_equal_is_no_error(write):
    result = run(collect([write(PROVED.replace("{stated}", "Inverse(A + A.T) * B"))]), Settings(mutate=True))
    mutation = as_json(result)["claims"][0]["mutation"]
    assert [(s["name"], s["detail"]) for s in mutation["equivalent"]] == [("transpose", "proved equal")]
    assert mutation["planted"] == mutation["refuted"] > 0
    assert result.exit_code == 0


def test_a_survivor_that_is_not_proved_equal_is_a_survivor(write, monkeypatch):
    """Exact evaluation accepts the slip; without a proof it counts against the check."""
    monkeypatch.setattr("deqmath.calculus.proves_equal", lambda *_: False)
    result = run(collect([write(PROVED.replace("{stated}", "Inverse(A + A.T) * B"))]), Settings(mutate=True))
    assert [s["name"] for s in as_json(result)["claims"][0]["mutation"]["survivors"]] == ["transpose"]
    assert result.exit_code == 1


SINGULAR = """
from sympy import Identity, Inverse, MatrixSymbol
from deqmath.checking.mutants import Mutant

m = dm.dim("m")
A = MatrixSymbol("A", m, m)

class Inverted:
    def mutants(self):
        return [Mutant("factor", "planted", Inverse({inverted}))]

def unsure(x):
    status = "verified" if isinstance(x, Inverted) else "undecided"
    return Verdict((Evidence("exact", status, "compared"),), None, (), x, unsure)

@dm.claim("t.one", "t", "(1)", "an inverse")
def one():
    yield unsure(Inverted())
"""


@pytest.mark.parametrize(
    ("inverted", "undecided"),
    [("Identity(m) - dm.softmax_columns(A)", 0), ("2 * Identity(m) - dm.softmax_columns(A)", 1)],
    ids=["singular everywhere", "invertible"],
)
def test_only_what_is_singular_everywhere_states_nothing(write, inverted, undecided):
    result = run(collect([write(SINGULAR.replace("{inverted}", inverted))]), Settings(mutate=True))
    assert result.mutation["undecided"] == undecided
    listed = as_json(result)["claims"][0]["mutation"]["equivalent"]
    assert len(listed) == 1 - undecided
    assert all("singular at every point" in entry["detail"] for entry in listed)
