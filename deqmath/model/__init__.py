"""Each network, stated once in symbols: everything else is derived from here."""

from deqmath.model.relu import ReLUModel

__all__ = ["ReLUModel"]
