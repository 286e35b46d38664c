"""``list``, ``verify``, ``explain``, ``export`` on small derivations files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        (["yield GOOD"], 0),
        (["yield GOOD", "yield BAD"], 1),
        (["yield GOOD", "yield OPEN"], 3),
        (["yield GOOD", "1 / 0"], 3),
        (["raise dm.errors.MissingBackendError('jax is missing: pip install \"deqmath[jax]\"')"], 4),
    ],
)
def test_exit_codes_of_verify(deqmath, claims, bodies, code):
    answer = deqmath("verify", claims(*bodies))
    assert (answer.code, answer.err) == (code, "")
    assert "t.c0" in answer.out
    if code == 4:
        assert 'pip install "deqmath[jax]"' in answer.out


def test_an_expected_refutation_passes_and_shows_its_counterexample(deqmath, claims):
    path = claims("yield Verdict((BAD,), counterexample='assert 1 == 2')", more=', expect="refuted"')
    answer = deqmath("verify", path)
    assert answer.code == 0
    assert "assert 1 == 2" in answer.out
    assert deqmath("verify", claims("yield BAD", more=', expect="refuted"')).code == 1


def test_json_on_stdout_is_alone_there(deqmath, claims):
    path = claims("print('noise')\nyield GOOD", "yield OPEN")
    for arguments in (("--json", "-"), ("--json=-",)):
        answer = deqmath("verify", path, *arguments)
        assert answer.code == 3
        assert json.loads(answer.out)["summary"] == {"ok": 1, "failed": 0, "undecided": 1}
        assert "1 ok, 0 failed, 1 undecided" in answer.err


def test_reports_go_to_files_beside_the_table(deqmath, claims, tmp_path):
    answer = deqmath("verify", claims("yield GOOD"), "--json", "r.json", "--html", "r.html", "--seed", 7)
    assert (answer.code, answer.err) == (0, "")
    assert "1 ok" in answer.out
    assert json.loads((tmp_path / "r.json").read_text())["seed"] == 7
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_the_result_does_not_depend_on_the_processes(deqmath, claims):
    path = claims(*["yield GOOD"] * 3, "yield OPEN")
    reports = [json.loads(deqmath("verify", path, "--json", "-", "--no-cache", "--jobs", jobs).out) for jobs in (1, 2)]
    for report in reports:
        for claim in report["claims"]:
            del claim["seconds"]
    assert reports[0] == reports[1]


def test_a_survivor_makes_mutate_fail(deqmath, claims):
    body = """
    class Subject:
        def mutants(self):
            return [type("Mutant", (), {"name": "sign", "description": "-x", "expression": self})]
    def recheck(_):
        return Verdict((GOOD,))
    yield Verdict((GOOD,), subject=Subject(), recheck=recheck)
    """
    path = claims(body)
    assert deqmath("verify", path).code == 0
    answer = deqmath("verify", path, "--mutate")
    assert answer.code == 1
    assert "0 of 1 planted errors refuted, 1 survived" in answer.out


@pytest.mark.parametrize("command", ["verify", "list", "explain", "export"])
def test_unknown_claims_and_files(refused, claims, command):
    path = claims("yield GOOD")
    assert "did you mean t.c0?" in refused(command, f"{path}::t.c1")
    assert "no claim has the id" in refused(command, "no-such-claim-anywhere")
    assert "does not exist" in refused(command, "missing/lemma.py")


def test_a_syntax_error_names_file_and_line(refused, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ndef f(:\n")
    assert f"{path}:2: SyntaxError" in refused("verify", path)


def test_both_reports_on_stdout_are_refused(refused, claims):
    path = claims("yield GOOD")
    for first, second in (("--json", "--html"), ("--json", "--markdown"), ("--html", "--markdown")):
        assert "can go to stdout" in refused("verify", path, first, "-", second, "-")


def test_bad_settings_are_refused(refused, claims):
    path = claims("yield GOOD")
    assert "jobs is 0" in refused("verify", path, "--jobs", 0)
    assert "seed is -1" in refused("verify", path, "--seed", -1)
    assert "digits is 0" in refused("verify", path, "--digits", 0)
    assert "reads as an option" in refused("verify", path, "--json=--html")


def test_an_unchanged_claim_comes_from_the_cache_unless_refused(deqmath, claims, tmp_path, monkeypatch):
    monkeypatch.setenv("DEQMATH_CACHE_DIR", str(tmp_path / "kept"))
    path = claims("print('it ran')\nyield GOOD")
    assert "it ran" in deqmath("verify", path).err
    again = deqmath("verify", path)
    assert (again.code, again.err) == (0, "")
    assert "1 of 1 from the cache" in again.out
    refused = deqmath("verify", path, "--no-cache")
    assert "it ran" in refused.err
    assert "cache" not in refused.out
    assert "it ran" in deqmath("verify", path, "--level", "quick").err


def test_list(deqmath, claims):
    path = claims("yield GOOD", "yield BAD")
    answer = deqmath("list", path)
    assert answer.code == 0
    assert "statement 1" in answer.out
    listed = json.loads(deqmath("list", path, "--json", "-").out)["claims"]
    assert [claim["id"] for claim in listed] == ["t.c0", "t.c1"]
    assert set(listed[0]) == {"id", "source", "equation", "statement", "expect"}


DERIVED = """
from types import SimpleNamespace

