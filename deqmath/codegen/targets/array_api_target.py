"""The pure Array API standard: any conforming library, the one of the arguments, with their dtype and device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from deqmath.codegen.arguments import Signature
from deqmath.codegen.targets.array_companion import companion
from deqmath.codegen.targets.array_target import ArrayTarget


class ArrayApiTarget(ArrayTarget):
    """Text that uses nothing outside the Array API standard (2022.12 and later)."""

    name: ClassVar[str] = "array-api"
    array: ClassVar[str] = "array"
    xp: ClassVar[str] = "xp"
    reserved: ClassVar[frozenset[str]] = frozenset({"xp", "math", "batch", "sizes", "kind"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "array_helpers", "array_api_helpers")
    #: The standard has no solve from factors.
    without: ClassVar[frozenset[str]] = frozenset({"factor_once", "cholesky", "triangular"})
    copy: ClassVar[str] = "{xp}.asarray({X}, copy=True)"
    functions: ClassVar[Mapping[str, str]] = {"relu_scalar": "_relu", "step_scalar": "_step"}
    notes: ClassVar[tuple[str, ...]] = (
        "The result is an array of the library of the arguments, on their device and of their dtype.",
        "Every argument may have leading batch axes; they broadcast, and the result has their common shape.",
    )
    companion: ClassVar[str] = companion(
        setup="""
xp = pytest.importorskip("array_api_strict") if importlib.util.find_spec("array_api_strict") else numpy
OTHER = [[1.0]]
""",
        make="xp.reshape(xp.asarray(values, dtype=xp.float64), shape)",
        whole="xp.reshape(xp.astype(x, xp.int64), x.shape)",
        single="xp.astype(x, xp.float32)",
        flat="[float(flat[k]) for flat in [xp.reshape(x, (-1,))] for k in range(flat.shape[0])]",
    )
    test_imports: ClassVar[tuple[str, ...]] = ("import importlib.util", "import numpy")

    def keyword_only(self, sig: Signature) -> str:
        return "" if sig.of_kind("matrix") else "xp=None"

    def library_line(self, given: str, has_matrices: bool) -> str:
        return f"xp, kind = _library({'None' if has_matrices else 'xp'}, {given})".replace(", )", ")")

    def kind_arguments(self) -> str:
        return "xp, kind"

    def imports(self, text: str) -> list[str]:
        return ["import math"] if "math." in text else []

    def finished(self, text: str) -> str:
        return text.replace(" = P L U, S the open rows", ", S the open rows")  # kept as it is: the standard has no LU

    def in_test(self, function: str, sig: Signature) -> str:
        return function if sig.of_kind("matrix") else f"lambda **given: {function}(**given, xp=xp)"
