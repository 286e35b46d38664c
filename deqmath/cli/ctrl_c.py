"""What Ctrl-C does to a command: it always ends with the exit code for it, wherever it was."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self


class CtrlC(KeyboardInterrupt):
    """A KeyboardInterrupt to everyone who catches one, and not to Python itself.

    Python remembers every KeyboardInterrupt that left the code of a string (``exec``, and many an import runs some),
    and under ``python -m`` ends by the signal for it, whatever exit code the program gives after it has dealt with it.
    """


class CtrlCIsRaised:
    """Inside ``with CtrlCIsRaised()`` a Ctrl-C raises :class:`CtrlC`, and SIGTERM, from a batch scheduler, is one.

    Only where Python's own handler stood: a Ctrl-C that is ignored, or handled by a caller, stays so.

    Attributes
    ----------
    came
        Whether it has come.

    Examples
    --------
    >>> import signal
    >>> from deqmath.cli.ctrl_c import CtrlCIsRaised
    >>> with CtrlCIsRaised() as ctrl_c:
    ...     try:
    ...         signal.raise_signal(signal.SIGINT)
    ...     except KeyboardInterrupt:
    ...         print(ctrl_c.came)
    True
    """

    def __init__(self) -> None:
        self.came = False
        self._after: Any = None
        self._ended: Any = None

    def __enter__(self) -> Self:
        """Install the handler."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._after = signal.default_int_handler
            signal.signal(signal.SIGINT, self._raise)
            self._ended = signal.getsignal(signal.SIGTERM)
            if self._ended is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, _as_ctrl_c)
        return self

    def _raise(self, number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        self.came = True
        raise CtrlC

    def is_too_late(self) -> None:
        """From here on, to the end of the process, it is ignored: the work is done and the exit code fixed."""
        if self._after is not None:
            self._after = signal.SIG_IGN
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put back what was there."""
        if self._after is not None:
            signal.signal(signal.SIGINT, self._after)
            signal.signal(signal.SIGTERM, self._ended)


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """To whoever handles Ctrl-C now: where it waits, so does this."""
    del number, frame
    signal.raise_signal(signal.SIGINT)
