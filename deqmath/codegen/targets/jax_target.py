"""JAX: pure functions of arrays, for ``jit``, ``grad`` and ``vmap``; float32, or float64 where JAX allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from deqmath.codegen.targets.array_companion import companion, transformations
from deqmath.codegen.targets.array_target import ArrayTarget


class JaxTarget(ArrayTarget):
    """Text for JAX."""

    name: ClassVar[str] = "jax"
    array: ClassVar[str] = "jax.Array"
    package: ClassVar[str] = "jax"
    xp: ClassVar[str] = "jnp"
    concat: ClassVar[str] = "concatenate"
    diagonal: ClassVar[str] = "jnp.diagonal({X}, axis1=-2, axis2=-1)"
    #: The open rows of a gate are a shape that depends on values, which a trace does not have.
    without: ClassVar[frozenset[str]] = frozenset({"active"})
    copy: ClassVar[str] = "{X}"  # arrays of JAX are never changed
    reserved: ClassVar[frozenset[str]] = frozenset({"jax", "jnp", "math", "batch", "sizes", "kind"})
    helpers: ClassVar[tuple[str, ...]] = ("integer_helpers", "array_helpers", "reshape_helpers", "jax_helpers")
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
    companion: ClassVar[str] = companion(
        setup="""
jax.config.update("jax_enable_x64", True)
OTHER = [[1.0]]
""",
        make="jnp.asarray(values, dtype=jnp.float64).reshape(shape)",
        whole="x.astype(jnp.int64)",
        single="x.astype(jnp.float32)",
        flat="x.reshape(-1).tolist()",
    ) + transformations(cases="(jax.jit, jax.vmap)", grad="jax.grad")

    def imports(self, text: str) -> list[str]:
        standard = ["import math", ""] if "math." in text else []
        return [*standard, "import jax", "import jax.numpy as jnp"]
