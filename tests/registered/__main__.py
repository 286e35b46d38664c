"""``python -m tests.registered N``, in a clone of the repository: reproduce finding N of docs/findings.md, attack it and draw its picture.

Without N: all of them, in turn. Every module has a function ``main`` that prints its numbers.
"""

from __future__ import annotations

import sys
from importlib import import_module
from time import perf_counter

FINDINGS = {
    1: "half_normal",
    2: "kink_at_the_start",
    3: "long_steps",
    4: "flow_tolerance",
    5: "growth_of_q",
    6: "unbounded_summands",
    7: "vacuous_widths",
    8: "radius_after_samples",
    9: "sliding_flow",
    10: "closed_samples",
    11: "unbounded_loss",
    12: "linear_rate_at_any_width",
}


def main(words: list[str]) -> int:
    """Run the findings that are named, or all."""
    if any(word not in map(str, FINDINGS) for word in words):
        print(f"usage: python -m tests.registered [N ...], N from {min(FINDINGS)} to {max(FINDINGS)}", file=sys.stderr)
        return 2
    for number in map(int, words or FINDINGS):
        start = perf_counter()
        print(f"finding {number}: {FINDINGS[number].replace('_', ' ')}")
        import_module(f"tests.registered.{FINDINGS[number]}").main()
        print(f"({perf_counter() - start:.0f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
