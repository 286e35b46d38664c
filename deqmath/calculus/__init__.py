"""Matrix calculus at symbolic dimension: differentials, Jacobians, implicit functions, normal form."""

from deqmath.calculus.differential import differential
from deqmath.calculus.neumann import NeumannSeries, expand_resolvent, neumann
from deqmath.calculus.normal_form import proves_equal, simplified
from deqmath.calculus.rules import junctions, selections, traces, transposes  # noqa: F401 - importing registers the rules

__all__ = ["NeumannSeries", "differential", "expand_resolvent", "neumann", "proves_equal", "simplified"]
