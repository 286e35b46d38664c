"""Expressions of any depth: a network of hundreds of layers written out nests as deep as it is long.

SymPy's own traversals and the rules of the calculus recurse, and Python stops at about a thousand
levels. What stops there is run again on a thread with a large stack.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from deqmath.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")

#: Python levels on the large stack; one node of an expression takes about ten.
LEVELS = 200_000
_STACK_BYTES = 1 << 30  # reserved, not used: pages are taken as the stack grows
_one_at_a_time = threading.RLock()
_on_large_stack = threading.local()


def any_depth(f: Callable[P, R]) -> Callable[P, R]:
    """Decorator: call again with a large stack where Python's recursion limit was met.

    Raises
    ------
    InputError
        The expression nests deeper than the large stack allows.
    """

    @wraps(f)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return f(*args, **kwargs)
        except RecursionError:
            if getattr(_on_large_stack, "here", False):
                raise
        return _with_large_stack(lambda: f(*args, **kwargs), f.__name__)

    return call


def _with_large_stack(run: Callable[[], R], name: str) -> R:
    results: list[R] = []
    errors: list[BaseException] = []

    def target() -> None:
        _on_large_stack.here = True
        try:
            results.append(run())
        except BaseException as e:  # noqa: BLE001 - raised again by the caller's thread
            errors.append(e)

    with _one_at_a_time:
        limit, size = sys.getrecursionlimit(), threading.stack_size(_STACK_BYTES)
        try:
            thread = threading.Thread(target=target, name=f"deqmath {name}")
            sys.setrecursionlimit(max(limit, LEVELS))
            thread.start()
            thread.join()
        finally:
            threading.stack_size(size)
            sys.setrecursionlimit(limit)
    if errors and isinstance(errors[0], RecursionError):
        msg = (
            f"{name} received an expression that nests too deep for {LEVELS} levels of recursion; "
            "name its inner parts by symbols of their own, defined by dm.equation(...)"
        )
        raise InputError(msg) from errors[0]
    if errors:
        raise errors[0]
    return results[0]
