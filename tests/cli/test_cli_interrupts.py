"""Ctrl-C ends a command with the exit code for it, wherever it comes; never by the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import deqmath
from deqmath.cli import entry

#: What a Ctrl-C does inside an import: it leaves the code of a string, or comes out under another name.
_IN_A_STRING = "exec('signal.raise_signal(signal.SIGINT)', {'signal': signal})"
_RENAMED = """
def renamed():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise ImportError("half imported") from error
renamed()
"""


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As ``python -m`` runs deqmath; ``python -c`` and a script do not look whether a Ctrl-C came."""
    (folder / "program.py").write_text(program)
    search = os.pathsep.join([str(folder), str(Path(deqmath.__file__).parents[1])])
    command = [sys.executable, "-m", "program", "list"]
    environment = {**os.environ, "PYTHONPATH": search}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("work", [_IN_A_STRING, _RENAMED])
def test_inside_an_import(work, tmp_path):
    program = f"""
import signal, sys
from deqmath.cli import entry
entry._dispatch = lambda _: exec({work!r}, {{"signal": signal}})
sys.exit(entry.main())
"""
    done = run(program, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "deqmath: interrupted\n")


def test_sigterm_is_a_ctrl_c(tmp_path):
    """From a batch scheduler; where Ctrl-C waits, so does it."""
    program = """
import signal, sys
from deqmath.cli import entry
from deqmath.numeric.interrupts import CtrlCWaits
def work(_):
    with CtrlCWaits():
        signal.raise_signal(signal.SIGTERM)
        print("waited", flush=True)
    print("went on")
entry._dispatch = work
sys.exit(entry.main())
"""
    done = run(program, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "waited\n", "deqmath: interrupted\n")


def test_after_the_work_it_changes_nothing(tmp_path):
    program = """
import signal, sys
from deqmath.cli import entry
entry._dispatch = lambda _: 3
code = entry.main()
signal.raise_signal(signal.SIGINT)
sys.exit(code)
"""
    done = run(program, tmp_path)
    assert (done.returncode, done.stderr) == (3, "")


def test_the_callers_handler_is_put_back(monkeypatch):
    seen = []
    monkeypatch.setattr(entry, "_dispatch", lambda _: seen.append(signal.getsignal(signal.SIGINT)) or 0)
    entry.main(["list"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler is not seen[0]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        entry.main(["list"])
        assert seen[1] is signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_import_error_without_ctrl_c_is_shown(monkeypatch):
    def broken(_):
        msg = "half imported"
        raise ImportError(msg)

    monkeypatch.setattr(entry, "_dispatch", broken)
    with pytest.raises(ImportError, match="half imported"):
        entry.main(["list"])