class Derivation:
    assumptions = ("U is invertible",)
    steps = (SimpleNamespace(expression="U**-1", rule="inverse", reason="by (34)", assumptions=("rho < 1",), verdict=Verdict((GOOD,))),)
    def __str__(self): return "dz = U**-1 D dA z   by (34)"
    def to_latex(self): return r"\\mathrm{d} z"
    def to_html(self): return "<p>dz</p>"
    def verdict(self): return Verdict((GOOD,))
"""


@pytest.fixture
def derived(claims):
    def write(body, more):
        path = claims(body, more=more)
        text = path.read_text()
        head, decorator, rest = text.partition("@dm.claim")
        path.write_text(head + DERIVED + decorator + rest)
        return path

    return write


@pytest.mark.parametrize(("body", "more"), [("yield GOOD", ", derivation=Derivation"), ("yield Derivation()", "")])
def test_explain_shows_the_derivation(deqmath, derived, tmp_path, body, more):
    claim = f"{derived(body, more)}::t.c0"
    plain = deqmath("explain", claim)
    assert (plain.code, plain.err) == (0, "")
    for shown in ("t.c0: t (0)", "statement 0", "Prose.", "dz = U**-1 D dA z   by (34)"):
        assert shown in plain.out
    assert deqmath("explain", claim, "--latex").out == "\\mathrm{d} z\n"
    assert deqmath("explain", claim, "--html").out == "<p>dz</p>\n"
    document = json.loads(deqmath("explain", claim, "--json", "-").out)
    assert document["steps"][0]["reason"] == "by (34)"
    assert document["steps"][0]["status"] == "verified"
    assert document["assumptions"] == ["U is invertible"]
    assert deqmath("explain", claim, "--html", "-o", "d.html").out == ""
    assert (tmp_path / "d.html").read_text() == "<p>dz</p>\n"


def test_explain_without_a_derivation_shows_prose_and_evidence(deqmath, refused, claims):
    path = claims("yield Verdict((BAD,), counterexample='assert 1 == 2')", more=', expect="refuted"')
    out = deqmath("explain", f"{path}::t.c0").out
    for shown in ("Prose.", "refuted as expected", "a point breaks it", "assert 1 == 2"):
        assert shown in out
    assert "has no derivation to write" in refused("explain", f"{path}::t.c0", "--latex")


def test_a_derivation_that_breaks_is_one_line(refused, claims):
    path = claims("yield GOOD", more=", derivation=lambda: 1 / 0")
    assert "ZeroDivisionError" in refused("explain", f"{path}::t.c0")
    assert "exclude each other" in refused("explain", f"{path}::t.c0", "--latex", "--html")


def test_export_of_a_claim_without_expressions_is_refused(refused, claims):
    path = claims("yield GOOD")
    assert "exports no expressions" in refused("export", f"{path}::t.c0", "-o", "x.py")
    assert "--with-tests" in refused("export", f"{path}::t.c0", "--with-tests")


REAL = """
import deqmath as dm
from sympy import Inverse, MatrixSymbol

m = dm.dim("m")
A, b, z = (MatrixSymbol(name, m, columns) for name, columns in (("A", m), ("b", 1), ("z", 1)))
product = A * z * z.T


@dm.claim("real.sum", "real", "(1)", "A z z^T + A z z^T = 2 A z z^T", exports=lambda: {"x": Inverse(A) * b})
def real_sum():
    "By distributivity."
    yield dm.check_equal(product + product, 2 * product)


@dm.claim("real.false", "real", "(2)", "A A = A A^T", expect="refuted")
def real_false():
    yield dm.check_equal(A * A, A * A.T)
