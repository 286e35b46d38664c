"""PyTorch: functions of tensors for autograd, ``torch.func`` and ``torch.compile``; dtype and device are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from deqmath.codegen.targets.array_companion import companion
from deqmath.codegen.targets.array_target import ArrayTarget

_TRANSFORMATIONS = """

@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_under_vmap(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(Draw(0), (3,))
    batched = {k: v for k, v in arguments.items() if not isinstance(v, int)}
    rest = {k: v for k, v in arguments.items() if isinstance(v, int)}
    want = outputs(function(**arguments))
    if batched:
        got = torch.func.vmap(lambda b: function(**b, **rest))(batched)
        for x, value in zip(outputs(got), want, strict=True):
            assert close(x, value, 1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_automatic_derivatives_are_those_of_finite_differences(name):
    function, _, samples = FUNCTIONS[name]
    arguments, other = samples(Draw(1), ()), samples(Draw(2), ())
    moving = {k: v for k, v in arguments.items() if not isinstance(v, int)}
    rest = {k: v for k, v in arguments.items() if isinstance(v, int)}
    tangents = {k: other[k] - v for k, v in moving.items()}

    def f(values):
        return sum(x.sum() for x in outputs(function(**values, **rest)))

    if moving:
        slopes = torch.func.grad(f)(moving)
        got = sum((slopes[k] * tangents[k]).sum() for k in moving)
        ends = [f({k: v + t * tangents[k] for k, v in moving.items()}) for t in (1e-6, -1e-6)]
        assert abs(got - (ends[0] - ends[1]) / 2e-6) <= 1e-5 * (1 + abs(got) + abs(f(moving)))
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
    helpers: ClassVar[tuple[str, ...]] = ("array_helpers", "torch_helpers")
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
    companion: ClassVar[str] = (
        companion(
            setup="OTHER = [[1.0]]",
            make="torch.tensor(values, dtype=torch.float64).reshape(shape)",
            whole="x.to(torch.int64)",
            single="x.to(torch.float32)",
            flat="x.reshape(-1).tolist()",
        )
        + _TRANSFORMATIONS
    )

    def imports(self, text: str) -> list[str]:
        standard = ["import math", ""] if "math." in text else []
        return [*standard, "import torch"]
