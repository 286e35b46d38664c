"""The libraries for which code can be written: one file a target, listed here."""

from __future__ import annotations

from deqmath.codegen.targets.base import Target
from deqmath.codegen.targets.mpmath_target import MpmathTarget
from deqmath.codegen.targets.numpy_target import NumpyTarget
from deqmath.errors import InputError

TARGETS: dict[str, Target] = {t.name: t for t in (NumpyTarget(), MpmathTarget())}


def target_named(name: str) -> Target:
    """The target of that name."""
    if name not in TARGETS:
        msg = f"generate received target={name!r}; the targets are {', '.join(TARGETS)}, as in generate(..., target='numpy')"
        raise InputError(msg)
    return TARGETS[name]
