"""stdout for data, stderr for progress, and progress only where someone watches."""

from __future__ import annotations

import sys
import threading
import time
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


class Ticking:
    """A :class:`Progress` line with the seconds that have passed, while one long call runs.

    Examples
    --------
    >>> from deqmath.cli.terminal import Ticking
    >>> with Ticking("certifying lambda-min to 50 digits"):
    ...     total = sum(range(10))
    """

    def __init__(self, text: str) -> None:
        self._text, self._progress, self._done = text, Progress(), threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def _tick(self) -> None:
        start = time.monotonic()
        while not self._done.wait(1.0):
            self._progress.say(f"{self._text}: {time.monotonic() - start:.0f} s")

    def __enter__(self) -> Self:
        self._progress.say(self._text)
        if sys.stderr.isatty():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        self._progress.__exit__(kind, error, trace)
