"""Matrix calculus at symbolic dimension: differentials, Jacobians, implicit functions, normal form."""

from deqmath.calculus.rules import junctions, transposes  # noqa: F401 - importing registers the rules
