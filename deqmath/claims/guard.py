"""Running a derivations file's own code: what goes wrong there is recorded, and the rest goes on."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """An exception that left a derivations file: its type, its message, and where it was raised.

    Parameters
    ----------
    type, message
        Of the exception.
    where
        ``file:line`` in the derivations file, or as near to it as the traceback leads.
    trace
        The full traceback, as text.
    counterexample
        Of a :class:`~deqmath.errors.StepRefuted`; None for everything else.
    """

    type: str
    message: str
    where: str
    trace: str = ""
    counterexample: str | None = None

    def __str__(self) -> str:
        text = self.message if self.message.startswith(self.where) else f"{self.where}: {self.type}: {self.message}"
        return " ".join(text.split())


def guarded(call: Callable[[], T], where: str) -> tuple[T | None, Failure | None]:
    """The value of ``call()``, or the failure that kept it from giving one.

    Parameters
    ----------
    call
        Runs code of a derivations file.
    where
        ``file:line`` of what is run: a failure is placed at the line of that file it passed
        through last, or there.

    Notes
    -----
    What the file prints goes to stderr: stdout is kept for the report.
    """
    try:
        with redirect_stdout(sys.stderr):
            return call(), None
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # The one broad handler: the code is the user's, anything may be raised in it (exit
        # included, which must not end the run as a success), and it becomes a verdict.
        return None, _failure(error, where)


def _failure(error: BaseException, where: str) -> Failure:
    from deqmath.errors import StepRefuted

    file = Path(where.rpartition(":")[0])
    if isinstance(error, SyntaxError):
        where = f"{error.filename or file}:{error.lineno or 1}"
        return Failure(type(error).__name__, error.msg, where, traceback.format_exc())
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    where = f"{own[-1].filename}:{own[-1].lineno}" if own else where
    counterexample = error.counterexample if isinstance(error, StepRefuted) else None
    message = str(error) or "no message"
    return Failure(type(error).__name__, message, where, traceback.format_exc(), counterexample)
