"""PyTorch: functions of tensors for autograd, ``torch.func`` and ``torch.compile``; dtype and device are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from deqmath.codegen.targets.array_companion import companion, transformations
from deqmath.codegen.targets.array_target import ArrayTarget

_COMPILED = """
OTHER = [[1.0]]


def compiled(function):
    torch.compiler.reset()  # each function is compiled afresh, and none counts as compiled too often
    return torch.compile(function, backend="eager", fullgraph=True)
"""


class TorchTarget(ArrayTarget):
    """Text for PyTorch."""

    name: ClassVar[str] = "torch"
    array: ClassVar[str] = "torch.Tensor"
    package: ClassVar[str] = "torch"
    xp: ClassVar[str] = "torch"
    axis: ClassVar[str] = "dim"
    keepdims: ClassVar[str] = "keepdim"
    concat: ClassVar[str] = "cat"
    diagonal: ClassVar[str] = "torch.diagonal({X}, dim1=-2, dim2=-1)"
    copy: ClassVar[str] = "torch.clone({X})"
    converted: ClassVar[str] = ".to(**kind)"
    reserved: ClassVar[frozenset[str]] = frozenset({"torch", "math", "batch", "sizes", "kind"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "array_helpers", "reshape_helpers", "torch_helpers")
    functions: ClassVar[Mapping[str, str]] = {
        "relu_scalar": "torch.relu",
        "step_scalar": "_step",
        "erf": "torch.erf",
    }
    notes: ClassVar[tuple[str, ...]] = (
        "Every argument may have leading batch axes; they broadcast, and the result has their common shape.",
        (
            "Differentiable by autograd and torch.func. Inside torch.func.vmap and torch.compile shapes, dtypes and "
            "devices are checked, and values are not; a singular matrix then shows as inf or nan."
        ),
    )
    companion: ClassVar[str] = companion(
        setup=_COMPILED,
        make="torch.tensor(values, dtype=torch.float64).reshape(shape)",
        whole="x.to(torch.int64)",
        single="x.to(torch.float32)",
        flat="x.reshape(-1).tolist()",
    ) + transformations(cases="(torch.func.vmap, compiled)", grad="torch.func.grad")

    def imports(self, text: str) -> list[str]:
        standard = ["import math", ""] if "math." in text else []
        return [*standard, "import torch"]
