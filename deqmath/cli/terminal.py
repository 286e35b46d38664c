"""stdout for data, stderr for progress, and progress only where someone watches.

A result is shown before it is written to files, so that a place that cannot be written does not lose it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Column, Table

#: Exit codes that matter more than a file that could not be written: something is refuted, and interrupted.
_KEPT = (1, 130)
#: Nothing is laid out narrower than this; a terminal that is narrower breaks the lines itself.
_LEAST_COLUMNS = 20


def show(*parts: RenderableType) -> None:
    """Print to stdout; nothing in the text is taken for markup or highlighted.

    Nothing is cut: long words are folded, and where a table is too wide its rows stand one below the other.
    """
    from rich.console import Console
    from rich.table import Table

    from deqmath.claims.table import print_parts

    class Whole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # the command line has an exit code for it; Rich would exit 1, which means refuted

    console = Whole(highlight=False, markup=False, emoji=False, width=_columns())
    console.width = max(console.width, _LEAST_COLUMNS)
    print_parts(console, [_fitted(console, part) if isinstance(part, Table) else part for part in parts])


def _columns() -> int | None:
    """The width where COLUMNS=0 says that it is unknown; None where Rich finds it."""
    told = os.environ.get("COLUMNS", "")
    return shutil.get_terminal_size().columns if told.isdecimal() and int(told) == 0 else None


def _fitted(console: Console, table: Table) -> RenderableType:
    """The table, folding what is too long; or its rows as lists, where that would leave no room for the ids."""
    for column in table.columns:
        column.overflow = "fold"
    needed = sum(_needed(console, column) + 2 for column in table.columns)  # 2 for what is between two columns
    return table if not table.show_header or needed <= console.width else _as_lists(table)


def _needed(console: Console, column: Column) -> int:
    """The width of the column; of one that takes what is left, that of the first words, which are ids or names."""
    from rich.measure import Measurement
    from rich.text import Text

    cells = [Text(str(cell).partition(" ")[0]) if column.ratio else cell for cell in column.cells]
    return max((Measurement.get(console, console.options, cell).maximum for cell in (column.header, *cells)), default=0)


def _as_lists(table: Table) -> RenderableType:
    """Each row as its first cell, and below it the others, each after the name of its column."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    first, *others = table.columns
    parts: list[Any] = [Text(str(first.header), "dim")]
    for head, *cells in zip(*(column.cells for column in table.columns), strict=True):
        parts.append(head)
        for column, cell in zip(others, cells, strict=True):
            line = Text.assemble((f"{column.header}: ", "dim"), Text(", ").join(cell.split()))
            parts.append(Padding(line, (0, 0, 0, 2)))
    return Group(*parts)


def check_outputs(targets: Mapping[str, Path | None]) -> None:
    """Refuse an output that cannot be written, and two for one place, before any work is done.

    Parameters
    ----------
    targets
        Option -> where its output is to go; None where nothing was asked for.

    Raises
    ------
    InputError
        As :func:`deqmath.claims.write.check_target`; or two go to stdout, or to one file.
    """
    from deqmath.claims.write import check_target
    from deqmath.errors import InputError

    for option, target in targets.items():
        check_target(target, option)
    given = [(option, target) for option, target in targets.items() if target is not None]
    for (one, first), (other, second) in combinations(given, 2):
        if str(first) == str(second) == "-":
            *some, last = targets
            msg = f"only one of {', '.join(some)} and {last} can go to stdout; give the others a file name"
            raise InputError(msg)
        if "-" not in (str(first), str(second)) and _one_file(first, second):
            msg = f"{one} {first} and {other} {second} are one file, and one would replace the other; give two names"
            raise InputError(msg)


def _one_file(first: Path, second: Path) -> bool:
    """Whether both are the same file, or will be; a device such as /dev/null takes any number of outputs."""
    return first.resolve() == second.resolve() and (first.is_file() or not first.exists())


def deliver(tell: Callable[[], object], writes: Sequence[Callable[[], object]], code: int = 0) -> int:
    """Show a result, then write each of its outputs, whatever becomes of the others; the exit code.

    Parameters
    ----------
    tell
        Prints the result.
    writes
        Each writes one output.
    code
        The exit code of the result. 1 and 130 stay: what could not be written is then said on stderr only.

    Raises
    ------
    DeqmathError, ValueError, OSError, MemoryError
        The first error, once all is done; any others are said on stderr.
    """

    def told() -> None:
        tell()
        sys.stdout.flush()

    unseen = _error_of(told)
    errors = [error for error in map(_error_of, writes) if error is not None]
    closed = next((error for error in errors if isinstance(error, BrokenPipeError)), None)
    raised = unseen or closed or (errors[0] if errors and code not in _KEPT else None)
    for error in errors:
        if error is not raised:
            note(f"deqmath: error: {' '.join(str(error).split()) or type(error).__name__}")
    if raised is not None:
        raise raised
    return code


def _error_of(call: Callable[[], object]) -> Exception | None:
    from deqmath.errors import DeqmathError

    try:
        call()
    except (DeqmathError, ValueError, OSError, MemoryError) as error:
        return error
    return None


def note(text: str) -> None:
    """One line of message, on stderr."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A line on stderr that is overwritten, and wiped at the end; silent if stderr is not a terminal.

    Examples
    --------
    >>> from deqmath.cli.terminal import Progress
    >>> with Progress() as progress:
    ...     progress.say("1 of 9: gg22.eq6")
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """Replace the line."""
        if self._live:
            sys.stderr.write(f"\r\x1b[2K{text[:78]}")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


class Stages:
    """A progress bar on stderr that names the stage a long call has reached; silent if stderr is not a terminal.

    The stages are told by :func:`deqmath.stages.stage`; one whose length nobody knows shows a moving bar.

    Examples
    --------
    >>> from deqmath.cli.terminal import Stages
    >>> with Stages("certifying lambda-min"):
    ...     total = sum(range(10))
    """

    def __init__(self, text: str) -> None:
        self._text, self._live = text, sys.stderr.isatty()

    def __enter__(self) -> Self:
        if not self._live:
            return self
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        from deqmath.stages import listening

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True, width=_columns()), transient=True)
        self._task = self._bar.add_task(self._text, total=None)
        self._bar.start()
        self._listening = listening(self._hear)
        self._listening.__enter__()
        return self

    def _hear(self, name: str, done: float, total: float) -> None:
        text = f"{self._text}: {name}"
        self._bar.update(self._task, description=text[:60], completed=done, total=total or None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._listening.__exit__(kind, error, trace)
            self._bar.stop()
