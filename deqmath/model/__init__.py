"""Each network, stated once in symbols: everything else is derived from here."""

from deqmath.model.relu import ReLUModel
from deqmath.model.softmax import SoftmaxModel

__all__ = ["ReLUModel", "SoftmaxModel"]
