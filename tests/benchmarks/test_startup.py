"""How long the first answer takes, against ``python -c pass`` and ``import sympy`` on the same machine.

Run with ``pytest -m benchmark``. Timings are not assertions of the normal tests.
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

import pytest

ROUNDS = 7


def fastest(*arguments: str) -> float:
    """Seconds of the fastest of several runs: the one least disturbed by other work."""
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(perf_counter() - start)
    return min(times)


@pytest.mark.benchmark
@pytest.mark.parametrize("arguments", [("--help",), ("verify", "--help"), ("train", "--help")])
def test_help_takes_a_fifth_of_a_second_or_three_bare_starts(arguments):
    bare, shown = fastest("-c", "pass"), fastest("-m", "deqmath", *arguments)
    print(f"\ndeqmath {' '.join(arguments)}: {shown:.3f} s; python -c pass: {bare:.3f} s; ratio {shown / bare:.1f}")
    assert shown < max(0.2, 3 * bare)


@pytest.mark.benchmark
def test_importing_deqmath_takes_at_most_half_more_than_importing_sympy():
    rival, own = fastest("-c", "import sympy"), fastest("-c", "import deqmath")
    print(f"\nimport deqmath: {own:.3f} s; import sympy: {rival:.3f} s; ratio {own / rival:.2f}")
    assert own <= 1.5 * rival
