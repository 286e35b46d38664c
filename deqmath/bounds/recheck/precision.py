"""python-flint's precision: one for the whole process, so it is held behind one lock and put back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flint

MOST_BITS = 2**16
_LOCK = threading.RLock()


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute balls at ``bits`` bits; no other thread can change that meanwhile."""
    with _LOCK:
        before = flint.ctx.prec
        flint.ctx.prec = bits
        try:
            yield
        finally:
            flint.ctx.prec = before


def precisions(first: int = 128) -> Iterator[int]:
    """``first`` bits, doubled until `MOST_BITS`."""
    bits = first
    while bits <= MOST_BITS:
        yield bits
        bits *= 2
