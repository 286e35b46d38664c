"""What long computations tell the caller about their progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, float, float], None]
"""``progress(stage, done, total)``: a stage in words, and how much of it is done. The return value is not used."""
