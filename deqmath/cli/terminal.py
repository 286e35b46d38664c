"""stdout for data, stderr for progress, and progress only where someone watches."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(*parts: RenderableType) -> None:
    """Print to stdout; nothing in the text is taken for markup or highlighted."""
    from rich.console import Console

    from deqmath.claims.table import print_parts

    class Whole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # the command line has an exit code for it; Rich would exit 1, which means refuted

    print_parts(Whole(highlight=False, markup=False, emoji=False), parts)


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
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
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
