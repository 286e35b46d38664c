"""From the arguments to an exit code: finding the command, and saying what went wrong in one line.

Only the command that was asked for is imported, and the overview needs no other package, so
that ``deqmath --help`` answers at once.
"""

from __future__ import annotations

import errno
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, get_args

from deqmath.cli.ctrl_c import CtrlCIsRaised
from deqmath.errors import DeqmathError, MissingBackendError, StepRefuted, UndecidedError

#: Exit codes, as the contract fixes them (128 + 13 is what shells report for a closed pipe).
OK, REFUTED, USAGE, UNDECIDED, MISSING_BACKEND, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 3, 4, 130, 141

#: Command -> what it does; the function of the same name (with _ for -) is in the module of the same name.
COMMANDS = {
    "list": "List the claims: id, source, equation, statement.",
    "verify": "Gather the evidence for claims, and show it in a table.",
    "explain": "Show a derivation line by line, with the reason for each line.",
    "export": "Write a claim's expressions as a module of code that stands alone.",
    "bound": "Certified bounds on data: digits that are proved, not estimated.",
    "check-certificate": "Prove a bound's certificate again, by other mathematics.",
    "train": "Train a network while measuring what the theorem promises.",
    "reproduce": "Recompute tables and figures on data, from stored seeds.",
    "doctor": "Show versions, BLAS, threads, GPU and optional backends.",
}

_OVERVIEW = """\
Usage: deqmath COMMAND [ARGUMENTS] [OPTIONS]

The mathematics of implicit neural networks: derived, checked, generated, certified.

Commands:
{commands}

Options:
  -h, --help     Show this; after a command, its arguments and options.
  --version      Show the version.
  --traceback    After an error, show where in the code it arose.

Exit codes: 0 all as expected, 1 something is refuted (or not, where that was expected),
2 wrong usage or unreadable input, 3 undecided, 4 an optional package is missing,
130 interrupted.

Start with: deqmath verify
"""


#: What writing to stdout may meet: a full disk, a limit on the size of files, a stdout for reading only, a broken disk.
_UNWRITABLE = (errno.ENOSPC, errno.EFBIG, errno.EBADF, errno.EIO)
_PLACES = "needed a terminal, a pipe or a file for it, as in: deqmath list > claims.txt"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        The arguments after the program's name; those of the process if not given.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    show_trace = _take_flag(arguments, "--traceback") or os.environ.get("DEQMATH_TRACEBACK", "") not in ("", "0")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without ⊗ shows its code, not a crash
    with CtrlCIsRaised() as ctrl_c:
        code = _answer(arguments, ctrl_c, show_trace)
        if argv is None:
            ctrl_c.is_too_late()
    return code


def _answer(arguments: list[str], ctrl_c: CtrlCIsRaised, show_trace: bool) -> int:
    if sys.stdout is None:  # the shell's >&-; the next file to be opened would be taken for stdout
        print(f"deqmath: error: stdout is closed; {_PLACES}", file=sys.stderr)
        return USAGE
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _interrupted()
    except (ImportError, SystemError):
        if not ctrl_c.came:
            raise
        return _interrupted()  # by a Ctrl-C in the middle of an import, which the imported package has renamed
    except BrokenPipeError:
        # The reader left (as with | head). Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except (DeqmathError, ValueError, OSError, MemoryError) as error:
        if show_trace:
            raise
        print(f"deqmath: error: {_one_line(error)}", file=sys.stderr)
        return _code_of(error)
    return code


def _interrupted() -> int:
    print("deqmath: interrupted", file=sys.stderr)
    return INTERRUPTED


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return OK
    if arguments[0] == "--version":
        import deqmath

        print(deqmath.__version__)
        return OK
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"deqmath: error: {_unknown(name)}", file=sys.stderr)
        return USAGE
    command: Callable[..., int | None] = getattr(
        import_module(f"deqmath.cli.{_module(name)}"), f"{_module(name)}_command"
    )
    options = rest[: rest.index("--")] if "--" in rest else rest
    if "-h" in options or "--help" in options:
        from deqmath.cli.help import command_help

        sys.stdout.write(command_help(name, command))
        return OK
    return _parse_and_call(name, command, rest)


def _module(name: str) -> str:
    return name.replace("-", "_")


def _parse_and_call(name: str, command: Callable[..., int | None], arguments: list[str]) -> int:
    from cyclopts import App, CycloptsError, Parameter

    plain = Parameter(negative=(), converter=_converted)
    app = App(name=f"deqmath {name}", version_flags=(), default_parameter=plain)
    app.default(command)
    try:
        call, bound, _ = app.parse_args(list(_spelt_out(arguments)), exit_on_error=False, print_error=False)
    except (CycloptsError, _NotAnIntegerError) as error:
        print(f"deqmath: error: {_one_line(error).rstrip('.')} (see: deqmath {name} --help)", file=sys.stderr)
        return USAGE
    return call(*bound.args, **bound.kwargs) or OK


class _NotAnIntegerError(Exception):
    """Not a ValueError: of those cyclopts makes errors of its own, which leave out the name of an option of several."""


def _converted(kind: Any, tokens: Sequence[Any]) -> Any:
    """Values of an option by its type; cyclopts alone would round 1.9 to the integer 2."""
    from cyclopts import convert

    if int in (kind, *get_args(kind)):
        for token in tokens:
            if not _is_integer(token.value):
                msg = (
                    f"{token.keyword} received {token.value!r}; needed an integer, such as {_integer_near(token.value)}"
                )
                raise _NotAnIntegerError(msg)
    return convert(kind, tokens)


def _is_integer(text: str) -> bool:
    for base in (10, 0):  # 0: also 0x1f, as Python writes it
        with suppress(ValueError):
            int(text, base)
            return True
    return False


def _integer_near(text: str) -> int:
    with suppress(ValueError, OverflowError):
        return math.ceil(float(text))
    return 1


def _spelt_out(arguments: Sequence[str]) -> Iterator[str]:
    """``-o FILE`` as ``--output FILE``, and ``--json -`` as ``--json=-`` (a lone dash reads as an option)."""
    waiting: str | None = None
    for i, argument in enumerate(arguments):
        if argument == "--":
            yield from ([waiting] if waiting else [])
            yield from arguments[i:]
            return
        if waiting is not None:
            yield f"{waiting}=-" if argument == "-" else waiting
            waiting = None
            if argument == "-":
                continue
        if argument == "-o":
            argument = "--output"
        if argument.startswith("--") and "=" not in argument:
            waiting = argument
        else:
            yield argument
    yield from ([waiting] if waiting else [])


def overview() -> str:
    """The text of ``deqmath --help``."""
    return _OVERVIEW.format(commands="\n".join(f"  {name:<19}{text}" for name, text in COMMANDS.items()))


def _unknown(name: str) -> str:
    if name.startswith("-"):
        return f"unknown option {name} before a command (see: deqmath --help)"
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
    return f"unknown command {name}; {hint} (see: deqmath --help)"


def _take_flag(arguments: list[str], flag: str) -> bool:
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if flag not in before:
        return False
    arguments.remove(flag)
    return True


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return f"not enough memory ({text or 'no details'}); try a smaller --width or --samples"
    if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None:
        # Files are written by deqmath.writing, which names them, and an error of opening one names it.
        return f"stdout could not be written ({error.strerror}); {_PLACES}"
    return text or type(error).__name__


def _code_of(error: BaseException) -> int:
    codes = {MissingBackendError: MISSING_BACKEND, StepRefuted: REFUTED, UndecidedError: UNDECIDED}
    return next((code for kind, code in codes.items() if isinstance(error, kind)), USAGE)
