"""Data sets that need no network, the user's own files, and what the theory asks of them."""

from deqmath.data.angles import SmallestAngle, duplicate_rows, smallest_angle
from deqmath.data.loading import Dataset, load

#: The name under which `deqmath` exports :func:`load`.
load_data = load

__all__ = ["Dataset", "SmallestAngle", "duplicate_rows", "load", "load_data", "smallest_angle"]
