"""The decorator: what a claim holds, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

import deqmath as dm
from deqmath.claims import Claim, collect
from deqmath.errors import InputError

EVIDENCE = dm.Evidence("exact", "verified", "evaluated exactly")


def test_a_claim_keeps_its_fields_its_place_and_its_prose():
    @dm.claim("t.one", "t", "(1)", "a statement", exports={"f": 1}, derivation=lambda: None)
    def one():
        """By counting.

        Slowly.
        """
        return EVIDENCE

    assert isinstance(one, Claim)
    assert (one.id, one.source, one.equation, one.statement, one.expect) == (
        "t.one",
        "t",
        "(1)",
        "a statement",
        "verified",
    )
    assert one.file == Path(__file__)
    assert Path(__file__).read_text().splitlines()[one.line - 1].strip().startswith('@dm.claim("t.one"')
    assert one.prose == "By counting.\n\nSlowly."
    assert one.expressions() == {"f": 1}
    assert one() is EVIDENCE


def test_exports_may_be_a_function_so_that_importing_stays_cheap():
    claim = dm.claim("t.one", "t", "(1)", "a statement", exports=lambda: {"f": 2})(lambda: EVIDENCE)
    assert claim.expressions() == {"f": 2}
    assert dm.claim("t.one", "t", "(1)", "a statement")(lambda: EVIDENCE).expressions() == {}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (("", "t", "(1)", "s"), "the claim's id is ''"),
        (("t.one", " ", "(1)", "s"), "the claim's source is ' '"),
        (("t.one", "t", None, "s"), "the claim's equation is None"),
        (("t.one", "t", "(1)", ""), "the claim's statement is ''"),
        (("t one", "t", "(1)", "s"), "'t one' may hold letters"),
        (("t::one", "t", "(1)", "s"), "'t::one' may hold letters"),
        (("t.*", "t", "(1)", "s"), r"'t\.\*' may hold letters"),
        (("t.one", "t", "(1)", "s", "true"), "expect='true'; needed one of verified, refuted"),
    ],
)
def test_bad_fields_are_refused_with_file_and_line(fields, says):
    with pytest.raises(InputError, match=says) as caught:
        dm.claim(*fields)(lambda: EVIDENCE)
    assert str(caught.value).startswith(f"{__file__}:")


@pytest.mark.parametrize("signature", ["(a, b)", "(*args)", "(*, case)", "(**kwargs)"])
def test_the_function_takes_nothing_or_one_case(write, signature):
    path = write(f'@dm.claim("t.one", "t", "(1)", "s")\ndef one{signature}:\n    yield GOOD\n')
    with pytest.raises(InputError, match=r"needed \(\) or \(case\)"):
        collect([path])


def test_exports_and_derivation_of_the_wrong_kind_are_refused():
    with pytest.raises(InputError, match=r"exports of claim t\.one is list"):
        dm.claim("t.one", "t", "(1)", "s", exports=[1])(lambda: EVIDENCE)
    with pytest.raises(InputError, match=r"derivation of claim t\.one is str"):
        dm.claim("t.one", "t", "(1)", "s", derivation="steps")(lambda: EVIDENCE)
