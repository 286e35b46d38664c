"""deqmath: the mathematics of implicit neural networks, derived, checked, generated and certified.

Public names are listed once, here, and imported on first use, so that ``import deqmath`` and
``deqmath --help`` stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> the module that holds it, along the flow of the package.
_HOME: dict[str, str] = {
    **dict.fromkeys(
        (
            "dim",
            "relu",
            "gate",
            "elementwise",
            "diag",
            "vec",
            "kron",
            "hadamard",
            "commutation",
            "column",
            "total",
            "one",
            "direction",
            "blocks",
            "ones",
            "diagonal_of",
            "leaky_relu",
            "softmax_columns",
            "squared_norm",
        ),
        "deqmath.expressions",
    ),
    "smooth": "deqmath.expressions.smooth",
    **dict.fromkeys(("text", "latex", "norm_symbol"), "deqmath.expressions.printing"),
    **dict.fromkeys(
        ("equation", "invertible", "no_kink", "contraction", "nonnegative", "symmetric", "orthogonal", "idempotent"),
        "deqmath.expressions.assumptions",
    ),
    **dict.fromkeys(("differential", "neumann", "expand_resolvent", "proves_equal", "simplified"), "deqmath.calculus"),
    **dict.fromkeys(
        (
            "check_equal",
            "check_derivative",
            "check_implicit_derivative",
            "check_directional_derivative",
            "check_second_derivative",
            "check_inequality",
            "evaluate",
            "Verdict",
            "Evidence",
        ),
        "deqmath.checking",
    ),
    **dict.fromkeys(
        (
            "jacobian",
            "gradient",
            "implicit_jacobian",
            "implicit_differential",
            "adjoint_gradient",
            "well_posedness",
            "rewriting",
            "Derivation",
        ),
        "deqmath.derivation",
    ),
    **dict.fromkeys(("generate", "GeneratedModule"), "deqmath.codegen"),
    **dict.fromkeys(("ReLUNetwork", "SoftmaxNetwork", "gradient_flow", "gradient_descent", "Run"), "deqmath.numeric"),
    **dict.fromkeys(("claim",), "deqmath.claims"),
    **dict.fromkeys(("StepRefuted", "DeqmathError", "InputError", "NotConvergedError"), "deqmath.errors"),
}
_SUBPACKAGES = (
    "bounds",
    "calculus",
    "checking",
    "claims",
    "codegen",
    "data",
    "derivation",
    "errors",
    "expressions",
    "model",
    "numeric",
)

__all__ = [*_HOME, *_SUBPACKAGES]  # noqa: PLE0604 - the names are the keys above


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _SUBPACKAGES:
        return import_module(f"deqmath.{name}")
    msg = f"module 'deqmath' has no attribute {name!r}; it has {', '.join(sorted(_HOME))}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, *_SUBPACKAGES])
