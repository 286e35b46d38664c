"""Strategies for the fixed-point problem, one file each."""

from deqmath.numeric.strategies.anderson import Anderson
from deqmath.numeric.strategies.automatic import Automatic
from deqmath.numeric.strategies.mixed import MixedPrecision
from deqmath.numeric.strategies.neumann import Neumann
from deqmath.numeric.strategies.newton import ActiveSet
from deqmath.numeric.strategies.picard import Picard

__all__ = ["ActiveSet", "Anderson", "Automatic", "MixedPrecision", "Neumann", "Picard"]
