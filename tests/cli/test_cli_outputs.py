"""What a command shows and writes: results survive a place that cannot be written, and nothing is cut or claimed too much."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deqmath.bounds import lambda_bounds
from deqmath.bounds.lambda_bounds import MOST_DIGITS
from deqmath.claims import case
from deqmath.cli import main
from deqmath.errors import DataError

SMALL = ("--data", "digits", "--samples", 12, "--width", 16)
TRAIN = ("train", "--data", "digits", "--samples", 6, "--width", 16, "--t-end", 0.5)
UNDECIDED = ("equilibrium", *SMALL, "--gamma0", 5)
NO_ROOM = "deqmath: error: /dev/full could not be written: No space left on device"
LONG = "paper.an-id-of-31-characters-xx"

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")


@needs_full
@pytest.mark.parametrize(("body", "code"), [("yield GOOD", 2), ("yield BAD", 1), ("yield OPEN", 2)])
def test_verify_shows_its_table_and_writes_the_other_reports(deqmath, claims, tmp_path, body, code):
    answer = deqmath("verify", claims(body), "--html", "/dev/full", "--markdown", "m.md", "--json", "r.json")
    assert answer.code == code
    assert "statement 0" in answer.out
    assert answer.err.startswith(NO_ROOM)
    assert answer.err.count("\n") == 1
    assert (tmp_path / "m.md").read_text().startswith("# Claims")
    assert json.loads((tmp_path / "r.json").read_text())["claims"][0]["id"] == "t.c0"


@needs_full
def test_verify_names_every_report_that_could_not_be_written(deqmath, claims):
    answer = deqmath("verify", claims("yield GOOD"), "--json", "-", "--html", "/dev/full", "--markdown", "/dev/full")
    assert answer.code == 2
    assert json.loads(answer.out)["summary"]["ok"] == 1
    assert "1 ok, 0 failed" in answer.err
    assert answer.err.count(NO_ROOM) == 2


@needs_full
@pytest.mark.parametrize(("full", "other"), [("--json", "--certificate"), ("--certificate", "--json")])
def test_bound_shows_its_digits_and_writes_the_other_file(deqmath, tmp_path, full, other):
    answer = deqmath("bound", "lambda-min", *SMALL, full, "/dev/full", other, "kept.json")
    assert answer.code == 2
    assert "digits proved" in answer.out
    assert answer.err.startswith(NO_ROOM)
    assert json.loads((tmp_path / "kept.json").read_text())["quantity"] == "lambda_min"


@needs_full
def test_train_shows_its_table_and_saves_the_run(deqmath, tmp_path):
    answer = deqmath(*TRAIN, "--out", "run", "--json", "/dev/full")
    assert answer.code == 2
    assert "least slack" in answer.out
    assert NO_ROOM in answer.err
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "run.npz", "run.png"]


@needs_full
def test_check_certificate_says_its_verdict(deqmath, tmp_path):
    deqmath("bound", "norm", *SMALL, "--certificate", "c.json")
    answer = deqmath("check-certificate", "c.json", "--json", "/dev/full")
    assert answer.code == 2
    assert "Proved again" in answer.out
    assert NO_ROOM in answer.err
    record = json.loads((tmp_path / "c.json").read_text())
    record["lower"] = record["upper"] = "1"
    (tmp_path / "c.json").write_text(json.dumps(record))
    answer = deqmath("check-certificate", "c.json", "--json", "/dev/full")
    assert answer.code == 1
    assert "refuted" in answer.err
    assert NO_ROOM in answer.err


@needs_full
def test_an_output_that_could_not_be_written_has_a_traceback_too(deqmath, claims):
    path = claims("yield GOOD")
    assert deqmath("verify", path).code == 0
    with pytest.raises(DataError):
        main(["verify", str(path), "--html", "/dev/full", "--traceback"])


def test_reports_are_written_where_nobody_reads_stdout(claims, tmp_path):
    command = [sys.executable, "-m", "deqmath", "verify", claims("yield GOOD"), "--json", tmp_path / "r.json"]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141
    assert json.loads((tmp_path / "r.json").read_text())["summary"]["ok"] == 1


def test_an_undecided_bound_has_no_certificate_and_is_written_all_the_same(deqmath, tmp_path):
    answer = deqmath("bound", *UNDECIDED, "--certificate", "u.json", "--json", "b.json")
    assert answer.code == 3
    assert answer.out.startswith("undecided: ")
    assert "nothing was proved, so there is no certificate to write" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
    assert json.loads((tmp_path / "b.json").read_text())["status"] == "undecided"
    answer = deqmath("bound", *UNDECIDED, "--certificate", "-")
    assert (answer.code, answer.out) == (3, "")
    assert "no certificate to write: undecided: I - gamma A could not be proved monotone" in answer.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (UNDECIDED, 3, "Undecided: the equilibria"),
        (("lambda-min", *SMALL, "--true-gram", "--gamma0", 5), 3, "Undecided: the smallest eigenvalue"),
        (("well-posed", *SMALL, "--gamma0", 5), 3, "Undecided in part: whether every input"),
        (("norm", *SMALL), 0, "Certified: the operator norm"),
    ],
)
def test_only_what_is_proved_is_called_certified(deqmath, arguments, code, says):
    answer = deqmath("bound", *arguments)
    assert answer.code == code
    assert f"\n{says}" in answer.out
    assert ("Certified" in answer.out) == (code == 0)


def test_two_outputs_for_one_place_are_refused(refused, deqmath, claims, tmp_path):
    norm = ("bound", "norm", *SMALL)
    assert "can go to stdout" in refused(*norm, "--certificate", "-", "--json", "-")
    message = refused(*norm, "--json", "c.json", "--certificate", tmp_path / "c.json")
    assert "--json c.json and --certificate" in message
    assert "give two names" in message
    path = claims("yield GOOD")
    assert "are one file" in refused("verify", path, "--json", "r", "--html", "./r")
    assert "are one file" in refused("explain", f"{path}::t.c0", "--json", "r", "--output", "r")
    assert deqmath(*norm, "--json", os.devnull, "--certificate", os.devnull).code == 0


@pytest.fixture
def long_name(tmp_path):
    """A derivations file with a claim whose id is long."""
    path = tmp_path / "long.py"
    path.write_text(
        "import deqmath as dm\nx = dm.dim('m')\n"
        f"@dm.claim({LONG!r}, 'paper', '(1)', 'A statement of several words, and f(a_long_name) <= g(a_longer_name).')\n"
        "def long():\n    yield dm.Evidence('numeric', 'verified', 'at points', {'points': 3})\n"
    )
    return path


@pytest.mark.parametrize("command", [("list",), ("verify", "--no-cache")])
def test_columns_of_zero_are_unknown(deqmath, long_name, monkeypatch, command):
    shown = []
    for columns in ("80", "0"):
        monkeypatch.setenv("COLUMNS", columns)
        shown.append([line.split(" in ")[0] for line in deqmath(*command, long_name).out.splitlines()])
    assert LONG in "".join(shown[0])
    assert shown[0][:2] == shown[1][:2]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_ids_are_whole_and_nothing_is_cut_at_any_width(deqmath, long_name, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = deqmath("verify", long_name, "--no-cache").out
    assert "…" not in out
    for whole in (LONG, "numeric", "verified", "f(a_long_name)"):
        assert whole in out
    table, *_ = out.partition("1 ok")
    assert max(map(len, table.splitlines())) <= columns


def test_an_id_wider_than_the_terminal_is_folded(deqmath, long_name, monkeypatch):
    for columns in ("1", "20"):
        monkeypatch.setenv("COLUMNS", columns)
        out = deqmath("verify", long_name, "--no-cache").out
        assert "…" not in out
        assert LONG in out.replace("\n", "")


@pytest.mark.parametrize("columns", [30, 40, 50, 60, 70, 80])
def test_train_keeps_every_column_at_any_width(deqmath, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = deqmath(*TRAIN).out
    assert "…" not in out
    for whole in ("Theorem 3.1 promises", "lambda_min(H(t))", "measured", "bound", "least slack", "holds", "✓ yes"):
        assert whole in out


def test_verify_has_a_most_of_digits(refused, claims):
    message = refused("verify", claims("yield GOOD"), "--digits", 10**8)
    assert "digits is 100000000" in message
    assert "from 1 to 3000" in message
    assert case.MOST_DIGITS == MOST_DIGITS


@pytest.mark.parametrize(
    ("name", "option", "says"),
    [
        ("norm", ("--true-gram",), "--true-gram has no effect with norm; leave it out, or use it with lambda-min"),
        ("inverse-form", ("--true-gram",), "use it with lambda-min"),
        ("lambda-min", ("--delta", 0.05), "use it with theorem-3.1 or generalization"),
        ("limit-kernel", ("--delta", 0.1), "--delta has no effect with limit-kernel"),
        ("norm", ("--phi", "relu"), "--phi has no effect with norm; leave it out, or use it with limit-kernel"),
    ],
)
def test_an_option_of_another_bound_is_refused(refused, name, option, says):
    assert says in refused("bound", name, *SMALL, *option)


def test_a_bound_names_what_it_depends_on(deqmath):
    options = ("--data", "digits", "--samples", 3, "--width", 9, "--gamma0", 0.2, "--json", "found.json")
    norm, kernel, both = (deqmath("bound", name, *options) for name in ("norm", "limit-kernel", "well-posed"))
    assert "network: m = 9, gaussian, seed 0." in norm.out
    assert norm.err == "deqmath: --gamma0 has no effect with norm\n"
    assert "network: gamma0 = 0.2, gaussian, seed 0." in kernel.out
    assert kernel.err == "deqmath: --width has no effect with limit-kernel\n"
    assert both.err == ""
    deqmath("bound", "limit-kernel", *options)
    assert "width" not in json.loads(Path("found.json").read_text())["problem"]


def test_most_digits_are_as_many_for_every_bound(deqmath, refused, monkeypatch):
    monkeypatch.setattr(lambda_bounds, "MOST_DIGITS", 20)
    net = ("--data", "digits", "--samples", 2, "--width", 3, "--gamma0", 0.1)
    for name, options in (("theorem-3.1", ()), ("generalization", ()), ("lambda-min", ("--true-gram",))):
        message = refused("bound", name, *net, *options, "--digits", 21)
        assert "digits = 21; needed an integer from 1 to 20" in message
        answer = deqmath("bound", name, *net, *options, "--digits", 20)
        assert answer.code in (0, 3)  # proved or not, but not refused
        assert "digits" not in answer.err


def test_train_does_not_write_over_what_it_saves(refused, deqmath, tmp_path):
    (tmp_path / "run").mkdir()
    train = ("train", *SMALL, "--t-end", 0.01, "--out", "run")
    for option, name in (("--json", "run.json"), ("--json", "run.png"), ("--checkpoint", "run.npz")):
        message = refused(*train, option, f"run/../run/{name}")
        assert f"is where the run itself saves its {name}; give another name" in message
    assert "are one file" in refused(*train, "--json", "a.npz", "--checkpoint", "./a.npz")
    assert "is the folder of the run" in refused(*train[:-1], "new", "--json", "./new")
    assert deqmath(*train, "--json", "run/summary.json", "--plot", "run/run.png").code == 0


def test_train_says_nothing_of_a_lambda_0_that_is_not_resolved(deqmath):
    Path("twice.csv").write_text("x1,x2,y\n1,0,1\n1,0,-1\n0,1,1\n")
    answer = deqmath("train", "--data", "twice.csv", "--width", 20, "--t-end", 0.1, "--out", "run")
    line = next(line for line in answer.out.splitlines() if "lambda_min(H(t))" in line)
    assert "✓" not in line
    assert "lambda_0 = 0" in line


def test_delta_is_taken_where_it_has_an_effect(deqmath, refused):
    options = ("generalization", "--data", "digits", "--samples", 3, "--width", 60, "--gamma0", 0.15, "--digits", 6)
    assert "delta = 0.05\n" in deqmath("bound", *options).out
    assert "delta = 0.25\n" in deqmath("bound", *options, "--delta", 0.25).out
    assert "delta is 1.5" in refused("bound", *options, "--delta", 1.5)


@pytest.mark.parametrize("digits", [2995, 2998, 0])
def test_the_limit_kernel_names_the_digits_it_was_given(refused, digits):
    message = refused("bound", "limit-kernel", "--data", "digits", "--samples", 3, "--digits", digits)
    assert f"digits = {digits}; needed an integer from 1 to 2994" in message


@pytest.mark.parametrize(
    ("body", "more", "code"),
    [
        ("yield GOOD", "", 0),
        ("yield BAD", "", 1),
        ("yield OPEN", "", 3),
        ("1 / 0", "", 3),
        ("yield Verdict((BAD,), counterexample='assert 1 == 2')", ', expect="refuted"', 0),
        ("yield GOOD", ', expect="refuted"', 1),
        ("raise dm.errors.MissingBackendError('jax is missing')", "", 4),
        ("raise dm.StepRefuted('line 2 is false', 'assert 1 == 2')", "", 1),
    ],
)
def test_exit_codes_of_explain(deqmath, claims, tmp_path, body, more, code):
    claim = f"{claims(body, more=more)}::t.c0"
    answer = deqmath("explain", claim)
    assert (answer.code, answer.err) == (code, "")
    assert "Prose." in answer.out
    assert deqmath("explain", claim, "-o", "e.txt").code == code
    assert (tmp_path / "e.txt").read_text() == answer.out


DERIVATION = """
class Derivation:
    assumptions = steps = ()
    def __init__(self, evidence): self.evidence = evidence
    def __str__(self): return "dz = dA z"
    def to_latex(self): return "dz"
    def to_html(self): return "<p>dz</p>"
    def verdict(self): return Verdict((self.evidence,))

