"""CuPy: the text of NumPy with CuPy's names, and CuPy's own helpers where the two libraries differ."""

from __future__ import annotations

import re
from typing import ClassVar

from deqmath.codegen.targets.numpy_target import NumpyTarget
from deqmath.codegen.targets.numpy_text import numpy_companion

#: How NumPy's text becomes CuPy's; ``.mT`` is newer than the oldest CuPy in use, and ``_lu`` keeps the matrix, from which
#: cupy.linalg.solve solves a batch of right-hand sides.
_SPELLED = (
    (r"\bimport numpy as np\b", "import cupy as cp"),
    (r"\bimport scipy\.(linalg|special)\b", r"import cupyx.scipy.\1"),
    (r"(?<!\.)\bscipy\.(linalg|special)\b", r"cupyx.scipy.\1"),
    (r"\bnp\.", "cp."),
    (r"\bxp = np\b", "xp = cp"),
    (r"\bnumpy\.(ndarray|asarray)\b", r"cupy.\1"),
    (r"\.mT\b", ".swapaxes(-1, -2)"),
    (r"\bNumPy\b", "CuPy"),
    (r"(\b_lu\(.*), in_place=True\)", r"\1)"),
)


class CupyTarget(NumpyTarget):
    """Text for CuPy, with the factorisations of cupyx."""

    name: ClassVar[str] = "cupy"
    array: ClassVar[str] = "cupy.ndarray"
    package: ClassVar[str] = "cuda"
    reserved: ClassVar[frozenset[str]] = frozenset({"cp", "np", "cupyx", "scipy", "batch", "sizes"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "reshape_helpers", "numpy_helpers", "cupy_helpers")
    #: These call LAPACK, or look at single numbers, which the device would wait for.
    without: ClassVar[frozenset[str]] = frozenset(
        {"active", "certify", "cholesky", "contraction", "gemv", "triangular", "woodbury"}
    )
    uses_facts: ClassVar[bool] = False
    companion: ClassVar[str] = numpy_companion("OTHER = {1.0}", "np.reshape(np.asarray(values, dtype=float), shape)")
    notes: ClassVar[tuple[str, ...]] = (
        "Every argument may have leading batch axes; they broadcast, and the result has their common shape.",
        "float32 stays float32. The arguments are not changed. Checking that numbers are finite waits for the device.",
    )

    def imports(self, text: str) -> list[str]:
        return [_respelled(line) for line in super().imports(text)]

    def finished(self, text: str) -> str:
        return "\n".join(line for long in text.split("\n") for line in _broken(_respelled(long)))


def _respelled(text: str) -> str:
    for pattern, replacement in _SPELLED:
        text = re.sub(pattern, replacement, text)
    return text


def _broken(line: str) -> list[str]:
    """A line that became too long, with its comment above it."""
    code, mark, comment = line.partition("  # ")
    if len(line) <= 118 or not mark:
        return [line]
    return [f"{code[: len(code) - len(code.lstrip())]}# {comment}", code]
