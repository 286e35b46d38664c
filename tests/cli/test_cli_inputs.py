"""What the command line refuses instead of rounding, guessing or breaking: values, file names, a stdout that is not there."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

DIGITS = ("--data", "digits", "--samples", 5, "--width", 8)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("bound", "norm", *DIGITS, "--seed", "1.9"), "--seed received '1.9'; needed an integer, such as 2"),
        (("bound", "norm", *DIGITS, "--seed=0.5"), "--seed received '0.5'; needed an integer, such as 1"),
        (("bound", "norm", "--data", "digits", "--samples", "5.5"), "--samples received '5.5'"),
        (("bound", "norm", "--data", "digits", "--width", "8.5"), "--width received '8.5'"),
        (("bound", "norm", *DIGITS, "--digits", "3.7"), "--digits received '3.7'"),
        (("bound", "norm", *DIGITS, "--seed", "2.0"), "--seed received '2.0'; needed an integer, such as 2"),
        (("bound", "norm", *DIGITS, "--seed", "1e3"), "--seed received '1e3'; needed an integer, such as 1000"),
        (("bound", "norm", *DIGITS, "--seed", "1e999"), "--seed received '1e999'; needed an integer"),
        (("bound", "norm", *DIGITS, "--seed", "nan"), "--seed received 'nan'; needed an integer"),
        (("train", *DIGITS, "--steps", "2.5"), "--steps received '2.5'"),
        (("verify", "--jobs", "1.5"), "--jobs received '1.5'"),
        (("verify", "--seed", "[red]1.5"), "--seed received '[red]1.5'"),
        (("reproduce", "--samples", "2", "3.5", "4"), "--samples received '3.5'"),
        (("reproduce", "--seeds", "1.2"), "--seeds received '1.2'"),
    ],
)
def test_a_fraction_is_not_rounded_to_an_integer(refused, arguments, says):
    assert says in refused(*arguments)


@pytest.mark.parametrize("written", ["1_0", "0xA", "+10", "010"])
def test_integers_may_be_written_as_python_writes_them(deqmath, written):
    answer = deqmath("bound", "norm", "--data", "digits", "--samples", 5, "--width", written)
    assert answer.code == 0
    assert "m = 10," in answer.out


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes and redirects stdout")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("list gg22.eq10 >&-", "stdout is closed; needed a terminal, a pipe or a file"),
        ("verify gg22.eq10 --json - >&-", "stdout is closed"),
        ("--help >&-", "stdout is closed"),
        ("list gg22.eq10 >/dev/full", "stdout could not be written (No space left on device); needed"),
        ("verify gg22.eq10 --json - >/dev/full", "stdout could not be written (No space left on device)"),
        ("list 1</dev/null", "stdout could not be written (Bad file descriptor)"),
    ],
)
def test_a_stdout_that_cannot_be_written_is_one_line_on_stderr(command, says, tmp_path):
    if "/dev/full" in command and not os.path.exists("/dev/full"):  # noqa: PTH110 - a device
        pytest.skip("no /dev/full here")
    line = f'"{sys.executable}" -m deqmath {command}'
    environment = {**os.environ, "DEQMATH_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 2
    *notes, error = done.stderr.splitlines()
    assert error.startswith("deqmath: error: ")
    assert says in error
    assert notes == [] or notes[0].startswith("1 ok")  # the verdict itself is told on stderr


@pytest.mark.parametrize(
    ("given", "works"),
    [
        ("a b.py", "a_b.py"),
        ("class.py", "class_.py"),
        ("gg22.eq10.py", "gg22_eq10.py"),
        ("1.py", "x1.py"),
        ("f", "f.py"),
    ],
)
def test_export_with_tests_needs_a_name_that_can_be_imported(refused, deqmath, tmp_path, given, works):
    message = refused("export", "gg22.eq10", "-o", given, "--with-tests")
    assert f"-o '{given}' names a module that its test could not import" in message
    assert f"a name such as -o {works}" in message
    assert deqmath("export", "gg22.eq10", "-o", works, "--with-tests").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([works, f"test_{works}"])
    compile((tmp_path / f"test_{works}").read_text(), works, "exec")


def test_export_without_tests_takes_any_name(deqmath):
    assert deqmath("export", "gg22.eq10", "-o", "a b.py").code == 0


def test_export_suggests_what_can_be_exported(refused):
    message = refused("export", "gg22.modl")
    assert "did you mean gg22.model" in message
    assert "gg22.thm3.1" not in message  # it exports nothing
    assert "gg22.eq10" in refused("export", "gg22.eq100")
    assert "there are gg22.model, " in refused("export", "zzzzzz")


def test_a_measurement_without_figures_is_named_in_the_table(deqmath, claims):
    path = claims('yield dm.Evidence("numeric", "verified", "looks right")')
    answer = deqmath("verify", path, "--no-cache")
    assert answer.code == 3
    line = "t.c0: undecided, by assumption only: stated as numeric without figures: looks right"
    assert line in answer.out.splitlines()


def test_what_a_claim_only_assumes_is_named_in_the_table(deqmath, claims):
    path = claims('yield Evidence("assumed", "verified", "Lemma 7 of the paper")')
    assert "t.c0: undecided, by assumption only: Lemma 7 of the paper" in deqmath("verify", path, "--no-cache").out


@pytest.mark.parametrize("place", ["taken", "taken/results", "half"])
def test_reproduce_into_a_file_is_refused(refused, tmp_path, place):
    (tmp_path / "taken").write_text("")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "cells").write_text("")
    message = refused("reproduce", "-o", place)
    assert f"would go into the folder {place}" in message
    assert "is a file; needed a folder, as in: deqmath reproduce -o results" in message


def test_a_zero_sample_is_to_be_removed_from_the_file(refused, tmp_path):
    np.savez(tmp_path / "zero.npz", X=np.diag([1.0, 0.0, 2.0]), y=np.ones(3))
    message = refused("bound", "norm", "--data", "zero.npz", "--width", 8)
    assert "rows [1] are zero and cannot be normalised to length 1; remove them from the file" in message
    assert "in Python only" in message


def test_a_bad_first_line_is_not_dropped_as_a_header(refused, tmp_path):
    (tmp_path / "bad.csv").write_text("0x10,0,1\n0,1,2\n")
    message = refused("bound", "norm", "--data", "bad.csv", "--width", 8)
    assert (
        "bad.csv, line 1, column 1: '0x10' is not a finite number; needed numbers, but for a first line of names"
        in message
    )