def false_line():
    raise dm.StepRefuted("line 2 is false", "assert 1 == 2")
"""


@pytest.fixture
def derived(claims):
    """A claim that yields a derivation judged by the evidence of the given name."""

    def write(evidence, more=""):
        path = claims(f"yield Derivation({evidence})", more=more)
        path.write_text(path.read_text().replace("@dm.claim", DERIVATION + "\n@dm.claim"))
        return f"{path}::t.c0"

    return write


@pytest.mark.parametrize(("evidence", "code"), [("GOOD", 0), ("BAD", 1), ("OPEN", 3)])
def test_explain_ends_with_what_its_lines_come_to(deqmath, derived, evidence, code):
    claim = derived(evidence)
    for option in ((), ("--latex",), ("--html",), ("--json", "-")):
        answer = deqmath("explain", claim, *option)
        assert (answer.code, answer.err) == (code, "")
        assert "dz" in answer.out
    assert deqmath("explain", derived("BAD", ', expect="refuted"')).code == 0


def test_explain_of_a_false_line(deqmath, derived):
    answer = deqmath("explain", derived("GOOD", ", derivation=false_line"))
    assert answer.code == 1
    assert "line 2 is false" in answer.err


@needs_full
def test_explain_writes_what_it_can(deqmath, derived, tmp_path):
    answer = deqmath("explain", derived("GOOD"), "--json", "/dev/full", "-o", "e.txt")
    assert answer.code == 2
    assert "dz = dA z" in (tmp_path / "e.txt").read_text()


def test_what_is_no_certificate_is_not_read_for_ever(refused, tmp_path):
    assert "neither a file nor a pipe" in refused("check-certificate", os.devnull)
    if Path("/dev/zero").exists():
        assert "/dev/zero" in refused("check-certificate", "/dev/zero")
    (tmp_path / "folder").mkdir()
    assert "folder is a folder" in refused("check-certificate", "folder")
    with (tmp_path / "large.json").open("wb") as stream:
        stream.truncate(2**30 + 1)  # a hole: it takes no room
    assert "has 1073741825 bytes" in refused("check-certificate", "large.json")


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="a pipe with a name")
def test_a_certificate_may_come_through_a_pipe(deqmath, tmp_path):
    deqmath("bound", "norm", *SMALL, "--certificate", "c.json")
    command = [sys.executable, "-m", "deqmath", "check-certificate", "/dev/stdin"]
    text = (tmp_path / "c.json").read_text()
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Proved again" in done.stdout
