"""What the benchmarks of the bounds share: times taken in turns, and one line a row of the table in docs/speed.md."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest


def turns(ours: Callable[[], object], rival: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The least time of each over the rounds, taken in turns in one process."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for k, action in enumerate((ours, rival)):
            start = time.perf_counter()
            action()
            best[k] = min(best[k], time.perf_counter() - start)
    return best[0], best[1]


def row(
    capsys: pytest.CaptureFixture[str],
    what: str,
    rival: str,
    times: tuple[float, float],
    target: float,
    faster: bool = False,
) -> None:
    """Print ``what | ours | rival | ratio | target | threads`` and hold the ratio to its target.

    ``faster``: the ratio is how many times faster we are, at least the target; otherwise ours over the rival's.
    """
    mine, other = times
    ratio = other / mine if faster else mine / other
    sign = ">=" if faster else "<="
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    with capsys.disabled():
        print(f"\n| {what} | {mine:.3g} s | {rival}, {other:.3g} s | {ratio:.3g} x | {sign} {target} x | {threads} |")
    assert ratio >= target if faster else ratio <= target


def figure(capsys: pytest.CaptureFixture[str], what: str, measured: float, unit: str, target: float) -> None:
    """Print a row for a figure without a rival and hold it to its target."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    with capsys.disabled():
        print(f"\n| {what} | {measured:.3g} {unit} | - | - | <= {target} {unit} | {threads} |")
    assert measured <= target
