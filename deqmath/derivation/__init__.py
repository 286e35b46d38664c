"""Derivations: what the calculus derives, line by line, each line judged by the checker."""

from deqmath.derivation.derivation import Derivation, Step
from deqmath.derivation.verbs import gradient, implicit_differential, implicit_jacobian, jacobian

__all__ = ["Derivation", "Step", "gradient", "implicit_differential", "implicit_jacobian", "jacobian"]
