"""The libraries for which code can be written: one file a target, listed here."""

from __future__ import annotations

from deqmath.codegen.targets.array_api_target import ArrayApiTarget
from deqmath.codegen.targets.base import Target
from deqmath.codegen.targets.cupy_target import CupyTarget
from deqmath.codegen.targets.flint_target import FlintTarget
from deqmath.codegen.targets.jax_target import JaxTarget
from deqmath.codegen.targets.mpmath_target import MpmathTarget
from deqmath.codegen.targets.numpy_target import NumpyTarget
from deqmath.codegen.targets.torch_target import TorchTarget
from deqmath.errors import InputError

_ALL: tuple[Target, ...] = (
    NumpyTarget(),
    ArrayApiTarget(),
    CupyTarget(),
    JaxTarget(),
    TorchTarget(),
    MpmathTarget(),
    FlintTarget(),
)
TARGETS: dict[str, Target] = {t.name: t for t in _ALL}


def target_named(name: str) -> Target:
    """The target of that name."""
    if name not in TARGETS:
        msg = f"generate received target={name!r}; the targets are {', '.join(TARGETS)}, as in generate(..., target='numpy')"
        raise InputError(msg)
    return TARGETS[name]
