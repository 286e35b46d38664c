"""JAX: pure functions of arrays, for ``jit``, ``grad`` and ``vmap``; float32, or float64 where JAX allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from deqmath.codegen.targets.array_companion import companion
from deqmath.codegen.targets.array_target import ArrayTarget

_TRANSFORMATIONS = """

@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_under_jit_and_vmap(name):
    function, _, samples = FUNCTIONS[name]
    arguments = samples(Draw(0), (3,))
    batched = {k: v for k, v in arguments.items() if not isinstance(v, int)}
    rest = {k: v for k, v in arguments.items() if isinstance(v, int)}
    want = outputs(function(**arguments))
    for transformed in (jax.jit, jax.vmap) if batched else ():
        for got, value in zip(outputs(transformed(lambda **b: function(**b, **rest))(**batched)), want, strict=True):
            assert close(got, value, 1e-9)


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
        slopes = jax.grad(f)(moving)
        got = sum((slopes[k] * tangents[k]).sum() for k in moving)
        ends = [f({k: v + t * tangents[k] for k, v in moving.items()}) for t in (1e-6, -1e-6)]
        assert abs(got - (ends[0] - ends[1]) / 2e-6) <= 1e-5 * (1 + abs(got) + abs(f(moving)))
"""


class JaxTarget(ArrayTarget):
    """Text for JAX."""

    name: ClassVar[str] = "jax"
    array: ClassVar[str] = "jax.Array"
    package: ClassVar[str] = "jax"
    xp: ClassVar[str] = "jnp"
    concat: ClassVar[str] = "concatenate"
    diagonal: ClassVar[str] = "jnp.diagonal({X}, axis1=-2, axis2=-1)"
    copy: ClassVar[str] = "{X}"  # arrays of JAX are never changed
    reserved: ClassVar[frozenset[str]] = frozenset({"jax", "jnp", "math", "batch", "sizes", "kind"})
    helpers: ClassVar[tuple[str, ...]] = ("array_helpers", "jax_helpers")
    functions: ClassVar[Mapping[str, str]] = {
        "relu_scalar": "jax.nn.relu",
        "step_scalar": "_step",
        "erf": "jax.scipy.special.erf",
    }
    notes: ClassVar[tuple[str, ...]] = (
        "Every argument may have leading batch axes; they broadcast, and the result has their common shape.",
        (
            "Works under jax.jit, jax.grad and jax.vmap: there shapes and dtypes are checked, and values are not; "
            "a singular matrix then shows as inf or nan. For float64 set jax_enable_x64."
        ),
    )
    companion: ClassVar[str] = (
        companion(
            setup="""
jax.config.update("jax_enable_x64", True)
OTHER = [[1.0]]
""",
            make="jnp.asarray(values, dtype=jnp.float64).reshape(shape)",
            whole="x.astype(jnp.int64)",
            single="x.astype(jnp.float32)",
            flat="x.reshape(-1).tolist()",
        )
        + _TRANSFORMATIONS
    )

    def imports(self, text: str) -> list[str]:
        standard = ["import math", ""] if "math." in text else []
        return [*standard, "import jax", "import jax.numpy as jnp"]
