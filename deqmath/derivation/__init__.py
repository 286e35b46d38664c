"""Derivations: what the calculus derives, line by line, each line judged by the checker."""

from deqmath.derivation.derivation import Derivation, Step, rewriting
from deqmath.derivation.verbs import (
    adjoint_gradient,
    gradient,
    implicit_differential,
    implicit_jacobian,
    jacobian,
    well_posedness,
)

__all__ = [
    "Derivation",
    "Step",
    "adjoint_gradient",
    "gradient",
    "implicit_differential",
    "implicit_jacobian",
    "jacobian",
    "rewriting",
    "well_posedness",
]
