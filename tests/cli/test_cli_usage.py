"""Help, and wrong usage: one clear line, exit 2, nothing written."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

import deqmath as dm
from deqmath.cli.entry import COMMANDS, main


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_the_overview_names_every_command(deqmath, arguments):
    answer = deqmath(*arguments)
    assert (answer.code, answer.err) == (0, "")
    assert all(f"\n  {name} " in answer.out for name in COMMANDS)
    assert max(map(len, answer.out.splitlines())) <= 90


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_of_each_command_describes_every_option(deqmath, name, flag):
    answer = deqmath(name, flag)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: deqmath {name} ")
    module = name.replace("-", "_")
    command = getattr(import_module(f"deqmath.cli.{module}"), f"{module}_command")
    for parameter in inspect.signature(command).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert f"--{parameter.name.replace('_', '-')}" in answer.out
    assert " ".join(COMMANDS[name].split()) in " ".join(answer.out.split())


def test_version(deqmath):
    assert deqmath("--version").out == dm.__version__ + "\n"


def test_help_and_version_import_no_heavy_package():
    heavy = "{'sympy', 'numpy', 'scipy', 'cyclopts', 'rich', 'matplotlib', 'mpmath', 'flint'}"
    code = (
        "import sys; from deqmath.cli import main\n"
        "for a in (['--help'], ['verify', '--help'], ['train', '--help'], ['--version']): main(a)\n"
        f"sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verfy"], "unknown command verfy; did you mean verify?"),
        (["zzz"], "unknown command zzz; there are list, verify"),
        (["--json", "-"], "unknown option --json before a command"),
        (["verify", "--nope"], "Unknown option: --nope"),
        (["verify", "--jobs", "many"], "--jobs"),
        (["verify", "--jobs"], "--jobs requires an argument"),
        (["verify", "--level", "hard"], "--level"),
        (["verify", "--json", "--html", "x"], "--json requires an argument"),
        (["explain"], "requires an argument"),
        (["bound"], "requires an argument"),
        (["bound", "lambda-min"], "--data"),
        (["train", "--width", "512"], "--data"),
        (["list", "--json", "no/such/folder/x.json"], "does not exist"),
        (["doctor", "surplus"], "surplus"),
    ],
)
def test_wrong_usage(refused, arguments, says):
    assert says in refused(*arguments)


def test_traceback_on_request(deqmath, monkeypatch):
    with pytest.raises(dm.InputError):
        main(["verify", "no/such.py", "--traceback"])
    monkeypatch.setenv("DEQMATH_TRACEBACK", "1")
    with pytest.raises(dm.InputError):
        main(["verify", "no/such.py"])
    monkeypatch.setenv("DEQMATH_TRACEBACK", "0")
    assert deqmath("verify", "no/such.py").code == 2
