"""From what a claim yields to its status: nothing is green by accident."""

from __future__ import annotations

import pytest

from deqmath.claims import run_claim


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("yield GOOD", "verified"),
        ("return GOOD", "verified"),
        ("return [GOOD, Verdict((GOOD,))]", "verified"),
        ("yield GOOD; return Verdict((BAD,))", "refuted"),
        ("yield GOOD; yield BAD", "refuted"),
        ("yield BAD; yield GOOD", "refuted"),
        ("yield GOOD; yield OPEN", "undecided"),
        ("yield GOOD; yield ASSUMED", "verified"),
        ("yield ASSUMED", "undecided"),
        ("yield Evidence('assumed', 'verified', 'believed')", "undecided"),
        ("yield Evidence('exact', 'verified', 'by hand')", "undecided"),
        ("yield Evidence('derived', 'verified', 'by hand', {'lines': 3})", "undecided"),
        ("yield Verdict((Evidence('certified', 'verified', 'by hand', {'upper': '1'}),))", "undecided"),
        ("yield Evidence('numeric', 'verified', 'no figures')", "undecided"),
        ("yield Evidence('statistical', 'verified', 'draws', {'draws': 1000})", "verified"),
        ("yield Evidence('exact', 'refuted', 'by hand')", "refuted"),
        ("yield dm.check_equal(dm.one(), dm.one())", "verified"),
        ("yield dm.rewriting(dm.one()).then(1 * dm.one(), because='1 x = x')", "verified"),
        ("return None", "undecided"),
        ("return []", "undecided"),
        ("if False: yield GOOD", "undecided"),
    ],
)
def test_status(one_claim, body, status):
    result = run_claim(one_claim(body))
    assert result.status == status
    assert result.ok == (status == "verified")
    assert bool(result.remark) == (status != "verified")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return True", "yielded True (bool); needed an Evidence, a Verdict or a Derivation"),
        ("yield GOOD; yield 'fine'", "yielded 'fine' (str)"),
        ("yield Verdict(())", "a Verdict without any evidence"),
        ("yield Evidence('exact', 'ok', 'fine')", "status 'ok'"),
        ("yield Evidence('looked', 'verified', 'fine')", "kind 'looked'"),
        ("yield Evidence('exact', 'refuted', 'x', {'status': 'verified'})", "reserved name 'status'"),
        ("yield Evidence('exact', 'verified', 'x', {'f': object()})", "the figure['f'] is a builtins.object"),
    ],
)
def test_what_is_no_evidence_is_refused_and_the_claim_stays_undecided(one_claim, body, says):
    claim = one_claim(body)
    result = run_claim(claim)
    assert result.status == "undecided"
    assert not result.ok
    assert says in result.remark
    assert result.remark.startswith(str(claim.file))


def test_a_crash_keeps_the_evidence_before_it_but_does_not_verify(one_claim):
    claim = one_claim("yield GOOD\n1 / 0\nyield GOOD")
    result = run_claim(claim)
    assert (result.status, len(result.evidence)) == ("undecided", 1)
    assert result.failure.type == "ZeroDivisionError"
    assert result.failure.where == f"{claim.file}:{claim.line + 3}"
    assert result.remark == f"{claim.file}:{claim.line + 3}: ZeroDivisionError: division by zero"


def test_leaving_the_program_is_a_crash_too(one_claim):
    result = run_claim(one_claim("yield GOOD\nraise SystemExit(0)"))
    assert (result.status, result.failure.type) == ("undecided", "SystemExit")


def test_an_interrupt_is_not_swallowed(one_claim):
    with pytest.raises(KeyboardInterrupt):
        run_claim(one_claim("raise KeyboardInterrupt"))


def test_a_refuted_step_refutes_the_claim_with_its_counterexample(one_claim):
    body = "raise dm.StepRefuted('step 3 is false', 'assert 2 + 2 == 5')"
    result = run_claim(one_claim(body))
    assert (result.status, result.ok) == ("refuted", False)
    assert result.counterexample == "assert 2 + 2 == 5"
    assert run_claim(one_claim(body, expect="refuted")).ok


def test_an_expected_refutation_needs_its_counterexample(one_claim):
    shown = run_claim(one_claim("yield Verdict((BAD,), counterexample='assert 1 == 2')", expect="refuted"))
    assert (shown.status, shown.ok, shown.counterexample) == ("refuted", True, "assert 1 == 2")
    for body in ("yield BAD", "yield Verdict((BAD,))", "yield Verdict((BAD,), counterexample='')"):
        bare = run_claim(one_claim(body, expect="refuted"))
        assert (bare.status, bare.ok) == ("refuted", False)
        assert "without a counterexample" in bare.remark
    assert not run_claim(one_claim("yield GOOD", expect="refuted")).ok
    assert not run_claim(one_claim("yield OPEN", expect="refuted")).ok


def test_evidence_written_by_hand_is_shown_as_assumed(one_claim):
    (shown,) = run_claim(one_claim("yield Evidence('exact', 'verified', 'trust me', {'points': 9})")).evidence
    assert (shown.kind, shown.figures["points"]) == ("assumed", 9)
    assert shown.detail == "stated as exact by hand, not by a judge such as dm.check_equal: trust me"


def test_an_expected_refutation_is_not_taken_at_its_word(one_claim):
    by_hand = "yield Verdict((Evidence('exact', 'refuted', 'trust me'),), counterexample='assert 1 == 2')"
    claimed = run_claim(one_claim(by_hand, expect="refuted"))
    assert (claimed.status, claimed.ok) == ("refuted", False)
    assert "only in the claim's own words" in claimed.remark
    assert run_claim(one_claim("yield dm.check_equal(dm.one(), 2 * dm.one())", expect="refuted")).ok


def test_a_crash_after_an_expected_refutation_is_not_ok(one_claim):
    body = "yield Verdict((BAD,), counterexample='assert 1 == 2')\n1 / 0"
    assert not run_claim(one_claim(body, expect="refuted")).ok


def test_the_counterexample_of_a_verified_verdict_is_not_shown(one_claim):
    body = "yield Verdict((GOOD,), counterexample='nothing'); yield BAD"
    assert run_claim(one_claim(body, expect="refuted")).counterexample is None


def test_anything_with_a_verdict_is_evidence_and_assumptions_are_gathered_once(one_claim):
    body = """
    class Derivation:
        steps = ()
        def verdict(self):
            return Verdict((GOOD,), assumptions=("U is invertible", "u_i != 0"))
    yield Derivation()
    yield Verdict((GOOD,), assumptions=("u_i != 0",))
    """
    result = run_claim(one_claim(body))
    assert result.status == "verified"
    assert result.assumptions == ("U is invertible", "u_i != 0")


def test_a_case_carries_seed_digits_and_level(one_claim):
    body = "yield Evidence('numeric', 'verified', case.level, {'d': case.digits, 'x': case.rng().random()})"
    first, again = (run_claim(one_claim(body, signature="(case)")) for _ in range(2))
    assert first.evidence == again.evidence
    assert (first.evidence[0].detail, first.evidence[0].figures["d"]) == ("standard", 40)


def test_what_a_claim_prints_stays_off_stdout(one_claim, capsys):
    run_claim(one_claim("print('noise')\nyield GOOD"))
    assert capsys.readouterr() == ("", "noise\n")
