"""The times at which a flow is recorded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError
from deqmath.numeric.validate import count


def record_times(record: int | Iterable[float] | None, end: float) -> NDArray[np.float64] | None:
    """The times to record, from 0 to `end`; None for every accepted step."""
    if record is None:
        return None
    if isinstance(record, (bool, int, np.integer)):
        return np.linspace(0.0, end, count(record, "record") + 1)
    times = np.asarray(record if isinstance(record, np.ndarray) else list(record), dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
        msg = (
            "record needs an integer or strictly increasing finite times, for example record=np.linspace(0, t_end, 11)"
        )
        raise InputError(msg)
    if times.size and (times[0] < 0 or times[-1] > end):
        msg = f"record holds times from {times[0]} to {times[-1]}; they must lie in [0, t_end] = [0, {end}]"
        raise InputError(msg)
    return np.unique(np.concatenate([[0.0], times, [end]]))
