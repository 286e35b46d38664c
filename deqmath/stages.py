"""Where a long computation stands, told to whoever listens; nothing happens where nobody does.

Examples
--------
>>> from deqmath.stages import listening, stage
>>> said = []
>>> with listening(lambda name, done, total: said.append((name, done, total))):
...     stage("equilibria", 1, 2)
>>> said
[('equilibria', 1, 2)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, float, float], None]
_listener: ContextVar[Listener | None] = ContextVar("deqmath_stage_listener", default=None)


def stage(name: str, done: float = 0, total: float = 0) -> None:
    """Say that ``done`` of ``total`` steps of the stage are behind; ``total = 0`` where nobody can know."""
    listener = _listener.get()
    if listener is not None:
        listener(name, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear every :func:`stage` of this thread (or task) while the block runs."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