"""


def test_the_real_engine_from_claim_to_counterexample_and_planted_errors(deqmath, tmp_path):
    path = tmp_path / "real.py"
    path.write_text(REAL)
    answer = deqmath("verify", path, "--mutate", "--json", "r.json")
    assert answer.code == 0, answer.out
    report = json.loads((tmp_path / "r.json").read_text())
    planted = report["claims"][0]["mutation"]
    assert planted["planted"] == planted["refuted"] > 0
    assert report["claims"][0]["evidence"][0]["kind"] == "exact"
    assert report["claims"][1]["counterexample"]
    assert report["claims"][1]["mutation"]["planted"] == 0


def test_export_writes_a_module_that_runs_alone_and_its_test(deqmath, refused, tmp_path):
    path = tmp_path / "real.py"
    path.write_text(REAL)
    claim = f"{path}::real.sum"
    assert deqmath("export", claim, "-o", "solve.py", "--with-tests").code == 0
    assert sorted(p.name for p in tmp_path.glob("*.py")) == ["real.py", "solve.py", "test_solve.py"]
    use = "import numpy as np, solve; print(solve.x(A=np.diag([2.0, 4.0]), b=np.ones((2, 1))).ravel().tolist())"
    done = subprocess.run([sys.executable, "-c", use], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[0.5, 0.25]\n"
    assert deqmath("export", claim).out == (tmp_path / "solve.py").read_text()
    assert "fortran" in refused("export", claim, "--target", "fortran", "-o", "other.py")


@pytest.mark.parametrize("claim", ["gg22.eq10", "gg22.eq7"])
def test_differences_carry_the_digits_that_cancel_in_them(deqmath, claim):
    answer = deqmath("verify", claim, "--digits", 400, "--no-cache", "--json", "-")
    (found,) = json.loads(answer.out)["claims"]
    agreed = [e["digits_agreed"] for e in found["evidence"] if e.get("digits_wanted") == 400]
    assert answer.code == 0
    assert agreed
    assert min(agreed) >= 400


def test_export_tells_as_json_what_it_wrote(deqmath, refused, tmp_path):
    (tmp_path / "real.py").write_text(REAL)
    claim = "real.py::real.sum"
    source = deqmath("export", claim).out
    (module,) = json.loads(deqmath("export", claim, "--json", "-").out)["modules"]
    assert module["source"] == source
    assert (module["name"], module["target"], module["files"]) == ("x", "numpy", [])
    assert module["functions"] == {"x": {"arguments": ["A", "b"], "flops": "2*m**3/3 + 2*m**2"}}
    assert deqmath("export", claim, "-o", "solve.py", "--with-tests", "--json", "told.json").out == ""
    (module,) = json.loads((tmp_path / "told.json").read_text())["modules"]
    assert module["files"] == ["solve.py", "test_solve.py"]
    assert deqmath("export", "real.py", "--all", "-o", "new", "--json", "all.json").code == 0
    assert [m["files"] for m in json.loads((tmp_path / "all.json").read_text())["modules"]] == [["new/real_sum.py"]]
    model = json.loads(deqmath("export", "gg22.model", "--target", "torch", "--json", "-").out)["modules"][0]
    assert model["functions"]["predict"] == {"arguments": ["A", "W", "X", "b", "gamma"]}
    assert model["functions"]["gram"] == {"arguments": ["Q", "Z", "gamma"], "flops": "4*m*n**2 + 2*n**2"}
    assert "--json" in refused("export", claim, "--explain", "--json", "told.json")
    assert "stdout" in refused("export", claim, "-o", "-", "--json", "-")
    assert "are one file" in refused("export", claim, "-o", "a.py", "--with-tests", "--json", "test_a.py")
    assert "are one file" in refused("export", claim, "-o", "a.py", "--json", "./a.py")
    for place in ("mods", "mods/real_sum.py"):
        (tmp_path / "mods").mkdir(exist_ok="/" in place)
        assert "--json" in refused("export", "real.py", "--all", "-o", "mods", "--json", place)
    assert "or is the folder" in refused("export", "real.py", "--all", "-o", "later", "--json", "later")


def test_export_of_all_writes_a_folder_of_modules_and_their_tests(deqmath, refused, tmp_path):
    (tmp_path / "real.py").write_text(REAL)
    answer = deqmath("export", "real.py", "--all", "--target", "mpmath", "--with-tests", "-o", "new/modules")
    assert answer.code == 0
    assert "wrote 1 modules for mpmath" in answer.err
    names = sorted(p.name for p in (tmp_path / "new" / "modules").iterdir())
    assert names == ["real_sum.py", "test_real_sum.py"]
    assert "-o DIR" in refused("export", "--all")
    assert "-o DIR" in refused("export", "--all", "-o", "real.py")
    assert "--explain" in refused("export", "--all", "--explain", "-o", "new")
    assert "needs a claim id" in refused("export")


def process(*arguments, **options):
    command = [sys.executable, "-m", "deqmath", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_the_finished_results(claims, tmp_path, jobs):
    started = tmp_path / "started"
    slow = f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)\nyield GOOD"
    path = claims("yield GOOD", slow, "yield GOOD")
    running = process("verify", path, "--json", tmp_path / "r.json", "--jobs", jobs)
    deadline = time.monotonic() + 50
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0 if jobs > 1 else 0.2)  # the parent of several processes may still be taking in the first result
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=50)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in out
    report = json.loads((tmp_path / "r.json").read_text())
    assert [claim["id"] for claim in report["claims"]] == ["t.c0"]
    assert report["interrupted"] is True


def test_a_closed_pipe_is_no_crash(claims):
    running = process("list", claims(*["yield GOOD"] * 2000))
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait(timeout=60) == 141
    running.stderr.close()


def test_python_dash_m_gives_the_same(claims):
    running = process("verify", claims("yield BAD"))
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (1, "")
    assert "t.c0" in out
