"""Strategies for the fixed-point problem, one file each."""

from deqmath.numeric.strategies.automatic import Automatic
from deqmath.numeric.strategies.mixed import MixedPrecision
from deqmath.numeric.strategies.picard import Picard

__all__ = ["Automatic", "MixedPrecision", "Picard"]
