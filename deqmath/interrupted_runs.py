"""What a Ctrl-C during a training run is to the code that asked for the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

_RAISED: ContextVar[bool] = ContextVar("runs_raise_ctrl_c", default=False)


class _Ended(Protocol):
    """A run that knows how it ended."""

    @property
    def status(self) -> str: ...

    @property
    def message(self) -> str: ...


_Run = TypeVar("_Run", bound=_Ended)


@contextmanager
def runs_raise_ctrl_c() -> Iterator[None]:
    """Inside, a run that a Ctrl-C has ended is not returned: KeyboardInterrupt goes on, once its checkpoint is written.

    For code that draws conclusions from whole runs, such as claims: half a run must not become a verdict.
    """
    before = _RAISED.set(True)
    try:
        yield
    finally:
        _RAISED.reset(before)


def delivered(run: _Run) -> _Run:
    """The run, as the caller gets it: what is done is kept after a Ctrl-C, outside :func:`runs_raise_ctrl_c`.

    Raises
    ------
    KeyboardInterrupt
        The run was interrupted, and this is inside.
    """
    if run.status == "interrupted" and _RAISED.get():
        raise KeyboardInterrupt(run.message)
    return run
