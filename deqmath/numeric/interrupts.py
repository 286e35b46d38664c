"""Ctrl-C between two assignments would leave half a record: here it waits until they are done."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class CtrlCWaits:
    """Inside ``with CtrlCWaits()`` a Ctrl-C is only noted; it takes effect when the block has ended.

    Signals reach the main thread alone, so in any other there is nothing to do; and where Ctrl-C is ignored, or ends
    the process at once, it stays so.

    Attributes
    ----------
    came
        Whether it has come. Setting it to False takes it as dealt with.

    Examples
    --------
    >>> import signal
    >>> from deqmath.numeric.interrupts import CtrlCWaits
    >>> with CtrlCWaits() as waiting:
    ...     signal.raise_signal(signal.SIGINT)
    ...     came, waiting.came = waiting.came, False
    >>> came
    True
    """

    def __init__(self) -> None:
        self.came = False
        self._before: Any = None

    def __enter__(self) -> Self:
        """Install a handler that only notes."""
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._before = handler
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.came = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the handler back, and let it have what came."""
        if self._before is None:
            return
        signal.signal(signal.SIGINT, self._before)
        if self.came:
            self._before(signal.SIGINT, None)
